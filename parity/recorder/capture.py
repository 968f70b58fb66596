"""The calls of modules, as they happen."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .recording import Call

if TYPE_CHECKING:
    from .side import Side


class Open(NamedTuple):
    """A call that has begun.

    Attributes:
      module: what is called.
      method: the name of the method.
      entered: the place of its beginning among all beginnings and ends.
      is_own: whether a method of the same module called it.
    """

    module: Any
    method: str
    entered: int
    is_own: bool


class _Closed(NamedTuple):
    call: Open
    left: int
    inputs: dict[str, np.ndarray]
    outputs: dict[str, np.ndarray]
    opaque: dict[str, str]


class Capture:
    """Collects calls.

    Args:
      side: tells what is an array, what is a module, and in which precision it runs.
    """

    def __init__(self, side: Side):
        self._side = side
        self._clock = 0
        self._open: list[Open] = []
        self._closed: list[_Closed] = []
        # An array that is passed on is converted once, and kept so that its identity
        # stays its own.
        self._converted: dict[int, tuple[Any, np.ndarray | None]] = {}

    def passes_over(self, module: Any, method: str, owner: type) -> bool:
        """Whether a call is a part of another one of the same module.

        That is one of super(), and one of a method of the library's own: which of
        them call each other is not the same in two libraries.

        Args:
          module: the module that is called.
          method: the name of the method.
          owner: the class that has it.
        """
        if any(c.module is module and c.method == method for c in self._open):
            return True
        is_inside = bool(self._open) and self._open[-1].module is module
        return is_inside and owner.__module__.startswith(f"{self._side.library}.")

    def enter(self, module: Any, method: str) -> None:
        """Notes that a method of a module begins."""
        is_own = any(call.module is module for call in self._open)
        self._open.append(Open(module, method, self._tick(), is_own))

    def leave(self, given: Mapping[str, Any], returned: Mapping[str, Any]) -> None:
        """Notes that the call that began last has ended.

        Args:
          given: the leaves of its arguments by their places, as they were when it
            began; none of them may change.
          returned: those of its result.
        """
        call, left = self._open.pop(), self._tick()
        arrays = {place: self._array(leaf) for place, leaf in given.items()}
        inputs = {place: array for place, array in arrays.items() if array is not None}
        outputs, opaque = self._results(returned)
        if outputs or opaque:
            self._closed.append(_Closed(call, left, inputs, outputs, opaque))

    def abandon(self) -> Open:
        """Forgets the call that began last, and returns it."""
        return self._open.pop()

    def arrive(
        self, call: Open, given: Mapping[str, Any], returned: Mapping[str, Any]
    ) -> None:
        """Notes an abandoned call of which the values are known now."""
        self._open.append(call._replace(entered=self._tick()))
        self.leave(given, returned)

    def calls(self, paths: Mapping[int, str]) -> list[Call]:
        """Returns the calls in the order in which they ended.

        Args:
          paths: the paths of the modules by identity; another is called by its name.
        """
        names = self._names()
        numbers: dict[tuple[str, str], int] = {}
        calls = []
        for opened, left, inputs, outputs, opaque in self._closed:
            module, method, entered, is_own = opened
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
                    opaque=opaque,
                    is_own=is_own,
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

    def _results(
        self, leaves: Mapping[str, Any]
    ) -> tuple[dict[str, np.ndarray], dict[str, str]]:
        """Returns what can be compared as arrays, and the classes of what can't."""
        outputs, opaque = {}, {}
        for place, leaf in leaves.items():
            array = self._array(leaf)
            if array is None:
                array = plain_array(leaf, self._side.precision)
            if array is not None:
                outputs[place] = array
            elif leaf is not None and not self._side.is_module(leaf):
                opaque[place] = type(leaf).__qualname__
        return outputs, opaque

    def _array(self, leaf: Any) -> np.ndarray | None:
        if id(leaf) not in self._converted:
            array = self._side.to_numpy(leaf)
            # Of strings, such as TensorFlow's: they can't be written without pickle.
            if array is not None and array.dtype.hasobject:
                array = None
            self._converted[id(leaf)] = leaf, array
        return self._converted[id(leaf)][1]


def plain_array(value: Any, precision: str) -> np.ndarray | None:
    """Returns Python's own value as the array that TensorFlow and JAX make of it.

    >>> plain_array(0.5, "float32"), plain_array(3, "float32"), plain_array({}, "")
    (array(0.5, dtype=float32), array(3, dtype=int32), None)
    """
    if isinstance(value, bool):
        return np.array(value)
    if isinstance(value, int):
        for dtype in (np.int32, np.int64):
            if np.iinfo(dtype).min <= value <= np.iinfo(dtype).max:
                return np.array(value, dtype)
        return None
    if isinstance(value, float):
        return np.array(value, precision)
    if isinstance(value, complex):
        return np.array(value, {"float32": np.complex64}.get(precision, np.complex128))
    if isinstance(value, str):
        return np.array(value)
    return np.frombuffer(value, np.uint8) if isinstance(value, bytes) else None


@contextlib.contextmanager
def replaced_methods(
    base: type, stand_in: Callable[[type, str, Any], Callable[..., Any]]
) -> Iterator[None]:
    """Puts something in the place of each public method of all classes of modules.

    Args:
      base: the class of all modules.
      stand_in: returns what is called instead, for a class, a name and a method.
    """
    originals = [
        (cls, name, method)
        for cls in _subclasses(base)
        for name, method in vars(cls).items()
        if is_recorded(name) and _is_method(method)
    ]
    for cls, name, method in originals:
        setattr(cls, name, stand_in(cls, name, method))
    try:
        yield
    finally:
        for cls, name, method in originals:
            setattr(cls, name, method)


def is_recorded(name: str) -> bool:
    """Whether calls of a method of this name are recorded."""
    return name == "__call__" or not name.startswith("_")


def _subclasses(cls: Any) -> Iterator[type]:
    for subclass in cls.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


def _is_method(value: Any) -> bool:
    if isinstance(value, (type, staticmethod)) or not callable(value):
        return False
    # tf.function and jax.jit make an object of their own of a method.
    is_compiled = hasattr(value, "python_function") or hasattr(value, "__wrapped__")
    return inspect.isfunction(value) or (is_compiled and hasattr(value, "__get__"))


def module_name(module: Any) -> str:
    """Returns the name of a module with those of the scopes around it."""
    in_haiku = getattr(module, "module_name", None)
    if in_haiku is not None:
        # Where a module made its submodules in its constructor, Haiku writes `~`.
        return str(in_haiku).replace("~/", "")
    scope = getattr(module, "name_scope", None)
    name = getattr(module, "name", None) or getattr(module, "__name__", "model")
    return str(getattr(scope, "name", name)).rstrip("/")
