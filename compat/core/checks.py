"""Checks of what modules are given: ranks, sizes, dtypes."""

from collections.abc import Sequence
from typing import Any

import jax


def check_rank(inputs: jax.Array, rank: int, module: Any) -> None:
    """Raises ValueError unless the inputs of `module` have exactly `rank` axes."""
    if inputs.ndim != rank:
        raise ValueError(
            f"Shape {inputs.shape} must have rank {rank}: so many axes do the inputs "
            f"of {module!r} have."
        )


def check_minimum_rank(inputs: jax.Array, rank: int, module: Any) -> None:
    """Raises ValueError unless the inputs of `module` have `rank` axes or more."""
    if inputs.ndim < rank:
        raise ValueError(
            f"Shape {inputs.shape} must have rank >= {rank}: the first axis of the "
            f"inputs of {module!r} is the batch."
        )


def check_size(inputs: jax.Array, axis: int, size: int, module: Any) -> None:
    """Raises ValueError unless an axis has the size that the variables are for."""
    if inputs.shape[axis] != size:
        raise ValueError(
            f"Axis {axis} of the inputs of {module!r} must have size {size}, as when "
            f"its variables were made; the inputs have shape {inputs.shape}. Make "
            "another module for them."
        )


def check_window(
    sizes: Sequence[Any],
    window: Sequence[int],
    strides: Sequence[int],
    rates: Sequence[int],
    module: Any,
) -> None:
    """Raises ValueError if a window is so large that not even an empty result is left.

    Args:
      sizes: Of the spatial axes; those that are no ints are not looked at.
      window: Of the kernel, for each axis.
      strides: Likewise.
      rates: Likewise.
      module: Whose window it is, for the message.
    """
    for size, each, stride, rate in zip(sizes, window, strides, rates):
        reach = (each - 1) * rate + 1
        if isinstance(size, int) and size - reach <= -2 * stride:
            raise ValueError(
                f"The window of {module!r} reaches over {reach} places of an axis that "
                f"has {size}: with padding 'VALID' nothing is left. Pad the inputs, or "
                "use 'SAME'."
            )


def check_same_dtype(inputs: jax.Array, w: jax.Array, module: Any) -> None:
    """Raises TypeError unless the inputs have the dtype of the variables."""
    if inputs.dtype != w.dtype:
        raise TypeError(
            f"The inputs of {module!r} are {inputs.dtype}, but its variables are "
            f"{w.dtype}, as were its first inputs. Cast the inputs, or see "
            "snt.mixed_precision."
        )


def check_biases(with_bias: bool, b_init: Any) -> None:
    """Raises ValueError if there is an initial value for a bias that is not made."""
    if b_init is not None and not with_bias:
        raise ValueError(
            f"b_init={b_init!r} was given for a bias that with_bias=False leaves out: "
            "drop one of the two."
        )


def check_passed(creates: bool, passed: Any, name: str) -> None:
    """Raises ValueError if a module that makes its own `name` is passed one."""
    if creates and passed is not None:
        raise ValueError(
            f"Cannot pass `{name}` at call time if `create_{name}=True`: make the "
            f"module with create_{name}=False."
        )
