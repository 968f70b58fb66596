"""Dropout."""

import contextlib
from collections.abc import Sequence

import jax

from ..numerics import dropout as numerics


def dropout(
    rng: jax.Array,
    rate: float | jax.Array,
    x: jax.Array,
    broadcast_dims: Sequence[int] = (),
) -> jax.Array:
    """Zeroes units at random and scales the others by `1 / (1 - rate)`.

    Args:
      rng: A JAX random key.
      rate: The probability that a unit is dropped, in [0, 1). A NumPy scalar of a
        smaller dtype, such as `np.float16(0.1)`, needs fewer random bits.
      x: Any shape, any floating dtype.
      broadcast_dims: The dimensions along which units are dropped together.

    Returns:
      An array of the shape of `x`.

    Raises:
      ValueError: `rate` is not in [0, 1), or `x` lacks one of the dimensions.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> y = hk.dropout(jax.random.PRNGKey(0), 0.5, jnp.ones([100]))
      >>> sorted(set(y.tolist()))
      [0.0, 2.0]
    """
    # A traced rate has no value to check.
    with contextlib.suppress(jax.errors.ConcretizationTypeError):
        if not 0 <= rate < 1:
            raise ValueError(f"rate must be in [0, 1), got {rate}.")
        if rate == 0.0:
            return x
    mask_shape = list(x.shape)
    for dim in broadcast_dims:
        if not -x.ndim <= dim < x.ndim:
            raise ValueError(
                f"Broadcast dimension does not exist. Got dimension {dim} for shape "
                f"{x.shape}."
            )
        mask_shape[dim] = 1
    return numerics.dropout(rng, rate, x, tuple(mask_shape))
