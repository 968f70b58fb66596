"""Functions of arrays that are traced once for each shape."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax

# Equations are to be the caller's when it is traced. Where jax says how early it
# inlines, True no longer means that.
_INLINED: Any = jax.Inline.JAX_EARLY if hasattr(jax, "Inline") else True


def inlined(function: Callable[..., Any], settings: Sequence[int]) -> Any:
    """Returns a function whose equations JAX keeps, and puts into those of the caller.

    It is the only place that says how the numerics are staged, so that a program is
    the same with every version of JAX.

    Args:
      function: A function of arrays and settings, all positional.
      settings: The positions of arguments that are not arrays, and are hashable.

    Returns:
      A function of the same arguments, traced once for each shape, dtype and setting.

    Example:
      >>> import jax.numpy as jnp
      >>> scaled = inlined(lambda x, factor: x * factor, [1])
      >>> jaxpr = jax.make_jaxpr(lambda x: scaled(x, 2.0))(jnp.ones([]))
      >>> [equation.primitive.name for equation in jaxpr.eqns]
      ['mul']
    """
    return jax.jit(function, static_argnums=tuple(settings), inline=_INLINED)


def traced_once(*settings: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorates a function whose equations JAX is to keep, for each shape and dtype.

    They become equations of the caller, one by one, as if the function were traced at
    each call. Where nothing is traced the function runs as it is: compiled as a whole
    it would round differently.

    Args:
      *settings: The positions of arguments that are not arrays. Equations are kept for
        floats and tuples only.

    Returns:
      A decorator of functions of positional arguments: arrays, or None for one that is
      left out, and the settings.

    Example:
      >>> import jax.numpy as jnp
      >>> scaled = traced_once(1)(lambda x, factor: x * factor)
      >>> jax.jit(lambda x: scaled(x, 2.0))(jnp.ones([])).item()
      2.0
    """

    def decorator(function: Callable[..., Any]) -> Callable[..., Any]:
        kept = inlined(function, settings)

        def keeps(args: tuple[Any, ...]) -> bool:
            # Exactly these types: a NumPy float is equal to Python's, and promotes
            # otherwise.
            return isinstance(args[0], jax.core.Tracer) and all(
                type(arg) in (float, tuple)
                if i in settings
                else arg is None or isinstance(arg, jax.Array)
                for i, arg in enumerate(args)
            )

        @functools.wraps(function)
        def wrapped(*args: Any) -> Any:
            return (kept if keeps(args) else function)(*args)

        return wrapped

    return decorator
