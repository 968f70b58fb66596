"""Shapes and slices as checkpoints declare them, and whole tensors out of slices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from .wire import WireError

__all__ = ["Extents", "assemble", "extents_of", "shape_of", "stored_slice"]

Extents = tuple[tuple[int, int], ...]

# TensorFlow's own limits.
MAX_RANK = 254
MAX_ELEMENTS = (1 << 63) - 1


def shape_of(proto: dict | None) -> tuple[int, ...]:
    """Returns the shape of a `TensorShapeProto`; an absent one is a scalar's.

    Raises:
      WireError: the shape is unknown, negative or absurdly large.
    """
    if proto is None:
        return ()
    shape = tuple([dim["size"] for dim in proto["dims"]])
    if proto["unknown_rank"] or len(shape) > MAX_RANK or min(shape, default=0) < 0:
        raise WireError(
            f"it has {'unknown rank' if proto['unknown_rank'] else 'shape'} "
            f"{list(shape[:8])}, expected at most {MAX_RANK} sizes of 0 or more"
        )
    # Zeros count as ones: NumPy, too, refuses [0, 2**62, 2**62].
    if math.prod(size or 1 for size in shape) > MAX_ELEMENTS // 16:
        raise WireError(f"its shape {list(shape[:8])} exceeds 2**59 elements")
    return shape


def extents_of(proto: dict) -> Extents:
    """Returns (start, length) per dimension, (0, -1) for a whole one."""
    return tuple(
        (extent["start"], -1 if extent["length"] is None else extent["length"])
        for extent in proto["extents"]
    )


def stored_slice(
    extents: Extents, shape: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Returns start and shape of a slice of a tensor of the given shape.

    Raises:
      WireError: the slice does not lie in the tensor.

    Example:
      >>> stored_slice(((2, 2), (0, -1)), (4, 3))
      ((2, 0), (2, 3))
    """
    start = tuple(first for first, _ in extents)
    lengths = tuple(
        size if length == -1 and first == 0 else length
        for (first, length), size in zip(extents, shape)
    )
    if len(extents) != len(shape) or any(
        first < 0 or length < 0 or first + length > size
        for first, length, size in zip(start, lengths, shape)
    ):
        raise WireError(f"the slice {list(extents[:8])} is not within {shape[:8]}")
    return start, lengths


def assemble(
    shape: tuple[int, ...], parts: Sequence[tuple[tuple[int, ...], np.ndarray]]
) -> np.ndarray:
    """Returns the whole tensor, read-only, of parts with as many elements together.

    Args:
      shape: the shape of the whole.
      parts: the start and the values of each part.

    Raises:
      WireError: two parts overlap.
    """
    whole = np.empty(shape, parts[0][1].dtype)
    regions = [
        tuple(slice(i, i + n) for i, n in zip(start, part.shape))
        for start, part in parts
    ]
    split = [
        axis
        for axis in range(len(shape))
        if any(region[axis] != slice(0, shape[axis]) for region in regions)
    ]
    if len(split) == 1:
        bounds = sorted((r[split[0]].start, r[split[0]].stop) for r in regions)
        overlap = any(a[1] > b[0] for a, b in pairwise(bounds))
    else:
        taken = np.zeros(shape, bool)
        overlap = False
        for region in regions:
            overlap = overlap or bool(taken[region].any())
            taken[region] = True
    if overlap:
        raise WireError(f"its {len(parts)} slices overlap")
    for region, (_, part) in zip(regions, parts):
        whole[region] = part
    whole.flags.writeable = False
    return whole
