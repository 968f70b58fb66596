"""How modules get their names: snake case, scopes and numbers."""

import functools
import re
from typing import Any

from . import frames
from .frames import Scope
from .parameters import owner_name

# A colon is not allowed in a name, so no module can be called this by accident.
FORCED = "FORCE:"

_NUMBERED = re.compile(r"(.*)_(0|[1-9]\d*)", re.DOTALL)


# A word begins at an upper-case letter that follows a lower-case letter or a digit,
# or that ends a run of upper-case letters.
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Za-z0-9])(?=[A-Z][a-z])")


@functools.cache
def snake_case(name: str) -> str:
    """Returns a class's name in snake case, as Haiku and Sonnet write it.

    >>> [snake_case(name) for name in ("MLP", "Conv2D", "LayerNorm", "ResNet50")]
    ['mlp', 'conv2_d', 'layer_norm', 'res_net50']
    """
    return _WORD_START.sub("_", name).lower()


def split_number(name: str) -> tuple[str, int | None]:
    """Splits `linear_2` into `("linear", 2)`, and `linear` into `("linear", None)`.

    >>> split_number("linear_2"), split_number("conv2_d"), split_number("w_01")
    (('linear', 2), ('conv2_d', None), ('w_01', None))
    """
    if not name[-1:].isdigit():
        return name, None
    match = _NUMBERED.fullmatch(name)
    return (match[1], int(match[2])) if match else (name, None)


def is_identifier(name: str) -> bool:
    return name.isidentifier() and name.isascii()


def _check(component: str, name: str) -> None:
    if not is_identifier(component):
        raise ValueError(
            f"{name!r} is not a valid module name (must be a valid Python identifier): "
            f"the part {component!r} is not one."
        )


def force_name(name: str) -> str:
    """Marks a name to be used as it is, without scopes or numbers.

    Two modules of the same forced name share their parameters.

    Args:
      name: the whole name, such as `"mlp/~/linear_0"`.

    Returns:
      A value for the `name` argument of a module.

    >>> import jax, jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> def f(x):
    ...     first = hk.Linear(1)
    ...     again = hk.Linear(1, name=hk.force_name(first.module_name))
    ...     return first(x) + again(x)
    >>> list(hk.transform(f).init(jax.random.PRNGKey(0), jnp.ones([1, 1])))
    ['linear']
    """
    return FORCED + name


def unique_name(name: str) -> str:
    """Returns the whole, unique name of a module under construction.

    Args:
      name: the name that its constructor was given, or the class's.

    Raises:
      ValueError: if the name is no identifier, or is taken.
    """
    scopes = frames.thread.frames[-1].scopes
    caller = scopes[-2]
    if name.startswith(FORCED):
        name = name[len(FORCED) :]
        for component in name.split("/"):
            if component != "~":
                _check(component.removeprefix("~"), name)
        stem, number = split_number(name)
        caller.reserve(stem, number or 0, name)
        return name

    _check(name, name)
    if caller.module is not None:
        name = _scoped(caller, name)
    stem, number = split_number(name)
    if number is None:
        number = caller.next_number(stem)
        if number:
            name = f"{stem}_{number}"
    if caller.is_used(name):
        raise ValueError(
            f"Module name '{name}' is not unique: another module was made with it in "
            "the same method. Pass another `name`, or reuse that module."
        )
    caller.reserve(stem, number, name)
    return name


def _scoped(caller: Scope, name: str) -> str:
    parent = owner_name(caller.module)
    method = caller.method_name
    if method == "__call__":
        return f"{parent}/{name}"
    if method == "__init__":
        return f"{parent}/~/{name}"
    return f"{parent}/~{method}/{name}"


def local_name(module_name: Any) -> str:
    return module_name.rpartition("/")[2]
