"""Convolutions."""

import math
from collections.abc import Sequence

import jax

from ...haiku_impl.numerics.convolution import convolution
from ...haiku_impl.numerics.layout import (
    broadcastable_shape,
    get_channel_index,
    replicate,
)
from ...haiku_impl.numerics.linear import add_bias
from .. import pad
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

_PADDINGS = ("SAME", "VALID")


class ConvND(Module):
    """A convolution over any number of spatial axes from 1 to 3.

    Args:
      num_spatial_dims: 1, 2 or 3.
      output_channels: the number of channels of the result.
      kernel_shape: the size of the window, one int or one for each spatial axis.
      stride: likewise, default 1.
      rate: the dilation, likewise, default 1; not together with a stride.
      padding: "SAME" (default) or "VALID" in any case, or a function of `snt.pad`,
        or one for each spatial axis.
      with_bias: whether there is a bias, default True.
      w_init: initial weights, by default from a truncated normal with stddev
        `1 / sqrt(prod(kernel_shape) * input_channels)` (Ioffe and Szegedy, 2015).
      b_init: the initial bias, default zeros.
      data_format: where the channels are, such as "NHWC" or "NCHW".
      name: of the module.

    Attributes:
      input_channels: the number of channels of the inputs, once called.
      w: weights `[*kernel_shape, input_channels, output_channels]`, once called.
      b: the bias `[output_channels]`, once called.

    Raises:
      ValueError: if an argument is none of these.
    """

    def __init__(
        self,
        num_spatial_dims: int,
        output_channels: int,
        kernel_shape: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        rate: int | Sequence[int] = 1,
        padding: str | pad.Paddings = "SAME",
        with_bias: bool = True,
        w_init: Initializer | None = None,
        b_init: Initializer | None = None,
        data_format: str = "channels_last",
        name: str | None = None,
    ):
        super().__init__(name=name)
        if not 1 <= num_spatial_dims <= 3:
            raise ValueError(
                "There are convolutions with num_spatial_dims=1, 2 and 3, got "
                f"num_spatial_dims={num_spatial_dims}."
            )
        check_biases(with_bias, b_init)
        self._num_spatial_dims = num_spatial_dims
        self.output_channels = output_channels
        self.kernel_shape, self.stride, self.rate = kernel_shape, stride, rate
        self.conv_padding = padding.upper() if isinstance(padding, str) else "VALID"
        self.padding_func = None if isinstance(padding, str) else padding
        if self.conv_padding not in _PADDINGS:
            raise ValueError(
                f"padding={padding!r} is neither 'SAME' nor 'VALID'. For others pass a "
                "function, such as snt.pad.causal."
            )
        self.data_format = data_format
        self._channel_index = get_channel_index(data_format)
        self.with_bias = with_bias
        self.w_init = w_init
        if with_bias:
            self.b_init = Zeros() if b_init is None else b_init

    @once
    def _initialize(self, inputs: jax.Array) -> None:
        self.input_channels = inputs.shape[self._channel_index]
        self._dtype = inputs.dtype
        self.w = self._make_w()
        if self.with_bias:
            shape = (self.output_channels,)
            self.b = Variable(lambda: self.b_init(shape, self._dtype), name="b")
        if self.padding_func:
            n, channel_index = self._num_spatial_dims, self._channel_index
            self._padding = pad.create(
                self.padding_func, self.kernel_shape, self.rate, n, channel_index
            )

    def _make_w(self) -> Variable:
        window = replicate(self.kernel_shape, self._num_spatial_dims, "kernel_shape")
        shape = (*window, self.input_channels, self.output_channels)
        if self.w_init is None:
            self.w_init = fan_in_initializer(math.prod(shape[:-1]))
        w_init = self.w_init
        return Variable(lambda: w_init(shape, self._dtype), name="w")

    def __call__(self, inputs: ArrayLike) -> jax.Array:
        """Convolves a batch.

        Args:
          inputs: `[batch, *spatial, input_channels]`, or as `data_format` says;
            floating, and the variables get its dtype.

        Returns:
          `[batch, *spatial, output_channels]`, or as `data_format` says.

        Raises:
          ValueError: if the inputs have another rank or number of channels, are not
            floating, or a stride and a rate of more than 1 come together.
          TypeError: if they have another dtype than before, or a sequence of sizes
            has another length than there are spatial axes.
        """
        inputs = as_array(inputs)
        n = self._num_spatial_dims
        check_rank(inputs, n + 2, self)
        stride, rate = (
            replicate(self.stride, n, "stride"),
            replicate(self.rate, n, "rate"),
        )
        if max(stride) > 1 and max(rate) > 1:
            raise ValueError(
                "A stride of more than 1 cannot go with a rate of more than 1: "
                f"{self!r} has stride={self.stride} and rate={self.rate}."
            )
        self._initialize(inputs)
        check_size(inputs, self._channel_index, self.input_channels, self)
        w = as_array(self.w)
        check_same_dtype(inputs, w, self)
        padding = self._explicit_padding() or self.conv_padding
        if padding == "VALID":
            sizes = inputs.shape[self._spatial]
            check_window(sizes, w.shape[:n], stride, rate, self)
        outputs = convolution(
            inputs,
            w,
            strides=stride,
            padding=padding,
            dilation=rate,
            channel_index=self._channel_index,
        )
        if not self.with_bias:
            return outputs
        shape = broadcastable_shape(self.output_channels, self._channel_index, n)
        return add_bias(outputs, as_array(self.b).reshape(shape))

    def _explicit_padding(self) -> list[tuple[int, int]]:
        if not self.padding_func:
            return []
        return [(before, after) for before, after in self._padding[self._spatial]]

    @property
    def _spatial(self) -> slice:
        return slice(2, None) if self._channel_index == 1 else slice(1, -1)


