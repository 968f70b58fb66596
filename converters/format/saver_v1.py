"""TensorFlow's V1 checkpoints: tables of tensor slices, written from 2015 to 2018.

Each file is a sorted table whose empty key describes the slices in that file; the
slice itself is a record with the values in a `TensorProto`. A partitioned tensor
may span files. The only checksums are those of the table's blocks.

Source: tensorflow/core/util/saved_tensor_slice.proto and
tensorflow/core/util/saved_tensor_slice_util.h.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from ..errors import CorruptCheckpointError, UnsupportedCheckpointError
from . import tensor_dtypes, wire
from .ordered_code import slice_key
from .protos import SAVED_TENSOR_SLICES
from .table import SNAPPY_EXPANSION, Table
from .tensor_bundle import check_version
from .tensor_dtypes import TensorDtype
from .tensor_info import TensorInfo, TensorSlice
from .tensor_slices import (
    MAX_NUMPY_RANK,
    Region,
    assemble,
    check_tiling,
    extents_of,
    region_of,
    shape_of,
    stored_slice,
)

__all__ = ["SavedSlices"]

_CHUNK = 1 << 20
# Below this number of varints, decoding them one by one is faster.
_FEW = 50

# The fields whose bytes are the values; the others hold varints.
_RAW_FIELDS = {
    "float_val": "<f4",
    "double_val": "<f8",
    "scomplex_val": "<c8",
    "dcomplex_val": "<c16",
}


@dataclasses.dataclass
class _Piece:
    shard: int
    key: bytes
    region: Region

    @property
    def start(self) -> tuple[int, ...]:
        return tuple(start for start, _ in self.region)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(stop - start for start, stop in self.region)


@dataclasses.dataclass
class _Tensor:
    shape: tuple[int, ...]
    dtype: TensorDtype
    pieces: list[_Piece]

    @property
    def is_whole(self) -> bool:
        """Whether it is stored as one piece."""
        return [piece.shape for piece in self.pieces] == [self.shape]


class SavedSlices:
    """The tensors of a V1 checkpoint.

    Args:
      files: the paths of its tables, in the order of their shards.

    Raises:
      CorruptCheckpointError: a table or its description of the slices is unsound.
      UnsupportedCheckpointError: it was written in a later version of the format.
    """

    def __init__(self, files: tuple[str, ...]):
        self.path = files[0]
        self._tables = [Table(file) for file in files]
        tensors: dict[str, _Tensor] = {}
        for shard, table in enumerate(self._tables):
            self._read_meta(shard, table, tensors)
        # Snappy's densest bytes, each a value of one byte, are the most there can be.
        most = SNAPPY_EXPANSION * sum(table.size for table in self._tables)
        for name, tensor in tensors.items():
            volume = sum(math.prod(piece.shape) for piece in tensor.pieces)
            if volume > most:
                raise CorruptCheckpointError(
                    f"shape {list(tensor.shape)} has more elements than "
                    f"{most // SNAPPY_EXPANSION} bytes of files can hold",
                    path=self.path,
                    tensor=name,
                )
        # In the tables' order, so that reading all decodes each block once.
        self._tensors = dict(sorted(tensors.items(), key=lambda item: item[0].encode()))
        self._tiled: set[str] = set()

    @property
    def names(self):
        """The tensors' names, sorted by their bytes."""
        return self._tensors.keys()

    def info(self, name: str) -> TensorInfo:
        """Returns what the checkpoint says about a tensor."""
        tensor = self._tensors[name]
        numpy = tensor.dtype.numpy
        itemsize = None if numpy is None or numpy.hasobject else numpy.itemsize

        def nbytes(shape):
            return None if itemsize is None else itemsize * math.prod(shape)

        whole = tensor.is_whole
        return TensorInfo(
            name=name,
            shape=tensor.shape,
            dtype=numpy,
            dtype_name=tensor.dtype.name,
            nbytes=nbytes(tensor.shape),
            shard=tensor.pieces[0].shard if whole else None,
            slices=tuple(
                TensorSlice(piece.start, piece.shape, piece.shard, nbytes(piece.shape))
                for piece in (() if whole else tensor.pieces)
            ),
        )

    def read(
        self, name: str, verify: bool = True, index: Sequence[slice] | None = None
    ) -> np.ndarray:
        """Returns a tensor or a part; checksums of its blocks are always verified."""
        tensor = self._tensors[name]
        dtype = tensor.dtype
        if (
            dtype.v1_field is None
            or dtype.numpy is None
            or len(tensor.shape) > MAX_NUMPY_RANK
        ):
            raise UnsupportedCheckpointError(
                f"no V1 checkpoint holds values of type {dtype.name} and NumPy "
                f"no array of rank {len(tensor.shape)} above 64",
                path=self.path,
                tensor=name,
            )
        wanted = region_of(index, tensor.shape, name)
        if tensor.is_whole:
            array = self._read_piece(name, dtype, tensor.pieces[0])
            array = array.reshape(tensor.shape)
            return array if index is None else array[tuple(index)]
        if name not in self._tiled:
            try:
                check_tiling(tensor.shape, [piece.region for piece in tensor.pieces])
            except wire.WireError as error:
                raise CorruptCheckpointError(
                    str(error), path=self.path, tensor=name
                ) from None
            self._tiled.add(name)
        parts = [
            (piece.region, partial(self._read_piece, name, dtype, piece))
            for piece in tensor.pieces
        ]
        return assemble(wanted, dtype.numpy, parts)

    def verify(self, name: str) -> None:
        """Checks a tensor's record."""
        self.read(name)

    def check_files(self) -> None:
        """Does nothing: opening has found all files, and each one's end."""

    def _read_meta(self, shard: int, table: Table, tensors: dict[str, _Tensor]) -> None:
        """Adds the slices that one file has."""
        name = None
        try:
            value = table.get(b"")
            if value is None:
                raise wire.WireError("the record that lists them is missing")
            meta = wire.decode(SAVED_TENSOR_SLICES, value)["meta"]
            if meta is None:
                raise wire.WireError("the first record does not list them")
            check_version(meta["versions"], table.path)
            for proto in meta["tensors"]:
                name = proto["name"]
                shape = shape_of(proto["shape"])
                dtype = tensor_dtypes.of_number(proto["type"])
                tensor = tensors.setdefault(name, _Tensor(shape, dtype, []))
                if (tensor.shape, tensor.dtype) != (shape, dtype):
                    raise wire.WireError(
                        f"it is {dtype.name}{list(shape)} in this file, "
                        f"{tensor.dtype.name}{list(tensor.shape)} in an earlier one"
                    )
                for extents in map(extents_of, proto["slices"]):
                    key = slice_key(name.encode(), extents)
                    region = stored_slice(extents, shape)
                    tensor.pieces.append(_Piece(shard, key, region))
        except wire.WireError as error:
            raise CorruptCheckpointError(
                f"unsound list of tensors: {error}", path=table.path, tensor=name
            ) from None

    def _read_piece(self, name: str, dtype: TensorDtype, piece: _Piece) -> np.ndarray:
        table = self._tables[piece.shard]
        try:
            value = table.get(piece.key)
            if value is None:
                raise wire.WireError(f"its slice has no record {piece.key!r}")
            data = wire.decode(SAVED_TENSOR_SLICES, value)["data"]
            if data is None or data["data"] is None or data["name"] != name:
                raise wire.WireError(
                    f"the record of its slice belongs to {data and data['name']!r}"
                )
            array = _values(data["data"], dtype)
            if len(array) != math.prod(piece.shape):
                raise wire.WireError(
                    f"its slice at {piece.start} holds {len(array)} values; shape "
                    f"{list(piece.shape)} has {math.prod(piece.shape)}"
                )
        except wire.WireError as error:
            raise CorruptCheckpointError(
                str(error), path=table.path, tensor=name
            ) from None
        array = array.reshape(piece.shape)
        array.flags.writeable = False
        return array


