"""A file as read-only memory: mapped, never copied, never anything but a file."""

from __future__ import annotations

import contextlib
import mmap
import os
import stat

from ..errors import CheckpointNotFoundError

__all__ = ["map_file", "stat_file"]


def map_file(path: str) -> memoryview:
    """Returns the bytes of a regular file as a read-only memory map.

    The view keeps the map alive, also after the file was renamed or deleted.

    Raises:
      CheckpointNotFoundError: there is no such regular file, or it can't be opened.
    """
    with _os_errors(path):
        # A FIFO in the file's place would block an open without O_NONBLOCK.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        try:
            size = _regular_size(os.fstat(descriptor), path)
            if size == 0:
                return memoryview(b"")
            mapped = mmap.mmap(descriptor, size, access=mmap.ACCESS_READ)
        finally:
            os.close(descriptor)
    return memoryview(mapped)


def stat_file(path: str) -> int:
    """Returns the size of a regular file in bytes.

    Raises:
      CheckpointNotFoundError: there is no such regular file.
    """
    with _os_errors(path):
        return _regular_size(os.stat(path), path)


def _regular_size(status: os.stat_result, path: str) -> int:
    if not stat.S_ISREG(status.st_mode):
        raise CheckpointNotFoundError("expected a regular file", path=path)
    return status.st_size


@contextlib.contextmanager
def _os_errors(path: str):
    try:
        yield
    except CheckpointNotFoundError:
        raise
    except OSError as error:
        raise CheckpointNotFoundError(
            f"can't be opened: {error.strerror or error}", path=path
        ) from error
    except ValueError as error:
        # A NUL character in the path, or a file truncated while it was mapped.
        raise CheckpointNotFoundError(f"can't be opened: {error}", path=path) from error
