"""Files of the safetensors format, mapped: a header in JSON, then the arrays' bytes.

Source: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import ml_dtypes
import numpy as np

from ..errors import CorruptCheckpointError, UnsupportedCheckpointError
from ..format.mapped_file import MappedFile
from .stored_array import check_bools, checked_shape

__all__ = ["DTYPES", "SafetensorsFile"]

# The format's name of each dtype, by NumPy's.
DTYPES = {
    "bool": "BOOL",
    "int8": "I8",
    "int16": "I16",
    "int32": "I32",
    "int64": "I64",
    "uint8": "U8",
    "uint16": "U16",
    "uint32": "U32",
    "uint64": "U64",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2",
    "float16": "F16",
    "bfloat16": "BF16",
    "float32": "F32",
    "float64": "F64",
    "complex64": "C64",
}
_BY_NAME = {
    stored: np.dtype(getattr(ml_dtypes, name, name)).newbyteorder("<")
    for name, stored in DTYPES.items()
}
_LENGTH = 8  # bytes of the header's length
_LONGEST_HEADER = 100_000_000  # the format's own limit


class SafetensorsFile(Mapping[str, np.ndarray]):
    """The arrays of a `.safetensors` file: read-only views of it.

    Args:
      path: the file.

    Raises:
      CheckpointNotFoundError: there is no such regular file.
      CorruptCheckpointError: its header is unsound, or does not fit its bytes.
    """

    def __init__(self, path: str):
        self._path = path
        self._file = MappedFile(path)
        self._start = _LENGTH + int.from_bytes(self._file.part(0, _LENGTH), "little")
        if not _LENGTH < self._start <= min(self._file.size, _LONGEST_HEADER):
            raise self._corrupt(
                f"has {self._file.size} bytes and a header that ends at {self._start}"
            )
        self._entries = self._header(bytes(self._file.part(_LENGTH, self._start)))
        self._check_places()

    def __getitem__(self, key: str) -> np.ndarray:
        dtype, shape, start, stop = self._entries[key]
        if dtype not in _BY_NAME:
            raise UnsupportedCheckpointError(
                f"NumPy has no dtype for {dtype!r:.80}", path=self._path, tensor=key
            )
        numpy = _BY_NAME[dtype]
        expected = checked_shape(shape, self._path, key) * numpy.itemsize
        if stop - start != expected:
            raise self._corrupt(
                f"has {stop - start} bytes; shape {shape} of {dtype} takes {expected}",
                key,
            )
        view = self._file.part(self._start + start, self._start + stop)
        array = np.frombuffer(view, numpy)
        check_bools(array, self._path, key)
        return array.reshape(shape)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def _header(self, data: bytes) -> dict[str, tuple[str, list[int], int, int]]:
        """Returns dtype, shape, start and end of each array."""
        try:
            header = json.loads(data.decode("utf-8"), object_pairs_hook=_unique)
            if not isinstance(header, dict):
                raise ValueError("it is no object")
            header.pop("__metadata__", None)
            return {key: _entry(key, value) for key, value in header.items()}
        except (ValueError, RecursionError) as error:
            raise self._corrupt(f"has an unsound header: {error!s:.300}") from error

    def _check_places(self) -> None:
        """The arrays must fill the file: no hole, no overlap, nothing behind them."""
        reached = 0
        for key, (_, _, start, stop) in sorted(
            self._entries.items(), key=lambda item: item[1][2:]
        ):
            if start != reached or stop < start:
                raise self._corrupt(
                    f"lies at bytes {start} to {stop}, expected from {reached}", key
                )
            reached = stop
        size = self._file.size - self._start
        if reached != size:
            raise self._corrupt(f"has {size} bytes of arrays, expected {reached}")

    def _corrupt(self, problem: str, key: str | None = None) -> CorruptCheckpointError:
        return CorruptCheckpointError(problem, path=self._path, tensor=key)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is given twice")
    return found


def _entry(key: str, value: Any) -> tuple[str, list[int], int, int]:
    key.encode()  # a lone surrogate is no name
    match value:
        case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [start, stop]}:
            if type(start) is int and type(stop) is int:
                return dtype, shape, start, stop
    raise ValueError(f"{key!r:.80} has no dtype, shape and data_offsets")
