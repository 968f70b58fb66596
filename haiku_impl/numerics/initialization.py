"""How the size of initial values follows from the units that weights connect."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

# The standard deviation of a standard normal cut off at -2 and 2.
TRUNCATED_STDDEV = 0.87962566103423978

MODES = {
    "fan_in": lambda fan_in, fan_out: fan_in,
    "fan_out": lambda fan_in, fan_out: fan_out,
    "fan_avg": lambda fan_in, fan_out: (fan_in + fan_out) / 2.0,
}


def connected_units(
    shape: Sequence[int], mode: str, fan_in_axes: Sequence[int] | None = None
) -> Any:
    """Returns the number of units by which the variance of weights is divided.

    Args:
      shape: Of the weights; like a kernel, `[*window, in, out]`.
      mode: Which units count, one of `MODES`.
      fan_in_axes: The axes that count as inputs, for three and more dimensions.

    Example:
      >>> connected_units([4, 8], "fan_avg")
      6.0
    """
    return MODES[mode](*compute_fans(shape, fan_in_axes))


def compute_fans(
    shape: Sequence[int], fan_in_axes: Sequence[int] | None = None
) -> tuple[Any, Any]:
    """Returns how many units lead into, and out of, a unit of a weight array.

    Args:
      shape: Of the weights; like a kernel, `[*window, in, out]`.
      fan_in_axes: The axes that count as inputs, for three and more dimensions.

    Returns:
      The fan in and the fan out.

    Example:
      >>> fan_in, fan_out = compute_fans([3, 3, 4, 8])
      >>> int(fan_in), int(fan_out)
      (36, 72)
    """
    if len(shape) < 2:
        size = shape[0] if shape else 1
        return size, size
    if len(shape) > 2 and fan_in_axes is not None:
        rest = [size for i, size in enumerate(shape) if i not in fan_in_axes]
        return np.prod([shape[i] for i in fan_in_axes]), np.prod(rest)
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]
