"""Moments of arrays, and what the normalisation layers make of them."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from .layout import absolute_axes
from .promotion import promoted_dtype
from .tracing import traced_once

Axes = Sequence[int]


@traced_once(1)
def moments(x: jax.Array, axes: Axes) -> tuple[jax.Array, jax.Array]:
    """Returns the mean and the biased variance, taken around the mean.

    Sums of float16 and bfloat16 numbers are taken in float32.

    Args:
      x: Any shape, any floating dtype.
      axes: The axes to reduce over; they stay with size 1.

    Returns:
      The mean and the variance, in the dtype of `x`.

    Example:
      >>> import jax.numpy as jnp
      >>> mean, variance = moments(jnp.array([[1.0, 3.0]]), (1,))
      >>> mean.tolist(), variance.tolist()
      ([[2.0]], [[1.0]])
    """
    axes = tuple(axes)
    wide = x.astype(promoted_dtype(x.dtype, jnp.float32))
    mean = jnp.mean(wide, axes, keepdims=True)
    variance = jnp.mean(lax.square(wide - mean), axes, keepdims=True)
    return mean.astype(x.dtype), variance.astype(x.dtype)


def moments_of_squares(
    x: jax.Array,
    axes: Axes,
    *,
    axis_name: str | Sequence[str] | None = None,
    axis_index_groups: Sequence[Sequence[int]] | None = None,
) -> tuple[jax.Array, jax.Array]:
    """Returns the mean and E[x^2] - E[x]^2, over this or over all replicas.

    One pass over the data, and the only form whose parts replicas can average;
    it loses digits where the mean is large against the deviation.

    Args:
      x: Any shape, any floating dtype.
      axes: The axes to reduce over; they stay with size 1.
      axis_name: The mapped axis or axes to average over as well; None is none.
      axis_index_groups: How the replicas on that axis are grouped.

    Returns:
      The mean and the variance, in the dtype of `x`.

    Example:
      >>> import jax.numpy as jnp
      >>> mean, variance = moments_of_squares(jnp.array([[1.0, 3.0]]), (1,))
      >>> mean.tolist(), variance.tolist()
      ([[2.0]], [[1.0]])
    """
    axes = tuple(axes)
    mean = jnp.mean(x, axes, keepdims=True)
    mean_square = jnp.mean(lax.square(x), axes, keepdims=True)
    if axis_name:
        mean, mean_square = (
            lax.pmean(m, axis_name, axis_index_groups=axis_index_groups)
            for m in (mean, mean_square)
        )
    return mean, mean_square - lax.square(mean)


def bessel_corrected(variance: jax.Array, count: int) -> jax.Array:
    """Turns a biased variance into the unbiased one, as TensorFlow's fused op does.

    Args:
      variance: Of `count` values; any shape.
      count: How many values the variance was taken over; a single one is left as
        it is.

    Returns:
      `variance * count / (count - 1)`.

    Example:
      >>> import jax.numpy as jnp
      >>> bessel_corrected(jnp.array(3.0), 4).item()
      4.0
    """
    return variance * (count / max(count - 1, 1))


@traced_once(5)
def normalize(
    x: jax.Array,
    mean: jax.Array,
    variance: jax.Array,
    scale: jax.Array | None,
    offset: jax.Array | None,
    eps: Any,
) -> jax.Array:
    """Centres, then scales: `(x - mean) * (scale * rsqrt(variance + eps)) + offset`.

    This is Haiku's arithmetic, and that of TensorFlow's fused batch norm.

    Args:
      x: Any shape.
      mean: Broadcastable to `x`, of the same rank.
      variance: Broadcastable to `x`, of the same rank.
      scale: At most of the rank of `x`, broadcastable; None is 1.
      offset: As `scale`; None is 0.
      eps: Added to the variance.

    Returns:
      An array of the shape of `x`.

    Example:
      >>> import jax.numpy as jnp
      >>> x = jnp.array([[1.0, 3.0]])
      >>> normalize(x, *moments(x, (1,)), None, jnp.array([5.0, 5.0]), 0.0).tolist()
      [[4.0, 6.0]]
    """
    inv = _inverse_deviation(variance, scale, eps, x.ndim)
    out = (x - mean) * inv
    return out if offset is None else out + _fit(offset, x)


@traced_once(5)
def normalize_folded(
    x: jax.Array,
    mean: jax.Array,
    variance: jax.Array,
    scale: jax.Array | None,
    offset: jax.Array | None,
    eps: Any,
) -> jax.Array:
    """Folds the mean into the offset: `x * inv + (offset - mean * inv)`.

    `inv` is `rsqrt(variance + eps) * scale`. This is Sonnet's arithmetic, from
    `tf.nn.batch_normalization`; with large means it differs from `normalize`.

    Args:
      x: Any shape.
      mean: Broadcastable to `x`, of the same rank.
      variance: Broadcastable to `x`, of the same rank.
      scale: At most of the rank of `x`, broadcastable; None is 1.
      offset: As `scale`; None is 0.
      eps: Added to the variance.

    Returns:
      An array of the shape of `x`.

    Example:
      >>> import jax.numpy as jnp
      >>> x = jnp.array([[1.0, 3.0]])
      >>> normalize_folded(x, *moments(x, (1,)), None, None, 0.0).tolist()
      [[-1.0, 1.0]]
    """
    inv = _inverse_deviation(variance, scale, eps, x.ndim)
    shift = -mean * inv if offset is None else _to_rank(offset, x.ndim) - mean * inv
    return x * inv.astype(x.dtype) + shift.astype(x.dtype)


def rms_normalize(
    x: jax.Array, axes: Axes, scale: jax.Array | None, eps: Any
) -> jax.Array:
    """Divides by the root of the mean square (Zhang and Sennrich, 2019).

    Args:
      x: Any shape.
      axes: The axes to average over.
      scale: At most of the rank of `x`, broadcastable; None is 1.
      eps: Added to the mean square.

    Returns:
      An array of the shape of `x`.

    Example:
      >>> import jax.numpy as jnp
      >>> rms_normalize(jnp.array([[3.0, -3.0]]), (1,), None, 0.0).tolist()
      [[1.0, -1.0]]
    """
    mean_square = jnp.mean(lax.square(x), tuple(axes), keepdims=True)
    scaled = x if scale is None else x * _fit(scale, x)
    return scaled * lax.rsqrt(mean_square + eps)


def group_normalize(
    x: jax.Array,
    groups: int,
    axes: tuple[int, ...] | slice,
    scale: jax.Array | None,
    offset: jax.Array | None,
    eps: Any,
    *,
    channel_index: int = -1,
    folded: bool = False,
) -> jax.Array:
    """Normalises groups of channels by their moments (Wu and He, 2018).

    Args:
      x: `[batch, ..., channels]` or `[batch, channels, ...]`.
      groups: A divisor of the number of channels.
      axes: The axes to reduce over; the channels stand for those of one group.
      scale: At most of the rank of `x`, broadcastable; None is 1.
      offset: As `scale`; None is 0.
      eps: Added to the variance.
      channel_index: -1 or 1.
      folded: Whether to use `normalize_folded`, as Sonnet does, or `normalize`.

    Returns:
      An array of the shape of `x`.

    Example:
      >>> import jax.numpy as jnp
      >>> x = jnp.array([[1.0, 3.0, 10.0, 20.0]])
      >>> group_normalize(x, 2, slice(1, None), None, None, 0.0).tolist()
      [[-1.0, 1.0, -1.0, 1.0]]
    """
    at = channel_index % x.ndim
    grouped = x.reshape(
        *x.shape[:at], groups, x.shape[at] // groups, *x.shape[at + 1 :]
    )
    # The axis of the groups itself is never reduced.
    reduced = tuple(axis + (axis >= at) for axis in absolute_axes(axes, x.ndim))
    mean, variance = moments(grouped, reduced)
    rescale = normalize_folded if folded else normalize
    out = rescale(grouped, mean, variance, None, None, eps).reshape(x.shape)
    out = out if scale is None else out * _fit(scale, x)
    return out if offset is None else out + _fit(offset, x)


def check_inits(
    create_scale: bool,
    create_offset: bool,
    scale_init: Callable[..., Any] | None,
    offset_init: Callable[..., Any] | None,
) -> None:
    """Checks the arguments with which a normalisation layer is made.

    Args:
      create_scale: Whether the layer makes a scale.
      create_offset: Whether the layer makes an offset.
      scale_init: The scale's initial value, or None for the default.
      offset_init: The offset's initial value, or None for the default.

    Raises:
      ValueError: An initial value is given for a parameter that is not made.

    Example:
      >>> check_inits(False, True, None, None)
    """
    if not create_scale and scale_init is not None:
        raise ValueError("Cannot set `scale_init` if `create_scale=False`.")
    if not create_offset and offset_init is not None:
        raise ValueError("Cannot set `offset_init` if `create_offset=False`.")


def _inverse_deviation(variance, scale, eps, rank):
    inv = lax.rsqrt(variance + lax.convert_element_type(eps, variance.dtype))
    return inv if scale is None else _to_rank(scale, rank) * inv


def _to_rank(parameter, rank):
    # Not to the whole shape of x: with one variance for each channel, what is
    # computed with it stays as small.
    parameter = jnp.asarray(parameter)
    return lax.broadcast_to_rank(parameter, rank) if parameter.ndim else parameter


def _fit(parameter, x):
    # Explicit, so that it also holds where `jax_numpy_rank_promotion` is "raise".
    parameter = jnp.asarray(parameter)
    if parameter.ndim in (0, x.ndim):
        return parameter
    trailing = range(x.ndim - parameter.ndim, x.ndim)
    return lax.broadcast_in_dim(parameter, x.shape, tuple(trailing))
