"""Every public function and method of sonnax, and how its source declares it."""

import ast
import functools
import inspect
import pathlib
import types
from collections.abc import Iterator
from typing import Any

from sonnax import compat, converters, haiku_impl, parity, rlax_impl
from sonnax.compat import trfl

FACES = {
    "snt": compat,
    "hk": haiku_impl,
    "rlax": rlax_impl,
    "trfl": trfl,
    "converters": converters,
    "parity": parity,
}
# Namespaces for users inside the faces; other modules in them are imports.
NESTED = {
    "snt": {
        *("distribute", "functional", "initializers", "mixed_precision", "nets"),
        *("nets.dnc", "nets.dnc.control", "nets.dnc.read", "nets.dnc.util"),
        *("nets.dnc.write", "optimizers", "pad", "random", "regularizers"),
    },
    "hk": {
        *("data_structures", "experimental", "initializers", "mixed_precision"),
        *("nets", "pad", "testing"),
    },
}
_CALLED_BY_USERS = ("__init__", "__call__", "__new__")
_PACKAGE = pathlib.Path(compat.__file__).resolve().parents[1]


def names() -> dict[str, Any]:
    """Returns every public class and function by its name, such as `snt.nets.MLP`."""
    return {
        name: value
        for face, module in FACES.items()
        for name, value in _members(face, module, face)
        if callable(value) and getattr(value, "__module__", "").startswith("sonnax")
    }


def _members(face: str, module: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for key in getattr(module, "__all__", None) or list(vars(module)):
        value = getattr(module, key)
        name = f"{prefix}.{key}"
        if isinstance(value, types.ModuleType):
            if name.partition(".")[2] in NESTED.get(face, ()):
                yield from _members(face, value, name)
        elif not key.startswith("_"):
            yield name, value


def functions() -> dict[str, Any]:
    """Returns every public function and method, each under one name."""
    found: dict[Any, tuple[str, Any]] = {}
    for name, value in names().items():
        for key, function in _functions(name, value):
            code = getattr(inspect.unwrap(function), "__code__", None)
            if code is not None and declared(function) is not None:
                found.setdefault(code, (key, function))
    return dict(found.values())


def _functions(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if not inspect.isclass(value):
        yield name, value
        return
    for base in value.__mro__:
        if not base.__module__.startswith("sonnax"):
            continue
        for key, member in vars(base).items():
            function = getattr(member, "fget", getattr(member, "__func__", member))
            public = not key.startswith("_") or key in _CALLED_BY_USERS
            if public and callable(function) and not inspect.isclass(function):
                yield f"{name}.{key}", function


def declared(function: Any) -> ast.FunctionDef | None:
    """Returns the definition of a function in sonnax's source, None for another's."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None or _PACKAGE not in pathlib.Path(code.co_filename).parents:
        return None
    return _definitions(code.co_filename).get((code.co_firstlineno, code.co_name))


@functools.cache
def _definitions(path: str) -> dict[tuple[int, str], ast.FunctionDef]:
    tree = ast.parse(pathlib.Path(path).read_text("utf-8"))
    return {
        (min([node.lineno, *(d.lineno for d in node.decorator_list)]), node.name): node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    }


def arguments(definition: ast.FunctionDef) -> list[ast.arg]:
    """Returns all arguments of a definition but `self` and `cls`."""
    every = definition.args
    plain = [*every.posonlyargs, *every.args, *every.kwonlyargs]
    starred = [arg for arg in (every.vararg, every.kwarg) if arg]
    return [a for a in [*plain, *starred] if a.arg not in ("self", "cls")]
