"""Transposed convolutions."""

import math
from collections.abc import Sequence

import jax

from ...haiku_impl.numerics.layout import (
    broadcastable_shape,
    get_channel_index,
    replicate,
)
from ...haiku_impl.numerics.linear import add_bias
from ...haiku_impl.numerics.transposed_convolution import (
    tensorflow_transposed_convolution,
)
from ..core.checks import check_biases, check_rank, check_same_dtype, check_size
from ..core.dtypes import as_array
from ..core.module import Module
from ..core.once import once
from ..core.typing import ArrayLike, Initializer
from ..core.variable import Variable
from ..initializers import Zeros, fan_in_initializer


class ConvNDTranspose(Module):
    """The gradient of a convolution, which enlarges: over 1 to 3 spatial axes.

    Args:
      num_spatial_dims: 1, 2 or 3.
      output_channels: the number of channels of the result.
      kernel_shape: the size of the window, one int or one for each spatial axis.
      output_shape: the spatial sizes of the result, by default those of the inputs
        times the stride, and with "VALID" the dilated window less one more.
      stride: by how much the result is larger, one int or one for each spatial axis,
        default 1.
      rate: the dilation of the window, likewise, default 1.
      padding: "SAME" (default) or "VALID", of the convolution whose gradient it is.
      with_bias: whether there is a bias, default True.
      w_init: initial weights, by default from a truncated normal with stddev
        `1 / sqrt(prod(kernel_shape) * input_channels)` (Ioffe and Szegedy, 2015).
      b_init: the initial bias, default zeros.
      data_format: where the channels are, such as "NHWC" or "NCHW".
      name: of the module.

    Attributes:
      input_channels: the number of channels of the inputs, once called.
      w: weights `[*kernel_shape, output_channels, input_channels]`, once called.
      b: the bias `[output_channels]`, once called.

    Raises:
      ValueError: if an argument is none of these.
      TypeError: if `padding` is neither of the two.
    """

    def __init__(
        self,
        num_spatial_dims: int,
        output_channels: int,
        kernel_shape: int | Sequence[int],
        output_shape: Sequence[int] | None = None,
        stride: int | Sequence[int] = 1,
        rate: int | Sequence[int] = 1,
        padding: str = "SAME",
        with_bias: bool = True,
        w_init: Initializer | None = None,
        b_init: Initializer | None = None,
        data_format: str = "channels_last",
        name: str | None = None,
    ):
        super().__init__(name=name)
        if not 1 <= num_spatial_dims <= 3:
            raise ValueError(
                "There are transposed convolutions with num_spatial_dims=1, 2 and 3, "
                f"got num_spatial_dims={num_spatial_dims}."
            )
        if padding not in ("SAME", "VALID"):
            raise TypeError(
                "A transposed convolution is padded by 'SAME' or 'VALID', not "
                f"{padding!r}."
            )
        check_biases(with_bias, b_init)
        self._num_spatial_dims = num_spatial_dims
        self._output_channels = output_channels
        self._kernel_shape, self._output_shape = kernel_shape, output_shape
        self._stride, self._rate = stride, rate
        self._padding = padding
        self._data_format = data_format
        self._channel_index = get_channel_index(data_format)
        self._with_bias = with_bias
        self._w_init = w_init
        if with_bias:
            self._b_init = Zeros() if b_init is None else b_init

    @once
    def _initialize(self, inputs: jax.Array) -> None:
        n = self._num_spatial_dims
        if self._output_shape is not None and len(self._output_shape) != n:
            raise ValueError(
                f"The output_shape must be of length {n} but instead was "
                f"{len(self._output_shape)}: {self._output_shape}."
            )
        self.input_channels = inputs.shape[self._channel_index]
        self._dtype = inputs.dtype
        self.w = self._make_w()
        if self._with_bias:
            shape = (self._output_channels,)
            self.b = Variable(lambda: self._b_init(shape, self._dtype), name="b")

    def _make_w(self) -> Variable:
        window = replicate(self._kernel_shape, self._num_spatial_dims, "kernel_shape")
        if self._w_init is None:
            self._w_init = fan_in_initializer(math.prod(window) * self.input_channels)
        w_init = self._w_init
        shape = (*window, self._output_channels, self.input_channels)
        return Variable(lambda: w_init(shape, self._dtype), name="w")

    def __call__(self, inputs: ArrayLike) -> jax.Array:
        """Enlarges a batch.

        Args:
          inputs: `[batch, *spatial, input_channels]`, or as `data_format` says;
            floating, and the variables get its dtype.

        Returns:
          `[batch, *spatial, output_channels]`, or as `data_format` says.

        Raises:
          ValueError: if the inputs have another rank or number of channels, are not
            floating, or are not what a convolution makes of `output_shape`.
          TypeError: if they have another dtype than before, or a sequence of sizes
            has another length than there are spatial axes.
        """
        inputs = as_array(inputs)
        n = self._num_spatial_dims
        check_rank(inputs, n + 2, self)
        self._initialize(inputs)
        check_size(inputs, self._channel_index, self.input_channels, self)
        w = as_array(self.w)
        check_same_dtype(inputs, w, self)
        sizes = self._output_shape
        outputs = tensorflow_transposed_convolution(
            inputs,
            w,
            strides=replicate(self._stride, n, "stride"),
            padding=self._padding,
            output_shape=None if sizes is None else [int(size) for size in sizes],
            dilation=replicate(self._rate, n, "rate"),
            channel_index=self._channel_index,
        )
        if not self._with_bias:
            return outputs
        shape = broadcastable_shape(self._output_channels, self._channel_index, n)
        return add_bias(outputs, as_array(self.b).reshape(shape))


