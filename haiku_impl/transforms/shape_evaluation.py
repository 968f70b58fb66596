"""Shapes without values, and keys drawn all at once."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ..core import frames
from ..core.child import run_child
from ..core.hooks import custom_creator_unsafe
from .stateful import eval_shape


def fast_eval_shape(fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Like `jax.eval_shape`, without tracing the initialisers of parameters.

    Args:
      fun: a function; inside a transformed function one that uses modules.
      *args: its arguments, or their shapes.
      **kwargs: its keyword arguments, or their shapes.

    Returns:
      A tree of `jax.ShapeDtypeStruct`.

    >>> import jax, jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> f = hk.transform(lambda x: hk.Linear(3)(x))
    >>> key, x = jax.random.PRNGKey(0), jnp.ones([1, 2])
    >>> hk.experimental.fast_eval_shape(f.init, key, x)["linear"]["w"].shape
    (2, 3)
    """
    evaluate = eval_shape if frames.inside_transform() else jax.eval_shape
    with custom_creator_unsafe(_zeros):
        return evaluate(fun, *args, **kwargs)


def _zeros(next_creator: Any, shape: Any, dtype: Any, init: Any, context: Any) -> Any:
    return next_creator(shape, dtype, jnp.zeros)


def optimize_rng_use(fun: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a function draw all its keys by one `jax.random.split`.

    The function is traced once to count its calls of `next_rng_key`, and then run. The
    keys are other ones than without it.

    Args:
      fun: a function that uses modules and keys.

    Returns:
      A function to be called inside a transformed function.

    >>> import jax, jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> def f():
    ...     return hk.next_rng_key(), hk.next_rng_key()
    >>> f = hk.transform(hk.experimental.optimize_rng_use(f))
    >>> key = jax.random.PRNGKey(0)
    >>> [bool((a == b).all()) for a, b in zip(
    ...     f.apply({}, key), jax.random.split(key, 3)[1:])]
    [True, True]
    """

    @functools.wraps(fun)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        frame = frames.current("optimize_rng_use")

        def pure(*args: Any, **kwargs: Any) -> Any:
            return run_child(fun, args, kwargs, share_names=False)[0]

        before = frames.thread.keys_drawn
        jax.eval_shape(pure, *args, **kwargs)
        drawn = frames.thread.keys_drawn - before
        if drawn:
            frame.rng.reserve(drawn)
        return fun(*args, **kwargs)

    return wrapper
