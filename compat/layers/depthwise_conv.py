"""Depthwise convolutions."""

import math
from collections.abc import Sequence
from typing import Any

import jax

from ...haiku_impl.numerics.convolution import convolution, depthwise_kernel
from ...haiku_impl.numerics.layout import (
    broadcastable_shape,
    get_channel_index,
    replicate,
)
from ...haiku_impl.numerics.linear import add_bias
from ..core.checks import (
    check_biases,
    check_rank,
    check_same_dtype,
    check_size,
    check_window,
)
from ..core.dtypes import as_array
from ..core.module import Module
from ..core.once import once
from ..core.typing import ArrayLike, Initializer
from ..core.variable import Variable
from ..initializers import Zeros, fan_in_initializer


class DepthwiseConv2D(Module):
    """Convolves each channel of images by kernels of its own.

    Args:
      kernel_shape: the size of the window, one int or two.
      channel_multiplier: how many kernels there are for each channel, default 1.
      stride: one int or two, default 1.
      rate: the dilation, likewise, default 1.
      padding: "SAME" (default), "VALID", or `[before, after]` for each of four axes.
      with_bias: whether there is a bias, default True.
      w_init: initial weights, by default from a truncated normal with stddev
        `1 / sqrt(prod(kernel_shape))` (Ioffe and Szegedy, 2015).
      b_init: the initial bias, default zeros.
      data_format: "NHWC" (default) or "NCHW".
      name: of the module, default "depthwise_conv2_d".

    Attributes:
      input_channels: the number of channels of the inputs, once called.
      w: weights `[*kernel_shape, input_channels, channel_multiplier]`, once called.
      b: the bias `[input_channels * channel_multiplier]`, once called.

    Raises:
      ValueError: if an argument is none of these, or if neither stride nor rate is 1.
      TypeError: if a sequence has neither one nor two sizes.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> conv = snt.DepthwiseConv2D(3, channel_multiplier=2)
    >>> conv(jnp.ones([1, 8, 8, 3])).shape, conv.w.shape
    ((1, 8, 8, 6), (3, 3, 3, 2))
    """

    def __init__(
        self,
        kernel_shape: int | Sequence[int],
        channel_multiplier: int = 1,
        stride: int | Sequence[int] = 1,
        rate: int | Sequence[int] = 1,
        padding: str | Sequence[Sequence[int]] = "SAME",
        with_bias: bool = True,
        w_init: Initializer | None = None,
        b_init: Initializer | None = None,
        data_format: str = "NHWC",
        name: str | None = None,
    ):
        super().__init__(name=name)
        check_biases(with_bias, b_init)
        if isinstance(padding, str) and padding not in ("SAME", "VALID"):
            raise ValueError(f"padding={padding!r} is neither 'SAME' nor 'VALID'.")
        self.channel_multiplier = channel_multiplier
        self.kernel_shape = kernel_shape
        self.data_format = data_format
        self._channel_index = get_channel_index(data_format)
        self._spatial = slice(2, None) if self._channel_index == 1 else slice(1, -1)
        strides = replicate(stride, 2, "stride")
        self.stride = (1, 1, *strides) if self._channel_index == 1 else (1, *strides, 1)
        self.rate = replicate(rate, 2, "rate")
        if max(strides) > 1 and max(self.rate) > 1:
            raise ValueError(
                f"stride={stride} and rate={rate}: one of them must be 1. TensorFlow's "
                "documentation excludes both together, and what it computes then is no "
                "strided convolution."
            )
        self.padding = padding
        self.with_bias = with_bias
        self.w_init = w_init
        if with_bias:
            self.b_init = Zeros() if b_init is None else b_init

    @once
    def _initialize(self, inputs: jax.Array) -> None:
        dtype = inputs.dtype
        self.input_channels = inputs.shape[self._channel_index]
        window = replicate(self.kernel_shape, 2, "kernel_shape")
        if self.w_init is None:
            self.w_init = fan_in_initializer(math.prod(window))
        w_init = self.w_init
        shape = (*window, self.input_channels, self.channel_multiplier)
        self.w = Variable(lambda: w_init(shape, dtype), name="w")
        if self.with_bias:
            outputs = (self.input_channels * self.channel_multiplier,)
            self.b = Variable(lambda: self.b_init(outputs, dtype), name="b")

    def __call__(self, inputs: ArrayLike) -> jax.Array:
        """Convolves a batch of images.

        Args:
          inputs: `[batch, height, width, input_channels]`, or as `data_format` says;
            floating, and the variables get its dtype.

        Returns:
          `[batch, height, width, input_channels * channel_multiplier]`, with the
          kernels of one channel side by side, or as `data_format` says.

        Raises:
          ValueError: if the inputs have another rank or number of channels, or are
            not floating.
          TypeError: if they have another dtype than before.
        """
        inputs = as_array(inputs)
        check_rank(inputs, 4, self)
        self._initialize(inputs)
        check_size(inputs, self._channel_index, self.input_channels, self)
        w = as_array(self.w)
        check_same_dtype(inputs, w, self)
        strides = self.stride[self._spatial]
        if self.padding == "VALID":
            sizes = inputs.shape[self._spatial]
            check_window(sizes, w.shape[:2], strides, self.rate, self)
        padding: Any = self.padding
        if not isinstance(padding, str):
            padding = [(before, after) for before, after in padding[self._spatial]]
        outputs = convolution(
            inputs,
            depthwise_kernel(w),
            strides=strides,
            padding=padding,
            dilation=self.rate,
            channel_index=self._channel_index,
            groups=self.input_channels,
        )
        if not self.with_bias:
            return outputs
        b = as_array(self.b)
        return add_bias(
            outputs, b.reshape(broadcastable_shape(b.size, self._channel_index, 2))
        )
