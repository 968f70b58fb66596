"""`snt.mixed_precision`: running methods in another precision than their variables'."""

import contextlib
import functools
import inspect
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..haiku_impl.core.thread_local import ThreadLocal
from .core.custom_getter import custom_variable_getter
from .core.dtypes import as_dtype
from .core.typing import DTypeLike
from .core.variable import Variable

__all__ = ["disable", "enable", "modes", "scope"]

# The attribute that holds the marks of the decorators that an instance has been
# through once.
_SEEN = "_mp_seen"


class _Mode(ThreadLocal, global_name="_mode"):
    dtype: Any = None


_mode = _Mode()


def enable(dtype: DTypeLike | None) -> None:
    """Sets the dtype in which functions run that `modes` allows to.

    It holds for this thread, and counts where a function is traced: one that was
    compiled by `snt.jit` before stays as it is.

    Args:
      dtype: such as `jnp.float16`; None switches mixed precision off.
    """
    _mode.dtype = None if dtype is None else as_dtype(dtype)


def disable() -> None:
    """Switches mixed precision off."""
    enable(None)


@contextlib.contextmanager
def scope(dtype: DTypeLike | None) -> Iterator[None]:
    """Sets the dtype inside a `with` block, and what it was before after it.

    Args:
      dtype: as for `enable`.
    """
    before = _mode.dtype
    enable(dtype)
    try:
        yield
    finally:
        enable(before)


def modes(valid_types: Iterable[Any]) -> Callable[[Callable[..., Any]], Any]:
    """Makes a decorator that lets a function run in the dtype of `enable`.

    The first call, for each instance if it is a method, runs as it is, so that
    variables are made in full precision. In later ones floating arguments and the
    module's variables are cast; what the function returns is cast to float32.

    Args:
      valid_types: the dtypes in which the function may run.

    Returns:
      A decorator of functions and methods.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> class Square(snt.Module):
    ...     @snt.mixed_precision.modes([jnp.float32, jnp.float16])
    ...     def __call__(self, x):
    ...         print(x.dtype)
    ...         return x * x
    >>> square = Square()
    >>> with snt.mixed_precision.scope(jnp.float16):
    ...     y = square(jnp.ones([]))
    ...     y = square(jnp.ones([]))
    float32
    float16
    >>> y.dtype
    dtype('float32')
    """
    valid = {as_dtype(dtype) for dtype in valid_types}

    def decorate(f: Callable[..., Any]) -> Callable[..., Any]:
        mark = str(uuid.uuid4())
        called_without_instance: list[None] = []

        def run(
            bound: Callable[..., Any], instance: Any, args: Any, kwargs: Any
        ) -> Any:
            dtype = _mode.dtype
            if dtype is None or dtype not in valid:
                return bound(*args, **kwargs)
            if instance is None:
                seen = bool(called_without_instance)
            else:
                seen = mark in getattr(instance, _SEEN, ())
            if seen:
                return _call_in(dtype, bound, args, kwargs)
            out = bound(*args, **kwargs)
            if instance is None:
                called_without_instance.append(None)
            else:
                setattr(instance, _SEEN, {*getattr(instance, _SEEN, ()), mark})
            return out

        if inspect.ismethod(f):
            return functools.wraps(f)(
                lambda *args, **kwargs: run(f, f.__self__, args, kwargs)
            )
        if next(iter(inspect.signature(f).parameters), None) == "self":
            return functools.wraps(f)(
                lambda self, *args, **kwargs: run(
                    functools.partial(f, self), self, args, kwargs
                )
            )
        return functools.wraps(f)(lambda *args, **kwargs: run(f, None, args, kwargs))

    return decorate


def _call_in(dtype: Any, f: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    args, kwargs = _cast((args, kwargs), dtype)
    with custom_variable_getter(lambda variable: _cast(variable, dtype)):
        out = f(*args, **kwargs)
    return _cast(out, jnp.float32)


def _cast(tree: Any, dtype: Any) -> Any:
    """Casts the floating arrays and variables in a tree."""

    def cast(leaf: Any) -> Any:
        if isinstance(leaf, Variable | jax.Array | np.ndarray) and jnp.issubdtype(
            leaf.dtype, jnp.floating
        ):
            return leaf.astype(dtype)
        return leaf

    return jax.tree.map(cast, tree, is_leaf=lambda leaf: isinstance(leaf, Variable))
