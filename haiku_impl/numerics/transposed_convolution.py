"""Transposed convolutions: Haiku's and TensorFlow's, over `[*window, out, in]`.

Both are one fractionally strided convolution. They differ in two ways: Haiku
applies the kernel as it stands and TensorFlow, whose operation is the gradient of
a convolution, applies it reversed; and without an explicit output shape Haiku
pads by JAX's rule, Sonnet for an output of `size * stride` (SAME) or
`size * stride + window - 1` (VALID).
"""

from collections.abc import Sequence

import jax
from jax import lax

from .convolution import Padding, dimension_numbers


def adjusted_padding(
    input_size: int,
    output_size: int,
    kernel_size: int,
    stride: int,
    padding: str,
    dilation: int = 1,
) -> tuple[int, int]:
    """Returns the padding with which a transposed convolution has `output_size`.

    Args:
      input_size: Of the array that is convolved, along one dimension.
      output_size: Of the result.
      kernel_size: Of the kernel, without dilation.
      stride: The step of the convolution whose gradient this is.
      padding: "SAME" or "VALID", of the convolution whose gradient this is.
      dilation: The spacing of the kernel.

    Returns:
      How many zeros to add before and after the array, once it is spread out by
      `stride`. Negative numbers crop.

    Raises:
      ValueError: The convolution does not map `output_size` to `input_size`, or
        `padding` is neither of the two.

    Example:
      >>> adjusted_padding(5, 10, 3, 2, "SAME")
      (2, 1)
    """
    window = (kernel_size - 1) * dilation + 1
    if padding == "SAME":
        covered = -(-output_size // stride)
        cropped = max(0, (input_size - 1) * stride + window - output_size)
    elif padding == "VALID":
        covered = (output_size - window) // stride + 1
        cropped = 0
    else:
        raise ValueError(f"`padding` must be 'VALID' or 'SAME', got {padding!r}.")
    if covered != input_size:
        raise ValueError(
            f"A {padding} convolution with stride {stride} and window {window} maps "
            f"an output size of {output_size} to {covered}, but the input has size "
            f"{input_size}; choose an output_shape that leads back to the input."
        )
    before = window - 1 - cropped // 2
    spread = (input_size - 1) * stride + 1
    return before, output_size + window - 1 - spread - before


def tensorflow_output_shape(
    input_sizes: Sequence[int],
    kernel_shape: Sequence[int],
    strides: Sequence[int],
    dilation: Sequence[int],
    padding: str,
) -> tuple[int, ...]:
    """Returns the spatial shape that Sonnet gives a transposed convolution.

    Args:
      input_sizes: The spatial shape of the inputs.
      kernel_shape: The shape of the window.
      strides: One for each spatial dimension.
      dilation: One for each spatial dimension.
      padding: "SAME" or "VALID".

    Returns:
      `size * stride` for SAME, with VALID plus the dilated window less one.

    Example:
      >>> tensorflow_output_shape([5], [3], [2], [1], "VALID")
      (12,)
    """
    return tuple(
        size * stride + ((kernel - 1) * rate if padding == "VALID" else 0)
        for size, kernel, stride, rate in zip(
            input_sizes, kernel_shape, strides, dilation, strict=True
        )
    )


def transposed_convolution(
    x: jax.Array,
    w: jax.Array,
    *,
    strides: Sequence[int],
    padding: Padding,
    output_shape: Sequence[int] | None = None,
    channel_index: int = -1,
    precision: lax.PrecisionLike = None,
) -> jax.Array:
    """Computes a transposed convolution as Haiku defines it.

    Args:
      x: `[batch, *spatial, channels]` or `[batch, channels, *spatial]`.
      w: `[*window, outputs, channels]`, applied without being reversed.
      strides: By how much each spatial dimension grows.
      padding: "SAME", "VALID", or `(before, after)` for each spatial dimension.
      output_shape: The spatial shape of the result, or None to derive it from
        `padding`.
      channel_index: -1 or 1.
      precision: Of the products; None is the backend's default.

    Returns:
      `[batch, *spatial, outputs]` or `[batch, outputs, *spatial]`.

    Raises:
      ValueError: `output_shape` does not go with the other arguments.

    Example:
      >>> import jax.numpy as jnp
      >>> x, w = jnp.ones([1, 2, 1]), jnp.ones([3, 1, 1])
      >>> y = transposed_convolution(x, w, strides=(2,), padding="VALID")
      >>> y[0, :, 0].tolist()
      [1.0, 1.0, 2.0, 1.0, 1.0]
    """
    rank = w.ndim - 2
    if output_shape is not None:
        sizes = x.shape[2:] if channel_index == 1 else x.shape[1:-1]
        padding = tuple(
            adjusted_padding(*of_dimension, padding)  # type: ignore[arg-type]
            for of_dimension in zip(
                sizes, output_shape, w.shape[:rank], strides, strict=True
            )
        )
    return lax.conv_transpose(
        x,
        w,
        strides,
        padding,
        dimension_numbers=dimension_numbers(
            rank, channel_index, transposed_kernel=True
        ),
        precision=precision,
    )


def tensorflow_transposed_convolution(
    x: jax.Array,
    w: jax.Array,
    *,
    strides: Sequence[int],
    padding: str,
    output_shape: Sequence[int] | None = None,
    dilation: Sequence[int] | None = None,
    channel_index: int = -1,
    precision: lax.PrecisionLike = None,
) -> jax.Array:
    """Computes `tf.nn.conv_transpose`: the gradient of a convolution.

    Args:
      x: `[batch, *spatial, channels]` or `[batch, channels, *spatial]`.
      w: `[*window, outputs, channels]`.
      strides: One for each spatial dimension.
      padding: "SAME" or "VALID".
      output_shape: The spatial shape of the result; None is Sonnet's choice, see
        `tensorflow_output_shape`.
      dilation: The spacing of the kernel in each spatial dimension; None is 1.
      channel_index: -1 or 1.
      precision: Of the products; None is the backend's default.

    Returns:
      `[batch, *spatial, outputs]` or `[batch, outputs, *spatial]`.

    Raises:
      ValueError: `output_shape` does not go with the other arguments.

    Example:
      >>> import jax.numpy as jnp
      >>> x, w = jnp.ones([1, 2, 1]), jnp.arange(3.0).reshape(3, 1, 1)
      >>> y = tensorflow_transposed_convolution(x, w, strides=(2,), padding="SAME")
      >>> y[0, :, 0].tolist()
      [0.0, 1.0, 2.0, 1.0]
    """
    rank = w.ndim - 2
    window = w.shape[:rank]
    dilation = (1,) * rank if dilation is None else dilation
    sizes = x.shape[2:] if channel_index == 1 else x.shape[1:-1]
    if output_shape is None:
        output_shape = tensorflow_output_shape(
            sizes, window, strides, dilation, padding
        )
    pads = tuple(
        adjusted_padding(size, out, kernel, stride, padding, rate)
        for size, out, kernel, stride, rate in zip(
            sizes, output_shape, window, strides, dilation, strict=True
        )
    )
    return lax.conv_general_dilated(
        x,
        lax.rev(w, range(rank)),
        window_strides=(1,) * rank,
        padding=pads,
        lhs_dilation=strides,
        rhs_dilation=dilation,
        dimension_numbers=dimension_numbers(
            rank, channel_index, transposed_kernel=True
        ),
        precision=precision,
    )
