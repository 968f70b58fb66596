"""What waits for variables hangs on the module from which they will be reachable."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ...compat.core.module import Module
from .trackable import is_trackable

if TYPE_CHECKING:
    from .matching import Match, Place

__all__ = ["Wait", "hang", "waits_of"]

_WAITS = "_sonnax_waits"


class Wait:
    """The values that one restore has for what a module does not hold yet.

    Args:
      match: the restore.
      place: where the module is in the checkpoint.

    Attributes:
      containers: lists and dicts of the module to which items may be added, by their
        identity, each with its place and with its items when they were last seen.
    """

    def __init__(self, match: Match, place: Place):
        self.match = match
        self.place = place
        self.containers: dict[int, tuple[Place, Any, list[int]]] = {}

    def watch(self, place: Place, container: Any) -> None:
        """Looks for new items in a container from now on."""
        self.containers[id(container)] = place, container, _identities(container)

    def find_items(self, module: Module) -> None:
        """Restores what was added to the containers."""
        for place, container, seen in list(self.containers.values()):
            if _identities(container) == seen:
                continue
            self.match.arrive([(place, container)], module, self)

    def is_over(self) -> bool:
        """Returns whether nothing is waited for any more."""
        for number, (place, container, _) in list(self.containers.items()):
            if not self.match.waits_at(place, container):
                del self.containers[number]
        return not self.containers and not self.match.waits_at(self.place, None)

    def __deepcopy__(self, memo: dict[int, Any]) -> Wait:
        match, place = copy.deepcopy((self.match, self.place), memo)
        copied = Wait(match, place)
        for place, container, _ in self.containers.values():
            copied.watch(place, copy.deepcopy(container, memo))
        return copied


class Waits:
    """All that waits for one module, which calls these methods."""

    def __init__(self) -> None:
        self.waits: list[Wait] = []

    def __iter__(self) -> Iterator[Wait]:
        return iter(self.waits)

    @property
    def for_items(self) -> bool:
        """Whether the module's containers are watched."""
        return any(wait.containers for wait in self.waits)

    def attribute_set(self, module: Module, name: str, value: Any) -> None:
        """Restores what has become reachable as an attribute of the module."""
        if not is_trackable(value):
            return
        for wait in tuple(self.waits):
            place = wait.match.child(wait.place, name, value)
            if place is not None:
                wait.match.arrive([(place, value)], module, wait)

    def find_items(self, module: Module) -> None:
        """Restores what has become reachable as an item of a list or dict."""
        for wait in tuple(self.waits):
            wait.find_items(module)

    def __deepcopy__(self, memo: dict[int, Any]) -> Waits:
        copied = memo[id(self)] = Waits()
        copied.waits = copy.deepcopy(self.waits, memo)
        return copied

    def __reduce__(self) -> Any:
        # A pickle may be read where there is no checkpoint.
        return Waits, ()


def waits_of(module: Module) -> Waits | None:
    """Returns what waits for a module, None if nothing does."""
    return vars(module).get(_WAITS)


def hang(module: Module, wait: Wait) -> None:
    """Hangs what waits on its module, in the place of an earlier restore's.

    What is over is taken off.
    """
    waits = waits_of(module) or Waits()
    waits.waits = [
        each
        for each in waits.waits
        if each is not wait
        and not (type(each.match) is type(wait.match) and each.place == wait.place)
    ]
    if not wait.is_over():
        waits.waits.append(wait)
    if waits.waits:
        vars(module)[_WAITS] = waits
    else:
        vars(module).pop(_WAITS, None)


def _identities(container: Any) -> list[int]:
    values = container.values() if isinstance(container, Mapping) else container
    return [id(value) for value in values]
