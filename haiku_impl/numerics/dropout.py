"""Random omission of units (Srivastava et al., 2014)."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from .promotion import promoted


def dropout(
    key: jax.Array, rate: Any, x: jax.Array, mask_shape: Sequence[int] | None = None
) -> jax.Array:
    """Zeroes units at random and scales the others by `1 / (1 - rate)`.

    Args:
      key: A JAX random key.
      rate: The probability that a unit is dropped, in [0, 1); a Python number or a
        scalar array, which may be traced.
      x: Any shape, any floating dtype.
      mask_shape: The shape of the random mask, broadcastable to `x`: units along
        an axis of size 1 are dropped together. None is one draw for each unit.

    Returns:
      An array of the shape of `x`.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> y = dropout(jax.random.key(0), 0.5, jnp.ones([100]))
      >>> sorted(set(y.tolist()))
      [0.0, 2.0]
    """
    shape = x.shape if mask_shape is None else tuple(mask_shape)
    keep_rate = 1.0 - rate
    keep = jax.random.bernoulli(key, keep_rate, shape)
    if shape != x.shape:
        keep = jnp.broadcast_to(keep, x.shape)
    kept = lax.convert_element_type(keep, x.dtype) * x
    if hasattr(keep_rate, "dtype"):
        kept, keep_rate = promoted(kept, keep_rate)
    return kept / keep_rate


def inverted_dropout(
    key: jax.Array, rate: Any, x: jax.Array, mask_shape: Sequence[int]
) -> jax.Array:
    """Scales units by `1 / (1 - rate)`, then selects those kept, as TensorFlow does.

    Unlike those of `dropout`, dropped units are zero whatever they were, infinite ones
    too.

    Args:
      key: A JAX random key.
      rate: The probability that a unit is dropped, in [0, 1); a Python number or a
        scalar array, which may be traced.
      x: Any shape, any floating dtype.
      mask_shape: The shape of the random mask, broadcastable to `x`.

    Returns:
      An array of the shape of `x`.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> y = inverted_dropout(jax.random.key(0), 0.5, jnp.ones([100]), (100,))
      >>> sorted(set(y.tolist()))
      [0.0, 2.0]
    """
    keep = jax.random.bernoulli(key, 1.0 - rate, mask_shape)
    scaled = x * (1.0 / (1.0 - rate)) if isinstance(rate, float) else x / (1 - rate)
    return jnp.where(keep, scaled, jnp.zeros([], x.dtype))
