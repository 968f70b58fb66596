"""Checks of ranks, sizes and types that name the argument that is wrong.

A function states what it takes in one table, which is also its documentation:

    @expects(q_tm1="float[A]", a_tm1="int[]", lambda_="float[] | float[T]")
    def f(q_tm1, a_tm1, lambda_): ...

Everything happens on shapes and dtypes while a function is traced: nothing of it
is left in the jaxpr.
"""

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any, NamedTuple, ParamSpec, TypeVar

import jax.numpy as jnp
import numpy as np

P = ParamSpec("P")
R = TypeVar("R")

KINDS: dict[str, Any] = {
    "float": jnp.floating,
    "int": jnp.integer,
    "bool": np.bool_,
    "number": np.number,
    "any": np.generic,
}


class ArgumentError(AssertionError, ValueError):
    """An argument has the wrong rank, size, type or value.

    The message names the function and the argument, and says what was expected,
    what was found and what to do. It is an `AssertionError` because RLax raises
    those, and a `ValueError` because it is one.

    >>> from sonnax import rlax_impl as rlax
    >>> rlax.td_learning(1.0, 2, 0.9, 1.0)
    Traceback (most recent call last):
      ...
    sonnax.rlax_impl.arguments.ArgumentError: td_learning: argument 'r_t' must be \
float[], but is int64[]. Convert it, for example with jnp.asarray(r_t, float).
    """


class Dimension(NamedTuple):
    """The size of one axis: `name + offset`, or any size where the name is None."""

    name: str | None
    offset: int = 0


class Layout(NamedTuple):
    """One way in which an argument may come: a kind, axes, and leading `...`."""

    kind: str
    leading: bool
    dims: tuple[Dimension, ...]


class Found(NamedTuple):
    """What a dimension was bound to, and by which argument."""

    size: int
    argument: str


def expects(**table: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Makes a function check its arguments before it runs.

    Args:
      **table: for each argument to check, its layouts, divided by `|`. A layout is a
        kind (`float`, `int`, `bool`, `number` or `any`) and its axes in brackets: a
        name (`T`, the same size everywhere), a name with an offset (`T+1`), a number,
        `_` (any size), or a leading `...` (any axes). An argument whose default is
        `None` may be `None`.

    Returns:
      A decorator. The decorated function has the signature of the original, and
      raises `ArgumentError` where an argument fits none of its layouts.

    >>> @expects(rewards="float[T]", values="float[T+1]")
    ... def advantages(rewards, values):
    ...     return rewards + values[1:] - values[:-1]
    >>> advantages(np.ones(3), np.ones(3))
    Traceback (most recent call last):
      ...
    sonnax.rlax_impl.arguments.ArgumentError: advantages: argument 'values' must be \
float[T+1], but is float64[3]. T is 3, from 'rewards'.
    """
    layouts = {name: _parse(text) for name, text in table.items()}

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        parameters = inspect.signature(function).parameters
        unknown = layouts.keys() - parameters.keys()
        if unknown:
            raise TypeError(f"{function.__name__} has no arguments {sorted(unknown)}.")
        order = tuple(parameters)
        optional = {n for n, p in parameters.items() if p.default is None}

        @functools.wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            sizes: dict[str, Found] = {}
            for name, value in (*zip(order, args), *kwargs.items()):
                if name not in layouts or (value is None and name in optional):
                    continue
                shape, dtype = _shape_and_dtype(value, function.__name__, name)
                if not any(
                    _fits(layout, shape, dtype, name, sizes) for layout in layouts[name]
                ):
                    raise ArgumentError(
                        f"{function.__name__}: argument {name!r} must be "
                        f"{table[name]}, but is {_spell(shape, dtype)}. "
                        + _advice(name, layouts[name], shape, dtype, sizes)
                    )
            return function(*args, **kwargs)

        return checked

    return decorate


def check(condition: bool, function: str, message: str) -> None:
    """Raises `ArgumentError` with the function's name unless the condition holds."""
    if not condition:
        raise ArgumentError(f"{function}: {message}")


def _parse(text: str) -> tuple[Layout, ...]:
    layouts = []
    for part in text.split("|"):
        match = re.fullmatch(r"\s*(\w+)\[(.*)\]\s*", part)
        if match is None or match[1] not in KINDS:
            raise ValueError(f"{part!r} is not a layout such as 'float[T, A]'.")
        axes = [axis.strip() for axis in match[2].split(",") if axis.strip()]
        leading = axes[:1] == ["..."]
        layouts.append(
            Layout(match[1], leading, tuple(map(_dimension, axes[leading:])))
        )
    return tuple(layouts)


def _dimension(axis: str) -> Dimension:
    match = re.fullmatch(r"(\w+?)([+-]\d+)?", axis)
    if match is None:
        raise ValueError(f"{axis!r} is not an axis such as 'T', 'T+1' or '_'.")
    return Dimension(None if match[1] == "_" else match[1], int(match[2] or 0))


def _shape_and_dtype(value: Any, function: str, name: str) -> tuple[tuple, np.dtype]:
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return tuple(value.shape), value.dtype
    if isinstance(value, (bool, int, float, complex)):
        return (), np.result_type(value)
    raise ArgumentError(
        f"{function}: argument {name!r} must be an array or a number, but is a "
        f"{type(value).__name__}. Convert it with jnp.asarray({name})."
    )


def _fits(
    layout: Layout,
    shape: tuple[int, ...],
    dtype: np.dtype,
    argument: str,
    sizes: dict[str, Found],
) -> bool:
    surplus = len(shape) - len(layout.dims)
    if surplus < 0 or (surplus and not layout.leading):
        return False
    if not jnp.issubdtype(dtype, KINDS[layout.kind]):
        return False
    bound: dict[str, Found] = {}
    for (name, offset), size in zip(layout.dims, shape[surplus:]):
        if name is None:
            continue
        if name.isdigit():
            known = Found(int(name), argument)
        else:
            known = sizes.get(name) or bound.setdefault(
                name, Found(size - offset, argument)
            )
        if known.size != size - offset:
            return False
    sizes.update(bound)
    return True


def _advice(
    argument: str,
    layouts: tuple[Layout, ...],
    shape: tuple[int, ...],
    dtype: np.dtype,
    sizes: dict[str, Found],
) -> str:
    ranks = {len(layout.dims) for layout in layouts}
    leading = any(layout.leading for layout in layouts)
    if len(shape) > max(ranks) and not leading:
        return "Map over the additional axes with jax.vmap."
    if (len(shape) not in ranks and not leading) or len(shape) < min(ranks):
        return f"It has {len(shape)} axes: add the axes that are missing."
    if not any(jnp.issubdtype(dtype, KINDS[layout.kind]) for layout in layouts):
        kind = layouts[0].kind
        return f"Convert it, for example with jnp.asarray({argument}, {kind})."
    names = {dim.name for layout in layouts for dim in layout.dims}
    known = [
        f"{name} is {found.size}, from {found.argument!r}."
        for name, found in sizes.items()
        if name in names
    ]
    return " ".join(known) or "Axes of one name must have one size."


def _spell(shape: tuple[int, ...], dtype: np.dtype) -> str:
    return f"{dtype}[{', '.join(map(str, shape))}]"
