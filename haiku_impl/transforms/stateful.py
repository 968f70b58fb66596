"""JAX's function transforms for functions that use modules, state and keys.

They are used inside a transformed function. What the inner function reads comes in
by closure; what it writes goes out as a result and is then written outside.
"""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

import jax
import jax.numpy as jnp

from ..core import frames
from ..core.child import commit, run_child, snapshot

P = ParamSpec("P")
T = TypeVar("T")

ArgNums = int | Sequence[int]


def require_transform(name: str, jax_name: str) -> frames.NamedFrame:
    """Returns the running frame; outside a transformed function it is an error."""
    if not frames.inside_transform():
        raise ValueError(
            f"hk.{name}() should not be used outside of hk.transform(). "
            f"Use {jax_name}() instead: a function without modules, state and keys "
            "needs nothing else."
        )
    return frames.thread.frames[-1]


def wrap_like(wrapper: Callable[..., Any], f: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a wrapper the name and the documentation of `f`, and its signature."""
    return functools.wraps(f)(wrapper)


def value_and_grad(
    fun: Callable[P, T],
    argnums: ArgNums = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
) -> Callable[P, tuple[T, Any]]:
    """Like `jax.value_and_grad`, for a function that may set state and draw keys.

    It differentiates with respect to arguments. For gradients with respect to
    parameters, apply `jax.grad` to the `apply` of the transformed function.

    Args:
      fun: returns a scalar, or `(scalar, aux)`.
      argnums: which positional arguments to differentiate for, default 0.
      has_aux: whether `fun` returns a pair, default False.
      holomorphic: whether `fun` is promised to be holomorphic, default False.

    Returns:
      A function that returns `(value, gradient)`, or `((value, aux), gradient)`.

    Raises:
      ValueError: outside a transformed function.

    >>> import jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> def square(x):
    ...     hk.set_state("last", x)
    ...     return x**2
    >>> f = hk.transform_with_state(lambda x: hk.value_and_grad(square)(x))
    >>> (y, dy), state = f.apply({}, {}, None, jnp.float32(3.0))
    >>> float(y), float(dy), float(state["~"]["last"])
    (9.0, 6.0, 3.0)
    """
    require_transform("value_and_grad", "jax.value_and_grad")

    def pure(*args: Any, **kwargs: Any) -> Any:
        out, writes, _ = run_child(fun, args, kwargs, share_names=False)
        value, aux = out if has_aux else (out, None)
        return value, (aux, writes)

    differentiated = jax.value_and_grad(
        wrap_like(pure, fun), argnums=argnums, has_aux=True, holomorphic=holomorphic
    )

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        (value, (aux, writes)), gradient = differentiated(*args, **kwargs)
        commit(writes)
        return ((value, aux) if has_aux else value), gradient

    return wrap_like(wrapper, fun)


def grad(
    fun: Callable[P, Any],
    argnums: ArgNums = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
) -> Callable[P, Any]:
    """Like `jax.grad`, for a function that may set state and draw keys.

    Args:
      fun: as for `value_and_grad`.
      argnums: as for `value_and_grad`.
      has_aux: as for `value_and_grad`.
      holomorphic: as for `value_and_grad`.

    Returns:
      A function that returns the gradient, or `(gradient, aux)`.

    Raises:
      ValueError: outside a transformed function.

    >>> import jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> f = hk.transform(lambda x: hk.grad(jnp.square)(x))
    >>> float(f.apply({}, None, 3.0))
    6.0
    """
    require_transform("grad", "jax.grad")
    both = value_and_grad(fun, argnums, has_aux, holomorphic)

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return wrap_like(wrapper, fun)


def remat(fun: Callable[P, T], *args: Any, **kwargs: Any) -> Callable[P, T]:
    """Like `jax.remat`, for a function that uses modules, state and keys.

    Args:
      fun: the function whose intermediate values are computed again in the backward
        pass, in place of being kept.
      *args: as for `jax.remat`.
      **kwargs: as for `jax.remat`.

    Raises:
      ValueError: outside a transformed function.

    >>> import jax, jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> f = hk.transform(lambda x: hk.remat(hk.Linear(2))(x))
    >>> list(f.init(jax.random.PRNGKey(0), jnp.ones([1, 1])))
    ['linear']
    """
    require_transform("remat", "jax.remat")

    def wrapper(*inputs: Any, **named: Any) -> Any:
        # A new function each time, since JAX would not trace the same one again,
        # and the modules made in it would not get names of their own.
        def pure(*inputs: Any, **named: Any) -> Any:
            return run_child(fun, inputs, named)[:2]

        out, writes = jax.remat(wrap_like(pure, fun), *args, **kwargs)(*inputs, **named)
        commit(jax.tree.map(_as_array, writes))
        return out

    return wrap_like(wrapper, fun)


def _as_array(value: Any) -> Any:
    # jax.remat returns a constant scalar as a literal, which has no shape.
    return value if isinstance(value, jax.Array) else jnp.asarray(value)


def jit(fun: Callable[P, T], *args: Any, **kwargs: Any) -> Callable[P, T]:
    """Like `jax.jit`, for a function that uses modules, state and keys.

    Within a transformed function it marks a part to be compiled on its own. To
    compile a whole model, apply `jax.jit` to its `apply`, which is traced once only.

    Args:
      fun: the function to compile.
      *args: as for `jax.jit`.
      **kwargs: as for `jax.jit`.

    Raises:
      ValueError: outside a transformed function.

    >>> import jax, jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> f = hk.transform(lambda x: hk.jit(hk.Linear(2))(x))
    >>> list(f.init(jax.random.PRNGKey(0), jnp.ones([1, 1])))
    ['linear']
    """
    require_transform("jit", "jax.jit")

    def wrapper(*inputs: Any, **named: Any) -> Any:
        # Read as arguments: a value that is closed over becomes a constant of the
        # program, which makes XLA fold it.
        def pure(*inputs: Any, sonnax_given: Any, **named: Any) -> Any:
            return run_child(fun, inputs, named, given=sonnax_given)[:2]

        given = snapshot(require_transform("jit", "jax.jit"), params=True)
        compiled = jax.jit(wrap_like(pure, fun), *args, **kwargs)
        out, writes = compiled(*inputs, sonnax_given=given, **named)
        commit(writes)
        return out

    return wrap_like(wrapper, fun)


remat.__signature__ = inspect.signature(jax.remat)  # type: ignore[attr-defined]
jit.__signature__ = inspect.signature(jax.jit)  # type: ignore[attr-defined]


def eval_shape(fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Like `jax.eval_shape`; what the function writes is forgotten.

    Args:
      fun: a function that uses modules, state and keys.
      *args: its arguments, or their shapes.
      **kwargs: its keyword arguments, or their shapes.

    Returns:
      A tree of `jax.ShapeDtypeStruct`.

    Raises:
      ValueError: outside a transformed function.

    >>> import jax, jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> def f(x):
    ...     linear = hk.Linear(3)
    ...     return linear(x), hk.eval_shape(linear, x).shape
    >>> hk.testing.transform_and_run(f)(jnp.ones([1, 2]))[1]
    (1, 3)
    """
    require_transform("eval_shape", "jax.eval_shape")

    def pure(*args: Any, **kwargs: Any) -> Any:
        return run_child(fun, args, kwargs, share_names=False)[0]

    return jax.eval_shape(wrap_like(pure, fun), *args, **kwargs)
