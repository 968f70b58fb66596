"""What an object is made of, by name: its fields, parameters or attributes."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterable, Mapping
from typing import Any

# Parameters of a distribution that change no number.
_NOT_NUMBERS = {
    *("name", "dtype", "validate_args", "allow_nan_stats"),
    *("parameters", "kwargs_split_fn"),
}


def parts(value: Any) -> list[tuple[str, Any]] | None:
    """Returns the parts of an object; None of what has none, or is an array.

    - of a dataclass or an attrs class, its fields;
    - of a distribution, its class and its parameters: those it tells of
      (`parameters`, as TensorFlow Probability's do), else those of its constructor;
    - of another object, its attributes. Of the private ones, only what has arrays:
      it is called as the property that shows it would be, without the underscore.

    >>> class Moments:
    ...     def __init__(self):
    ...         self.mean, self._count = 0.5, 3
    >>> parts(Moments())
    [('mean', 0.5)]
    """
    if isinstance(value, type):
        return None
    parameters = getattr(value, "parameters", None)
    if isinstance(parameters, Mapping):
        return _distribution(value, parameters.items())
    if _is_whole(value):
        return None
    if dataclasses.is_dataclass(value):
        return _attributes(value, [f.name for f in dataclasses.fields(value)])
    fields = getattr(type(value), "__attrs_attrs__", None)
    if fields is not None:
        return _attributes(value, [field.name for field in fields])
    if hasattr(value, "log_prob"):
        names = _attribute_names(value)
        arguments = [
            name if name in names else f"_{name}"
            for name in inspect.signature(type(value)).parameters
        ]
        found = _attributes(value, names.intersection(arguments))
        if any(_has_arrays(item, set()) for _, item in found):
            return _distribution(value, found)
    return _kept(value) or None


def _distribution(
    value: Any, parameters: Iterable[tuple[str, Any]]
) -> list[tuple[str, Any]]:
    numbers = [
        (name, parameter)
        for name, parameter in parameters
        if name not in _NOT_NUMBERS and not name.startswith("experimental_")
    ]
    return [("class", type(value).__name__), *sorted(numbers, key=lambda item: item[0])]


def _is_whole(value: Any) -> bool:
    """Whether a value is not taken apart: an array, a plain value, a function."""
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
        return True
    # A module can be called too: its own calls are recorded.
    return _is_array(value) or callable(value)


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype")


def _attributes(value: Any, names: Iterable[str]) -> list[tuple[str, Any]]:
    return [
        (name.lstrip("_"), getattr(value, name))
        for name in sorted(names)
        if hasattr(value, name)
    ]


def _attribute_names(value: Any) -> set[str]:
    names = {*getattr(value, "__dict__", ())}
    for cls in type(value).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        names.update([slots] if isinstance(slots, str) else slots)
    return {name for name in names if not name.startswith("__")}


def _kept(value: Any) -> list[tuple[str, Any]]:
    """Returns the attributes of an object of no known kind."""
    names = _attribute_names(value)
    private = {name for name in names if name.startswith("_")}
    public = names - private
    shown = {
        name
        for name in private
        if name.lstrip("_") not in public
        and _has_arrays(getattr(value, name, None), {id(value)})
    }
    return _attributes(value, public | shown)


def _has_arrays(value: Any, seen: set[int]) -> bool:
    """Whether there is an array in a value, or in what it is made of."""
    if _is_array(value) or id(value) in seen:
        return _is_array(value)
    seen.add(id(value))
    if isinstance(value, Mapping):
        inside = [*value.values()]
    elif isinstance(value, (list, tuple)):
        inside = [*value]
    else:
        inside = [item for _, item in parts(value) or ()]
    return any(_has_arrays(item, seen) for item in inside)
