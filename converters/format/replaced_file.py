"""Replacing a file at once: it has its old content or its new one, never half.

Whoever replaces a file holds a lock on the temporary file as long as they live, so that
what a killed process left behind is told from what another one is writing.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import stat
from collections.abc import Iterator
from typing import BinaryIO

from ..errors import CheckpointError

try:
    import fcntl
except ImportError:  # where there are no such locks, nothing waits and nothing cleans
    fcntl = None  # type: ignore[assignment]

__all__ = ["check_path", "locked", "new_folder", "replace_file"]

_TEMPORARY = re.compile(r".+\.tmp-(?:[0-9a-f]{12}|lock)", re.DOTALL)
# What a file system says that has no locks.
_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL, errno.EBADF}


@contextlib.contextmanager
def replace_file(path: str, like: str | None = None) -> Iterator[BinaryIO]:
    """Opens a temporary file that takes the place of `path` when the block ends well.

    Its bytes are on the disk before it does, and the folder's entry after. If the
    block raises, `path` is as it was and the temporary file is gone. A file that was
    there gives its mode to the new one; of a link, the target is replaced.

    Args:
      path: the file to replace or create.
      like: the file whose mode to take, `path` itself by default.

    Raises:
      CheckpointError: no file can have this path, or it is a folder, a pipe, a device.

    Example:
      >>> import pathlib, tempfile
      >>> path = tempfile.mkdtemp() + "/note"
      >>> with replace_file(path) as file:
      ...     _ = file.write(b"done")
      ...     os.path.exists(path)
      False
      >>> pathlib.Path(path).read_text()
      'done'
    """
    check_path(path)
    path = os.path.realpath(path)
    folder = os.path.dirname(path)
    if os.path.exists(path) and not os.path.isfile(path):
        raise CheckpointError("is there and no regular file", path=path)
    _remove_leftovers(folder)
    file = _new_file(path)
    try:
        with file:
            with contextlib.suppress(FileNotFoundError):
                mode = os.stat(path if like is None else like).st_mode
                os.chmod(file.name, stat.S_IMODE(mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
            os.replace(file.name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.remove(file.name)
        raise
    _sync_folder(folder)


@contextlib.contextmanager
def new_folder(path: str) -> Iterator[str]:
    """Gives a place to make a folder, which is at `path` when the block ends well.

    If the block raises, nothing of it is left.

    Args:
      path: where the folder is to be; the folders above it are made if need be.
    """
    check_path(path)
    parent = os.path.dirname(os.path.abspath(path))
    os.makedirs(parent, exist_ok=True)
    _remove_leftovers(parent)
    temporary = _temporary_name(os.path.abspath(path))
    os.mkdir(temporary)
    descriptor = os.open(temporary, os.O_RDONLY)
    try:
        _lock(descriptor, wait=True)
        made = os.path.join(temporary, os.path.basename(path))
        yield made
        os.rename(made, path)
        _sync_folder(parent)
    finally:
        os.close(descriptor)
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def locked(path: str) -> Iterator[None]:
    """Waits until no other process, nor thread, is in such a block of the same path.

    The lock is `path.tmp-lock`, which is there during the block only. A process that
    was killed holds no lock. A file system without locks makes nobody wait.

    Args:
      path: what the block writes.
    """
    check_path(path)
    name = f"{path}.tmp-lock"
    while True:
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(descriptor, wait=True)
            # Whoever held it before has removed it; then it keeps nobody out.
            if _is_at(descriptor, name):
                try:
                    yield
                finally:
                    with contextlib.suppress(FileNotFoundError):
                        os.remove(name)
                    _unlock(descriptor)
                return
        finally:
            os.close(descriptor)


def _temporary_name(path: str) -> str:
    """Returns a new name beside a path, which `_remove_leftovers` recognises."""
    return f"{path}.tmp-{os.urandom(6).hex()}"


def _remove_leftovers(folder: str) -> None:
    """Removes the temporary files and folders of processes that are surely dead."""
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if _TEMPORARY.fullmatch(entry.name):
                with contextlib.suppress(OSError):
                    _remove_if_dead(entry.path)


def _sync_folder(folder: str) -> None:
    """Puts a folder's entries on the disk, where the file system lets one ask."""
    descriptor = os.open(folder or os.curdir, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_path(path: str) -> None:
    """Checks that a file can have this path.

    Raises:
      CheckpointError: it has a NUL, or what no encoding has.
    """
    try:
        encoded = os.fsencode(path)
    except UnicodeEncodeError as error:
        raise CheckpointError(
            f"no file can have this path: {error}", path=path
        ) from None
    if b"\0" in encoded:
        raise CheckpointError("no file can have a NUL in its path", path=path)


def _new_file(path: str) -> BinaryIO:
    """Returns a new temporary file that this process holds the lock of."""
    while True:
        file = open(_temporary_name(path), "xb")  # noqa: SIM115 the caller closes it
        _lock(file.fileno(), wait=True)
        # Between the two lines it looked like a dead process's.
        if _is_at(file.fileno(), file.name):
            return file
        file.close()


def _remove_if_dead(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if not _lock(descriptor, wait=False):
            return
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            shutil.rmtree(path)
        else:
            os.remove(path)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, wait: bool) -> bool:
    """Takes the lock of an open file; says whether it was to be had."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        if error.errno in _NO_LOCKS or isinstance(error, BlockingIOError):
            return False
        raise
    return True


def _unlock(descriptor: int) -> None:
    """Gives a lock back, also if a process that was forked has the file open."""
    if fcntl is not None:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)


def _is_at(descriptor: int, path: str) -> bool:
    """Says whether an open file is the one at a path."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
