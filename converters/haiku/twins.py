"""Modules of Sonnet 2 whose twins in Haiku keep their parameters in another way.

All others have the same names and layouts, but for axes of size 1.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

import numpy as np

from ..derived_tensor import DerivedTensor, joined

__all__ = ["Twin", "haiku_names", "reshaped", "reversed_kernel", "twins_of"]

# Haiku adds it in each step, Sonnet 2 once to the initial value of the bias.
FORGET_BIAS = 1

_RENAMED = (
    (re.compile(r"(.*)moving_mean/(counter|hidden|average)"), r"\1mean_ema/\2"),
    (re.compile(r"(.*)moving_variance/(counter|hidden|average)"), r"\1var_ema/\2"),
)


@dataclasses.dataclass(frozen=True)
class Twin:
    """A module of Sonnet 2, and its twin's parameters.

    Attributes:
      sonnet: the names of Sonnet's variables under the module.
      haiku: the parameters of the twin by name under the module.
    """

    sonnet: tuple[str, ...]
    haiku: dict[str, DerivedTensor]


def haiku_names(name: str) -> list[str]:
    """Returns the names that a variable of Sonnet has in a Haiku model.

    Args:
      name: the variable's name, without Haiku's `~`.

    Returns:
      The name itself, and what else it is called there.

    Example:
      >>> haiku_names("net/batch_norm/moving_mean/average")
      ['net/batch_norm/moving_mean/average', 'net/batch_norm/mean_ema/average']
    """
    others = [p.sub(to, name) for p, to in _RENAMED if p.fullmatch(name)]
    return [name, *others]


def twins_of(module: Mapping[str, DerivedTensor]) -> Twin | None:
    """Returns the twin of a module, if its parameters are laid out in another way.

    Args:
      module: the variables of one module by name under it.

    Returns:
      The twin; None where names and layouts are the same, or nothing is known.
    """
    for names, is_it, make in _TWINS:
        if all(name in module for name in names) and is_it(module):
            return Twin(names, make({name: module[name] for name in names}))
    return None


def _is_lstm(m: Mapping[str, DerivedTensor]) -> bool:
    w_i, w_h = m["w_i"].shape, m["w_h"].shape
    square = len(w_i) == len(w_h) == 2 and w_h[1] == w_i[1] == 4 * w_h[0]
    return square and m["b"].shape == w_h[1:] and "projection" not in m


def _is_vanilla_rnn(m: Mapping[str, DerivedTensor]) -> bool:
    w_h = m["hidden_to_hidden/w"].shape
    return len(w_h) == 2 and w_h[0] == w_h[1] and m["b"].shape == w_h[1:]


def _is_conv_lstm(m: Mapping[str, DerivedTensor]) -> bool:
    w_h = m["hidden_to_hidden/w"].shape
    gates = (
        len(w_h) > 2
        and w_h[-1] == 4 * w_h[-2] == (m["input_to_hidden/w"].shape or (0,))[-1]
    )
    return gates and m["b"].shape == w_h[-1:]


def _lstm(m: Mapping[str, DerivedTensor]) -> dict[str, DerivedTensor]:
    rows = m["w_i"].shape[0] + m["w_h"].shape[0]

    def stacked(w_i: np.ndarray, w_h: np.ndarray) -> np.ndarray:
        return gates_of_haiku(np.concatenate([w_i, w_h]))

    weights = {"w_i": m["w_i"], "w_h": m["w_h"]}
    return {
        "linear/w": joined(
            "stacked, gates i, f, g, o to i, g, f, o",
            (rows, m["w_i"].shape[1]),
            stacked,
            weights,
        ),
        "linear/b": _bias(m["b"]),
    }


def _vanilla_rnn(m: Mapping[str, DerivedTensor]) -> dict[str, DerivedTensor]:
    return {
        "linear/w": m["input_to_hidden/w"],
        "linear_1/w": m["hidden_to_hidden/w"],
        "linear/b": m["b"],
        "linear_1/b": m["b"].converted("no second bias, so zeros", np.zeros_like),
    }


def _conv_lstm(m: Mapping[str, DerivedTensor]) -> dict[str, DerivedTensor]:
    why = "gates i, f, g, o to i, g, f, o"
    return {
        "input_to_hidden/w": m["input_to_hidden/w"].converted(why, gates_of_haiku),
        "hidden_to_hidden/w": m["hidden_to_hidden/w"].converted(why, gates_of_haiku),
        "input_to_hidden/b": _bias(m["b"]),
        "hidden_to_hidden/b": m["b"].converted(
            "no second bias, so zeros", np.zeros_like
        ),
    }


def _bias(b: DerivedTensor) -> DerivedTensor:
    def convert(b: np.ndarray) -> np.ndarray:
        b, size = gates_of_haiku(b), b.size // 4
        b[2 * size : 3 * size] -= b.dtype.type(FORGET_BIAS)
        return b

    return b.converted(
        "gates i, f, g, o to i, g, f, o, less Haiku's forget bias of 1", convert
    )


_VANILLA = ("input_to_hidden/w", "hidden_to_hidden/w", "b")
_TWINS = (
    (("w_i", "w_h", "b"), _is_lstm, _lstm),
    (_VANILLA, _is_vanilla_rnn, _vanilla_rnn),
    (_VANILLA, _is_conv_lstm, _conv_lstm),
)


def gates_of_haiku(gates: np.ndarray) -> np.ndarray:
    """Returns the gates i, f, g, o along the last axis in the order i, g, f, o.

    Example:
      >>> gates_of_haiku(np.arange(4)).tolist()
      [0, 2, 1, 3]
    """
    i, f, g, o = np.split(gates, 4, axis=-1)
    return np.concatenate([i, g, f, o], axis=-1)


def reversed_kernel(w: DerivedTensor) -> DerivedTensor:
    """Reverses a kernel `[*window, out, in]`, as TensorFlow applies it reversed."""
    window = tuple(range(len(w.shape) - 2))
    return w.converted("window reversed", lambda x: np.flip(x, window))


def reshaped(tensor: DerivedTensor, shape: tuple[int, ...]) -> DerivedTensor | None:
    """Returns a tensor in a shape that means the same; None if there is none.

    Axes of size 1 may be more or fewer, as those of norms are, and a depthwise
    kernel `[h, w, channels, multiplier]` may be `[h, w, 1, channels * multiplier]`.
    """
    if tensor.shape == shape:
        return tensor
    same = _without_ones(tensor.shape) == _without_ones(shape)
    depthwise = len(shape) == len(tensor.shape) == 4 and shape == (
        *tensor.shape[:2],
        1,
        tensor.shape[2] * tensor.shape[3],
    )
    if not same and not depthwise:
        return None
    return tensor.converted(
        f"{list(tensor.shape)} as {list(shape)}", lambda x: x.reshape(shape), shape
    )


def _without_ones(shape: tuple[int, ...]) -> list[int]:
    return [size for size in shape if size != 1]
