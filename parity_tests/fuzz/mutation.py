"""Small damages to bytes, drawn from a generator."""

import numpy as np

from sonnax.converters.format.wire import write_varint

__all__ = ["mutated"]


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """Returns the bytes after one to three flips, overwrites, insertions or cuts."""
    changed = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        if not changed:
            break
        i = int(rng.integers(len(changed)))
        match rng.integers(6):
            case 0 | 1:
                changed[i] ^= 1 << rng.integers(8)
            case 2:
                changed[i] = rng.choice([0, 1, 127, 128, 255])
            case 3:
                changed[i : i + 1] = bytes(rng.integers(0, 256, 2, dtype=np.uint8))
            case 4:
                del changed[i : i + int(rng.integers(1, 5))]
            case 5:
                huge = write_varint(1 << int(rng.integers(31, 64)))
                changed[i : i + 1] = huge
    return bytes(changed)
