"""Turning functions that use modules into pure functions over plain dicts."""

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

import jax

from ...haiku_impl.core.context import Context, new_context
from ...haiku_impl.core.errors import NonEmptyStateError
from ...haiku_impl.core.frames import Scope, pushed, thread
from ...haiku_impl.core.transform import check_not_compiled
from ...haiku_impl.core.typing import MutableParams, MutableState
from ..random import next_key

T = TypeVar("T")


class Transformed(NamedTuple, Generic[T]):
    """A pair of pure functions, without state.

    Attributes:
      init: `params = init(*args, rng=None, **kwargs)`
      apply: `out = apply(params, *args, rng=None, **kwargs)`
    """

    init: Callable[..., MutableParams]
    apply: Callable[..., T]


class TransformedWithState(NamedTuple, Generic[T]):
    """A pair of pure functions, with state.

    Attributes:
      init: `params, state = init(*args, rng=None, **kwargs)`
      apply: `out, state = apply(params, state, *args, rng=None, **kwargs)`
    """

    init: Callable[..., tuple[MutableParams, MutableState]]
    apply: Callable[..., tuple[T, MutableState]]


def transform(f: Callable[..., T]) -> Transformed[T]:
    """Turns a function that uses modules into a pair of pure functions.

    Args:
      f: a function that makes modules and calls them, or that calls modules made
        before. All their variables must be trainable.

    Returns:
      `init(*args, rng=None, **kwargs)`, which runs `f` and returns the initial values
      of its variables as `{module: {variable: array}}`, and
      `apply(params, *args, rng=None, **kwargs)`, which returns what `f` does. `rng` is
      a key or a seed; without it `init` draws from the default generator, and `apply`
      draws nothing.

    Raises:
      NonEmptyStateError: when called, if there are variables that are not trainable.

    >>> import jax, jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> f = snt.functional.transform(lambda x: snt.Linear(3)(x))
    >>> params = f.init(jnp.ones([1, 2]), rng=jax.random.key(0))
    >>> jax.tree.map(jnp.shape, params)
    {'linear': {'b': (3,), 'w': (2, 3)}}
    >>> jax.jit(f.apply)(params, jnp.ones([1, 2])).shape
    (1, 3)
    """
    return without_state(transform_with_state(f))


def transform_with_state(f: Callable[..., T]) -> TransformedWithState[T]:
    """Turns a function that uses modules with state into a pair of pure functions.

    Args:
      f: a function that makes modules and calls them, or that calls modules made
        before.

    Returns:
      `init(*args, rng=None, **kwargs)`, which returns the initial values of trainable
      variables and of the others, and
      `apply(params, state, *args, rng=None, **kwargs)`, which returns what `f` does
      and the new values of the others.

    Raises:
      ValueError: when called, if two variables would have the same place in the
        dicts, or if `apply` meets a variable that `init` did not.
      StateChangedError: when called, if `apply` assigns to a trainable variable.

    >>> from sonnax import compat as snt
    >>> ema = lambda x: snt.ExponentialMovingAverage(0.5)(x)
    >>> f = snt.functional.transform_with_state(ema)
    >>> params, state = f.init(3.0)
    >>> y, state = f.apply(params, state, 3.0)
    >>> y, state = f.apply(params, state, 6.0)
    >>> float(y)
    5.0
    """
    check_not_compiled(f)

    @functools.wraps(f, updated=())
    def init(*args: Any, rng: Any = None, **kwargs: Any) -> Any:
        context = new_context(rng=_outside_frames() if rng is None else rng)
        _call(context, f, args, kwargs)
        return context.collect_params(), context.collect_initial_state()

    @functools.wraps(f, updated=())
    def apply(
        params: Mapping[str, Any],
        state: Mapping[str, Any] | None,
        *args: Any,
        rng: Any = None,
        **kwargs: Any,
    ) -> Any:
        _check_tree("params", params)
        _check_tree("state", state)
        context = new_context(params=params, state=state, rng=rng)
        out = _call(context, f, args, kwargs)
        return out, context.collect_state()

    return TransformedWithState(init, apply)


def _outside_frames() -> jax.Array:
    """Draws a key from the default generator, as a function not transformed would."""
    frames, thread.frames = thread.frames, []
    try:
        return next_key()
    finally:
        thread.frames = frames


def _call(context: Context, f: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    # Names inside are the function's own, wherever it is called from.
    outer, thread.name_scope = thread.name_scope, None
    try:
        with context:
            return f(*args, **kwargs)
    finally:
        thread.name_scope = outer


def _check_tree(name: str, tree: Any) -> None:
    if tree is not None and not isinstance(tree, Mapping):
        raise TypeError(
            f"The {name} passed to apply should be a dict of dicts, and are of type "
            f"{type(tree)}. Call apply(params, *args) after snt.functional.transform, "
            "and apply(params, state, *args) after transform_with_state."
        )


def without_state(with_state: TransformedWithState[T]) -> Transformed[T]:
    """Drops the state from a pair of functions that have none in fact.

    Args:
      with_state: what `transform_with_state` returned.

    Raises:
      NonEmptyStateError: when called, if there is state.
    """

    def check(state: Mapping[str, Any]) -> None:
        if state:
            raise NonEmptyStateError(
                "Functions with variables that are not trainable need "
                f"snt.functional.transform_with_state: {sorted(state)} have some."
            )

    @functools.wraps(with_state.init, updated=())
    def init(*args: Any, **kwargs: Any) -> MutableParams:
        params, state = with_state.init(*args, **kwargs)
        check(state)
        return params

    @functools.wraps(with_state.apply, updated=())
    def apply(params: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        out, state = with_state.apply(params, {}, *args, **kwargs)
        check(state)
        return out

    return Transformed(init, apply)


@contextlib.contextmanager
def variables() -> Iterator[None]:
    """Makes the names of modules unique, so that pure functions can close over them.

    Modules that are made in the context have different places in the trees of
    parameters even if they have the same name.

    >>> from sonnax import compat as snt
    >>> with snt.functional.variables():
    ...     a, b = snt.Linear(2), snt.Linear(2)
    >>> f = snt.functional.transform(lambda x: b(a(x)))
    >>> list(f.init(snt.initializers.Ones()([1, 2], "float32")))
    ['linear', 'linear_1']
    """
    with pushed(thread.registries, Scope(None, "__call__")):
        yield
