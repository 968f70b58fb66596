"""Turning functions into classes of modules."""

import functools
from collections.abc import Callable
from typing import Any

from ..core.module import Module


class CallableModule(Module):
    """A module that can be called."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("A class of modules defines what a call does.")


def to_module(f: Callable[..., Any]) -> type[CallableModule]:
    """Returns a class of modules that call `f`.

    Args:
      f: a function that uses parameters or modules.

    Returns:
      A class whose constructor takes a `name` only, by default that of `f`. All calls
      of one instance share its parameters.

    Raises:
      TypeError: when a module is made with a name that is no string.

    >>> import jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> def scale(x):
    ...     return x * hk.get_parameter("s", [], init=jnp.ones)
    >>> Scale = hk.to_module(scale)
    >>> list(hk.transform(lambda x: Scale(name="gain")(x)).init(None, 1.0))
    ['gain']
    """

    class ToModuleWrapper(CallableModule):
        def __init__(self, name: str | None = None):
            if name is not None and not isinstance(name, str):
                raise TypeError(
                    "Expected a string name as the first argument, and got "
                    f"{name!r}. hk.to_module(f) returns a class, "
                    "which is instantiated before it is called: hk.to_module(f)()(x)."
                )
            super().__init__(name=f.__name__ if name is None else name)

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return f(*args, **kwargs)

    ToModuleWrapper.__doc__ = f.__doc__ or f"A module that calls {f!r}."
    functools.update_wrapper(ToModuleWrapper.__call__, f)
    return ToModuleWrapper
