"""The calls of modules, as they happen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from .recording import Call
from .structure import flatten


class _Closed(NamedTuple):
    module: Any
    method: str
    parent: int | None
    begun: int
    entered: int
    left: int
    inputs: dict[str, np.ndarray]
    outputs: dict[str, np.ndarray]


class Capture:
    """Collects calls.

    Args:
      to_numpy: returns an array as NumPy's, and None for what is no array.
    """

    def __init__(self, to_numpy: Callable[[Any], np.ndarray | None]):
        self._to_numpy = to_numpy
        self._clock = 0
        self._begun = 0
        self._open: list[tuple[int, int]] = []
        self._closed: list[_Closed] = []
        # An array that is passed on is converted once, and kept so that its identity
        # stays its own.
        self._converted: dict[int, tuple[Any, np.ndarray | None]] = {}

    def enter(self) -> None:
        """Notes that a call begins."""
        self._open.append((self._begun, self._clock))
        self._begun += 1
        self._clock += 1

    def leave(self, module: Any, method: str, given: Any, returned: Any) -> None:
        """Notes that the call that began last has ended.

        Args:
          module: whose method it is.
          method: the method's name.
          given: its arguments, in any nest.
          returned: its result.
        """
        index, entered = self._open.pop()
        parent = self._open[-1][0] if self._open else None
        self._add(
            _Closed(
                module,
                method,
                parent,
                index,
                entered,
                self._clock,
                self._arrays(given),
                self._arrays(returned),
            )
        )
        self._clock += 1

    def arrive(self, module: Any, method: str, given: Any, returned: Any) -> None:
        """Notes a call of which only the end is seen."""
        self.enter()
        self.leave(module, method, given, returned)

    def abandon(self) -> None:
        """Notes that the call that began last ended with an exception."""
        self._open.pop()

    def _add(self, closed: _Closed) -> None:
        if closed.outputs:
            self._closed.append(closed)

    def _arrays(self, value: Any) -> dict[str, np.ndarray]:
        """Returns the arrays in a nested value by their places in it."""
        found = {}
        for path, leaf in flatten(value):
            if id(leaf) not in self._converted:
                self._converted[id(leaf)] = leaf, self._to_numpy(leaf)
            array = self._converted[id(leaf)][1]
            if array is not None:
                found[path] = array
        return found

    def calls(self, paths: Mapping[int, str]) -> list[Call]:
        """Returns the calls in the order in which they ended.

        Args:
          paths: the paths of the modules by identity; another is called by its name.
        """
        position: dict[int | None, int] = {
            closed.begun: i for i, closed in enumerate(self._closed)
        }
        numbers: dict[tuple[str, str], int] = {}
        calls = []
        for closed in self._closed:
            name = module_name(closed.module)
            path = paths.get(id(closed.module), f"({name})")
            number = numbers.get((path, closed.method), 0)
            numbers[path, closed.method] = number + 1
            calls.append(
                Call(
                    path=path,
                    name=name,
                    type=type(closed.module).__name__,
                    method=closed.method,
                    number=number,
                    parent=position.get(closed.parent),
                    entered=closed.entered,
                    left=closed.left,
                    inputs=closed.inputs,
                    outputs=closed.outputs,
                )
            )
        return calls


def module_name(module: Any) -> str:
    """Returns the name of a module with those of the scopes around it."""
    scope = getattr(module, "name_scope", None)
    return str(getattr(scope, "name", module.name)).rstrip("/")


def is_recorded(name: str) -> bool:
    """Whether calls of a method of this name are recorded."""
    return name == "__call__" or not name.startswith("_")
