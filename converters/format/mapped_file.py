"""Regular files as memory, and nothing but regular files.

A map shows the file as it is. One that was renamed or deleted stays readable. One that
is cut in place ends the process with SIGBUS when a byte beyond its new end is used, so
every part is checked against the file's present size before it is given out; who cuts a
file in place while a view of it is in use can't be survived.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import stat
from collections.abc import Iterator
from typing import BinaryIO

from ..errors import CheckpointNotFoundError, CorruptCheckpointError

__all__ = ["MappedFile", "open_file", "read_file", "stat_file"]


class MappedFile:
    """The bytes of a regular file as read-only memory.

    Views keep the map alive, also after the file was renamed or deleted.

    Args:
      path: the file.

    Attributes:
      path: the same.
      size: the number of its bytes when it was opened.

    Raises:
      CheckpointNotFoundError: there is no such regular file, or it can't be opened.
    """

    def __init__(self, path: str):
        self.path = path
        with open_file(path) as file:
            self._status = os.fstat(file.fileno())
            self.size = self._status.st_size
            self._bytes = memoryview(b"")
            if self.size:
                with _os_errors(path):
                    self._map = mmap.mmap(
                        file.fileno(), self.size, access=mmap.ACCESS_READ
                    )
                self._bytes = memoryview(self._map)

    def part(self, start: int, stop: int) -> memoryview:
        """Returns the bytes from `start` to `stop`.

        Raises:
          CorruptCheckpointError: the file was cut since it was opened.
        """
        self.check_size(stop)
        return self._bytes[start:stop]

    def check_size(self, end: int) -> None:
        """Checks that the bytes before `end` are still there, as far as they ever were.

        Raises:
          CorruptCheckpointError: the file was cut since it was opened.
        """
        if self.size and (now := self._map.size()) < min(end, self.size):
            raise CorruptCheckpointError(
                f"has {now} bytes, and had {self.size} when it was opened: it was "
                "truncated",
                path=self.path,
            )

    def is_current(self) -> bool:
        """Says whether the file at the path is still the one that was opened."""
        try:
            return os.path.samestat(self._status, os.stat(self.path))
        except OSError:
            return False


def read_file(path: str, most: int | None = None) -> bytes:
    """Returns the bytes of a regular file.

    Args:
      path: the file.
      most: the number of bytes that it may have.

    Raises:
      CheckpointNotFoundError: there is no such regular file, or it can't be opened.
      CorruptCheckpointError: it has more bytes.
    """
    with open_file(path) as file, _os_errors(path):
        size = os.fstat(file.fileno()).st_size
        if most is not None and size > most:
            raise CorruptCheckpointError(
                f"has {size} bytes, expected at most {most}", path=path
            )
        return file.read(size)


def open_file(path: str) -> BinaryIO:
    """Opens a regular file to read.

    Raises:
      CheckpointNotFoundError: there is no such regular file, or it can't be opened.
    """
    with _os_errors(path):
        # A FIFO in the file's place would block an open without O_NONBLOCK.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        try:
            _check_regular(os.fstat(descriptor), path)
        except BaseException:
            os.close(descriptor)
            raise
    return open(descriptor, "rb")


def stat_file(path: str) -> int:
    """Returns the size of a regular file in bytes.

    Raises:
      CheckpointNotFoundError: there is no such regular file.
    """
    with _os_errors(path):
        status = os.stat(path)
    _check_regular(status, path)
    return status.st_size


def _check_regular(status: os.stat_result, path: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise CheckpointNotFoundError("expected a regular file", path=path)


@contextlib.contextmanager
def _os_errors(path: str) -> Iterator[None]:
    try:
        yield
    except (CheckpointNotFoundError, CorruptCheckpointError):
        raise
    except OSError as error:
        raise CheckpointNotFoundError(
            f"can't be opened: {error.strerror or error}", path=path
        ) from error
    except ValueError as error:
        # A NUL character in the path, or a file truncated while it was mapped.
        raise CheckpointNotFoundError(f"can't be opened: {error}", path=path) from error
