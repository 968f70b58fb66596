"""What a function may write, as keys: each knows how to read and to write it."""

import weakref
from typing import Any, NamedTuple


class Entry(NamedTuple):
    """A value in the trees of a transformed function.

    Attributes:
      tree: "params" or "state".
      module: The name of the module that owns it.
      name: Its name there.
    """

    tree: str
    module: str
    name: str

    def read(self, frame: Any) -> Any:
        return getattr(frame, self.tree)[self.module][self.name]

    def is_in(self, frame: Any) -> bool:
        return self.name in getattr(frame, self.tree).get(self.module, ())

    def put(self, frame: Any, value: Any) -> None:
        getattr(frame, self.tree).setdefault(self.module, {})[self.name] = value

    def commit(self, frame: Any, value: Any) -> None:
        self.put(frame, value)


class _RandomKeys(Entry):
    """The sequence of random keys."""

    __slots__ = ()

    def read(self, frame: Any) -> Any:
        return frame.rng.internal_state

    def is_in(self, frame: Any) -> bool:
        return True

    def put(self, frame: Any, value: Any) -> None:
        frame.rng.replace_internal_state(value)


RNG = _RandomKeys("rng", "", "")
"""Stands for the sequence of random keys."""


class Token(weakref.ref[Any]):
    """Stands for a cell: its own == may be an array's.

    It doesn't keep the cell alive, so that compiled functions don't; calling it
    returns the cell, or None once that is gone.
    """

    __slots__ = ("__weakref__",)

    __eq__ = object.__eq__
    __ne__ = object.__ne__
    __hash__ = object.__hash__

    def read(self, frame: Any) -> Any:
        cell: Any = self()
        return cell._own_value() if frame is None else frame.read(cell)

    def put(self, frame: Any, value: Any) -> None:
        frame.give(self(), value)

    def commit(self, frame: Any, value: Any) -> None:
        cell = self()
        # Nobody can read a cell that is gone.
        if cell is not None:
            cell._set_own(value) if frame is None else frame.write(cell, value)


class First(NamedTuple):
    """Stands for the first value of a cell that a function makes.

    Attributes:
      token: The cell's.
    """

    token: Token

    def commit(self, frame: Any, value: Any) -> None:
        cell = self.token()
        if cell is not None:
            cell._set_own(value) if frame is None else frame.write_first(cell, value)


Key = Entry | Token | First
