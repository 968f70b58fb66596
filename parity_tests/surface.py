"""The public names of the real libraries: every one has to be in sonnax too."""

import importlib
import types
from collections.abc import Iterator
from typing import Any, NamedTuple


class Part(NamedTuple):
    """A library, and the part of sonnax that stands for it.

    Attributes:
      title: what the library is called.
      distribution: what it is installed as.
      prefix: what its users import it as.
      theirs: its module.
      ours: sonnax's module.
      nested: whether its submodules are namespaces for users, as `snt.nets` is; where
        they are not, everything public is in the main namespace.
      no_api: names that are there for Python, or for another library, not for users.
    """

    title: str
    distribution: str
    prefix: str
    theirs: str
    ours: str
    nested: bool = False
    no_api: frozenset[str] = frozenset()


class Namespace(NamedTuple):
    """One module with public names, in the real library and in sonnax."""

    prefix: str
    theirs: Any
    ours: Any


# By the folder of parity_tests that proves it.
PARTS = {
    "compat": Part(
        *("Sonnet", "dm-sonnet", "snt", "sonnet", "sonnax.compat"),
        nested=True,
        no_api=frozenset(
            [
                "src",
                "absolute_import",
                "division",
                "print_function",
                "google_type_annotations",
            ]
        ),
    ),
    "haiku_impl": Part(
        *("Haiku", "dm-haiku", "hk", "haiku", "sonnax.haiku_impl"),
        nested=True,
        no_api=frozenset(["flax", "typing"]),
    ),
    "rlax_impl": Part("RLax", "rlax", "rlax", "rlax", "sonnax.rlax_impl"),
    "trfl": Part("TRFL", "trfl", "trfl", "trfl", "sonnax.compat.trfl"),
}


def namespaces(folder: str) -> list[Namespace]:
    """Returns the namespaces of the library that a folder is about."""
    part = PARTS[folder]
    theirs, ours = (importlib.import_module(name) for name in (part.theirs, part.ours))
    return list(_walk(part, Namespace(part.prefix, theirs, ours)))


def _walk(part: Part, namespace: Namespace) -> Iterator[Namespace]:
    yield namespace
    if part.nested:
        for name in _names(part, namespace.theirs):
            inner = getattr(namespace.theirs, name)
            if isinstance(inner, types.ModuleType):
                ours = getattr(namespace.ours, name, None)
                prefix = f"{namespace.prefix}.{name}"
                yield from _walk(part, Namespace(prefix, inner, ours))


def _names(part: Part, module: types.ModuleType) -> list[str]:
    return [n for n in dir(module) if not n.startswith("_") and n not in part.no_api]


def public_names(folder: str, namespace: Namespace) -> list[str]:
    """Returns the names in a namespace that are not namespaces themselves."""
    return [
        name
        for name in _names(PARTS[folder], namespace.theirs)
        if not isinstance(getattr(namespace.theirs, name), types.ModuleType)
    ]


def symbols(folder: str) -> dict[str, Any]:
    """Returns every public name, such as `snt.nets.MLP`, and what it stands for."""
    return {
        f"{namespace.prefix}.{name}": getattr(namespace.theirs, name)
        for namespace in namespaces(folder)
        for name in public_names(folder, namespace)
    }
