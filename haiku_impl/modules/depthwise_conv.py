"""Convolutions of every channel by itself."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ..core.module import Module
from ..core.parameters import get_parameter
from ..core.typing import Initializer
from ..initializers import scaled_by_fan_in
from ..numerics.convolution import convolution
from ..numerics.layout import broadcastable_shape, get_channel_index, replicate
from ..numerics.linear import add_bias

Padding = str | Sequence[tuple[int, int]]


class DepthwiseConvND(Module):
    """Convolves each channel with kernels of its own.

    Args:
      channel_multiplier: How many kernels each channel has.
      kernel_shape: The size of the window, one number or one for each dimension.
      num_spatial_dims: The number of spatial dimensions.
      data_format: Where the channels are, a name such as "NHWC" or "NCHW".
      stride: The step of the window, one number or one for each dimension, default 1.
      rate: Its dilation, likewise, default 1.
      padding: "SAME" (default) or "VALID", or `(before, after)` for each dimension.
      with_bias: Whether to add a bias, default True.
      w_init: Initial kernels, `[*kernel_shape, 1, channels * channel_multiplier]`; by
        default from a truncated normal with stddev `1 / sqrt(fan in)`.
      b_init: The initial bias, default zeros.
      name: Name of the module.

    Raises:
      TypeError: A sequence has the wrong length.
    """

    def __init__(
        self,
        channel_multiplier: int,
        kernel_shape: int | Sequence[int],
        num_spatial_dims: int,
        data_format: str,
        stride: int | Sequence[int] = 1,
        rate: int | Sequence[int] = 1,
        padding: Padding = "SAME",
        with_bias: bool = True,
        w_init: Initializer | None = None,
        b_init: Initializer | None = None,
        name: str | None = None,
    ):
        super().__init__(name=name)
        n = self.num_spatial_dims = num_spatial_dims
        self.channel_multiplier = channel_multiplier
        self.kernel_shape = replicate(kernel_shape, n, "kernel_shape")
        self.stride = replicate(stride, n, "strides")
        self.lhs_dilation = (1,) * n
        self.rhs_dilation = replicate(rate, n, "rhs_dilation")
        self.padding = padding
        self.with_bias = with_bias
        self.w_init = w_init
        self.b_init = b_init or jnp.zeros
        self.data_format = data_format
        self.channel_index = get_channel_index(data_format)

    def __call__(self, inputs: jax.Array) -> jax.Array:
        """Convolves a batch.

        Args:
          inputs: `[batch, *spatial, channels]` or `[batch, channels, *spatial]`.

        Returns:
          An array with `channel_multiplier` times as many channels.
        """
        inputs = jnp.asarray(inputs)
        channels = inputs.shape[self.channel_index]
        outputs = self.channel_multiplier * channels
        w = get_parameter(
            "w",
            (*self.kernel_shape, 1, outputs),
            inputs.dtype,
            self.w_init or scaled_by_fan_in,
        )
        out = convolution(
            inputs,
            w,
            strides=self.stride,
            padding=self.padding,
            dilation=self.rhs_dilation,
            channel_index=self.channel_index,
            groups=channels,
        )
        if self.with_bias:
            b_shape = broadcastable_shape(
                outputs, self.channel_index, self.num_spatial_dims
            )
            b = get_parameter("b", b_shape, inputs.dtype, self.b_init)
            out = add_bias(out, b)
        return out


class DepthwiseConv1D(DepthwiseConvND):
    """Convolves each channel of sequences; `DepthwiseConvND` explains the arguments.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform(lambda x: hk.DepthwiseConv1D(2, 3)(x))
      >>> x = jnp.ones([1, 5, 4])
      >>> f.apply(f.init(jax.random.PRNGKey(0), x), None, x).shape
      (1, 5, 8)
    """

    def __init__(
        self,
        channel_multiplier: int,
        kernel_shape: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        rate: int | Sequence[int] = 1,
        padding: Padding = "SAME",
        with_bias: bool = True,
        w_init: Initializer | None = None,
        b_init: Initializer | None = None,
        data_format: str = "NWC",
        name: str | None = None,
    ):
        window = stride, rate, padding
        values = with_bias, w_init, b_init
        kernels = channel_multiplier, kernel_shape, 1, data_format
        arguments: Any = (*kernels, *window, *values, name)
        super().__init__(*arguments)


class DepthwiseConv2D(DepthwiseConvND):
    """Convolves each channel of images; `DepthwiseConvND` explains the arguments.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform(lambda x: hk.DepthwiseConv2D(2, 3)(x))
      >>> params = f.init(jax.random.PRNGKey(0), jnp.ones([1, 5, 5, 4]))
      >>> jax.tree.map(jnp.shape, params)
      {'depthwise_conv2_d': {'b': (8,), 'w': (3, 3, 1, 8)}}
    """

    def __init__(
        self,
        channel_multiplier: int,
        kernel_shape: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        rate: int | Sequence[int] = 1,
        padding: Padding = "SAME",
        with_bias: bool = True,
        w_init: Initializer | None = None,
        b_init: Initializer | None = None,
        data_format: str = "NHWC",
        name: str | None = None,
    ):
        window = stride, rate, padding
        values = with_bias, w_init, b_init
        kernels = channel_multiplier, kernel_shape, 2, data_format
        arguments: Any = (*kernels, *window, *values, name)
        super().__init__(*arguments)


class DepthwiseConv3D(DepthwiseConvND):
    """Convolves each channel of volumes; `DepthwiseConvND` explains the arguments.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform(lambda x: hk.DepthwiseConv3D(1, 2, padding="VALID")(x))
      >>> x = jnp.ones([1, 3, 3, 3, 4])
      >>> f.apply(f.init(jax.random.PRNGKey(0), x), None, x).shape
      (1, 2, 2, 2, 4)
    """

    def __init__(
        self,
        channel_multiplier: int,
        kernel_shape: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        rate: int | Sequence[int] = 1,
        padding: Padding = "SAME",
        with_bias: bool = True,
        w_init: Initializer | None = None,
        b_init: Initializer | None = None,
        data_format: str = "NDHWC",
        name: str | None = None,
    ):
        window = stride, rate, padding
        values = with_bias, w_init, b_init
        kernels = channel_multiplier, kernel_shape, 3, data_format
        arguments: Any = (*kernels, *window, *values, name)
        super().__init__(*arguments)


class SeparableDepthwiseConv2D(Module):
    """Convolves each channel of images along one axis, then along the other.

    Args:
      channel_multiplier: How many kernels each channel has.
      kernel_shape: The size of the window, one number or two.
      stride: The step of the window, applied by the first convolution; default 1.
      padding: "SAME" (default) or "VALID", or `(before, after)` for each dimension.
      with_bias: Whether to add a bias at the end, default True.
      w_init: Initial kernels of both; see `DepthwiseConvND`.
      b_init: The initial bias, default zeros.
      data_format: "NHWC" (default) or "NCHW".
      name: Name of the module.

    Raises:
      TypeError: A sequence has the wrong length.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform(lambda x: hk.SeparableDepthwiseConv2D(2, 3)(x))
      >>> x = jnp.ones([1, 5, 5, 4])
      >>> f.apply(f.init(jax.random.PRNGKey(0), x), None, x).shape
      (1, 5, 5, 8)
    """

    def __init__(
        self,
        channel_multiplier: int,
        kernel_shape: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        padding: Padding = "SAME",
        with_bias: bool = True,
        w_init: Initializer | None = None,
        b_init: Initializer | None = None,
        data_format: str = "NHWC",
        name: str | None = None,
    ):
        super().__init__(name=name)
        height, width = replicate(kernel_shape, 2, "kernel_shape")

        def one_axis(multiplier, shape, stride, with_bias):
            return DepthwiseConv2D(
                multiplier,
                shape,
                stride,
                padding=padding,
                data_format=data_format,
                with_bias=with_bias,
                b_init=b_init,
                w_init=w_init,
            )

        self._conv1 = one_axis(channel_multiplier, [height, 1], stride, False)
        self._conv2 = one_axis(1, [1, width], 1, with_bias)

    def __call__(self, inputs: jax.Array) -> jax.Array:
        """Convolves a batch.

        Args:
          inputs: `[batch, height, width, channels]`, or channels first.

        Returns:
          An array with `channel_multiplier` times as many channels.
        """
        return self._conv2(self._conv1(inputs))
