"""Transforming several functions that share modules, and dropping keys."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Concatenate, Generic, NamedTuple, ParamSpec, TypeVar, overload

import jax

from . import signatures
from .transform import (
    Transformed,
    TransformedWithState,
    check_no_state,
    refuse_keyword,
    sign,
    tie,
    transform_with_state,
)
from .typing import RNG, MutableParams, MutableState, Params, PyTree, State

P = ParamSpec("P")
Init = ParamSpec("Init")
T = TypeVar("T")


class MultiTransformed(NamedTuple, Generic[Init]):
    """One pure init and a tree of pure functions, without state.

    Attributes:
      init: `params = init(rng, *args, **kwargs)`
      apply: a tree of functions `out = apply_i(params, rng, *args, **kwargs)`
    """

    init: Callable[Init, MutableParams]
    apply: PyTree


class MultiTransformedWithState(NamedTuple, Generic[Init]):
    """One pure init and a tree of pure functions, with state.

    Attributes:
      init: `params, state = init(rng, *args, **kwargs)`
      apply: a tree of functions
        `out, state = apply_i(params, state, rng, *args, **kwargs)`
    """

    init: Callable[Init, tuple[MutableParams, MutableState]]
    apply: PyTree


MultiT = TypeVar("MultiT", MultiTransformed, MultiTransformedWithState)


def multi_transform_with_state(
    f: Callable[[], tuple[Callable[P, Any], PyTree]],
) -> MultiTransformedWithState[Concatenate[RNG, P]]:
    """Like `multi_transform`, for functions that use state.

    Args:
      f: as for `multi_transform`.

    Returns:
      `init` and a tree of apply functions that take and return state.
    """

    def template(*args: Any, **kwargs: Any) -> Any:
        return f()[0](*args, **kwargs)

    def function(index: int) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            return jax.tree.leaves(f()[1])[index](*args, **kwargs)

        return transform_with_state(call).apply

    structure = _structure(lambda: f()[1])
    functions = [function(i) for i in range(structure.num_leaves)]
    return MultiTransformedWithState(
        transform_with_state(template).init,
        jax.tree.unflatten(structure, functions),
    )


def _structure(f: Callable[[], Any]) -> Any:
    """Finds the structure of what `f` returns, without computing anything.

    Modules may make parameters in their constructors, so `f` needs a context.
    """
    found = []

    def run(key: jax.Array) -> None:
        pair = transform_with_state(lambda: found.append(jax.tree.structure(f())))
        pair.init(key)

    jax.eval_shape(run, jax.random.PRNGKey(0))
    return found[-1]


def multi_transform(
    f: Callable[[], tuple[Callable[P, Any], PyTree]],
) -> MultiTransformed[Concatenate[RNG, P]]:
    """Transforms several functions that share modules.

    Args:
      f: makes the modules and returns a template, a function that calls each of
        them once, and a tree of the functions that are wanted.

    Returns:
      `init(rng, *args, **kwargs)`, which runs the template and returns the
      parameters of all modules, and a tree of `apply(params, rng, *args, **kwargs)`,
      one for each function.

    >>> import jax, jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> def autoencoder():
    ...     encoder, decoder = hk.Linear(2, name="enc"), hk.Linear(3, name="dec")
    ...     return lambda x: decoder(encoder(x)), (encoder, decoder)
    >>> f = hk.multi_transform(autoencoder)
    >>> params = f.init(jax.random.PRNGKey(0), jnp.ones([1, 3]))
    >>> encode, decode = f.apply
    >>> encode(params, None, jnp.ones([1, 3])).shape
    (1, 2)
    """
    pair = multi_transform_with_state(f)

    def init(*args: Any, **kwargs: Any) -> MutableParams:
        params, state = pair.init(*args, **kwargs)
        check_no_state(state, "hk.multi_transform_with_state")
        return params

    def stateless(apply: Callable[..., Any]) -> Callable[..., Any]:
        def call(params: Any, rng: Any, *args: Any, **kwargs: Any) -> Any:
            out, state = apply(params, None, rng, *args, **kwargs)
            check_no_state(state, "hk.multi_transform_with_state")
            return out

        return call

    return MultiTransformed(init, jax.tree.map(stateless, pair.apply))


# How many arguments of apply stand before the key.
_LEADING: Mapping[type, int] = {
    Transformed: 1,
    TransformedWithState: 2,
    MultiTransformed: 1,
    MultiTransformedWithState: 2,
}


@overload
def without_apply_rng(
    f: Transformed[Init, Concatenate[Params | None, RNG, P], T],
) -> Transformed[Init, Concatenate[Params | None, P], T]: ...
@overload
def without_apply_rng(
    f: TransformedWithState[Init, Concatenate[Params | None, State | None, RNG, P], T],
) -> TransformedWithState[Init, Concatenate[Params | None, State | None, P], T]: ...
@overload
def without_apply_rng(f: MultiT) -> MultiT: ...
def without_apply_rng(f: Any) -> Any:
    """Removes the `rng` argument from apply, for functions that draw nothing.

    Args:
      f: what one of the transforms returned.

    Returns:
      The same, with `apply(params, *args)` or `apply(params, state, *args)`.

    Raises:
      ValueError: if `f` is something else.

    >>> import jax, jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> f = hk.without_apply_rng(hk.transform(lambda x: hk.Linear(1)(x)))
    >>> params = f.init(jax.random.PRNGKey(0), jnp.ones([1, 1]))
    >>> f.apply(params, jnp.ones([1, 1])).shape
    (1, 1)
    """
    count = _LEADING.get(type(f))
    if count is None:
        raise ValueError(
            "hk.without_apply_rng must be called with the result of hk.transform, "
            "hk.transform_with_state, hk.multi_transform or "
            f"hk.multi_transform_with_state; it was called with a {type(f)}."
        )

    if isinstance(f, MultiTransformed | MultiTransformedWithState):
        apply = jax.tree.map(lambda each: _keyless(each, count), f.apply)
        made: Any = type(f)
        return made(f.init, apply)

    apply = _keyless(f.apply, count)
    kept = [*signatures.PARAMS, *signatures.STATE][:count]
    sign(apply, signatures.with_leading(inspect.signature(f.apply), count + 1, kept))
    return tie(type(f)(f.init, apply), f)


def _keyless(apply: Callable[..., Any], count: int) -> Callable[..., Any]:
    def without_state(params: Any, *args: Any, **kwargs: Any) -> Any:
        refuse_keyword("rng", kwargs)
        return apply(params, None, *args, **kwargs)

    def with_state(params: Any, state: Any, *args: Any, **kwargs: Any) -> Any:
        refuse_keyword("rng", kwargs)
        return apply(params, state, None, *args, **kwargs)

    return without_state if count == 1 else with_state
