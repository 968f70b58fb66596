"""Running methods of modules for whose variables something waits.

What is set as an attribute is found at once (see `Module.__setattr__`). Lists and dicts
tell nobody when they get an item, so they are looked through where methods begin and
end: those of the module that has them, and those that it calls.
"""

from collections.abc import Callable
from typing import Any, Protocol

from ...haiku_impl.core.frames import thread


class Waits(Protocol):
    """What hangs on a module as its `_sonnax_waits`."""

    @property
    def for_items(self) -> bool:
        """Whether there are containers that may get items."""

    def attribute_set(self, module: Any, name: str, value: Any) -> None:
        """Tells of a new attribute."""

    def find_items(self, module: Any) -> None:
        """Asks to look through the containers of the module."""


def run_watched(
    method: Callable[..., Any], module: Any, *args: Any, **kwargs: Any
) -> Any:
    """Calls a method, and has containers looked through before and after."""
    find_items()
    waits = module._sonnax_waits
    if waits is None or not waits.for_items:
        return method(module, *args, **kwargs)
    waits.find_items(module)
    thread.watched.append(module)
    try:
        out = method(module, *args, **kwargs)
        find_items()
    finally:
        thread.watched.pop()
    return out


def find_items() -> None:
    """Has the containers of all modules looked through whose methods are running."""
    for module in tuple(thread.watched):
        if module._sonnax_waits is not None:
            module._sonnax_waits.find_items(module)
