"""`snt.pad`: how convolutions pad, as functions of the size of their window.

Each takes the effective size of the kernel, `(size - 1) * rate + 1`, and returns how
much is added before and after.
"""

from collections.abc import Callable, Sequence

from ..haiku_impl.numerics.layout import replicate

__all__ = ["causal", "create", "full", "reverse_causal", "same", "valid"]

Padding = Callable[[int], Sequence[int]]
Paddings = Padding | Sequence[Padding]


def valid(effective_kernel_size: int) -> list[int]:
    """Pads nothing.

    >>> valid(3)
    [0, 0]
    """
    return [0, 0]


def same(effective_kernel_size: int) -> list[int]:
    """Pads so that with stride 1 the size stays the same.

    With other strides it is not TensorFlow's "SAME", which depends on the size.

    >>> same(3), same(4)
    ([1, 1], [1, 2])
    """
    return [(effective_kernel_size - 1) // 2, effective_kernel_size // 2]


def full(effective_kernel_size: int) -> list[int]:
    """Pads as much as it can while each window still sees one element.

    >>> full(3)
    [2, 2]
    """
    return [effective_kernel_size - 1] * 2


def causal(effective_kernel_size: int) -> list[int]:
    """Pads before, so that no output depends on later inputs.

    >>> causal(3)
    [2, 0]
    """
    return [effective_kernel_size - 1, 0]


def reverse_causal(effective_kernel_size: int) -> list[int]:
    """Pads after, so that no output depends on earlier inputs.

    >>> reverse_causal(3)
    [0, 2]
    """
    return [0, effective_kernel_size - 1]


def create(
    padding: Paddings,
    kernel: int | Sequence[int],
    rate: int | Sequence[int],
    n: int,
    channel_index: int,
) -> list[list[int]]:
    """Returns the padding of every axis of a batch of images.

    Args:
      padding: one of the functions of this module, or one for each spatial axis.
      kernel: the size of the kernel, one or one for each spatial axis.
      rate: the dilation of the kernel, likewise.
      n: the number of spatial axes.
      channel_index: 1 for channels first, -1 for channels last.

    Returns:
      `[before, after]` for each of the `n + 2` axes.

    Raises:
      TypeError: if a sequence has another length than `n`.

    >>> create(causal, kernel=3, rate=2, n=1, channel_index=-1)
    [[0, 0], [4, 0], [0, 0]]
    """
    spatial = [
        list(pads((size - 1) * spacing + 1))
        for pads, size, spacing in zip(
            replicate(padding, n, "padding"),
            replicate(kernel, n, "kernel"),
            replicate(rate, n, "rate"),
        )
    ]
    spatial.insert(0 if channel_index == 1 else n, [0, 0])
    return [[0, 0], *spatial]
