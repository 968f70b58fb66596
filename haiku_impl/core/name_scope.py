"""Name scopes: names without a module."""

import contextlib
from typing import Any

from . import frames
from .frames import Scope
from .module import Module
from .naming import FORCED


class NameScopeModule(Module):
    """Stands for a name scope on the stack of running modules."""


class _NameScope(contextlib.AbstractContextManager[None]):
    def __init__(self, name: str, method_name: str):
        if not name or name[0] == "/":
            raise ValueError(
                f"Name scopes must not start with /, or be empty: {name!r}"
            )
        scopes = frames.current("name_scope").scopes
        depth = len(scopes)
        try:
            for part in [name] if name.startswith(FORCED) else name.split("/"):
                module: Any = NameScopeModule(name=part)
                scopes.append(Scope(module, method_name))
            self._scope: Scope | None = scopes[-1]
        finally:
            del scopes[depth:]
        self._entered = False

    def __enter__(self) -> None:
        if self._entered:
            raise ValueError("name_scope is not reentrant: make another one")
        if self._scope is None:
            raise ValueError("name_scope is not reusable: make another one")
        frames.current("name_scope").scopes.append(self._scope)
        self._scope, self._entered = None, True

    def __exit__(self, *unused: Any) -> None:
        frames.thread.frames[-1].scopes.pop()
        self._entered = False


def name_scope(
    name: str, *, method_name: str = "__call__"
) -> contextlib.AbstractContextManager[None]:
    """Puts `name` before the names of modules, parameters and state made inside.

    Args:
      name: one name, or several joined by `/`.
      method_name: the method in which they are named as if made.

    Returns:
      A context that can be entered once.

    Raises:
      ValueError: outside a transformed function; if the name is empty, begins
        with `/` or is not made of identifiers; when it is entered again.

    >>> from sonnax import haiku_impl as hk
    >>> def f():
    ...     with hk.name_scope("encoder"):
    ...         return hk.Flatten().module_name
    >>> hk.testing.transform_and_run(f)()
    'encoder/flatten'
    """
    frames.current("name_scope")
    return _NameScope(name, method_name)
