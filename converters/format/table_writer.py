"""Writing a sorted string table; `table` describes the format and reads it."""

from __future__ import annotations

from collections.abc import Iterable

import cramjam

from .checksums import masked_crc32c
from .table import FOOTER_SIZE, MAGIC, RAW, RESTART_INTERVAL, SNAPPY
from .wire import write_varint

__all__ = ["build_table"]

BLOCK_SIZE = 256 << 10


def build_table(
    records: Iterable[tuple[bytes, bytes]],
    *,
    block_size: int = BLOCK_SIZE,
    compression: int = RAW,
) -> bytes:
    """Returns the bytes of a table.

    Args:
      records: keys and values; the keys must ascend strictly.
      block_size: the number of bytes after which a data block ends.
      compression: `RAW`, as today's TensorFlow writes, or `SNAPPY`, as that of 2016.

    Raises:
      ValueError: a key is not above the one before it.

    Example:
      >>> table = build_table([(b"a", b"1"), (b"ab", b"2")])
      >>> len(table), table[-8:] == MAGIC
      (104, True)
    """
    out = bytearray()
    index = _Block(restart_interval=1)
    block = _Block()
    last: bytes | None = None
    for key, value in records:
        if last is not None and key <= last:
            raise ValueError(f"keys must ascend: {key!r} follows {last!r}")
        if block.size >= block_size and last is not None:
            index.add(last, _append(out, block, compression))
            block = _Block()
        block.add(key, value)
        last = key
    if last is not None:
        index.add(last, _append(out, block, compression))
    places = _append(out, _Block(), RAW) + _append(out, index, compression)
    return bytes(out) + places.ljust(FOOTER_SIZE - len(MAGIC), b"\0") + MAGIC


class _Block:
    """A block under construction."""

    def __init__(self, restart_interval: int = RESTART_INTERVAL):
        self._interval = restart_interval
        self._records = bytearray()
        self._restarts = [0]
        self._since_restart = 0
        self._last = b""

    @property
    def size(self) -> int:
        return len(self._records)

    def add(self, key: bytes, value: bytes) -> None:
        shared = 0
        if self._since_restart == self._interval:
            self._restarts.append(len(self._records))
            self._since_restart = 0
        elif self._records:
            limit = min(len(key), len(self._last))
            while shared < limit and key[shared] == self._last[shared]:
                shared += 1
        for number in (shared, len(key) - shared, len(value)):
            self._records += write_varint(number)
        self._records += key[shared:] + value
        self._since_restart += 1
        self._last = key

    def body(self) -> bytes:
        numbers = [*self._restarts, len(self._restarts)]
        return bytes(self._records) + b"".join(n.to_bytes(4, "little") for n in numbers)


def _append(out: bytearray, block: _Block, compression: int) -> bytes:
    """Appends a block with its trailer and returns its encoded place."""
    body = block.body()
    if compression == SNAPPY:
        body = bytes(cramjam.snappy.compress_raw(body))
    place = write_varint(len(out)) + write_varint(len(body))
    body += bytes([compression])
    out += body + masked_crc32c(body).to_bytes(4, "little")
    return place
