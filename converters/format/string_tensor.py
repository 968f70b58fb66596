"""How tensors of bytes are stored: strings, and variants, which are only checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from .checksums import crc32c, mask
from .wire import WireError, read_varint, write_varint

__all__ = ["decode_strings", "encode_strings", "variants_crc"]

Order = Literal["little", "big"]


def decode_strings(
    view: memoryview, count: int, big_endian: bool
) -> tuple[np.ndarray, int]:
    """Returns the strings of a tensor and the CRC32C computed for its entry.

    Args:
      view: all stored bytes of the tensor.
      count: the number of elements of its shape.
      big_endian: whether the machine that wrote it was.

    Raises:
      WireError: the lengths do not fit the bytes or their checksum.
    """
    end = len(view) - 4
    if count > end:
        raise WireError(f"{len(view)} bytes can't hold {count} strings")
    lengths, position = [], 0
    for _ in range(count):
        length, position = read_varint(view, position, end)
        lengths.append(length)
    start = position + 4
    if start + sum(lengths) != len(view):
        raise WireError(
            f"its strings take {start + sum(lengths)} bytes where {len(view)} are "
            "stored"
        )
    stored = view[position:start]
    order: Order = "big" if big_endian else "little"
    crc = _lengths_crc(lengths, order)
    if int.from_bytes(stored, order) != mask(crc):
        raise WireError(
            f"the lengths of its strings have checksum {mask(crc):#010x}, expected "
            f"{int.from_bytes(stored, order):#010x}"
        )
    crc = crc32c(view[position:], crc)
    strings = np.empty(count, object)
    position = start
    for i, length in enumerate(lengths):
        strings[i] = bytes(view[position : position + length])
        position += length
    return strings, crc


def encode_strings(strings: Sequence[bytes]) -> tuple[bytes, int]:
    """Returns the stored bytes of a string tensor and their CRC32C (little-endian).

    Example:
      >>> data, crc = encode_strings([b"ab", b""])
      >>> decode_strings(memoryview(data), 2, big_endian=False)[0]
      array([b'ab', b''], dtype=object)
    """
    lengths = [len(string) for string in strings]
    crc = _lengths_crc(lengths, "little")
    tail = mask(crc).to_bytes(4, "little") + b"".join(strings)
    return b"".join(map(write_varint, lengths)) + tail, crc32c(tail, crc)


def variants_crc(view: memoryview, count: int) -> int:
    """Returns the CRC32C of a variant tensor, which is checked but not decoded.

    Each element is its length, its bytes and the checksum of all before it.

    Args:
      view: all stored bytes of the tensor.
      count: the number of elements of its shape.

    Raises:
      WireError: an element does not fit the bytes or its checksum.
    """
    crc = position = 0
    for i in range(count):
        length, position = read_varint(view, position, len(view))
        end = position + length
        stored = view[end : end + 4]
        crc = crc32c(view[position:end], crc32c(length.to_bytes(8, "little"), crc))
        if len(stored) < 4 or int.from_bytes(stored, "little") != mask(crc):
            raise WireError(
                f"element {i} of {length} bytes has checksum {mask(crc):#010x}, "
                f"expected {int.from_bytes(stored, 'little'):#010x}"
            )
        crc = crc32c(stored, crc)
        position = end + 4
    if position != len(view):
        raise WireError(f"{count} elements take {position} of {len(view)} bytes")
    return crc


def _lengths_crc(lengths: list[int], order: Order) -> int:
    """The CRC32C of the lengths as integers of 4 bytes, or of 8 if they need it."""
    sign = ">" if order == "big" else "<"
    if max(lengths, default=0) < 1 << 32:
        return crc32c(np.array(lengths, f"{sign}u4").tobytes())
    return crc32c(b"".join(n.to_bytes(4 if n < 1 << 32 else 8, order) for n in lengths))
