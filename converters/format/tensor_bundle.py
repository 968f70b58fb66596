"""TensorFlow's V2 checkpoints: an index table and data files of raw tensors.

`<prefix>.index` maps each tensor's name to its dtype, shape, place and CRC32C in
`<prefix>.data-<shard>-of-<shards>`. A partitioned tensor's entry lists its slices,
each of which has an entry of its own.

Source: tensorflow/core/protobuf/tensor_bundle.proto and
tensorflow/core/util/tensor_bundle/tensor_bundle.h.
"""

from __future__ import annotations

import contextlib
import functools
import math
import sys
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ..errors import (
    CheckpointNotFoundError,
    ChecksumError,
    CorruptCheckpointError,
    UnsupportedCheckpointError,
)
from . import tensor_dtypes, wire
from .checksums import crc32c, mask
from .mapped_file import MappedFile
from .ordered_code import slice_key
from .protos import BUNDLE_ENTRY, BUNDLE_HEADER, SHAPE
from .string_tensor import decode_strings, variants_crc
from .table import Table
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

__all__ = ["TensorBundle", "data_path"]

# The version of the format that this reader knows.
CONSUMER_VERSION = 1
# How often a checkpoint may be overwritten while it is opened.
_TRIES = 100


def data_path(prefix: str, shard: int, num_shards: int) -> str:
    """Returns the path of a data file.

    Example:
      >>> data_path("ckpt-1", 0, 2)
      'ckpt-1.data-00000-of-00002'
    """
    return f"{prefix}.data-{shard:05d}-of-{num_shards:05d}"


def check_version(version: dict | None, path: str) -> None:
    """Checks that a file's `VersionDef` admits this reader.

    Raises:
      UnsupportedCheckpointError: it does not.
      WireError: its list of refused readers is unsound.
    """
    if version is None:
        return
    if version["min_consumer"] > CONSUMER_VERSION:
        raise UnsupportedCheckpointError(
            f"needs a reader of version {version['min_consumer']} or later; this one "
            f"has version {CONSUMER_VERSION}",
            path=path,
        )
    refused = wire.read_varints(b"".join(version["bad_consumers"]))
    if CONSUMER_VERSION in refused:
        raise UnsupportedCheckpointError(
            f"refuses readers of version {CONSUMER_VERSION}", path=path
        )


