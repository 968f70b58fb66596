"""Convolutions of any rank, lowered to one `lax.conv_general_dilated`."""

from collections.abc import Sequence

import jax
from jax import lax

from .tracing import inlined

Padding = str | Sequence[tuple[int, int]]


def dimension_numbers(
    spatial_rank: int, channel_index: int, *, transposed_kernel: bool = False
) -> lax.ConvDimensionNumbers:
    """Describes images and kernels to XLA.

    Args:
      spatial_rank: The number of spatial dimensions, 1 or more.
      channel_index: -1 for `[batch, *spatial, channels]`, 1 for
        `[batch, channels, *spatial]`.
      transposed_kernel: True for kernels `[*spatial, out, in]`, else
        `[*spatial, in, out]`.

    Returns:
      Dimension numbers for images, kernels and results.

    Example:
      >>> dimension_numbers(2, -1).rhs_spec
      (3, 2, 0, 1)
    """
    spatial = tuple(range(spatial_rank))
    first = 1 if channel_index == -1 else 2
    image = (0, channel_index % (spatial_rank + 2), *(first + i for i in spatial))
    out_axis, in_axis = spatial_rank + 1, spatial_rank
    if transposed_kernel:
        out_axis, in_axis = in_axis, out_axis
    return lax.ConvDimensionNumbers(image, (out_axis, in_axis, *spatial), image)


def convolution(
    x: jax.Array,
    w: jax.Array,
    *,
    strides: Sequence[int],
    padding: Padding,
    dilation: Sequence[int] | None = None,
    channel_index: int = -1,
    groups: int = 1,
    precision: lax.PrecisionLike = None,
) -> jax.Array:
    """Convolves a batch of images, or sequences, or volumes, with a kernel.

    Args:
      x: `[batch, *spatial, channels]` or `[batch, channels, *spatial]`.
      w: `[*window, channels / groups, outputs]`, of the dtype of `x`.
      strides: One step for each spatial dimension.
      padding: "SAME", "VALID", or `(before, after)` for each spatial dimension.
      dilation: The spacing of the kernel in each spatial dimension; None is 1.
      channel_index: -1 or 1, where `x` has its channels.
      groups: Into how many groups the channels are divided.
      precision: Of the products; None is the backend's default.

    Returns:
      `[batch, *spatial, outputs]` or `[batch, outputs, *spatial]`.

    Example:
      >>> import jax.numpy as jnp
      >>> x, w = jnp.ones([1, 4, 1]), jnp.ones([3, 1, 1])
      >>> convolution(x, w, strides=(1,), padding="SAME")[0, :, 0].tolist()
      [2.0, 3.0, 3.0, 2.0]
    """
    if not isinstance(padding, str):
        padding = tuple((before, after) for before, after in padding)
    convolve = _convolve_traced_once if isinstance(w, jax.core.Tracer) else _convolve
    dilation = None if dilation is None else tuple(dilation)
    return convolve(
        x, w, tuple(strides), padding, dilation, channel_index, groups, precision
    )


def _convolve(x, w, strides, padding, dilation, channel_index, groups, precision):
    rank = w.ndim - 2
    return lax.conv_general_dilated(
        x,
        w,
        strides,
        padding,
        lhs_dilation=(1,) * rank,
        rhs_dilation=dilation,
        dimension_numbers=dimension_numbers(rank, channel_index),
        feature_group_count=groups,
        precision=precision,
    )


# As the products of linear layers: JAX keeps the equations of each shape.
_convolve_traced_once = inlined(_convolve, range(2, 8))


def depthwise_kernel(w: jax.Array) -> jax.Array:
    """Turns a TensorFlow depthwise kernel into that of a grouped convolution.

    Args:
      w: `[*window, channels, multiplier]`.

    Returns:
      `[*window, 1, channels * multiplier]`, to be used with `groups=channels`.

    Example:
      >>> import jax.numpy as jnp
      >>> depthwise_kernel(jnp.ones([3, 3, 4, 2])).shape
      (3, 3, 1, 8)
    """
    return w.reshape(*w.shape[:-2], 1, w.shape[-2] * w.shape[-1])
