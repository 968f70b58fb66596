"""What `inspect` and `help` say about the constructor of a class of modules.

A class of modules is called through its metaclass, whose own arguments are
`*args, **kwargs`.
"""

import inspect
from typing import Any

_SECTIONS = ("Args:", "Raises:")


def signature(cls: type) -> inspect.Signature:
    """Returns the signature of a class's constructor, without `self`.

    >>> class Scale:
    ...     def __init__(self, factor: float = 2.0): ...
    >>> str(signature(Scale))
    '(factor: float = 2.0)'
    """
    found = inspect.signature(cls.__init__)  # type: ignore[misc]
    return found.replace(parameters=[*found.parameters.values()][1:])


def document(namespace: dict[str, Any]) -> None:
    """Gives a constructor without documentation what its class says of it.

    Args:
      namespace: the body of the class.

    >>> def init(self, factor): ...
    >>> text = "Scales.\\n\\nArgs:\\n  factor: how much."
    >>> document({"__init__": init, "__doc__": text})
    >>> print(init.__doc__)
    Makes the object that the class describes.
    <BLANKLINE>
    Args:
      factor: how much.
    """
    init, text = namespace.get("__init__"), namespace.get("__doc__")
    if not text or not inspect.isfunction(init) or init.__doc__:
        return
    paragraphs = inspect.cleandoc(text).split("\n\n")
    sections = [p for p in paragraphs if p.startswith(_SECTIONS)]
    if sections:
        summary = "Makes the object that the class describes."
        init.__doc__ = "\n\n".join([summary, *sections])