class Conv1DTranspose(ConvNDTranspose):
    """Enlarges sequences, by the gradient of a convolution.

    Args:
      output_channels: the number of channels of the result.
      kernel_shape: the size of the window, an int or a sequence of one.
      output_shape: the length of the result, a sequence of one, by default that of the
        inputs times the stride, and with "VALID" the dilated window less one more.
      stride: by how much the result is longer, an int or a sequence of one, default 1.
      rate: the dilation of the window, likewise, default 1.
      padding: "SAME" (default) or "VALID".
      with_bias: whether there is a bias, default True.
      w_init: initial weights, by default from a truncated normal with stddev
        `1 / sqrt(kernel size * input_channels)`.
      b_init: the initial bias, default zeros.
      data_format: "NWC" (default) or "NCW".
      name: of the module, default "conv1_d_transpose".

    Raises:
      ValueError: if an argument is none of these.
      TypeError: if `padding` is neither of the two.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> snt.Conv1DTranspose(4, 3, stride=2, padding="VALID")(jnp.ones([1, 5, 2])).shape
    (1, 12, 4)
    """

    def __init__(
        self,
        output_channels: int,
        kernel_shape: int | Sequence[int],
        output_shape: Sequence[int] | None = None,
        stride: int | Sequence[int] = 1,
        rate: int | Sequence[int] = 1,
        padding: str = "SAME",
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
            output_shape,
            stride,
            rate,
            padding,
            with_bias,
            w_init,
            b_init,
            data_format,
            name,
        )


class Conv2DTranspose(ConvNDTranspose):
    """Enlarges images, by the gradient of a convolution.

    Args:
      output_channels: the number of channels of the result.
      kernel_shape: the size of the window, an int or a sequence of two.
      output_shape: the height and width of the result, by default those of the inputs
        times the stride, and with "VALID" the dilated window less one more.
      stride: by how much the result is larger, an int or a sequence of two, default 1.
      rate: the dilation of the window, likewise, default 1.
      padding: "SAME" (default) or "VALID".
      with_bias: whether there is a bias, default True.
      w_init: initial weights, by default from a truncated normal with stddev
        `1 / sqrt(prod(kernel_shape) * input_channels)`.
      b_init: the initial bias, default zeros.
      data_format: "NHWC" (default) or "NCHW".
      name: of the module, default "conv2_d_transpose".

    Raises:
      ValueError: if an argument is none of these.
      TypeError: if `padding` is neither of the two.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> conv = snt.Conv2DTranspose(4, 3, output_shape=[9, 10], stride=2)
    >>> conv(jnp.ones([1, 5, 5, 2])).shape, conv.w.shape
    ((1, 9, 10, 4), (3, 3, 4, 2))
    """

    def __init__(
        self,
        output_channels: int,
        kernel_shape: int | Sequence[int],
        output_shape: Sequence[int] | None = None,
        stride: int | Sequence[int] = 1,
        rate: int | Sequence[int] = 1,
        padding: str = "SAME",
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
            output_shape,
            stride,
            rate,
            padding,
            with_bias,
            w_init,
            b_init,
            data_format,
            name,
        )


class Conv3DTranspose(ConvNDTranspose):
    """Enlarges volumes, by the gradient of a convolution.

    Args:
      output_channels: the number of channels of the result.
      kernel_shape: the size of the window, an int or a sequence of three.
      output_shape: the spatial sizes of the result, by default those of the inputs
        times the stride, and with "VALID" the dilated window less one more.
      stride: by how much the result is larger, an int or a sequence of three, default
        1.
      rate: the dilation of the window, likewise, default 1.
      padding: "SAME" (default) or "VALID".
      with_bias: whether there is a bias, default True.
      w_init: initial weights, by default from a truncated normal with stddev
        `1 / sqrt(prod(kernel_shape) * input_channels)`.
      b_init: the initial bias, default zeros.
      data_format: "NDHWC" (default) or "NCDHW".
      name: of the module, default "conv3_d_transpose".

    Raises:
      ValueError: if an argument is none of these.
      TypeError: if `padding` is neither of the two.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> snt.Conv3DTranspose(4, 2, stride=2)(jnp.ones([1, 2, 2, 2, 3])).shape
    (1, 4, 4, 4, 4)
    """

    def __init__(
        self,
        output_channels: int,
        kernel_shape: int | Sequence[int],
        output_shape: Sequence[int] | None = None,
        stride: int | Sequence[int] = 1,
        rate: int | Sequence[int] = 1,
        padding: str = "SAME",
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
            output_shape,
            stride,
            rate,
            padding,
            with_bias,
            w_init,
            b_init,
            data_format,
            name,
        )
