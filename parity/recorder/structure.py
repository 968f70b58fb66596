"""The arrays in nested values, and the paths of modules in objects."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .parts import parts

# Values that are nested deeper are no results of a model.
_DEEPEST = 100


def flatten(value: Any) -> Iterator[tuple[str, Any]]:
    """Yields the leaves of nested values with their paths.

    Lists, tuples, named tuples and dicts are taken apart, and so is an object that
    consists of arrays: see `parts`.

    >>> list(flatten({"b": [1, 2], "a": 3}))
    [('a', 3), ('b/0', 1), ('b/1', 2)]
    """
    return _flatten(value, "", ())


def _flatten(value: Any, path: str, around: tuple[Any, ...]) -> Iterator[Any]:
    items = _items(value)
    if items is None:
        items = parts(value)
    is_inside_itself = any(value is outer for outer in around)
    if items is None or is_inside_itself or len(around) == _DEEPEST:
        yield path, value
        return
    for name, item in items:
        inside = f"{path}/{name}" if path else name
        yield from _flatten(item, inside, (*around, value))


def _items(value: Any) -> list[tuple[str, Any]] | None:
    """Returns what a container holds, by name; None of what is no container."""
    if isinstance(value, Mapping):
        return [(str(key), value[key]) for key in sorted(value, key=str)]
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        names = getattr(value, "_fields", None) or range(len(value))
        return [(str(name), item) for name, item in zip(names, value)]
    return None


def walk(
    objects: Mapping[str, Any], is_module: Callable[[Any], bool]
) -> Iterator[tuple[str, Any]]:
    """Yields each object once, with the shortest path to it.

    A path is made of attributes, indices and keys (`model/layers/3`), as a checkpoint
    has it.

    Args:
      objects: where to start, by name.
      is_module: whether to look at the attributes of an object.
    """
    seen: set[int] = set()
    waiting = deque((name, objects[name]) for name in objects)
    while waiting:
        path, value = waiting.popleft()
        if id(value) in seen:
            continue
        seen.add(id(value))
        yield path, value
        if is_module(value):
            inside = [
                (name, item)
                for name, item in sorted(vars(value).items())
                # What TensorFlow keeps beside the user's own attributes.
                if not name.startswith("_self_")
            ]
        else:
            inside = _items(value) or []
        waiting.extend((f"{path}/{name}", item) for name, item in inside)
