"""Replacing a file at once: it has its old content or its new one, never half."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import BinaryIO

__all__ = ["replace_file"]


@contextlib.contextmanager
def replace_file(path: str) -> Iterator[BinaryIO]:
    """Opens a temporary file that takes the place of `path` when the block ends well.

    Its bytes are on the disk before it does. If the block raises, `path` is as it was
    and the temporary file is gone.

    Args:
      path: the file to replace or create.

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
    temporary = f"{path}.tmp-{os.urandom(6).hex()}"
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.remove(temporary)
        raise
