"""Under which scope of a checkpoint by names the tensors of each module are."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from ...compat.core.module import Module
from ..named_tensors import NamedTensors

__all__ = ["Scopes", "own_scope", "sonnet1_name"]

_NUMBERED = re.compile(r"(.+)_(\d+)")

Around = Sequence[tuple[Module, str]]
"""A module and those around it, from the innermost on, each with its path."""


class Scopes:
    """The scopes of modules by their paths.

    Sonnet 2 lets modules share a name, and Sonnet 1 put `_1`, `_2`, ... behind those of
    the later ones. Modules of one name that are met together, as many as there are such
    scopes, have them in the order in which they were made.

    Args:
      tensors: the checkpoint.
      numbered: whether it is of Sonnet 1, so that names have such numbers.
    """

    def __init__(self, tensors: NamedTensors, numbered: bool):
        self._scopes = tensors.scopes
        self._of: dict[str, str] = {}
        # The names of modules that have their paths as scopes.
        self._names: dict[str, str] = {}
        # How many modules would have each scope by their names.
        self._expected: dict[str, int] = defaultdict(int)
        self._siblings: dict[str, dict[int, str]] = defaultdict(dict)
        for scope in self._scopes if numbered else ():
            if (match := _NUMBERED.fullmatch(scope)) is not None:
                self._siblings[match[1]][int(match[2])] = scope

    def of(self, path: str) -> str:
        """Returns the scope of the module at a path, such as `mlp/linear_0`."""
        return self._of[path]

    def add(self, modules: Iterable[Around]) -> None:
        """Finds the scopes of modules that were met together, if they have none yet."""
        by_depth: dict[int, dict[str, Around]] = defaultdict(dict)
        for around in modules:
            module, path = around[0]
            if path not in self._of:
                by_depth[own_scope(module).count("/")][path] = around
        # Those around a module have fewer slashes in their names.
        for depth in sorted(by_depth):
            groups: dict[str, list[tuple[Module, str]]] = defaultdict(list)
            for around in by_depth[depth].values():
                groups[self._rebased(around)].append(around[0])
            unnamed = {
                expected: [each for each in group if not self._is_named(expected, each)]
                for expected, group in groups.items()
            }
            # All of them before one is shared out.
            for expected, group in unnamed.items():
                self._expected[sonnet1_name(expected)] += len(group)
            for expected, group in unnamed.items():
                self._share_out(expected, group)

    def others(self, path: str) -> list[str]:
        """Returns the scopes that a module could have as well."""
        scope = sonnet1_name(self.of(path))
        if path in self._names:
            name = sonnet1_name(self._names[path])
            free = name != scope and not self._expected.get(name)
            return [name] if free and name in self._scopes else []
        return self._free_siblings(scope) if self._expected[scope] == 1 else []

    def _rebased(self, around: Around) -> str:
        """Returns a module's scope inside that of a module around it."""
        own = own_scope(around[0][0])
        for outer, path in around[1:]:
            prefix = f"{own_scope(outer)}/"
            if own.startswith(prefix):
                return f"{self.of(path)}/{own.removeprefix(prefix)}"
        return own

    def _is_named(self, expected: str, each: tuple[Module, str]) -> bool:
        """Finds the scope of a module that is called by its path."""
        _, path = each
        scopes = [path, f"{path}/{expected}", f"{path}/{sonnet1_name(expected)}"]
        found = [scope for scope in scopes if scope in self._scopes]
        if found:
            # The tensors of a module stand below its own name, if that is there.
            self._of[path], self._names[path] = found[-1], expected
        return bool(found)

    def _share_out(self, expected: str, group: Sequence[tuple[Module, str]]) -> None:
        """Gives modules of one name their scopes in the order they were made in."""
        first = sonnet1_name(expected)
        scopes = [first, *self._free_siblings(first)]
        if len(scopes) != len(group) or len(group) < 2:
            scopes = [expected] * len(group)
        in_order = sorted(group, key=lambda each: each[0].name_scope.number)
        self._of.update((path, scope) for (_, path), scope in zip(in_order, scopes))

    def _free_siblings(self, scope: str) -> list[str]:
        siblings = self._siblings.get(scope, {})
        return [s for _, s in sorted(siblings.items()) if s not in self._expected]


def own_scope(module: Module) -> str:
    """Returns the scope that a module has by its name."""
    return module.name_scope.name.rstrip("/")


def sonnet1_name(name: str) -> str:
    """Returns a name with Sonnet 1's spelling of default names.

    Example:
      >>> sonnet1_name("net/conv2_d_transpose_1/w")
      'net/conv_2d_transpose_1/w'
    """
    name = re.sub(r"(\d)_dlstm", r"\1_d_lstm", name)
    return re.sub(r"(\d)_d(?=[_/]|$)", r"_\1d", name)
