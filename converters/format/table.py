"""The sorted string table: the container of V2 indices and of V1 checkpoints.

    data block, data block, ..., metaindex block, index block, footer

Records are sorted by key. A key shares a prefix with the one before it; every 16th
stands in full, at a restart. The index block has one record per data block: a key
not below the block's last one and the block's place. After each block stand its
compression and a masked CRC32C. The footer is 48 bytes: the places of the
metaindex and index blocks and a magic number.

The reader trusts nothing: blocks must not overlap, keys must ascend, places
must lie in the file, and what is decompressed or expanded is bounded by what is
stored.

Source: LevelDB's table format,
https://github.com/google/leveldb/blob/main/doc/table_format.md
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from itertools import pairwise

import cramjam
import numpy as np

from ..errors import ChecksumError, CorruptCheckpointError, UnsupportedCheckpointError
from .checksums import masked_crc32c
from .mapped_file import MappedFile
from .wire import WireError, read_varint

__all__ = [
    "FOOTER_SIZE",
    "MAGIC",
    "RAW",
    "RESTART_INTERVAL",
    "SNAPPY",
    "SNAPPY_EXPANSION",
    "TRAILER_SIZE",
    "Table",
]

MAGIC = bytes.fromhex("57fb808b247547db")
FOOTER_SIZE = 48
TRAILER_SIZE = 5
RAW, SNAPPY = 0, 1
RESTART_INTERVAL = 16
# The densest element of a snappy stream turns 3 bytes into 64.
SNAPPY_EXPANSION = 22


class Table:
    """A sorted string table, read block by block.

    Args:
      path: the file.

    Raises:
      CheckpointNotFoundError: the file can't be opened.
      CorruptCheckpointError: its footer or index block is unsound.
    """

    def __init__(self, path: str):
        self.path = path
        self._file = MappedFile(path)
        self._blocks_end = self.size - FOOTER_SIZE
        if self._blocks_end < 0:
            raise CorruptCheckpointError(
                f"has {self.size} bytes; a table ends with a footer of {FOOTER_SIZE}",
                path=path,
            )
        footer = bytes(self._file.part(self._blocks_end, self.size))
        if footer[-8:] != MAGIC:
            raise CorruptCheckpointError(
                f"ends with {footer[-8:].hex()}, not with a table's magic number "
                f"{MAGIC.hex()}",
                path=path,
            )
        position = self._handle(footer, 0, FOOTER_SIZE - 8, "footer")[2]
        start, size, _ = self._handle(footer, position, FOOTER_SIZE - 8, "footer")
        self._last_keys: list[bytes] = []
        self._places: list[tuple[int, int]] = []
        index = start, size
        for key, value in self._records(start, size):
            start, size, end = self._handle(value, 0, len(value), "index block")
            if end != len(value):
                raise CorruptCheckpointError(
                    f"its index block has a place of {len(value)} bytes where "
                    f"{end} are used",
                    path=path,
                )
            self._last_keys.append(key)
            self._places.append((start, size))
        self._check_apart(index)
        self._cached: tuple[int, dict] = (-1, {})

    def _check_apart(self, index: tuple[int, int]) -> None:
        """Checks that no block overlaps another, or the index; they have no order."""
        for before, after in pairwise(sorted([*self._places, index])):
            end = before[0] + before[1] + TRAILER_SIZE
            if after[0] < end:
                raise CorruptCheckpointError(
                    f"its index block places a block at bytes {before[0]} to {end}, "
                    f"and another begins at {after[0]}",
                    path=self.path,
                )

    def __iter__(self) -> Iterator[tuple[bytes, bytes | memoryview]]:
        """Yields every key and value, in order.

        Raises:
          CorruptCheckpointError: a block is damaged or out of order.
        """
        for i in range(len(self._places)):
            yield from self._block(i)

    def get(self, key: bytes) -> bytes | memoryview | None:
        """Returns the value of a key, or None; reads the one block it can be in.

        Raises:
          CorruptCheckpointError: that block is damaged.
        """
        i = bisect.bisect_left(self._last_keys, key)
        if i == len(self._places):
            return None
        if self._cached[0] != i:
            self._cached = (i, dict(self._block(i)))
        self._file.check_size(self.size)
        return self._cached[1].get(key)

    @property
    def size(self) -> int:
        """The number of bytes of the file."""
        return self._file.size

    def is_current(self) -> bool:
        """Says whether the file at the path is still the one that was opened."""
        return self._file.is_current()

    def _block(self, i: int) -> Iterator[tuple[bytes, bytes | memoryview]]:
        """Yields the records of data block i, which must lie in the block's range."""
        previous = self._last_keys[i - 1] if i else None
        last = self._last_keys[i]
        start, size = self._places[i]
        for key, value in self._records(start, size):
            if key > last or (previous is not None and key <= previous):
                raise CorruptCheckpointError(
                    f"its block at byte {start} holds key {key[:200]!r}, which the "
                    f"index block has between {(previous or b'')[:200]!r} and "
                    f"{last[:200]!r}",
                    path=self.path,
                )
            yield key, value

    def _handle(self, data, position: int, end: int, where: str):
        """Returns start and size of the block placed at `position`, and the end."""
        try:
            start, position = read_varint(data, position, end)
            size, position = read_varint(data, position, end)
        except WireError as error:
            raise CorruptCheckpointError(
                f"its {where} has an unsound place of a block: {error}", path=self.path
            ) from None
        if start + size + TRAILER_SIZE > self._blocks_end:
            raise CorruptCheckpointError(
                f"its {where} places a block at bytes {start} to {start + size}, but "
                f"blocks end at {self._blocks_end}",
                path=self.path,
            )
        return start, size, position

    def _body(self, start: int, size: int) -> bytes | memoryview:
        """Returns the verified, decompressed body of a block."""
        block = self._file.part(start, start + size + TRAILER_SIZE)
        body, trailer = block[:size], bytes(block[size:])
        stored = int.from_bytes(trailer[1:], "little")
        computed = masked_crc32c(block[: size + 1])
        if stored != computed:
            raise ChecksumError(
                f"its block at byte {start} has checksum {computed:#010x}, expected "
                f"{stored:#010x}",
                path=self.path,
            )
        if trailer[0] == RAW:
            return body
        if trailer[0] != SNAPPY:
            raise UnsupportedCheckpointError(
                f"its block at byte {start} has compression {trailer[0]}; known are "
                f"{RAW} (none) and {SNAPPY} (snappy)",
                path=self.path,
            )
        try:
            length, _ = read_varint(body, 0, size)
            if length > SNAPPY_EXPANSION * size:
                raise WireError(f"{size} bytes can't hold {length}")
            out = bytearray(length)
            cramjam.snappy.decompress_raw_into(body, out)
        except (WireError, cramjam.DecompressionError) as error:
            raise CorruptCheckpointError(
                f"its block at byte {start} is no snappy stream: {error}",
                path=self.path,
            ) from None
        return memoryview(out).toreadonly()

    def _records(self, start: int, size: int):
        """Yields the records of a block; the keys ascend strictly."""
        body = self._body(start, size)
        try:
            yield from _parse_block(body)
        except WireError as error:
            raise CorruptCheckpointError(
                f"its block at byte {start} is unsound: {error}", path=self.path
            ) from None


