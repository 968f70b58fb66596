"""Putting a fault into functions that have been imported already."""

import ast
import gc
import types
from typing import Any

from .operators import ROOT, Mutant, planted


def plant(mutant: Mutant) -> bool:
    """Gives the functions of this process the code with the fault.

    Whoever imported a function holds the same object, so that its code is replaced,
    and with it that of the functions inside.

    Returns:
      Whether there was something to replace.
    """
    filename = str(ROOT / mutant.file)
    module = compile(planted(mutant), filename, "exec", dont_inherit=True)
    code = _code_of(module, mutant.function)
    defaults = _defaults(mutant) if mutant.operator == "default" else None
    found = False
    for function in gc.get_objects():
        if not isinstance(function, types.FunctionType):
            continue
        own = function.__code__
        if own.co_filename != filename or own.co_qualname != mutant.function:
            continue
        found = True
        if defaults is None:
            function.__code__ = code
        else:
            function.__defaults__, function.__kwdefaults__ = _changed(
                function, *defaults
            )
    return found


def _code_of(code: types.CodeType, name: str) -> types.CodeType:
    inner = [c for c in code.co_consts if isinstance(c, types.CodeType)]
    for found in inner:
        if found.co_qualname == name:
            return found
    return next(
        _code_of(c, name) for c in inner if name.startswith(f"{c.co_qualname}.")
    )


def _defaults(mutant: Mutant) -> tuple[dict[int, Any], dict[str, Any]]:
    """Returns the constants among the defaults, with the fault among them."""
    node: Any = planted(mutant)
    for part in mutant.function.split("."):
        node = next(
            n
            for n in node.body
            if isinstance(n, ast.ClassDef | ast.FunctionDef) and n.name == part
        )
    positional = dict(enumerate(node.args.defaults))
    named = dict(zip((a.arg for a in node.args.kwonlyargs), node.args.kw_defaults))
    return (
        {i: n.value for i, n in positional.items() if isinstance(n, ast.Constant)},
        {k: n.value for k, n in named.items() if isinstance(n, ast.Constant)},
    )


def _changed(function: Any, positional: dict[int, Any], named: dict[str, Any]) -> Any:
    defaults = list(function.__defaults__ or ())
    for i, value in positional.items():
        defaults[i] = value
    return tuple(defaults) or None, (function.__kwdefaults__ or {}) | named or None
