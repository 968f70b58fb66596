"""Picking values by index."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from ...rlax_impl import indexing
from ...rlax_impl.arguments import ArgumentError
from ..core.dtypes import as_array

Array = jax.Array


def assert_compatible_shapes(
    value_shape: Sequence[int] | None, index_shape: Sequence[int] | None
) -> None:
    """Checks that values and indices have shapes that `batched_index` takes.

    Args:
      value_shape: `[batch, size]` or `[time, batch, size]`. None: nothing is checked.
      index_shape: the same without the last axis. None: nothing is checked.

    Raises:
      ArgumentError: the shapes are no such pair.

    >>> assert_compatible_shapes((2, 3), (2,))
    """
    if value_shape is None or index_shape is None:
        return
    values, indices = list(value_shape), list(index_shape)
    if len(values) not in (2, 3) or values[:-1] != indices:
        raise ArgumentError(
            "batched_index: values and indices must have shapes [batch, size] and "
            "[batch], or [time, batch, size] and [time, batch], but have "
            f"{values} and {indices}."
        )


def at_actions(values: Array, actions: Array, function: str, argument: str) -> Array:
    """Picks the row of each action; there is none for an action out of range.

    Args:
      values: array `[..., actions, *rest]`.
      actions: integers `[...]`.
      function: what the message begins with.
      argument: what the message calls the actions.

    Returns:
      Array `[..., *rest]`. Where actions are traced, and can't be looked at, NaN for
      one out of range, as TensorFlow has it on a GPU.

    Raises:
      ArgumentError: an action is out of range.
    """
    axis = actions.ndim
    size = values.shape[axis]
    inside = (actions >= 0) & (actions < size)
    if not isinstance(inside, jax.core.Tracer) and not jnp.all(inside):
        raise ArgumentError(
            f"{function}: {argument} must lie in [0, {size}), but hold "
            f"{sorted(set(actions[~inside].tolist()))}."
        )
    after = tuple(range(axis, values.ndim))
    picked = jnp.take_along_axis(values, jnp.expand_dims(actions, after), axis=axis)
    inside = jnp.expand_dims(inside, after[:-1])
    return jnp.where(inside, jnp.squeeze(picked, axis), jnp.nan)


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
    assert_compatible_shapes(values.shape, indices.shape)
    if not jnp.issubdtype(indices.dtype, jnp.integer):
        raise ArgumentError(
            f"batched_index: indices must be integers, but are {indices.dtype}. "
            "Convert them, for example with jnp.asarray(indices, int)."
        )
    chosen = indexing.one_hot(indices, values.shape[-1], values.dtype)
    return jnp.sum(values * chosen, axis=-1, keepdims=bool(keepdims))
