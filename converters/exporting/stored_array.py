"""What is checked of an array that a file of another format describes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import CorruptCheckpointError, UnsupportedCheckpointError
from ..format.tensor_slices import MAX_NUMPY_RANK

__all__ = ["check_bools", "checked_shape"]

_MAX_ELEMENTS = 1 << 59


def checked_shape(shape: Any, path: str, tensor: str) -> int:
    """Returns the number of elements of a shape that NumPy has arrays of.

    Args:
      shape: a list or tuple of what should be sizes.
      path: the file, for messages.
      tensor: the array's name, for messages.

    Raises:
      CorruptCheckpointError: these are no sizes of an array.
      UnsupportedCheckpointError: NumPy has no arrays of so many dimensions.

    Example:
      >>> checked_shape([2, 3], "model.npz", "w")
      6
    """
    sizes = isinstance(shape, list | tuple) and all(
        type(size) is int and 0 <= size <= _MAX_ELEMENTS for size in shape
    )
    # Zeros count as ones: NumPy, too, refuses [0, 2**62].
    if not sizes or math.prod(size or 1 for size in shape[:300]) > _MAX_ELEMENTS:
        raise CorruptCheckpointError(
            f"its shape is {shape!r:.200}, expected sizes of at most 2**59 elements",
            path=path,
            tensor=tensor,
        )
    if len(shape) > MAX_NUMPY_RANK:
        raise UnsupportedCheckpointError(
            f"it has rank {len(shape)}; NumPy's arrays have {MAX_NUMPY_RANK} at most",
            path=path,
            tensor=tensor,
        )
    return math.prod(shape)


def check_bools(array: np.ndarray, path: str, tensor: str) -> None:
    """Checks that the booleans of an array are zeros and ones.

    Raises:
      CorruptCheckpointError: another byte stands for one.
    """
    highest = int(np.max(array.view(np.uint8), initial=0)) if array.dtype == bool else 0
    if highest > 1:
        raise CorruptCheckpointError(
            f"it has byte {highest} where a bool is 0 or 1", path=path, tensor=tensor
        )