def _parse_block(body: bytes | memoryview) -> Iterator[tuple[bytes, memoryview]]:
    view = memoryview(body)
    size = len(view)
    if size < 4:
        raise WireError(f"it has {size} bytes, too few for its number of restarts")
    restart_count = int.from_bytes(view[-4:], "little")
    end = size - 4 - 4 * restart_count
    if end < 0:
        raise WireError(f"{size} bytes can't hold {restart_count} restarts")
    restarts = np.frombuffer(view, "<u4", restart_count, end).tolist()
    if restarts[:1] != [0] and (end or restarts):
        raise WireError(f"its restarts start with {restarts[:1]}, expected [0]")
    pending = iter(restarts)
    key, position, key_bytes, next_restart = b"", 0, 0, next(pending, -1)
    # Small blocks are copied once: bytes are read faster than views.
    data: bytes | memoryview = bytes(view) if size <= 1 << 20 else view
    while position < end:
        at_restart = position == next_restart
        if position and key_bytes > RESTART_INTERVAL * size:
            raise WireError(f"its keys expand {size} bytes to {key_bytes}")
        entry = position
        shared, position = read_varint(data, position, end)
        unshared, position = read_varint(data, position, end)
        length, position = read_varint(data, position, end)
        value = position + unshared
        if shared > len(key) or value + length > end:
            raise WireError(
                f"its record at {entry} shares {shared} of {len(key)} bytes of a key "
                f"and ends at {value + length} of {end}"
            )
        if at_restart:
            if shared:
                raise WireError(f"its restart at {entry} has no complete key")
            next_restart = next(pending, -1)
        new_key = key[:shared] + bytes(data[position:value])
        if new_key <= key and entry:
            raise WireError(f"key {new_key[:200]!r} follows {key[:200]!r}")
        key = new_key
        key_bytes += len(key)
        position = value + length
        yield key, view[value:position]
    if next_restart > 0 or len(restarts) > max(end, 1):
        raise WireError(f"it has a restart at {next_restart} where no record starts")
