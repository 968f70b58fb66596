"""The calls of modules, as they happen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from .recording import Call


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

    def leave(self, given: Mapping[str, Any], returned: Mapping[str, Any]) -> None:
        """Notes that the call that began last has ended.

        Args:
          given: the leaves of its arguments by their places, as they were when it
            began; none of them may change.
          returned: those of its result.
        """
        outputs = self._arrays(returned)
        closed = _Closed(self._open.pop(), self._tick(), self._arrays(given), outputs)
        if outputs:
            self._closed.append(closed)

    def abandon(self) -> None:
        """Forgets the call that began last."""
        self._open.pop()

    def arrive(
        self,
        module: Any,
        method: str,
        given: Mapping[str, Any],
        returned: Mapping[str, Any],
    ) -> None:
        """Notes a call of which only the end is seen."""
        self.enter(module, method)
        self.leave(given, returned)

    def calls(self, paths: Mapping[int, str]) -> list[Call]:
        """Returns the calls in the order in which they ended.

        Args:
          paths: the paths of the modules by identity; another is called by its name.
        """
        names = self._names()
        numbers: dict[tuple[str, str], int] = {}
        calls = []
        for (module, method, entered), left, inputs, outputs in self._closed:
            name = names[id(module)]
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

    def _names(self) -> dict[int, str]:
        """Returns the names of the modules, made unique in the order of their calls."""
        names: dict[int, str] = {}
        given: dict[str, int] = {}
        for closed in sorted(self._closed, key=lambda closed: closed.call.entered):
            module = closed.call.module
            if id(module) not in names:
                name = module_name(module)
                number = given.get(name, 0)
                given[name] = number + 1
                names[id(module)] = f"{name}_{number}" if number else name
        return names

    def _tick(self) -> int:
        self._clock += 1
        return self._clock - 1

    def _arrays(self, leaves: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Returns the leaves that are arrays, as NumPy's."""
        found = {}
        for path, leaf in leaves.items():
            if id(leaf) not in self._converted:
                self._converted[id(leaf)] = leaf, self._to_numpy(leaf)
            array = self._converted[id(leaf)][1]
            if array is not None:
                found[path] = array
        return found


def module_name(module: Any) -> str:
    """Returns the name of a module with those of the scopes around it."""
    in_haiku = getattr(module, "module_name", None)
    if in_haiku is not None:
        # Where a module made its submodules in its constructor, Haiku writes `~`.
        return str(in_haiku).replace("~/", "")
    scope = getattr(module, "name_scope", None)
    name = getattr(module, "name", None) or getattr(module, "__name__", "model")
    return str(getattr(scope, "name", name)).rstrip("/")


def is_recorded(name: str) -> bool:
    """Whether calls of a method of this name are recorded."""
    return name == "__call__" or not name.startswith("_")
