"""OrderedCode: the table keys of tensor slices, whose bytes sort as their values.

A key is a zero byte, the tensor's name with 00 as 00 FF and FF as FF 00, 00 01, the
rank, and for each dimension the start and length of the slice; a whole dimension is
(0, -1).

Source: tensorflow/core/lib/strings/ordered_code.h and
tensorflow/core/util/saved_tensor_slice_util.h, re-derived from files.
"""

from __future__ import annotations

import re

__all__ = ["slice_key"]

_ESCAPES = {b"\x00": b"\x00\xff", b"\xff": b"\xff\x00"}


def slice_key(name: bytes, extents: tuple[tuple[int, int], ...]) -> bytes:
    """Returns the table key of one slice of a tensor.

    Args:
      name: the name of the whole tensor.
      extents: (start, length) per dimension, (0, -1) where it is whole.

    Example:
      >>> slice_key(b"w", ((0, 2), (0, -1))).hex(" ")
      '00 77 00 01 01 02 80 82 80 7f'
    """
    escaped = re.sub(rb"[\x00\xff]", lambda byte: _ESCAPES[byte[0]], name)
    rank = len(extents)
    size = (rank.bit_length() + 7) // 8
    numbers = (number for extent in extents for number in extent)
    return (
        b"\x00"
        + escaped
        + b"\x00\x01"
        + bytes([size])
        + rank.to_bytes(size, "big")
        + b"".join(map(_signed, numbers))
    )


def _signed(number: int) -> bytes:
    """Two's complement in 1 to 10 bytes, the leading bits giving the size in unary."""
    bits = (number if number >= 0 else ~number).bit_length()
    size = bits // 7 + 1
    code = number & (1 << 8 * size) - 1
    return (code ^ ((1 << size) - 1) << 7 * size).to_bytes(size, "big")
