"""Cells: state that is an object, resolved in the same frames as parameters.

`compat.Variable` is a cell. Outside any frame a cell holds its own value. Inside
a frame its value is the frame's: found in the trees of a transformed function, in
the inputs of a compiled one, or in the frame around.
"""

import threading
from collections.abc import Callable
from typing import Any

from .frames import running, thread
from .keys import First, Token

creating = threading.RLock()
"""Held while cells are made that other threads may find, until they have values."""

changing = threading.RLock()
"""Held while the own values of cells are exchanged."""


class Cell:
    """A piece of state with an identity of its own.

    A cell that has a value of its own starts with that in the trees of a transformed
    function. One that was made inside such a function has none, and keeps what makes
    its first value instead.

    Attributes:
      key: its place in the trees of a transformed function, `(module, name)`.
      trainable: whether that is among the parameters, or the state.
    """

    key: tuple[str, str]
    trainable: bool
    _value: Any = None
    _initial: Callable[[], Any] | None = None

    __hash__ = object.__hash__

    def __init__(self, key: tuple[str, str], trainable: bool):
        self.key = key
        self.trainable = trainable
        self.token = Token(self)

    def without_value(self) -> Exception:
        """Returns the error for reading the cell where it has no value."""
        return ValueError(f"{self.key} has no value outside the function that made it.")

    def _own_value(self) -> Any:
        """Returns the value that it has outside any frame."""
        if self._value is None:
            with creating:  # until another thread that makes it is done
                pass
            if self._value is None:
                raise self.without_value()
        return self._value

    def _set_own(self, value: Any) -> None:
        """Sets the value that it has outside any frame."""
        with changing:
            self._value, self._initial = value, None

    def _first_value(self) -> Any:
        """Returns what it starts with in a transformed function."""
        if self._value is None and self._initial is None:
            raise self.without_value()
        return self._initial() if self._value is None else self._value  # type: ignore[misc]


def read(cell: Cell) -> Any:
    """Returns the cell's value in the frame that is running, or its own."""
    frames = thread.frames
    return frames[-1].read(cell) if frames else cell._own_value()


def write(cell: Cell, value: Any) -> None:
    """Sets the cell's value in the frame that is running, or its own."""
    cell.token.commit(running(), value)


def update(cell: Cell, change: Callable[[Any], Any]) -> Any:
    """Sets the cell's value to `change(value)`, and returns that.

    What other threads do to it meanwhile is not lost.
    """
    while True:
        value = read(cell)
        new = change(value)
        with changing:
            if thread.frames or cell._value is value:
                write(cell, new)
                return new


def create(cell: Cell, initial: Callable[[], Any]) -> Any:
    """Gives a new cell its initial value; `apply` takes it from the trees instead.

    Args:
      cell: A cell without a value.
      initial: Makes the value, and is called only if it is needed.

    Returns:
      The value.
    """
    frame = running()
    if frame is not None:
        return frame.create(cell, initial)
    value = initial()
    cell._set_own(value)
    return value


def write_first(cell: Cell, value: Any) -> None:
    """Gives a cell its first value: a write only where all values have names."""
    First(cell.token).commit(running(), value)


def set_initial(cell: Cell, value: Any) -> None:
    """Makes `value` a new cell's first value, in the place of another."""
    frame = running()
    if frame is None:
        cell._set_own(value)
    else:
        frame.set_initial(cell, value)
