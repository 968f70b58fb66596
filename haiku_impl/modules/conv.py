"""Convolutions."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from .. import pad
from ..core.module import Module
from ..core.parameters import get_parameter
from ..core.typing import Initializer
from ..initializers import scaled_by_fan_in
from ..numerics.convolution import convolution, dimension_numbers
from ..numerics.layout import broadcastable_shape, get_channel_index, replicate
from ..numerics.linear import add_bias
from ..numerics.promotion import promoted


class ConvND(Module):
    """Convolves sequences, images or volumes with learned kernels.

    Args:
      num_spatial_dims: The number of spatial dimensions, at least 1.
      output_channels: The number of channels of the result.
      kernel_shape: The size of the window, one number or one for each dimension.
      stride: Its step, likewise, default 1.
      rate: Its dilation, likewise, default 1.
      padding: "SAME" (default) or "VALID"; `(before, after)` once or for each
        dimension; or a function from `hk.pad`, once or for each dimension.
      with_bias: Whether to add a bias, default True.
      w_init: Initial kernels, `[*kernel_shape, in / groups, out]`; by default from a
        truncated normal with stddev `1 / sqrt(fan in)`.
      b_init: The initial bias, default zeros.
      data_format: Where the channels are: "channels_last" (default) or
        "channels_first", or a name such as "NHWC".
      mask: What the kernels are multiplied by, of their shape.
      feature_group_count: Into how many groups the channels are divided, default 1.
      name: Name of the module.

    Raises:
      ValueError: `num_spatial_dims` is not positive, or `data_format` unknown.
      TypeError: A sequence has the wrong length.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform(lambda x: hk.ConvND(2, 8, kernel_shape=3)(x))
      >>> params = f.init(jax.random.PRNGKey(0), jnp.ones([1, 5, 5, 4]))
      >>> jax.tree.map(jnp.shape, params)
      {'conv_nd': {'b': (8,), 'w': (3, 3, 4, 8)}}
    """

    def __init__(
        self,
        num_spatial_dims: int,
        output_channels: int,
        kernel_shape: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        rate: int | Sequence[int] = 1,
        padding: (
            str | Sequence[tuple[int, int]] | pad.PadFn | Sequence[pad.PadFn]
        ) = "SAME",
        with_bias: bool = True,
        w_init: Initializer | None = None,
        b_init: Initializer | None = None,
        data_format: str = "channels_last",
        mask: jax.Array | None = None,
        feature_group_count: int = 1,
        name: str | None = None,
    ):
        super().__init__(name=name)
        if num_spatial_dims <= 0:
            raise ValueError(
                "There are convolution operations for `num_spatial_dims` greater than "
                f"0 only, got num_spatial_dims={num_spatial_dims}."
            )
        n = self.num_spatial_dims = num_spatial_dims
        self.output_channels = output_channels
        self.kernel_shape = replicate(kernel_shape, n, "kernel_shape")
        self.stride = replicate(stride, n, "strides")
        self.kernel_dilation = replicate(rate, n, "kernel_dilation")
        self.lhs_dilation = (1,) * n
        self.padding = pad.resolve(padding, self.kernel_shape, self.kernel_dilation, n)
        self.with_bias = with_bias
        self.w_init = w_init
        self.b_init = b_init or jnp.zeros
        self.data_format = data_format
        self.channel_index = get_channel_index(data_format)
        self.dimension_numbers = dimension_numbers(n, self.channel_index)
        self.mask = mask
        self.feature_group_count = feature_group_count

    def __call__(
        self, inputs: jax.Array, *, precision: lax.Precision | None = None
    ) -> jax.Array:
        """Convolves a batch, or a single item.

        Args:
          inputs: `[batch, *spatial, channels]` or `[batch, channels, *spatial]`, with
            or without the batch.
          precision: Of the products; None is the backend's default.

        Returns:
          `[batch, *spatial, output_channels]`, or channels first, with a batch if
          there was one.

        Raises:
          ValueError: The inputs have another rank, their channels are no multiple
            of the groups, or the mask does not fit the kernels.
        """
        inputs, batched = with_batch(inputs, self.num_spatial_dims, "ConvND")
        channels = inputs.shape[self.channel_index]
        if channels % self.feature_group_count:
            raise ValueError(
                f"Inputs channels {channels} should be a multiple of "
                f"feature_group_count {self.feature_group_count}"
            )
        w_shape = (
            *self.kernel_shape,
            channels // self.feature_group_count,
            self.output_channels,
        )
        check_mask(self.mask, w_shape)
        w = get_parameter("w", w_shape, inputs.dtype, self.w_init or scaled_by_fan_in)
        out = convolution(
            inputs,
            masked(w, self.mask),
            strides=self.stride,
            padding=self.padding,
            dilation=self.kernel_dilation,
            channel_index=self.channel_index,
            groups=self.feature_group_count,
            precision=precision,
        )
        if self.with_bias:
            b_shape = broadcastable_shape(
                self.output_channels, self.channel_index, self.num_spatial_dims
            )
            out = add_bias(out, get_parameter("b", b_shape, inputs.dtype, self.b_init))
        return out if batched else jnp.squeeze(out, axis=0)


def with_batch(
    inputs: jax.Array, num_spatial_dims: int, layer: str
) -> tuple[jax.Array, bool]:
    """Gives a single item a batch dimension.

    Args:
      inputs: An array of `num_spatial_dims` + 1 or + 2 dimensions.
      num_spatial_dims: The number of spatial dimensions.
      layer: What takes the inputs, for the error.

    Returns:
      The inputs with a batch dimension, and whether they had one.

    Raises:
      ValueError: The inputs have another rank.
    """
    inputs = jnp.asarray(inputs)
    single = num_spatial_dims + 1
    if inputs.ndim not in (single, single + 1):
        raise ValueError(
            f"Input to {layer} needs to have rank in {[single, single + 1]}, "
            f"but input has shape {inputs.shape}."
        )
    batched = inputs.ndim > single
    return (inputs if batched else jnp.expand_dims(inputs, axis=0)), batched


def check_mask(mask: jax.Array | None, w_shape: tuple[int, ...]) -> None:
    """Checks that a mask covers the kernels.

    Args:
      mask: The mask, or None.
      w_shape: The shape of the kernels.

    Raises:
      ValueError: It has another shape.
    """
    if mask is not None and mask.shape != w_shape:
        raise ValueError(
            "Mask needs to have the same shape as weights. "
            f"Shapes are: {mask.shape}, {w_shape}"
        )


def masked(w: jax.Array, mask: jax.Array | None) -> jax.Array:
    """Multiplies kernels by a mask of any dtype; None is no mask."""
    if mask is None:
        return w
    w, mask = promoted(w, mask)
    return w * mask


class Conv1D(ConvND):
    """Convolves sequences; `ConvND` explains the arguments.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform(lambda x: hk.Conv1D(8, 3, padding=hk.pad.causal)(x))
      >>> x = jnp.ones([1, 5, 4])
      >>> f.apply(f.init(jax.random.PRNGKey(0), x), None, x).shape
      (1, 5, 8)
    """

    def __init__(
        self,
        output_channels: int,
        kernel_shape: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        rate: int | Sequence[int] = 1,
        padding: (
            str | Sequence[tuple[int, int]] | pad.PadFn | Sequence[pad.PadFn]
        ) = "SAME",
        with_bias: bool = True,
        w_init: Initializer | None = None,
        b_init: Initializer | None = None,
        data_format: str = "NWC",
        mask: jax.Array | None = None,
        feature_group_count: int = 1,
        name: str | None = None,
    ):
        window = output_channels, kernel_shape, stride, rate, padding
        values = with_bias, w_init, b_init, data_format, mask, feature_group_count
        arguments: Any = (*window, *values, name)
        super().__init__(1, *arguments)


class Conv2D(ConvND):
    """Convolves images; `ConvND` explains the arguments.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform(lambda x: hk.Conv2D(8, 3, stride=2)(x))
      >>> x = jnp.ones([1, 6, 6, 4])
      >>> f.apply(f.init(jax.random.PRNGKey(0), x), None, x).shape
      (1, 3, 3, 8)
    """

    def __init__(
        self,
        output_channels: int,
        kernel_shape: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        rate: int | Sequence[int] = 1,
        padding: (
            str | Sequence[tuple[int, int]] | pad.PadFn | Sequence[pad.PadFn]
        ) = "SAME",
        with_bias: bool = True,
        w_init: Initializer | None = None,
        b_init: Initializer | None = None,
        data_format: str = "NHWC",
        mask: jax.Array | None = None,
        feature_group_count: int = 1,
        name: str | None = None,
    ):
        window = output_channels, kernel_shape, stride, rate, padding
        values = with_bias, w_init, b_init, data_format, mask, feature_group_count
        arguments: Any = (*window, *values, name)
        super().__init__(2, *arguments)


class Conv3D(ConvND):
    """Convolves volumes; `ConvND` explains the arguments.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform(lambda x: hk.Conv3D(8, 2, padding="VALID")(x))
      >>> x = jnp.ones([1, 3, 3, 3, 4])
      >>> f.apply(f.init(jax.random.PRNGKey(0), x), None, x).shape
      (1, 2, 2, 2, 8)
    """

    def __init__(
        self,
        output_channels: int,
        kernel_shape: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        rate: int | Sequence[int] = 1,
        padding: (
            str | Sequence[tuple[int, int]] | pad.PadFn | Sequence[pad.PadFn]
        ) = "SAME",
        with_bias: bool = True,
        w_init: Initializer | None = None,
        b_init: Initializer | None = None,
        data_format: str = "NDHWC",
        mask: jax.Array | None = None,
        feature_group_count: int = 1,
        name: str | None = None,
    ):
        window = output_channels, kernel_shape, stride, rate, padding
        values = with_bias, w_init, b_init, data_format, mask, feature_group_count
        arguments: Any = (*window, *values, name)
        super().__init__(3, *arguments)
