"""Making the checksums of a damaged table right, so that what they guard is reached."""

import contextlib

from sonnax.converters.format.checksums import masked_crc32c
from sonnax.converters.format.table import FOOTER_SIZE, MAGIC, RAW, TRAILER_SIZE
from sonnax.converters.format.wire import WireError, read_varint

__all__ = ["resealed"]

_MOST = 1000  # blocks


def resealed(table: bytes) -> bytes:
    """Returns a table whose blocks, as far as they are found, have right checksums."""
    out = bytearray(table)
    out[-len(MAGIC) :] = MAGIC
    places: list[tuple[int, int]] = []
    with contextlib.suppress(WireError):
        position = max(0, len(out) - FOOTER_SIZE)
        for _ in range(2):
            place, position = _place(out, position)
            places.append(place)
    if len(places) == 2:
        start, size = places[1]
        if out[start + size : start + size + 1] == bytes([RAW]):
            places += _listed(bytes(out[start : start + size]))
    for start, size in places:
        end = start + size + 1
        if end + TRAILER_SIZE - 1 <= len(out):
            crc = masked_crc32c(bytes(out[start:end]))
            out[end : end + 4] = crc.to_bytes(4, "little")
    return bytes(out)


def _place(data, position: int) -> tuple[tuple[int, int], int]:
    start, position = read_varint(data, position, len(data))
    size, position = read_varint(data, position, len(data))
    return (start, size), position


def _listed(block: bytes) -> list[tuple[int, int]]:
    """Returns the places that an index block lists, up to where it is unsound."""
    places: list[tuple[int, int]] = []
    position, end = 0, len(block) - 4 - 4 * int.from_bytes(block[-4:], "little")
    with contextlib.suppress(WireError):
        while position < end and len(places) < _MOST:
            numbers = []
            for _ in range(3):
                number, position = read_varint(block, position, len(block))
                numbers.append(number)
            _, unshared, length = numbers
            places.append(_place(block, position + unshared)[0])
            position += unshared + length
    return places
