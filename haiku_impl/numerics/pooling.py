"""Maximum and average over sliding windows."""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax


def max_pool(
    x: jax.Array, window_shape: Sequence[int], strides: Sequence[int], padding: str
) -> jax.Array:
    """Returns the largest value of every window.

    Args:
      x: Any shape.
      window_shape: One size for each dimension of `x`.
      strides: One step for each dimension of `x`.
      padding: "SAME" or "VALID".

    Returns:
      An array of the rank of `x`.

    Example:
      >>> import jax.numpy as jnp
      >>> max_pool(jnp.array([1.0, 3.0, 2.0]), (2,), (1,), "VALID").tolist()
      [3.0, 3.0]
    """
    return lax.reduce_window(x, -jnp.inf, lax.max, window_shape, strides, padding)


def avg_pool(
    x: jax.Array, window_shape: Sequence[int], strides: Sequence[int], padding: str
) -> jax.Array:
    """Returns the mean of every window; padding does not count.

    Args:
      x: Any shape.
      window_shape: One size for each dimension of `x`.
      strides: One step for each dimension of `x`.
      padding: "SAME" or "VALID".

    Returns:
      An array of the rank of `x`.

    Example:
      >>> import jax.numpy as jnp
      >>> avg_pool(jnp.array([1.0, 3.0, 2.0]), (2,), (1,), "SAME").tolist()
      [2.0, 2.5, 2.0]
    """

    def window_sums(array):
        return lax.reduce_window(array, 0.0, lax.add, window_shape, strides, padding)

    sums = window_sums(x)
    if padding == "VALID":
        return sums / math.prod(window_shape)
    # The number of values in a window is the same along an axis that is not
    # pooled: leaving it at size 1 keeps the count small.
    counted = [
        size if window != 1 else 1
        for size, window in zip(x.shape, window_shape, strict=True)
    ]
    return sums / window_sums(jnp.ones(counted, x.dtype))
