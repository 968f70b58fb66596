"""Sums over an array and over the devices that share it."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

Array = jax.Array


class AllSum:
    """A sum over the elements of an array and, if it has a name, a mapped axis.

    Args:
      axis_name: axis of `shard_map`, `pmap` or `vmap`. Default None: no such axis.

    >>> print(AllSum()(jnp.array([1.0, 2.0])))
    3.0
    >>> total = jax.vmap(AllSum("batch"), axis_name="batch")
    >>> print(total(jnp.array([[1.0, 2.0], [3.0, 4.0]])))
    [10. 10.]
    """

    def __init__(self, axis_name: str | None = None):
        self._axis_name = axis_name

    def __call__(self, x: Array, axis: int | Sequence[int] | None = None) -> Array:
        """Sums over some axes of the array, and then over the mapped axis.

        Args:
          x: array `[...]`.
          axis: axis or axes of the array. Default None: all.

        Returns:
          The sum, without these axes.
        """
        local = jnp.sum(x, axis=axis)
        if self._axis_name is None:
            return local
        return jax.lax.psum(local, self._axis_name)
