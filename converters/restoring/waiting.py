"""Restoring variables when modules make them, for as long as the modules live."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any, Protocol

from ...compat.core.module import Module
from ...haiku_impl.core.frames import thread

__all__ = ["match_when_made"]

_ATTRIBUTE = "_sonnax_restores"


class Status(Protocol):
    """A restore that may not be at its end."""

    def match(self) -> None: ...

    def is_waiting(self) -> bool: ...


class _Kept(list[Any]):
    """The restores that a module keeps alive; its copies have been restored."""

    def __deepcopy__(self, memo: Any) -> _Kept:
        return _Kept()

    def __reduce__(self) -> Any:
        return _Kept, ()


def match_when_made(status: Status, objects: Iterable[Any]) -> None:
    """Matches again whenever variables are made, until nothing is waited for.

    The modules keep the status alive, and nothing else does: once they are gone, so
    are the checkpoint's mapped files.

    Args:
      status: matches the objects with a checkpoint.
      objects: what it restores; those that are no modules make no variables.
    """
    modules = [obj for obj in objects if isinstance(obj, Module)]
    if not modules:
        return
    for module in modules:
        vars(module).setdefault(_ATTRIBUTE, _Kept()).append(status)
    reference = weakref.ref(status)
    callbacks = thread.on_creation

    def match_again() -> None:
        status = reference()
        go_on = False
        try:
            if status is not None:
                status.match()
                go_on = status.is_waiting()
        finally:
            # What does not fit is said once, not to whoever makes modules later.
            if not go_on:
                callbacks.remove(match_again)

    callbacks.append(match_again)
