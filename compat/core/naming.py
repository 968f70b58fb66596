"""Name scopes: Sonnet's names of modules and variables, and unique keys beside them.

TensorFlow lets two modules have one name. Trees of parameters cannot, so a module
has a key too: its scope's name, made unique where a registry of names is active,
that is inside a transformed function or `snt.functional.variables()`.
"""

import contextlib
import itertools
from typing import Any

from ...haiku_impl.core.frames import Scope, inside_transform, thread

_numbers = itertools.count()


class NameScope(contextlib.AbstractContextManager["NameScope"]):
    """A scope for names that can be entered again and again.

    Attributes:
      name: the whole name with a slash at the end, such as `mlp/linear_0/`.
      key: the unique name of the module whose scope it is.
      number: grows with each scope that is made.
    """

    def __init__(self, name: str, key: str):
        self.name = name
        self.key = key
        self.number = next(_numbers)
        self._outer: list[NameScope | None] = []

    def __enter__(self) -> "NameScope":
        self._outer.append(thread.name_scope)
        thread.name_scope = self
        return self

    def __exit__(self, *unused: Any) -> None:
        thread.name_scope = self._outer.pop()

    def __reduce__(self) -> Any:
        return NameScope, (self.name, self.key)

    def __deepcopy__(self, memo: Any) -> "NameScope":
        return NameScope(self.name, self.key)


def _registry() -> Scope | None:
    if inside_transform():
        return thread.frames[-1].scopes[0]
    return thread.registries[-1] if thread.registries else None


def _unique(name: str) -> str:
    """Returns `name`, with a number behind it if the active scope has it already.

    It is the scope itself that counts, not its key: two modules with one key must not
    share a place in the trees as if they were one.
    """
    registry, scope = _registry(), thread.name_scope
    if registry is None:
        return name
    unique_name, number = name, 0
    while not registry.take((scope, unique_name)):
        number += 1
        unique_name = f"{name}_{number}"
    return unique_name


def child_scope(name: str) -> NameScope:
    """Returns the scope of a module called `name`, made inside the active scope."""
    outer, unique_name = thread.name_scope, _unique(name)
    if outer is None:
        return NameScope(f"{name}/", unique_name)
    return NameScope(f"{outer.name}{name}/", f"{outer.key}/{unique_name}")


def variable_names(name: str) -> tuple[str, tuple[str, str]]:
    """Returns the whole name and the key of a variable made inside the active scope.

    >>> variable_names("w")
    ('w:0', ('~', 'w'))
    """
    outer = thread.name_scope
    prefix, module = ("", "~") if outer is None else (outer.name, outer.key)
    # A slash in the name makes a scope, as in `adam/m/linear/b`. The colon keeps
    # variables apart from modules of the same name.
    unique_name = _unique(f":{name}").removeprefix(":")
    module, _, last = f"{module}/{unique_name}".rpartition("/")
    return f"{prefix}{name}:0", (module, last)
