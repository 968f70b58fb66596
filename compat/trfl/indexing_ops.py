"""Picking values by index."""

import jax
import jax.numpy as jnp

from ...rlax_impl import indexing
from ...rlax_impl.arguments import ArgumentError
from ..core.dtypes import as_array

Array = jax.Array


def batched_index(values: Array, indices: Array, keepdims: bool | None = None) -> Array:
    """Picks one value for each element of a batch or of a batch of sequences.

    Args:
      values: array `[batch, size]` or `[time, batch, size]`.
      indices: integers `[batch]` or `[time, batch]`; one outside of `[0, size)` picks
        zero.
      keepdims: whether the last axis stays, with size 1. Default: no.

    Returns:
      Values `[batch]` or `[time, batch]`, or with an axis of size 1 at the end.

    Raises:
      ArgumentError: the shapes are no such pair.

    >>> batched_index(jnp.array([[1.0, 2.0], [3.0, 4.0]]), jnp.array([1, 0]))
    Array([2., 3.], dtype=float32)
    """
    values, indices = as_array(values), as_array(indices)
    if values.ndim not in (2, 3) or values.shape[:-1] != indices.shape:
        raise ArgumentError(
            "batched_index: values and indices must have shapes [batch, size] and "
            "[batch], or [time, batch, size] and [time, batch], but have "
            f"{list(values.shape)} and {list(indices.shape)}."
        )
    chosen = indexing.one_hot(indices, values.shape[-1], values.dtype)
    return jnp.sum(values * chosen, axis=-1, keepdims=bool(keepdims))
