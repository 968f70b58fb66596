"""How a module was made, to be shown if somebody asks."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from ...haiku_impl.core.auto_repr import auto_repr

# Arrays of more elements are shown by shape and dtype.
_SHOWN_ELEMENTS = 64


class Construction:
    """The call that made a module; `str` shows it.

    It is no container, so that nothing in the arguments is taken for a part of the
    module, and it keeps no array alive.

    Args:
      cls: the class that was called.
      args: its positional arguments.
      kwargs: its keyword arguments.

    Example:
      >>> print(Construction(int, (), {"base": np.zeros([9, 9])}))
      int(base=array(shape=(9, 9), dtype=float64))
    """

    __slots__ = ("_call", "_text")

    def __init__(self, cls: type, args: Sequence[Any], kwargs: Mapping[str, Any]):
        self._call = (cls, _without_arrays(tuple(args)), _without_arrays({**kwargs}))
        self._text: str | None = None

    def __str__(self) -> str:
        if self._text is None:
            self._text = self._shown()
        return self._text

    def _shown(self) -> str:
        try:
            return auto_repr(*self._call)
        except RecursionError:  # modules in modules, more than Python goes into
            return f"{self._call[0].__name__}(...)"

    def __deepcopy__(self, memo: Any) -> "Construction":
        return self

    def __reduce__(self) -> Any:
        return _from_text, (str(self),)


def _from_text(text: str) -> Construction:
    construction = Construction(object, (), {})
    construction._text = text
    return construction


class _Shown:
    """What is left of an array: its text."""

    __slots__ = ("_text",)

    def __init__(self, text: str):
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _without_arrays(value: Any) -> Any:
    """Replaces the arrays in lists, tuples and dicts."""
    if isinstance(value, jax.Array | np.ndarray):
        traced = isinstance(value, jax.core.Tracer)
        if traced or value.size <= _SHOWN_ELEMENTS:
            return _Shown(repr(value))
        kind = "Array" if isinstance(value, jax.Array) else "array"
        return _Shown(f"{kind}(shape={value.shape}, dtype={value.dtype})")
    if type(value) is dict:
        return {key: _without_arrays(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        items = [_without_arrays(item) for item in value]
        if hasattr(value, "_fields"):
            return type(value)(*items)
        return items if isinstance(value, list) else tuple(items)
    return value
