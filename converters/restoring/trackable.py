"""The objects of a program as TensorFlow's object graph sees them."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from ...compat.core.module import Module
from ...compat.core.variable import Variable

__all__ = ["children", "is_trackable", "walk"]


def is_trackable(value: Any) -> bool:
    """Returns whether TensorFlow would follow an attribute with this value."""
    return _is_followed(type(value))  # type: ignore[arg-type]


@functools.cache
def _is_followed(cls: type) -> bool:
    # Asking abstract base classes anew for each attribute would take most of the time.
    return issubclass(cls, Module | Variable | list | tuple | Mapping)


def children(obj: Any) -> dict[str, Any]:
    """Returns the objects that an object holds, by the names of TensorFlow's edges.

    Args:
      obj: a module (its attributes), a list or tuple (its indices, and a named
        tuple's fields), or a dict (its string keys). A variable has none.

    Returns:
      Modules, variables and containers by name, in a fixed order.

    Example:
      >>> children([{"a": []}, 3])
      {'0': {'a': []}}
    """
    found: dict[str, Any] = {}
    if isinstance(obj, Variable):
        return found
    if isinstance(obj, Module):
        found = dict(sorted(vars(obj).items()))
    elif isinstance(obj, Mapping):
        found = {key: value for key, value in obj.items() if isinstance(key, str)}
    elif isinstance(obj, list | tuple):
        # Of the two edges to an item of a named tuple, keys are made of the field.
        for field in getattr(obj, "_fields", ()):
            found[field] = getattr(obj, field)
        found.update((str(i), value) for i, value in enumerate(obj))
    return {name: value for name, value in found.items() if is_trackable(value)}


def walk(roots: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yields every object once with a shortest path, breadth first.

    Args:
      roots: the objects under the root, by name.
    """
    queue = deque(roots.items())
    seen: set[int] = set()
    while queue:
        path, obj = queue.popleft()
        if id(obj) in seen:
            continue
        seen.add(id(obj))
        yield path, obj
        queue += [(f"{path}/{name}", child) for name, child in children(obj).items()]
