"""Arrays by number in an .npz file that is not compressed.

Reading takes no more time and memory than the file has bytes, whatever is in it.
"""

from __future__ import annotations

import math
import os
import stat
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

# Numbers and texts: no objects, and no records.
_KINDS = "biufcUSmM"


class ArrayWriter:
    """Writes arrays into a new file; one that stands in several places, once.

    Args:
      path: the file, which must not exist.
    """

    def __init__(self, path: str):
        self._file = zipfile.ZipFile(path, "w")
        self._written: dict[int, tuple[np.ndarray, list[Any]]] = {}

    def __enter__(self) -> ArrayWriter:
        return self

    def __exit__(self, *error: Any) -> None:
        self._file.close()

    def __call__(self, arrays: Mapping[str, np.ndarray]) -> dict[str, list[Any]]:
        """Writes arrays, and returns `[number, dtype, checksum]` for each name."""
        return {name: self._reference(array) for name, array in arrays.items()}

    def _reference(self, array: np.ndarray) -> list[Any]:
        if id(array) not in self._written:
            number = len(self._written)
            plain = array
            if array.dtype.kind == "V":  # bfloat16, which .npz does not know
                plain = np.ascontiguousarray(array).view(f"u{array.dtype.itemsize}")
            with self._file.open(f"{number}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.asarray(plain), allow_pickle=False)
            checksum = self._file.getinfo(f"{number}.npy").CRC
            # Kept, so that its identity is not given to another one.
            self._written[id(array)] = array, [number, array.dtype.name, checksum]
        return self._written[id(array)][1]


class ArrayReader:
    """Reads what `ArrayWriter` wrote; an array that was written once, once.

    Args:
      path: the file.

    Raises:
      ValueError: if the file is damaged, as the methods do; `zipfile` and NumPy have
        more classes of errors than that.
    """

    def __init__(self, path: str):
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise ValueError(f"{os.path.basename(path)} is no regular file")
        self._file = zipfile.ZipFile(path)
        entries = self._file.infolist()
        self._entries = {entry.filename: entry for entry in entries}
        self._read: dict[int, np.ndarray] = {}
        if len(self._entries) < len(entries):
            raise ValueError("two arrays of one number")
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise ValueError("a compressed array, where none is written")
        if sum(entry.file_size for entry in entries) > os.path.getsize(path):
            raise ValueError("arrays that are larger than the file")

    def __enter__(self) -> ArrayReader:
        return self

    def __exit__(self, *error: Any) -> None:
        self._file.close()

    def __call__(self, references: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Returns the arrays that `ArrayWriter` returned this for."""
        return {name: self._array(*where) for name, where in references.items()}

    def _array(self, number: int, dtype: str, checksum: int) -> np.ndarray:
        if number not in self._read:
            entry = self._entries[f"{number:d}.npy"]
            # `zipfile` compares it with the array.
            if checksum != entry.CRC:
                raise ValueError("arrays of another recording")
            value = self._load(entry)
            if value.dtype.name != dtype:
                value = value.view(_dtype_of(dtype, value.dtype))
            self._read[number] = value
        return self._read[number]

    def _load(self, entry: zipfile.ZipInfo) -> np.ndarray:
        with self._file.open(entry) as file:
            version = np.lib.format.read_magic(file)
            if version != (1, 0):
                raise ValueError(
                    f"an array of version {version}, and (1, 0) is written"
                )
            shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
            data = file.read()
        if dtype.kind not in _KINDS or math.prod(shape) * dtype.itemsize != len(data):
            raise ValueError(
                f"{len(data)} bytes for an array {dtype} of shape {list(shape)}"
            )
        values = np.frombuffer(data, dtype)
        # A copy of its own, which can be changed.
        return values.reshape(shape, order="F" if is_fortran else "C").copy()


def _dtype_of(name: str, stored: np.dtype) -> np.dtype:
    """Returns a dtype that .npz does not know, and that is stored as integers."""
    import ml_dtypes

    found = getattr(ml_dtypes, name, None)
    if not isinstance(found, type) or stored.kind != "u":
        raise ValueError(f"an array of {stored}, where {name!r} was written")
    dtype = np.dtype(found)
    if dtype.itemsize != stored.itemsize:
        raise ValueError(f"an array of {stored}, where {name!r} was written")
    return dtype