class Conv1D(ConvND):
    """A convolution over one axis, of sequences.

    Args:
      output_channels: the number of channels of the result.
      kernel_shape: the size of the window, an int or a sequence of one.
      stride: likewise, default 1.
      rate: the dilation, likewise, default 1; not together with a stride.
      padding: "SAME" (default), "VALID", or a function of `snt.pad`.
      with_bias: whether there is a bias, default True.
      w_init: initial weights, by default from a truncated normal with stddev
        `1 / sqrt(kernel size * input_channels)`.
      b_init: the initial bias, default zeros.
      data_format: "NWC" (default) or "NCW".
      name: of the module, default "conv1_d".

    Raises:
      ValueError: if an argument is none of these.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> conv = snt.Conv1D(4, kernel_shape=3, padding=snt.pad.causal)
    >>> conv(jnp.ones([1, 9, 2])).shape, conv.w.shape
    ((1, 9, 4), (3, 2, 4))
    """

    def __init__(
        self,
        output_channels: int,
        kernel_shape: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        rate: int | Sequence[int] = 1,
        padding: str | pad.Paddings = "SAME",
        with_bias: bool = True,
        w_init: Initializer | None = None,
        b_init: Initializer | None = None,
        data_format: str = "NWC",
        name: str | None = None,
    ):
        super().__init__(
            1,
            output_channels,
            kernel_shape,
            stride,
            rate,
            padding,
            with_bias,
            w_init,
            b_init,
            data_format,
            name,
        )


class Conv2D(ConvND):
    """A convolution over two axes, of images.

    Args:
      output_channels: the number of channels of the result.
      kernel_shape: the size of the window, an int or a sequence of two.
      stride: likewise, default 1.
      rate: the dilation, likewise, default 1; not together with a stride.
      padding: "SAME" (default), "VALID", a function of `snt.pad`, or two of them.
      with_bias: whether there is a bias, default True.
      w_init: initial weights, by default from a truncated normal with stddev
        `1 / sqrt(prod(kernel_shape) * input_channels)`.
      b_init: the initial bias, default zeros.
      data_format: "NHWC" (default) or "NCHW".
      name: of the module, default "conv2_d".

    Raises:
      ValueError: if an argument is none of these.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> conv = snt.Conv2D(4, kernel_shape=3, stride=2)
    >>> conv(jnp.ones([1, 8, 8, 3])).shape, [v.name for v in conv.variables]
    ((1, 4, 4, 4), ['conv2_d/b:0', 'conv2_d/w:0'])
    """

    def __init__(
        self,
        output_channels: int,
        kernel_shape: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        rate: int | Sequence[int] = 1,
        padding: str | pad.Paddings = "SAME",
        with_bias: bool = True,
        w_init: Initializer | None = None,
        b_init: Initializer | None = None,
        data_format: str = "NHWC",
        name: str | None = None,
    ):
        super().__init__(
            2,
            output_channels,
            kernel_shape,
            stride,
            rate,
            padding,
            with_bias,
            w_init,
            b_init,
            data_format,
            name,
        )


class Conv3D(ConvND):
    """A convolution over three axes, of volumes.

    Args:
      output_channels: the number of channels of the result.
      kernel_shape: the size of the window, an int or a sequence of three.
      stride: likewise, default 1.
      rate: the dilation, likewise, default 1; not together with a stride.
      padding: "SAME" (default), "VALID", a function of `snt.pad`, or three of them.
      with_bias: whether there is a bias, default True.
      w_init: initial weights, by default from a truncated normal with stddev
        `1 / sqrt(prod(kernel_shape) * input_channels)`.
      b_init: the initial bias, default zeros.
      data_format: "NDHWC" (default) or "NCDHW".
      name: of the module, default "conv3_d".

    Raises:
      ValueError: if an argument is none of these.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> conv = snt.Conv3D(4, kernel_shape=2, padding="VALID")
    >>> conv(jnp.ones([1, 4, 4, 4, 3])).shape
    (1, 3, 3, 3, 4)
    """

    def __init__(
        self,
        output_channels: int,
        kernel_shape: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        rate: int | Sequence[int] = 1,
        padding: str | pad.Paddings = "SAME",
        with_bias: bool = True,
        w_init: Initializer | None = None,
        b_init: Initializer | None = None,
        data_format: str = "NDHWC",
        name: str | None = None,
    ):
        super().__init__(
            3,
            output_channels,
            kernel_shape,
            stride,
            rate,
            padding,
            with_bias,
            w_init,
            b_init,
            data_format,
            name,
        )
