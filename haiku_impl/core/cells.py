"""Cells: state that is an object, resolved in the same frames as parameters.

`compat.Variable` is a cell. Outside any frame a cell holds its own value. Inside
a frame its value is the frame's: found in the trees of a transformed function, in
the inputs of a compiled one, or in the frame around.
"""

import threading
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

from .errors import StateChangedError
from .frames import Frame, thread
from .typing import StatePair


class Token(weakref.ref["Cell"]):
    """Stands for a cell where things are compared: its own == may be an array's.

    It doesn't keep the cell alive, so that compiled functions don't; calling it
    returns the cell, or None once that is gone.
    """

    __slots__ = ("__weakref__",)

    __eq__ = object.__eq__
    __ne__ = object.__ne__
    __hash__ = object.__hash__


class First(NamedTuple):
    """Stands for the first value of a cell that a function makes.

    Attributes:
      token: the cell's.
    """

    token: Token


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


def own_value(cell: Cell) -> Any:
    """Returns the value that the cell has outside any frame."""
    if cell._value is None:
        with creating:  # until another thread that makes it is done
            pass
        if cell._value is None:
            raise cell.without_value()
    return cell._value


def read(cell: Cell) -> Any:
    """Returns the cell's value in the frame that is running, or its own."""
    frames = thread.frames
    return read_in(frames[-1], cell) if frames else own_value(cell)


def read_in(frame: Frame, cell: Cell) -> Any:
    """Returns the cell's value in a frame, finding it first if need be."""
    if frame.params is not None:
        return _find_named(frame, cell)
    if cell not in frame.cells:
        frame.cells[cell] = frame.load(frame, cell)  # type: ignore[misc]
    return frame.cells[cell]


def write(cell: Cell, value: Any) -> None:
    """Sets the cell's value in the frame that is running, or its own."""
    frames = thread.frames
    if not frames:
        with changing:
            _set_own(cell, value)
    elif frames[-1].params is not None:
        _write_named(frames[-1], cell, value)
    else:
        frame = frames[-1]
        if cell._value is None and cell not in frame.cells:
            frame.created[cell] = value
        frame.cells[cell] = value
        frame.written[cell] = None


def _set_own(cell: Cell, value: Any) -> None:
    cell._value, cell._initial = value, None


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
      cell: a cell without a value.
      initial: makes the value, and is called only if it is needed.

    Returns:
      The value.
    """
    frames = thread.frames
    if frames and frames[-1].params is not None:
        cell._initial = initial
        return _find_named(frames[-1], cell)
    value = initial()
    write_first(cell, value)
    return value


def write_first(cell: Cell, value: Any) -> None:
    """Gives a cell its first value: a write only where all values have names."""
    frames = thread.frames
    if frames and frames[-1].params is None:
        frames[-1].created[cell] = frames[-1].cells[cell] = value
    else:
        write(cell, value)


def set_initial(cell: Cell, value: Any) -> None:
    """Makes `value` a new cell's first value, in the place of another."""
    frames = thread.frames
    if not frames:
        _set_own(cell, value)
        return
    if frames[-1].params is None:
        write_first(cell, value)
        return
    cell._initial = lambda: value
    if not frames[-1].frozen:
        module, name = cell.key
        tree: Any = frames[-1].params if cell.trainable else frames[-1].state
        tree.setdefault(module, {})[name] = (
            value if cell.trainable else StatePair(value, value)
        )


def _find_named(frame: Frame, cell: Cell) -> Any:
    """Finds a cell's value in the trees of a transformed function.

    During `init` a cell that has no place there yet gets one.
    """
    module, name = cell.key
    holder = frame.keys.setdefault(cell.key, cell)
    if holder is not cell:
        raise ValueError(
            f"Two variables would have the same place {module!r}/{name!r} in the trees "
            f"of parameters: {holder!r} and {cell!r}. Make their modules inside the "
            "transformed function, or inside one `with snt.functional.variables():`, "
            "where names are made unique; or give them different names."
        )
    assert frame.params is not None
    assert frame.state is not None
    tree: Any = frame.params if cell.trainable else frame.state
    if name in tree.get(module, ()):
        found = tree[module][name]
        return found if cell.trainable else found.current
    if frame.frozen and (cell.trainable or cell._value is not None):
        raise ValueError(
            f"{cell!r} has no value in the "
            f"{'parameters' if cell.trainable else 'state'} passed to apply, under "
            f"{module!r}/{name!r}: all variables must be read or created as part of "
            f"`init`. There are the modules {sorted(tree)}."
        )
    value = cell._value
    if value is None:
        if cell._initial is None:
            raise cell.without_value()
        value = cell._initial()
    place(frame, cell, value)
    return value


def place(frame: Frame, cell: Cell, value: Any) -> None:
    """Puts a cell's value into the trees of a transformed function."""
    module, name = cell.key
    tree: Any = frame.params if cell.trainable else frame.state
    bundle = tree.setdefault(module, {})
    if cell.trainable:
        bundle[name] = value
    else:
        initial = bundle[name].initial if name in bundle else value
        bundle[name] = StatePair(initial, value)


def _write_named(frame: Frame, cell: Cell, value: Any) -> None:
    _find_named(frame, cell)
    if cell.trainable and frame.frozen:
        raise StateChangedError(
            f"{cell!r} was assigned inside a pure function, which takes parameters and "
            "does not return them, so the new value would be lost. Assign to it under "
            "`snt.jit`, or make the variable with trainable=False so that it is state."
        )
    if not cell.trainable:
        place(frame, cell, value)


def load_from_outer(frame: Frame, cell: Cell) -> Any:
    """Finds a cell's value in the frame around, or the cell's own."""
    position = thread.frames.index(frame)
    if position:
        return read_in(thread.frames[position - 1], cell)
    return own_value(cell)
