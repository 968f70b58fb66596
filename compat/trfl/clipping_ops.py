"""Losses that clip gradients."""

import jax
import jax.numpy as jnp

from ... import rlax_impl
from ...rlax_impl.arguments import ArgumentError

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

    >>> huber_loss(jnp.array([0.5, -3.0]), 1.0)
    Array([0.125, 2.5  ], dtype=float32)
    """
    if quadratic_linear_boundary < 0:
        raise ArgumentError(
            "huber_loss: quadratic_linear_boundary must be positive, but is "
            f"{quadratic_linear_boundary}."
        )
    return rlax_impl.huber_loss(jnp.asarray(input_tensor), quadratic_linear_boundary)
