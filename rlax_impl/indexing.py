"""Picking, encoding and replacing the elements of arrays."""

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from .arguments import ArgumentError

Array = jax.Array


def batched_index(values: Array, indices: Array, keepdims: bool = False) -> Array:
    """Picks one element of the last axis for each position of the others.

    Args:
      values: array `[..., size]`.
      indices: integers `[...]` in `[0, size)`.
      keepdims: whether the last axis stays, with size 1. Default False.

    Returns:
      Array `[...]`, or `[..., 1]`, of the dtype of `values`.

    >>> batched_index(jnp.array([[1.0, 2.0], [3.0, 4.0]]), jnp.array([1, 0]))
    Array([2., 3.], dtype=float32)
    """
    picked = jnp.take_along_axis(values, indices[..., None], axis=-1)
    return picked if keepdims else picked[..., 0]


def one_hot(indices: Array, num_classes: int, dtype: DTypeLike = jnp.float32) -> Array:
    """Encodes indices as rows that are 1 at the index and 0 elsewhere.

    Args:
      indices: array `[...]` of whole numbers; one outside of `[0, num_classes)` gives
        a row of zeros.
      num_classes: size of the new last axis.
      dtype: of the result. Default float32.

    Returns:
      Array `[..., num_classes]`.

    >>> one_hot(jnp.array([2, 0]), 3)
    Array([[0., 0., 1.],
           [1., 0., 0.]], dtype=float32)
    """
    indices = jnp.asarray(indices)
    classes = jnp.arange(num_classes).reshape((1,) * indices.ndim + (num_classes,))
    return (indices[..., None] == classes).astype(dtype)


def lhs_broadcast(source: Array, target: Array) -> Array:
    """Appends axes of size 1 so that the source broadcasts over the target's front.

    Args:
      source: array whose shape is a prefix of the target's, but for axes of size 1.
      target: array `[...]`; only its shape is read.

    Returns:
      The source, reshaped to the rank of the target.

    Raises:
      ArgumentError: the shape of the source is no such prefix.

    >>> lhs_broadcast(jnp.ones([2]), jnp.ones([2, 3, 4])).shape
    (2, 1, 1)
    """
    if source.ndim > target.ndim or any(
        size not in (1, wanted) for size, wanted in zip(source.shape, target.shape)
    ):
        raise ArgumentError(
            f"lhs_broadcast: source has shape {list(source.shape)}, which is not "
            f"compatible with the first axes of target, {list(target.shape)}. Give "
            "each axis of source the size of the target's, or 1."
        )
    return jnp.reshape(source, source.shape + (1,) * (target.ndim - source.ndim))


def replace_masked(data: Array, replacement: Array | None, mask: Array) -> Array:
    """Replaces the slices of an array that a mask marks.

    Args:
      data: array `[...]`.
      replacement: array of the same shape, or None for zeros.
      mask: zeros and ones, or booleans; its shape is a prefix of that of `data`. One
        means: replace.

    Returns:
      Array of the shape of `data`.

    Raises:
      ArgumentError: the shape of the mask is no prefix of that of `data`.

    >>> replace_masked(jnp.array([[1, 2], [3, 4]]), None, jnp.array([True, False]))
    Array([[0, 0],
           [3, 4]], dtype=int32)
    """
    if replacement is None:
        replacement = jnp.zeros_like(data)
    return jnp.where(lhs_broadcast(mask, data), replacement, data)
