"""Shapes and slices as checkpoints declare them, and whole tensors out of slices."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import numpy as np

from .wire import WireError

__all__ = [
    "Extents",
    "MAX_NUMPY_RANK",
    "Region",
    "assemble",
    "check_tiling",
    "extents_of",
    "region_of",
    "shape_of",
    "stored_slice",
]

Extents = tuple[tuple[int, int], ...]
Region = tuple[tuple[int, int], ...]

MAX_NUMPY_RANK = 64
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


def stored_slice(extents: Extents, shape: tuple[int, ...]) -> Region:
    """Returns start and stop per dimension of a slice of a tensor of a given shape.

    Raises:
      WireError: the slice does not lie in the tensor.

    Example:
      >>> stored_slice(((2, 2), (0, -1)), (4, 3))
      ((2, 4), (0, 3))
    """
    region = tuple(
        (start, size if length == -1 and start == 0 else start + length)
        for (start, length), size in zip(extents, shape)
    )
    if len(extents) != len(shape) or any(
        not 0 <= start <= stop <= size for (start, stop), size in zip(region, shape)
    ):
        raise WireError(f"the slice {list(extents[:8])} is not within {shape[:8]}")
    return region


def region_of(
    index: Sequence[slice] | None, shape: tuple[int, ...], name: str
) -> Region:
    """Returns start and stop per dimension of the part of a tensor that is asked for.

    Raises:
      ValueError: the index has not one slice of step 1 per dimension.

    Example:
      >>> region_of((slice(None, 2), slice(-1, None)), (4, 3), "w")
      ((0, 2), (2, 3))
    """
    index = (slice(None),) * len(shape) if index is None else tuple(index)
    if len(index) != len(shape) or any(part.step not in (None, 1) for part in index):
        raise ValueError(
            f"tensor {name!r} has shape {list(shape)}; expected a slice of step 1 for "
            f"each dimension, got {index}"
        )
    bounds = [part.indices(size) for part, size in zip(index, shape)]
    return tuple((start, max(start, stop)) for start, stop, _ in bounds)


def check_tiling(shape: tuple[int, ...], regions: Sequence[Region]) -> None:
    """Checks that each element of a tensor lies in one region.

    Raises:
      WireError: one lies in none, or in two.
    """
    volume = sum(math.prod(stop - start for start, stop in r) for r in regions)
    if volume != math.prod(shape):
        raise WireError(
            f"its {len(regions)} slices hold {volume} elements; shape {list(shape)} "
            f"has {math.prod(shape)}"
        )
    split = [
        axis
        for axis, size in enumerate(shape)
        if any(region[axis] != (0, size) for region in regions)
    ]
    if len(split) == 1:
        bounds = sorted(region[split[0]] for region in regions)
        overlap = any(stop > start for (_, stop), (start, _) in pairwise(bounds))
    else:
        taken = np.zeros(shape, bool)
        overlap = False
        for region in regions:
            part = taken[_slices(region)]
            overlap = overlap or bool(part.any())
            part[...] = True
    if overlap:
        raise WireError(f"its {len(regions)} slices overlap")


def assemble(
    wanted: Region,
    dtype: np.dtype,
    parts: Sequence[tuple[Region, Callable[[], np.ndarray]]],
) -> np.ndarray:
    """Returns a region of a tensor out of the stored parts that it touches.

    Args:
      wanted: the region.
      dtype: the tensor's dtype.
      parts: the region of each stored part, and what reads it.
    """
    out = np.empty([stop - start for start, stop in wanted], dtype)
    for region, read in parts:
        common = [(max(a, c), min(b, d)) for (a, b), (c, d) in zip(region, wanted)]
        if all(start < stop for start, stop in common):
            source = [(a - o, b - o) for (a, b), (o, _) in zip(common, region)]
            target = [(a - o, b - o) for (a, b), (o, _) in zip(common, wanted)]
            out[_slices(target)] = read()[_slices(source)]
    out.flags.writeable = False
    return out


def _slices(region: Iterable[tuple[int, int]]) -> tuple[slice, ...]:
    return tuple(slice(start, stop) for start, stop in region)
