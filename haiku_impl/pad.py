"""Padding of convolutions, as functions of the size of the window.

A padding function takes the effective size of the window, with its gaps if it is
dilated, and returns how many zeros to add before and after.
"""

from collections.abc import Callable, Sequence
from typing import Any

from .numerics.convolution import Padding
from .numerics.layout import replicate

__all__ = [
    "PadFn",
    "causal",
    "create",
    "create_from_padfn",
    "create_from_tuple",
    "full",
    "is_padfn",
    "reverse_causal",
    "same",
    "valid",
]

PadFn = Callable[[int], tuple[int, int]]


def valid(effective_kernel_size: int) -> tuple[int, int]:
    """Adds nothing.

    Args:
      effective_kernel_size: The size of the window.

    Returns:
      The padding before and after.

    Example:
      >>> valid(4)
      (0, 0)
    """
    del effective_kernel_size
    return 0, 0


def same(effective_kernel_size: int) -> tuple[int, int]:
    """Keeps the size of what is convolved with stride 1.

    With other strides it is not what "SAME" means in TensorFlow.

    Args:
      effective_kernel_size: The size of the window.

    Returns:
      The padding before and after.

    Example:
      >>> same(4)
      (1, 2)
    """
    before = (effective_kernel_size - 1) // 2
    return before, effective_kernel_size - 1 - before


def full(effective_kernel_size: int) -> tuple[int, int]:
    """Adds as much as leaves one true value in every window.

    Args:
      effective_kernel_size: The size of the window.

    Returns:
      The padding before and after.

    Example:
      >>> full(4)
      (3, 3)
    """
    reach = effective_kernel_size - 1
    return reach, reach


def causal(effective_kernel_size: int) -> tuple[int, int]:
    """Pads in front, so that no result depends on what comes after it.

    Args:
      effective_kernel_size: The size of the window.

    Returns:
      The padding before and after.

    Example:
      >>> causal(4)
      (3, 0)
    """
    return effective_kernel_size - 1, 0


def reverse_causal(effective_kernel_size: int) -> tuple[int, int]:
    """Pads behind, so that no result depends on what comes before it.

    Args:
      effective_kernel_size: The size of the window.

    Returns:
      The padding before and after.

    Example:
      >>> reverse_causal(4)
      (0, 3)
    """
    return 0, effective_kernel_size - 1


def create_from_padfn(
    padding: PadFn | Sequence[PadFn],
    kernel: int | Sequence[int],
    rate: int | Sequence[int],
    n: int,
) -> Sequence[tuple[int, int]]:
    """Evaluates padding functions for every spatial dimension.

    Args:
      padding: One padding function, or one for each dimension.
      kernel: The size of the window: one number, or one for each dimension.
      rate: Its dilation: one number, or one for each dimension.
      n: The number of spatial dimensions.

    Returns:
      `(before, after)` for each dimension.

    Raises:
      TypeError: A sequence is neither of length 1 nor `n`.

    Example:
      >>> create_from_padfn(same, kernel=[3, 4], rate=1, n=2)
      ((1, 1), (1, 2))
    """
    kernels = replicate(kernel, n, "kernel")
    rates = replicate(rate, n, "rate")
    functions = replicate(padding, n, "padding")
    return tuple(
        pad((size - 1) * spacing + 1)
        for pad, size, spacing in zip(functions, kernels, rates, strict=True)
    )


create = create_from_padfn


def create_from_tuple(
    padding: tuple[int, int] | Sequence[tuple[int, int]], n: int
) -> Sequence[tuple[int, int]]:
    """Completes explicit padding to all spatial dimensions.

    Args:
      padding: `(before, after)`, or a sequence of one or `n` such pairs.
      n: The number of spatial dimensions.

    Returns:
      `(before, after)` for each dimension.

    Raises:
      TypeError: There are neither 1 nor `n` pairs.

    Example:
      >>> create_from_tuple((1, 2), 2)
      ((1, 2), (1, 2))
    """
    pairs: Any = (padding,) if isinstance(padding[0], int) else tuple(padding)
    if len(pairs) not in (1, n):
        raise TypeError(
            f"Padding {padding} must be a Tuple[int, int] or sequence of length 1 or "
            f"sequence of length {n}, of such pairs."
        )
    return pairs * n if len(pairs) == 1 else pairs


def is_padfn(padding: PadFn | Sequence[PadFn] | Any) -> bool:
    """Tells padding functions from explicit padding.

    Args:
      padding: A padding function, or a sequence of them, or of pairs.

    Returns:
      Whether it is a function, or a sequence that begins with one.

    Example:
      >>> is_padfn(same), is_padfn([same, valid]), is_padfn([(1, 1)])
      (True, True, False)
    """
    return callable(padding[0] if isinstance(padding, Sequence) else padding)


def resolve(
    padding: str
    | tuple[int, int]
    | Sequence[tuple[int, int]]
    | PadFn
    | Sequence[PadFn],
    kernel: Sequence[int],
    rate: Sequence[int],
    n: int,
) -> Padding:
    """Brings every form of a convolution's padding into one that XLA takes.

    Args:
      padding: "SAME" or "VALID" in any case, explicit pairs, or padding functions.
      kernel: The size of the window in each dimension.
      rate: Its dilation in each dimension.
      n: The number of spatial dimensions.

    Returns:
      "SAME", "VALID", or `(before, after)` for each dimension.

    Raises:
      TypeError: A sequence is neither of length 1 nor `n`.

    Example:
      >>> resolve("same", (3,), (1,), 1), resolve(causal, (3,), (2,), 1)
      ('SAME', ((4, 0),))
    """
    if isinstance(padding, str):
        return padding.upper()
    if is_padfn(padding):
        return create_from_padfn(padding, kernel, rate, n)  # type: ignore[arg-type]
    return create_from_tuple(padding, n)  # type: ignore[arg-type]
