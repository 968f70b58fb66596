"""The calls of modules, as they happen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from .recording import Call
from .structure import flatten


class _Open(NamedTuple):
    module: Any
    method: str
    entered: int


class _Closed(NamedTuple):
    call: _Open
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
        self._open: list[_Open] = []
        self._closed: list[_Closed] = []
        # An array that is passed on is converted once, and kept so that its identity
        # stays its own.
        self._converted: dict[int, tuple[Any, np.ndarray | None]] = {}

    def is_running(self, module: Any, method: str) -> bool:
        """Whether a method calls itself, as it does by super()."""
        return any(c.module is module and c.method == method for c in self._open)

    def enter(self, module: Any, method: str) -> None:
        """Notes that a method of a module begins."""
        self._open.append(_Open(module, method, self._tick()))

    def leave(self, given: Any, returned: Any) -> None:
        """Notes that the call that began last has ended.

        Args:
          given: its arguments, in any nest.
          returned: its result.
        """
        outputs = self._arrays(returned)
        closed = _Closed(self._open.pop(), self._tick(), self._arrays(given), outputs)
        if outputs:
            self._closed.append(closed)

    def abandon(self) -> None:
        """Forgets the call that began last."""
        self._open.pop()

    def arrive(self, module: Any, method: str, given: Any, returned: Any) -> None:
        """Notes a call of which only the end is seen."""
        self.enter(module, method)
        self.leave(given, returned)

    def calls(self, paths: Mapping[int, str]) -> list[Call]:
        """Returns the calls in the order in which they ended.

        Args:
          paths: the paths of the modules by identity; another is called by its name.
        """
        numbers: dict[tuple[str, str], int] = {}
        calls = []
        for (module, method, entered), left, inputs, outputs in self._closed:
            name = module_name(module)
            path = paths.get(id(module), f"({name})")
            number = numbers.get((path, method), 0)
            numbers[path, method] = number + 1
            calls.append(
                Call(
                    path=path,
                    name=name,
                    type=type(module).__name__,
                    method=method,
                    number=number,
                    entered=entered,
                    left=left,
                    inputs=inputs,
                    outputs=outputs,
                )
            )
        return calls

    def _tick(self) -> int:
        self._clock += 1
        return self._clock - 1

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


def module_name(module: Any) -> str:
    """Returns the name of a module with those of the scopes around it."""
    scope = getattr(module, "name_scope", None)
    return str(getattr(scope, "name", module.name)).rstrip("/")


def is_recorded(name: str) -> bool:
    """Whether calls of a method of this name are recorded."""
    return name == "__call__" or not name.startswith("_")
