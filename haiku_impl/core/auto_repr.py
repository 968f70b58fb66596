"""The repr of a module: the call that made it."""

import inspect
import pprint
from collections.abc import Mapping, Sequence
from typing import Any

_LINE_LENGTH = 80


def auto_repr(cls: type, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """Returns `cls(...)` as the constructor was called, defaults left out.

    Args:
      cls: the class that was constructed.
      args: its positional arguments.
      kwargs: its keyword arguments.

    >>> class Pair:
    ...     def __init__(self, left, right=2, *rest):
    ...         pass
    >>> auto_repr(Pair, (1,), {"right": 3})
    'Pair(left=1, right=3)'
    >>> auto_repr(Pair, (1, 2, 3), {})
    'Pair(left=1, 3)'
    """
    # The class's own signature is that of a metaclass where it has one.
    signature = inspect.signature(cls.__init__)  # type: ignore[misc]
    parameters = list(signature.parameters.values())[1:]
    positional = [
        p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    given = dict(zip([p.name for p in positional], args))
    given.update((p.name, kwargs[p.name]) for p in positional if p.name in kwargs)
    defaults = {p.name: p.default for p in positional}
    shown = [
        (f"{name}=", value)
        for name, value in given.items()
        if not _equal(value, defaults[name])
    ]
    shown += [("", value) for value in args[len(positional) :]]
    shown += [(f"{k}=", v) for k, v in kwargs.items() if k not in defaults]

    line = f"{cls.__name__}({', '.join(name + repr(value) for name, value in shown)})"
    if len(line) <= _LINE_LENGTH:
        return line
    items = ",\n".join(_indented(4, name + _pretty(name, v)) for name, v in shown)
    return f"{cls.__name__}(\n{items},\n)"


def _equal(value: Any, default: Any) -> bool:
    try:
        return bool(value == default)
    except Exception:  # an == of any kind: arrays of several elements, buggy types
        return False


def _pretty(name: str, value: Any) -> str:
    try:
        text = pprint.pformat(value)
    except TypeError:  # some types of extension modules have a repr only
        text = repr(value)
    return _indented(len(name), text).lstrip() if name else text


def _indented(amount: int, text: str) -> str:
    return "\n".join(" " * amount + line for line in text.splitlines())
