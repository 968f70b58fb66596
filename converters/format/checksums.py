"""CRC32C as TensorFlow stores it: masked, so that a CRC of CRCs stays sound."""

from __future__ import annotations

import crc32c as _crc32c

__all__ = ["crc32c", "mask", "masked_crc32c", "unmask"]

_MASK_DELTA = 0xA282EAD8


def crc32c(data, value: int = 0) -> int:
    """Returns the CRC32C of a C-contiguous buffer, going on from `value`.

    Args:
      data: bytes, a memoryview or a contiguous array; it is not copied.
      value: the checksum of the bytes before these, 0 at the start.

    Returns:
      An unsigned 32-bit integer.

    Source:
      RFC 3720, appendix B.4 (the Castagnoli polynomial).

    Example:
      >>> hex(crc32c(b"123456789"))
      '0xe3069283'
    """
    return _crc32c.crc32c(data, value)


def mask(crc: int) -> int:
    """Returns the form in which a CRC is stored: rotated by 15 and offset.

    Example:
      >>> unmask(mask(0xE3069283)) == 0xE3069283
      True
    """
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF


def unmask(stored: int) -> int:
    """Returns the CRC behind its stored form; the inverse of `mask`."""
    rotated = (stored - _MASK_DELTA) & 0xFFFFFFFF
    return (rotated >> 17 | rotated << 15) & 0xFFFFFFFF


def masked_crc32c(data) -> int:
    """Returns the stored form of the CRC32C of a buffer."""
    return mask(_crc32c.crc32c(data))
