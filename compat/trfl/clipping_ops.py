"""Losses that clip gradients."""

import jax

from ...haiku_impl.numerics import ties
from ...rlax_impl.arguments import ArgumentError
from ..core.dtypes import as_array
from .base_ops import half_squared

Array = jax.Array


def huber_loss(
    input_tensor: Array, quadratic_linear_boundary: float, name: str | None = None
) -> Array:
    """Computes a loss that is quadratic up to a boundary and linear beyond it.

    Args:
      input_tensor: errors `[...]`.
      quadratic_linear_boundary: the boundary, not negative.
      name: ignored.

    Returns:
      Losses `[...]`.

    Raises:
      ArgumentError: the boundary is negative.

    >>> import jax.numpy as jnp
    >>> huber_loss(jnp.array([0.5, -3.0]), 1.0)
    Array([0.125, 2.5  ], dtype=float32)
    """
    if quadratic_linear_boundary < 0:
        raise ArgumentError(
            "huber_loss: quadratic_linear_boundary must be positive, but is "
            f"{quadratic_linear_boundary}."
        )
    magnitude = ties.absolute(as_array(input_tensor))
    inner = ties.minimum(magnitude, quadratic_linear_boundary)
    return half_squared(inner) + quadratic_linear_boundary * (magnitude - inner)
