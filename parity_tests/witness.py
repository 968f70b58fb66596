"""Notes which arguments of a library's functions were given other than by default."""

import inspect
from collections.abc import Iterable
from typing import Any


class Witness:
    """Stands in for a module, calls its functions, and remembers their arguments.

    Attributes:
      library: the module.
      seen: pairs of a function's name and an argument that had a value of its own.
    """

    def __init__(self, library: Any):
        self.library = library
        self.seen: set[tuple[str, str]] = set()

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.library, name)
        if not callable(value):
            return value
        parameters = inspect.signature(value)

        def noted(*args: Any, **kwargs: Any) -> Any:
            given = parameters.bind(*args, **kwargs).arguments
            for argument, chosen in given.items():
                if not is_default(chosen, parameters.parameters[argument].default):
                    self.seen.add((name, argument))
            return value(*args, **kwargs)

        return noted

    def unseen(self, names: Iterable[str]) -> list[str]:
        """Lists the arguments that never had a value of their own."""
        return [
            f"{name}({argument})"
            for name in names
            if callable(getattr(self.library, name))
            for argument in inspect.signature(getattr(self.library, name)).parameters
            if (name, argument) not in self.seen
        ]


def is_default(value: Any, default: Any) -> bool:
    """Says whether a value is the default, or a number that equals it."""
    numbers = (bool, int, float, str)
    if isinstance(value, numbers) and isinstance(default, numbers):
        return value == default
    return value is default