class TensorBundle:
    """The tensors of a V2 checkpoint.

    Args:
      prefix: the path without `.index`.

    Raises:
      CheckpointNotFoundError: there is no index.
      CorruptCheckpointError: the index is unsound.
      UnsupportedCheckpointError: it was written in a later version of the format.
    """

    def __init__(self, prefix: str):
        self.prefix = prefix
        self.path = f"{prefix}.index"
        for _ in range(_TRIES):
            table = Table(self.path)
            self._read_index(table)
            self._shards = self._open_shards()
            # Data files go after their index was replaced: they are of this one.
            if table.is_current():
                break
        self._verified: set[bytes] = set()
        self._tiled: set[bytes] = set()

    def _read_index(self, table: Table) -> None:
        """Takes in what an index lists."""
        records = iter(table)
        key, value = next(records, (None, b""))
        if key != b"":
            raise CorruptCheckpointError(
                f"starts with key {key!r}, expected the header's empty key",
                path=self.path,
            )
        self._read_header(value)
        self._entries: dict[bytes, dict] = {}
        for key, value in records:
            self._entries[key] = self._entry(key, value)
        self._check_disjoint()
        self._keys = self._whole_tensors()

    def _open_shards(self) -> dict[int, MappedFile]:
        """Opens the data files at once, so that overwriting takes none of them away.

        One that can't be opened is an error for who needs it.
        """
        shards = {}
        for shard in {entry["shard_id"] for entry in self._entries.values()}:
            with contextlib.suppress(CheckpointNotFoundError):
                shards[shard] = MappedFile(
                    data_path(self.prefix, shard, self.num_shards)
                )
        return shards

    @property
    def names(self):
        """The tensors' names, sorted by their bytes."""
        return self._keys.keys()

    def info(self, name: str) -> TensorInfo:
        """Returns what the index says about a tensor."""
        entry = self._entries[self._keys[name]]
        dtype = tensor_dtypes.of_number(entry["dtype"])
        slices = []
        for piece_key, region in entry["pieces"]:
            piece = self._entries[piece_key]
            start = tuple(first for first, _ in region)
            slices.append(
                TensorSlice(start, piece["shape"], piece["shard_id"], piece["size"])
            )
        return TensorInfo(
            name=name,
            shape=entry["shape"],
            dtype=dtype.numpy,
            dtype_name=dtype.name,
            nbytes=entry["size"] + sum(part.nbytes or 0 for part in slices),
            shard=None if slices else entry["shard_id"],
            slices=tuple(slices),
        )

    def read(
        self, name: str, verify: bool = True, index: Sequence[slice] | None = None
    ) -> np.ndarray:
        """Returns a tensor or a part, a view of the file if it is stored whole."""
        key = self._keys[name]
        entry = self._entries[key]
        wanted = region_of(index, entry["shape"], name)
        if not entry["pieces"]:
            array = self._read_entry(name, key, entry, verify)
            return array if index is None else array[tuple(index)]
        dtype = self._numpy_dtype(name, entry)
        pieces = [(key, region, self._entries[key]) for key, region in entry["pieces"]]
        if key not in self._tiled:
            # Files that hold all slices hold as many bytes as the check takes.
            for _, _, piece_entry in pieces:
                self._bytes(name, piece_entry)
            try:
                check_tiling(entry["shape"], [region for _, region, _ in pieces])
            except wire.WireError as error:
                raise self._corrupt(str(error), name) from None
            self._tiled.add(key)
        parts = [
            (region, functools.partial(self._read_entry, name, piece, stored, verify))
            for piece, region, stored in pieces
        ]
        return assemble(wanted, dtype, parts)

    def verify(self, name: str) -> None:
        """Checks a tensor's bytes, those of variants included."""
        key = self._keys[name]
        entry = self._entries[key]
        if entry["dtype"] != tensor_dtypes.VARIANT or entry["pieces"]:
            self.read(name)
            return
        path = data_path(self.prefix, entry["shard_id"], self.num_shards)
        try:
            view = self._bytes(name, entry)
            crc = variants_crc(view, math.prod(entry["shape"]))
        except wire.WireError as error:
            raise CorruptCheckpointError(str(error), path=path, tensor=name) from None
        self._check_crc(name, path, entry, crc)

    def check_files(self) -> None:
        """Checks that every data file is there and reaches its last tensor's end."""
        last: dict[int, tuple[int, bytes]] = {}
        for key, entry in self._entries.items():
            if not entry["pieces"]:
                reach = entry["offset"] + entry["size"], key
                last[entry["shard_id"]] = max(last.get(entry["shard_id"], reach), reach)
        for shard, (end, key) in sorted(last.items()):
            self._part(shard, end, end, _text(key))

    def _read_header(self, value) -> None:
        try:
            header = wire.decode(BUNDLE_HEADER, bytes(value))
            check_version(header["version"], self.path)
        except wire.WireError as error:
            raise self._corrupt(f"has an unsound header: {error}") from None
        self.num_shards = header["num_shards"]
        self.big_endian = header["endianness"] == 1
        if self.num_shards < 1 or header["endianness"] not in (0, 1):
            raise self._corrupt(
                f"has a header of {self.num_shards} shards and endianness "
                f"{header['endianness']}, expected 1 or more and 0 or 1"
            )

    def _entry(self, key: bytes, value) -> dict:
        """Returns the checked entry, with `shape` a tuple and `pieces` empty."""
        try:
            entry = wire.decode(BUNDLE_ENTRY, bytes(value))
            shape, volume = _shape(entry["shape"])
            entry["shape"], entry["pieces"] = shape, ()
            if not 0 <= entry["shard_id"] < self.num_shards:
                raise wire.WireError(
                    f"it lies in shard {entry['shard_id']} of {self.num_shards}"
                )
            if entry["offset"] < 0 or entry["size"] < 0:
                raise wire.WireError(
                    f"it has {entry['size']} bytes at offset {entry['offset']}"
                )
            dtype = tensor_dtypes.of_number(entry["dtype"]).numpy
            if entry["slices"]:
                if entry["size"] or entry["offset"]:
                    raise wire.WireError("it has both slices and bytes of its own")
            elif dtype is not None and not dtype.hasobject:
                expected = volume * dtype.itemsize
                if entry["size"] != expected:
                    raise wire.WireError(
                        f"it has {entry['size']} bytes; shape {list(shape)} of "
                        f"{dtype.name} takes {expected}"
                    )
        except wire.WireError as error:
            raise self._corrupt(f"unsound index entry: {error}", _text(key)) from None
        return entry

    def _check_disjoint(self) -> None:
        """No two tensors may share bytes: reading all costs no more than the files."""
        places = sorted(
            (entry["shard_id"], entry["offset"], entry["size"], key)
            for key, entry in self._entries.items()
            if entry["size"]
        )
        for (shard, offset, size, key), following in pairwise(places):
            next_shard, start, _, next_key = following
            if shard == next_shard and offset + size > start:
                raise self._corrupt(
                    f"shares bytes of shard {shard} from {start} to {offset + size} "
                    f"with tensor {_text(next_key)!r}",
                    _text(key),
                )

    def _whole_tensors(self) -> dict[str, bytes]:
        """Links the partitioned tensors to their slices; returns key by name."""
        parts: set[bytes] = set()
        for key, entry in self._entries.items():
            if not entry["slices"]:
                continue
            try:
                entry["pieces"] = self._pieces(key, entry)
            except wire.WireError as error:
                raise self._corrupt(f"unsound slices: {error}", _text(key)) from None
            parts.update(piece for piece, *_ in entry["pieces"])
        return {_text(key): key for key in self._entries if key not in parts}

    def _pieces(self, key: bytes, entry: dict) -> tuple[tuple[bytes, Region], ...]:
        """Returns the key and the region of each slice."""
        pieces = []
        for proto in entry["slices"]:
            extents = extents_of(proto)
            region = stored_slice(extents, entry["shape"])
            shape = tuple(stop - start for start, stop in region)
            piece_key = slice_key(key, extents)
            piece = self._entries.get(piece_key)
            if piece is None:
                raise wire.WireError(f"the slice at {region} has no entry")
            if piece["slices"] or (piece["dtype"], piece["shape"]) != (
                entry["dtype"],
                shape,
            ):
                raise wire.WireError(
                    f"the slice at {region} is stored with type {piece['dtype']} and "
                    f"shape {piece['shape']}, expected {entry['dtype']} and {shape}"
                )
            pieces.append((piece_key, region))
        return tuple(pieces)

    def _read_entry(
        self, name: str, key: bytes, entry: dict, verify: bool
    ) -> np.ndarray:
        dtype = self._numpy_dtype(name, entry)
        path = data_path(self.prefix, entry["shard_id"], self.num_shards)
        view = self._bytes(name, entry)
        verify = verify and key not in self._verified
        try:
            if dtype.hasobject:
                count = math.prod(entry["shape"])
                array, crc = decode_strings(view, count, self.big_endian)
            else:
                crc = crc32c(view) if verify else 0
                array = np.frombuffer(view, dtype)
                if self.big_endian != (sys.byteorder == "big"):
                    array = _byteswapped(array)
            if verify:
                self._check_crc(name, path, entry, crc)
                if dtype == np.bool_:
                    _check_bools(array)
        except wire.WireError as error:
            raise CorruptCheckpointError(str(error), path=path, tensor=name) from None
        if verify:
            self._verified.add(key)
        array = array.reshape(entry["shape"])
        array.flags.writeable = False
        return array

    def _numpy_dtype(self, name: str, entry: dict) -> np.dtype:
        dtype = tensor_dtypes.of_number(entry["dtype"])
        if dtype.numpy is None or len(entry["shape"]) > MAX_NUMPY_RANK:
            raise UnsupportedCheckpointError(
                f"NumPy has no array of type {dtype.name} and rank "
                f"{len(entry['shape'])}",
                path=self.path,
                tensor=name,
            )
        return dtype.numpy

    def _bytes(self, name: str, entry: dict) -> memoryview:
        """Returns the stored bytes of an entry."""
        end = entry["offset"] + entry["size"]
        return self._part(entry["shard_id"], entry["offset"], end, name)

    def _part(self, shard: int, start: int, end: int, name: str) -> memoryview:
        """Returns bytes of a data file, which must have them."""
        path = data_path(self.prefix, shard, self.num_shards)
        if shard not in self._shards:
            self._shards[shard] = MappedFile(path)
        file = self._shards[shard]
        if end > file.size:
            raise CorruptCheckpointError(
                f"ends at byte {end} of a file of {file.size} bytes: it was truncated",
                path=path,
                tensor=name,
            )
        return file.part(start, end)

    def _check_crc(self, name: str, path: str, entry: dict, crc: int) -> None:
        if mask(crc) != entry["crc32c"]:
            raise ChecksumError(
                f"its {entry['size']} bytes at {entry['offset']} have checksum "
                f"{mask(crc):#010x}, expected {entry['crc32c']:#010x}",
                path=path,
                tensor=name,
            )

    def _corrupt(self, problem: str, tensor: str | None = None):
        return CorruptCheckpointError(problem, path=self.path, tensor=tensor)


@functools.lru_cache(maxsize=1024)
def _shape(data: bytes) -> tuple[tuple[int, ...], int]:
    """Returns an encoded shape and its number of elements."""
    shape = shape_of(wire.decode(SHAPE, data))
    return shape, math.prod(shape)


def _text(key: bytes) -> str:
    return key.decode("utf-8", "surrogateescape")


def _check_bools(array: np.ndarray) -> None:
    highest = int(np.max(array.view(np.uint8), initial=0))
    if highest > 1:
        raise wire.WireError(f"it has byte {highest} where a bool is 0 or 1")


def _byteswapped(array: np.ndarray) -> np.ndarray:
    """Returns a copy with the bytes of each number, or half of a complex, reversed."""
    width = array.dtype.itemsize // (2 if array.dtype.kind == "c" else 1)
    return array.view(f"u{width}").byteswap().view(array.dtype)
