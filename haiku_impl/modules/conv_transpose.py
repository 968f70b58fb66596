"""Transposed convolutions."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from ..core.module import Module
from ..core.parameters import get_parameter
from ..core.typing import Initializer
from ..initializers import scaled_by_fan_in_of_transpose
from ..numerics.convolution import dimension_numbers
from ..numerics.layout import broadcastable_shape, get_channel_index, replicate
from ..numerics.linear import add_bias
from ..numerics.transposed_convolution import transposed_convolution
from .conv import check_mask, masked, with_batch


class ConvNDTranspose(Module):
    """Enlarges sequences, images or volumes with learned kernels.

    Args:
      num_spatial_dims: The number of spatial dimensions, at least 1.
      output_channels: The number of channels of the result.
      kernel_shape: The size of the window, one number or one for each dimension.
      stride: By how much each dimension grows, likewise, default 1.
      output_shape: The spatial shape of the result, likewise; None (default) derives
        it from `padding`.
      padding: "SAME" (default) or "VALID", or `(before, after)` for each dimension.
      with_bias: Whether to add a bias, default True.
      w_init: Initial kernels, `[*kernel_shape, out, in]`; by default from a truncated
        normal with stddev `1 / sqrt(fan in)`.
      b_init: The initial bias, default zeros.
      data_format: Where the channels are: "channels_last" (default) or
        "channels_first", or a name such as "NHWC".
      mask: What the kernels are multiplied by, of their shape.
      name: Name of the module.

    Raises:
      ValueError: `num_spatial_dims` is not positive, or there are both an
        `output_shape` and explicit padding.
      TypeError: A sequence has the wrong length.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform(lambda x: hk.ConvNDTranspose(2, 8, 3, stride=2)(x))
      >>> x = jnp.ones([1, 5, 5, 4])
      >>> params = f.init(jax.random.PRNGKey(0), x)
      >>> jax.tree.map(jnp.shape, params)
      {'conv_nd_transpose': {'b': (8,), 'w': (3, 3, 8, 4)}}
      >>> f.apply(params, None, x).shape
      (1, 10, 10, 8)
    """

    def __init__(
        self,
        num_spatial_dims: int,
        output_channels: int,
        kernel_shape: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        output_shape: int | Sequence[int] | None = None,
        padding: str | Sequence[tuple[int, int]] = "SAME",
        with_bias: bool = True,
        w_init: Initializer | None = None,
        b_init: Initializer | None = None,
        data_format: str = "channels_last",
        mask: jax.Array | None = None,
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
        self.output_shape: tuple[int, ...] | None = None
        if output_shape is not None:
            self.output_shape = replicate(output_shape, n, "output_shape")
            if not isinstance(padding, str):
                raise ValueError(
                    "When specifying `output_shape`, ensure that padding is 'VALID' or "
                    f"'SAME', got {padding!r}."
                )
        self.padding = padding
        self.with_bias = with_bias
        self.w_init = w_init
        self.b_init = b_init or jnp.zeros
        self.data_format = data_format
        self.channel_index = get_channel_index(data_format)
        self.dimension_numbers = dimension_numbers(
            n, self.channel_index, transposed_kernel=True
        )
        self.mask = mask

    def __call__(
        self, inputs: jax.Array, *, precision: lax.Precision | None = None
    ) -> jax.Array:
        """Enlarges a batch, or a single item.

        Args:
          inputs: `[batch, *spatial, channels]` or `[batch, channels, *spatial]`, with
            or without the batch.
          precision: Of the products; None is the backend's default.

        Returns:
          `[batch, *spatial, output_channels]`, or channels first, with a batch if
          there was one.

        Raises:
          ValueError: The inputs have another rank, `output_shape` does not lead back
            to them, or the mask does not fit the kernels.
        """
        inputs, batched = with_batch(inputs, self.num_spatial_dims, "ConvNDTranspose")
        channels = inputs.shape[self.channel_index]
        w_shape = (*self.kernel_shape, self.output_channels, channels)
        check_mask(self.mask, w_shape)
        w = get_parameter(
            "w", w_shape, inputs.dtype, self.w_init or scaled_by_fan_in_of_transpose
        )
        out = transposed_convolution(
            inputs,
            masked(w, self.mask),
            strides=self.stride,
            padding=self.padding,
            output_shape=self.output_shape,
            channel_index=self.channel_index,
            precision=precision,
        )
        if self.with_bias:
            b_shape = broadcastable_shape(
                self.output_channels, self.channel_index, self.num_spatial_dims
            )
            out = add_bias(out, get_parameter("b", b_shape, inputs.dtype, self.b_init))
        return out if batched else jnp.squeeze(out, axis=0)


class Conv1DTranspose(ConvNDTranspose):
    """Enlarges sequences; `ConvNDTranspose` explains the arguments.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform(lambda x: hk.Conv1DTranspose(8, 3, stride=2)(x))
      >>> x = jnp.ones([1, 5, 4])
      >>> f.apply(f.init(jax.random.PRNGKey(0), x), None, x).shape
      (1, 10, 8)
    """

    def __init__(
        self,
        output_channels: int,
        kernel_shape: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        output_shape: int | Sequence[int] | None = None,
        padding: str | Sequence[tuple[int, int]] = "SAME",
        with_bias: bool = True,
        w_init: Initializer | None = None,
        b_init: Initializer | None = None,
        data_format: str = "NWC",
        mask: jax.Array | None = None,
        name: str | None = None,
    ):
        window = output_channels, kernel_shape, stride, output_shape, padding
        values = with_bias, w_init, b_init, data_format, mask
        arguments: Any = (*window, *values, name)
        super().__init__(1, *arguments)


class Conv2DTranspose(ConvNDTranspose):
    """Enlarges images; `ConvNDTranspose` explains the arguments.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform(lambda x: hk.Conv2DTranspose(8, 3, 2, output_shape=9)(x))
      >>> x = jnp.ones([1, 5, 5, 4])
      >>> f.apply(f.init(jax.random.PRNGKey(0), x), None, x).shape
      (1, 9, 9, 8)
    """

    def __init__(
        self,
        output_channels: int,
        kernel_shape: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        output_shape: int | Sequence[int] | None = None,
        padding: str | Sequence[tuple[int, int]] = "SAME",
        with_bias: bool = True,
        w_init: Initializer | None = None,
        b_init: Initializer | None = None,
        data_format: str = "NHWC",
        mask: jax.Array | None = None,
        name: str | None = None,
    ):
        window = output_channels, kernel_shape, stride, output_shape, padding
        values = with_bias, w_init, b_init, data_format, mask
        arguments: Any = (*window, *values, name)
        super().__init__(2, *arguments)


class Conv3DTranspose(ConvNDTranspose):
    """Enlarges volumes; `ConvNDTranspose` explains the arguments.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform(lambda x: hk.Conv3DTranspose(8, 3, padding="VALID")(x))
      >>> x = jnp.ones([1, 2, 2, 2, 4])
      >>> f.apply(f.init(jax.random.PRNGKey(0), x), None, x).shape
      (1, 4, 4, 4, 8)
    """

    def __init__(
        self,
        output_channels: int,
        kernel_shape: int | Sequence[int],
        stride: int | Sequence[int] = 1,
        output_shape: int | Sequence[int] | None = None,
        padding: str | Sequence[tuple[int, int]] = "SAME",
        with_bias: bool = True,
        w_init: Initializer | None = None,
        b_init: Initializer | None = None,
        data_format: str = "NDHWC",
        mask: jax.Array | None = None,
        name: str | None = None,
    ):
        window = output_channels, kernel_shape, stride, output_shape, padding
        values = with_bias, w_init, b_init, data_format, mask
        arguments: Any = (*window, *values, name)
        super().__init__(3, *arguments)
