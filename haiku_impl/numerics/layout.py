"""Where the channels are, and how a scalar argument covers every dimension."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")

_CHANNEL_INDEX = (
    (re.compile(r"channels_first|NC[^C]*"), 1),
    (re.compile(r"channels_last|N[^C]*C|(BT|TB)[^D]*D"), -1),
)


def get_channel_index(data_format: str) -> int:
    """Returns the axis that holds the channels of an array in `data_format`.

    Args:
      data_format: "channels_first", "channels_last", a spatial format such as
        "NHWC" or "NC...", or a sequential one such as "BTD".

    Returns:
      1 or -1.

    Raises:
      ValueError: The format names no channel axis.

    Example:
      >>> get_channel_index("NHWC"), get_channel_index("NC...")
      (-1, 1)
    """
    for pattern, index in _CHANNEL_INDEX:
        if pattern.fullmatch(data_format):
            return index
    raise ValueError(
        f"Unable to extract channel information from {data_format!r}. Use "
        "'channels_last', 'channels_first', a spatial format such as 'NHWC' or "
        "'NC...', or a sequential one such as 'BTD'."
    )


def replicate(value: T | Sequence[T], count: int, name: str) -> tuple[T, ...]:
    """Returns one value for each of `count` dimensions.

    Args:
      value: A single value, a sequence of one, or a sequence of `count`. Strings
        are single values.
      count: The number of dimensions.
      name: What the value is called in an error.

    Returns:
      A tuple of length `count`.

    Raises:
      TypeError: The sequence has another length.

    Example:
      >>> replicate(3, 2, "kernel_shape"), replicate([1, 2], 2, "stride")
      ((3, 3), (1, 2))
    """
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        return (value,) * count
    if len(value) not in (1, count):
        raise TypeError(
            f"{name} must be a scalar or sequence of length 1 or sequence of length "
            f"{count}, got {value!r} of length {len(value)}."
        )
    return tuple(value) * count if len(value) == 1 else tuple(value)


def broadcastable_shape(size: int, channel_index: int, spatial_rank: int) -> tuple:
    """Returns the shape of a per-channel parameter that broadcasts over an image.

    Args:
      size: The number of channels.
      channel_index: 1 or -1.
      spatial_rank: The number of dimensions behind the channels if they come first.

    Returns:
      `(size,)` for channels last, else `(size, 1, ..., 1)`.

    Example:
      >>> broadcastable_shape(3, -1, 2), broadcastable_shape(3, 1, 2)
      ((3,), (3, 1, 1))
    """
    return (size,) if channel_index == -1 else (size,) + (1,) * spatial_rank


def normalize_axis_argument(axis: Any) -> tuple[int, ...] | slice:
    """Returns the reduction axes a normalisation was asked for, still relative.

    Args:
      axis: An int, a slice of the axes, or an iterable of ints.

    Returns:
      A tuple of ints, or the slice.

    Raises:
      ValueError: `axis` is something else.

    Example:
      >>> normalize_axis_argument(-1), normalize_axis_argument([1, 2])
      ((-1,), (1, 2))
    """
    if isinstance(axis, slice):
        return axis
    if isinstance(axis, int):
        return (axis,)
    if isinstance(axis, Iterable):
        axes = tuple(axis)
        if all(isinstance(a, int) for a in axes):
            return axes
    raise ValueError(
        f"`axis` should be an int, slice or iterable of ints, got {axis!r}."
    )


def absolute_axes(axes: tuple[int, ...] | slice, rank: int) -> tuple[int, ...]:
    """Returns the axes as sorted non-negative numbers for an array of rank `rank`.

    Args:
      axes: What `normalize_axis_argument` returned.
      rank: The rank of the array.

    Returns:
      Sorted, without repetition.

    Example:
      >>> absolute_axes((-1, 1), 4), absolute_axes(slice(1, None), 3)
      ((1, 3), (1, 2))
    """
    if isinstance(axes, slice):
        return tuple(range(rank)[axes])
    return tuple(sorted({axis % rank for axis in axes}))
