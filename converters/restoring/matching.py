"""Pairing the objects of a program with places in a checkpoint, as they appear.

`Match` walks over objects, gives variables their values and leaves on each module what
its later variables need; `GraphMatch` and `NameMatch` say what a place is, and which
values there are for it.
"""

from __future__ import annotations

import abc
import copy
import dataclasses
import threading
from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ...compat.core.module import Module
from ...compat.core.variable import Variable
from ...haiku_impl.core.frames import thread
from ..checkpoint import Checkpoint
from .trackable import children
from .variable_values import assign
from .waiting import Wait, hang

__all__ = ["Match", "Place", "Value"]

Place = Any
"""A node's number, or a path of names; it depends on the match."""

Arrival = tuple[Place, Any]
"""An object, and its place in the checkpoint."""


@dataclasses.dataclass(frozen=True)
class Value:
    """What a variable is to be given.

    Attributes:
      place: where the variable is in the checkpoint.
      variable: the variable.
      array: its value, of its shape and dtype.
      sources: the keys of the tensors that it is made of.
    """

    place: Place
    variable: Variable
    array: np.ndarray
    sources: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Found:
    """An object that was reached, and the module that holds it.

    Attributes:
      place: where it is in the checkpoint.
      obj: the object.
      holder: the module whose attribute it is, or an item of whose attributes.
    """

    place: Place
    obj: Any
    holder: Module | None


class Match(abc.ABC):
    """A restore, from its beginning until nothing waits for it.

    Args:
      checkpoint: where the values are.
      root: the object that was the root, or None.
      objects: the objects under the root, by name.
    """

    top: Place

    def __init__(self, checkpoint: Checkpoint, root: Any, objects: Mapping[str, Any]):
        self.checkpoint = checkpoint
        self.restored: dict[str, Any] = {}
        self._root = root
        self._objects = dict(objects)
        self._lock = threading.RLock()

    # What the two ways to match differ in.

    @abc.abstractmethod
    def child(self, place: Place, name: str, obj: Any) -> Place | None:
        """Returns where an object under another is in the checkpoint, if it is."""

    def children(self, place: Place, objects: Mapping[str, Any]) -> list[Arrival]:
        """Returns those objects under another that are in the checkpoint."""
        places = ((self.child(place, name, obj), obj) for name, obj in objects.items())
        return [(inner, obj) for inner, obj in places if inner is not None]

    @abc.abstractmethod
    def identity(self, place: Place, obj: Any) -> Hashable:
        """Returns what is the same for objects that are visited once."""

    @abc.abstractmethod
    def values(self, found: Sequence[Found]) -> list[Value]:
        """Returns the values of those variables that have not got them yet.

        Raises:
          MismatchError: one does not fit its variable.
        """

    @abc.abstractmethod
    def note(self, value: Value) -> None:
        """Notes that a variable has its value."""

    @abc.abstractmethod
    def forget(self, value: Value) -> None:
        """Notes that a variable is gone, for the call that made it failed."""

    @abc.abstractmethod
    def waits_at(self, place: Place, container: Any) -> bool:
        """Returns whether more may come from a module, or into a container."""

    @abc.abstractmethod
    def matched(self) -> set[int]:
        """Returns the identities of the variables that were given their values."""

    @abc.abstractmethod
    def left(self) -> list[str]:
        """Returns the names of what no object was found for."""

    @abc.abstractmethod
    def names(self) -> list[str]:
        """Returns the names of all there is."""

    remedy = ""
    """What else a user can do if something does not match, behind a semicolon."""

    def about(self, variable: Variable) -> str:
        """Returns what is to be said about a variable that got no value."""
        return ""

    # What they share.

    def roots(self) -> dict[str, Any]:
        """Returns the objects under the root."""
        return {**children(self._root), **self._objects}

    def match(self) -> None:
        """Gives all variables that are there, and have not got them, their values."""
        arrivals = self.children(self.top, self.roots())
        if isinstance(self._root, Variable | Module):
            arrivals.append((self.top, self._root))
        self.arrive(arrivals)

    def arrive(
        self,
        arrivals: Sequence[Arrival],
        holder: Module | None = None,
        wait: Wait | None = None,
    ) -> None:
        """Restores objects that have become reachable, and all that they hold.

        Args:
          arrivals: the objects and their places.
          holder: the module from which they are reachable, None for the roots.
          wait: what waited for them there.

        Raises:
          MismatchError: a value does not fit. Nothing is assigned then, and what
            waited goes on waiting.
        """
        with self._lock:
            found = list(self._walk(arrivals, holder))
            values = self.values(found)
            for value in values:
                self.note(value)
                assign(value.variable, value.array)
            waits = {} if wait is None or holder is None else {id(holder): wait}
            self._hang(found, waits, holder)
            if thread.frames and values:
                # The frame's call makes them again if it fails.
                undo = thread.frames[-1].on_failure
                undo.append(lambda: self._undo(values, found, holder, wait))

    def _walk(
        self, arrivals: Iterable[Arrival], holder: Module | None
    ) -> Iterator[Found]:
        """Yields each object once, breadth first."""
        queue = deque(Found(place, obj, holder) for place, obj in arrivals)
        seen = set()
        while queue:
            found = queue.popleft()
            identity = self.identity(found.place, found.obj)
            if identity in seen:
                continue
            seen.add(identity)
            yield found
            is_module = isinstance(found.obj, Module)
            inner = found.obj if is_module else found.holder
            for place, obj in self.children(found.place, children(found.obj)):
                queue.append(Found(place, obj, inner))

    def _hang(
        self, found: Sequence[Found], waits: dict[int, Wait], holder: Module | None
    ) -> None:
        """Leaves with each module what its variables of later on will need."""
        modules = {} if holder is None else {id(holder): holder}
        for each in found:
            if isinstance(each.obj, Module):
                modules[id(each.obj)] = each.obj
                waits[id(each.obj)] = Wait(self, each.place)
            elif isinstance(each.obj, list | Mapping) and id(each.holder) in waits:
                waits[id(each.holder)].watch(each.place, each.obj)
        for number, wait in waits.items():
            hang(modules[number], wait)

    def _undo(
        self,
        values: Sequence[Value],
        found: Sequence[Found],
        holder: Module | None,
        wait: Wait | None,
    ) -> None:
        with self._lock:
            for value in values:
                self.forget(value)
            waits = {} if wait is None or holder is None else {id(holder): wait}
            self._hang(found, waits, holder)

    def __deepcopy__(self, memo: dict[int, Any]) -> Match:
        """Returns the restore of a copy of the objects, which goes its own way."""
        copied = memo[id(self)] = object.__new__(type(self))
        vars(copied).update(
            {
                name: copy.copy(value) if isinstance(value, dict | set) else value
                for name, value in vars(self).items()
            }
        )
        copied._lock = threading.RLock()
        copied._root, copied._objects = None, {}
        return copied
