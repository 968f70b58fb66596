"""Pooling over windows."""

import warnings
from collections.abc import Sequence

import jax
import jax.numpy as jnp

from ..core.module import Module
from ..numerics import pooling

Window = int | Sequence[int]


def max_pool(
    value: jax.Array,
    window_shape: Window,
    strides: Window,
    padding: str,
    channel_axis: int | None = -1,
) -> jax.Array:
    """Returns the largest value of every window.

    Args:
      value: Any shape.
      window_shape: The size of the window in the trailing dimensions; those in front
        are not pooled. A single number, which is deprecated, stands for all
        dimensions but the first and the channels.
      strides: The step of the window, likewise.
      padding: "SAME" or "VALID".
      channel_axis: The dimension that single numbers leave out; None is none.

    Returns:
      An array of the rank of `value`.

    Raises:
      ValueError: `padding` or `channel_axis` is invalid.

    Example:
      >>> import jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> x = jnp.array([[1.0], [3.0], [2.0]])
      >>> hk.max_pool(x, (2, 1), (1, 1), "VALID").tolist()
      [[3.0], [3.0]]
    """
    return pooling.max_pool(
        *_checked(value, window_shape, strides, padding, channel_axis)
    )


def avg_pool(
    value: jax.Array,
    window_shape: Window,
    strides: Window,
    padding: str,
    channel_axis: int | None = -1,
) -> jax.Array:
    """Returns the mean of every window; padding does not count.

    Args:
      value: Any shape.
      window_shape: The size of the window in the trailing dimensions; those in front
        are not pooled. A single number, which is deprecated, stands for all
        dimensions but the first and the channels.
      strides: The step of the window, likewise.
      padding: "SAME" or "VALID".
      channel_axis: The dimension that single numbers leave out; None is none.

    Returns:
      An array of the rank of `value`.

    Raises:
      ValueError: `padding` or `channel_axis` is invalid.

    Example:
      >>> import jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> x = jnp.array([[1.0], [3.0], [2.0]])
      >>> hk.avg_pool(x, (2, 1), (1, 1), "SAME").tolist()
      [[2.0], [2.5], [2.0]]
    """
    return pooling.avg_pool(
        *_checked(value, window_shape, strides, padding, channel_axis)
    )


def _checked(value, window_shape, strides, padding, channel_axis):
    if padding not in ("SAME", "VALID"):
        raise ValueError(f"Invalid padding '{padding}', must be 'SAME' or 'VALID'.")
    if any(isinstance(size, int) and size != 1 for size in (window_shape, strides)):
        warnings.warn(
            f"A single number for the window or the strides (window_shape="
            f"{window_shape}, strides={strides}) is taken to start at the second "
            "dimension, which is wrong under vmap, where the batch is not visible. "
            "Give one number for each dimension that is pooled and one for the "
            "channels, such as (3, 3, 1): dimensions in front are not pooled.",
            DeprecationWarning,
            stacklevel=3,
        )
    value = jnp.asarray(value)
    windows = (
        _full_window(value, size, channel_axis) for size in (window_shape, strides)
    )
    return value, *windows, padding


def _full_window(value, size, channel_axis):
    rank = value.ndim
    if not isinstance(size, int):
        if len(size) > rank:
            raise ValueError(
                f"A window of {len(size)} dimensions, {tuple(size)}, does not fit an "
                f"array of shape {value.shape}."
            )
        return (1,) * (rank - len(size)) + tuple(size)
    if channel_axis and abs(channel_axis) >= rank:
        raise ValueError(f"Invalid channel axis {channel_axis} for {value.shape}")
    single = {0} if channel_axis is None else {0, channel_axis % rank}
    return tuple(1 if axis in single else size for axis in range(rank))


class MaxPool(Module):
    """Calls `max_pool` with the arguments of the constructor.

    Args:
      window_shape: See `max_pool`.
      strides: See `max_pool`.
      padding: "SAME" or "VALID".
      channel_axis: See `max_pool`.
      name: Name of the module.

    Example:
      >>> import jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform(lambda x: hk.MaxPool((2, 2, 1), (2, 2, 1), "SAME")(x))
      >>> f.apply({}, None, jnp.ones([1, 4, 4, 3])).shape
      (1, 2, 2, 3)
    """

    def __init__(
        self,
        window_shape: Window,
        strides: Window,
        padding: str,
        channel_axis: int | None = -1,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self.window_shape, self.strides = window_shape, strides
        self.padding, self.channel_axis = padding, channel_axis

    def __call__(self, value: jax.Array) -> jax.Array:
        window = self.window_shape, self.strides, self.padding, self.channel_axis
        return max_pool(value, *window)


class AvgPool(Module):
    """Calls `avg_pool` with the arguments of the constructor.

    Args:
      window_shape: See `avg_pool`.
      strides: See `avg_pool`.
      padding: "SAME" or "VALID".
      channel_axis: See `avg_pool`.
      name: Name of the module.

    Example:
      >>> import jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform(lambda x: hk.AvgPool((2, 2, 1), (2, 2, 1), "SAME")(x))
      >>> f.apply({}, None, jnp.ones([1, 4, 4, 3])).shape
      (1, 2, 2, 3)
    """

    def __init__(
        self,
        window_shape: Window,
        strides: Window,
        padding: str,
        channel_axis: int | None = -1,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self.window_shape, self.strides = window_shape, strides
        self.padding, self.channel_axis = padding, channel_axis

    def __call__(self, value: jax.Array) -> jax.Array:
        window = self.window_shape, self.strides, self.padding, self.channel_axis
        return avg_pool(value, *window)
