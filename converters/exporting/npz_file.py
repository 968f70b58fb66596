"""NumPy's archives, read with every length checked before it is used.

NumPy's own reader trusts the archive: it inflates what it is given without bound, hands
out members that are no arrays, and raises whatever its parts raise.

Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import io
import weakref
import zipfile
from collections.abc import Iterator, Mapping
from itertools import pairwise

import ml_dtypes
import numpy as np

from ..errors import CorruptCheckpointError, UnsupportedCheckpointError
from ..format.mapped_file import open_file
from .stored_array import check_bools, checked_shape

__all__ = ["NpzFile"]

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# Of a whole archive: zeros shrink by a thousand, what was trained by less than two.
_EXPANSION, _EXPANSION_FLOOR = 100, 64 << 20
_LOCAL_HEADER, _END_OF_ARCHIVE = 30, 22  # bytes, at least
_LONGEST_HEADER = 1 << 16
_STORED_AS = {np.dtype("V2"): np.dtype(ml_dtypes.bfloat16)}


class NpzFile(Mapping[str, np.ndarray]):
    """The arrays of an `.npz` file, each read when it is asked for.

    Args:
      path: the file.

    Raises:
      CheckpointNotFoundError: there is no such regular file.
      CorruptCheckpointError: it is no sound archive.
      UnsupportedCheckpointError: it is compressed in a way that NumPy doesn't write.
    """

    def __init__(self, path: str):
        self._path = path
        self._file = open_file(path)
        weakref.finalize(self, self._file.close)
        self._archive = self._opened()

    def __getitem__(self, key: str) -> np.ndarray:
        member = self._members[key]
        try:
            with self._archive.open(member) as stream:
                # One more: reading to the end is what checks the member's checksum.
                data = stream.read(member.file_size + 1)
        except Exception as error:
            # zipfile, zlib and the operating system raise a dozen classes.
            raise self._corrupt(f"can't be read: {error}", key) from error
        array = self._array(data, key)
        return array.view(_STORED_AS.get(array.dtype, array.dtype))

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def _opened(self) -> zipfile.ZipFile:
        start = self._file.read(4)
        if start not in (b"PK\3\4", b"PK\5\6"):
            raise self._corrupt(f"is no .npz archive: it starts with {start!r}")
        try:
            archive = zipfile.ZipFile(self._file)
        except Exception as error:
            raise self._corrupt(f"is no sound archive: {error}") from error
        self._file.seek(-_END_OF_ARCHIVE - len(archive.comment), io.SEEK_END)
        if self._file.read(4) != b"PK\5\6":
            raise self._corrupt("has bytes behind its end")
        members = archive.infolist()
        self._members = {_key(member): member for member in members}
        if len(self._members) < len(members):
            raise self._corrupt("holds two arrays of one name")
        for key, member in self._members.items():
            self._check_member(key, member)
        size = self._file.seek(0, io.SEEK_END)
        inflated = sum(member.file_size for member in members)
        if inflated > max(_EXPANSION * size, _EXPANSION_FLOOR):
            raise self._corrupt(
                f"has {size} bytes that inflate to {inflated}, more than {_EXPANSION} "
                "times as many: if it is to be trusted, write it again with numpy.savez"
            )
        self._check_places(members, size)
        return archive

    def _check_member(self, key: str, member: zipfile.ZipInfo) -> None:
        if not member.filename.endswith(".npy"):
            raise self._corrupt(f"is no array: its member is {member.filename!r}", key)
        if member.flag_bits & 1 or member.compress_type not in _METHODS:
            raise UnsupportedCheckpointError(
                f"it is encrypted, or compressed by method {member.compress_type}; "
                "NumPy stores or deflates",
                path=self._path,
                tensor=key,
            )

    def _check_places(self, members: list[zipfile.ZipInfo], size: int) -> None:
        """No two members may share bytes: reading all costs no more than the file."""
        places = sorted((m.header_offset, m.compress_size) for m in members)
        for (start, length), (following, _) in pairwise([*places, (size, 0)]):
            if start < 0 or start + _LOCAL_HEADER + length > following:
                raise self._corrupt(
                    f"has members that overlap or lie outside, at byte {start}"
                )

    def _array(self, data: bytes, key: str) -> np.ndarray:
        stream = io.BytesIO(data)
        try:
            version = np.lib.format.read_magic(stream)
            read_header = _HEADERS[version]
            shape, fortran, dtype = read_header(stream, max_header_size=_LONGEST_HEADER)
        except Exception as error:
            # NumPy evaluates the header as Python, which has its own classes.
            raise self._corrupt(f"has no sound array's header: {error}", key) from error
        if dtype.hasobject or (dtype.kind == "V" and dtype not in _STORED_AS):
            raise UnsupportedCheckpointError(
                f"it has dtype {dtype}, and may have numbers and text only",
                path=self._path,
                tensor=key,
            )
        start = stream.tell()
        count = checked_shape(shape, self._path, key)
        if dtype.itemsize == 0 or count * dtype.itemsize != len(data) - start:
            raise self._corrupt(
                f"has {len(data) - start} bytes; shape {list(shape)} of {dtype} takes "
                f"{count * dtype.itemsize}",
                key,
            )
        array = np.frombuffer(data, dtype, offset=start)
        check_bools(array, self._path, key)
        return array.reshape(shape, order="F" if fortran else "C")

    def _corrupt(self, problem: str, key: str | None = None) -> CorruptCheckpointError:
        return CorruptCheckpointError(problem, path=self._path, tensor=key)


_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def _key(member: zipfile.ZipInfo) -> str:
    return member.filename.removesuffix(".npy")