def _values(proto: dict, dtype: TensorDtype) -> np.ndarray:
    """Returns the values of a `TensorProto` as a flat array."""
    field = dtype.v1_field
    assert field is not None
    assert dtype.numpy is not None
    if field == "string_val":
        strings = proto[field]
        array = np.empty(len(strings), object)
        array[:] = strings
        return array
    chunks = proto[field]
    data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
    if field in _RAW_FIELDS:
        stored = np.dtype(_RAW_FIELDS[field])
        if len(data) % stored.itemsize:
            raise wire.WireError(
                f"its {len(data)} bytes are no multiple of {stored.itemsize}"
            )
        return np.frombuffer(data, stored).astype(dtype.numpy, copy=False)
    integers = np.dtype(np.uint16) if field == "half_val" else dtype.numpy
    return _varints(np.frombuffer(data, np.uint8), integers).view(dtype.numpy)


def _varints(data: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Returns the varints in an array of bytes, chunk by chunk to save memory.

    Raises:
      WireError: they end early, exceed 64 bits or do not fit the dtype.
    """
    if len(data) and data[-1] & 0x80:
        raise wire.WireError("its values end inside a varint")
    values = np.empty(np.count_nonzero(data < 0x80), dtype)
    position = done = 0
    while position < len(data):
        ends = np.flatnonzero(data[position : position + _CHUNK] < 0x80)
        if not len(ends):
            raise wire.WireError("a varint is longer than 10 bytes")
        chunk = data[position : position + int(ends[-1]) + 1]
        signed = _decoded(chunk, ends).view(np.int64)
        narrowed = signed.astype(dtype)
        if (narrowed.astype(np.int64) != signed).any():
            raise wire.WireError(f"a value does not fit {dtype.name}")
        values[done : done + len(ends)] = narrowed
        done += len(ends)
        position += len(chunk)
    return values


def _decoded(chunk: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Returns the unsigned varints of a chunk, given where each one ends."""
    if len(ends) < _FEW:
        return np.array(wire.read_varints(chunk.tolist()), np.uint64)
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + 1
    if lengths.max() > 10:
        raise wire.WireError("a varint is longer than 10 bytes")
    numbers = np.zeros(len(ends), np.uint64)
    for i in range(int(lengths.max())):
        longer = lengths > i
        digits = chunk[starts[longer] + i].astype(np.uint64)
        if i == 9 and digits.max() > 1:
            raise wire.WireError("a varint exceeds 64 bits")
        numbers[longer] |= (digits & np.uint64(0x7F)) << np.uint64(7 * i)
    return numbers
