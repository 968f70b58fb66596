"""Turning functions that use modules into pairs of pure functions."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Concatenate, Generic, NamedTuple, ParamSpec, TypeVar

import jax

from ..data_structures import to_haiku_dict
from . import signatures
from .context import new_context
from .errors import NonEmptyStateError
from .random import PRNGSequence
from .typing import RNG, MutableParams, MutableState, Params, State

P = ParamSpec("P")
Init = ParamSpec("Init")
Apply = ParamSpec("Apply")
T = TypeVar("T")


class Transformed(NamedTuple, Generic[Init, Apply, T]):
    """A pair of pure functions, without state.

    Attributes:
      init: `params = init(rng, *args, **kwargs)`
      apply: `out = apply(params, rng, *args, **kwargs)`
    """

    init: Callable[Init, MutableParams]
    apply: Callable[Apply, T]


class TransformedWithState(NamedTuple, Generic[Init, Apply, T]):
    """A pair of pure functions, with state.

    Attributes:
      init: `params, state = init(rng, *args, **kwargs)`
      apply: `out, state = apply(params, state, rng, *args, **kwargs)`
    """

    init: Callable[Init, tuple[MutableParams, MutableState]]
    apply: Callable[Apply, tuple[T, MutableState]]


def transform(
    f: Callable[P, T], *, apply_rng: bool = True
) -> Transformed[Concatenate[RNG, P], Concatenate[Params | None, RNG, P], T]:
    """Turns a function that uses modules into a pair of pure functions.

    Args:
      f: a function that makes modules and calls them. It must not use state.
      apply_rng: only True is accepted; see `without_apply_rng`.

    Returns:
      `init(rng, *args, **kwargs)`, which runs `f` and returns the parameters it
      made as `{module: {name: array}}`, and `apply(params, rng, *args, **kwargs)`,
      which returns what `f` does. `rng` is a key, a seed, or None where no random
      numbers are drawn.

    Raises:
      ValueError: if `f` is already compiled by JAX.
      NonEmptyStateError: when called, if `f` uses state.

    >>> import jax, jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> f = hk.transform(lambda x: hk.Linear(3)(x))
    >>> params = f.init(jax.random.PRNGKey(0), jnp.ones([1, 2]))
    >>> jax.tree.map(jnp.shape, params)
    {'linear': {'b': (3,), 'w': (2, 3)}}
    >>> f.apply(params, None, jnp.ones([1, 2])).shape
    (1, 3)
    """
    if not apply_rng:
        raise ValueError(
            "hk.transform(f, apply_rng=False) is gone: apply always takes a key. "
            "Use hk.without_apply_rng(hk.transform(f)) in its place."
        )
    return without_state(transform_with_state(f))


def transform_with_state(
    f: Callable[P, T],
) -> TransformedWithState[
    Concatenate[RNG, P], Concatenate[Params | None, State | None, RNG, P], T
]:
    """Turns a function that uses modules and state into a pair of pure functions.

    Args:
      f: a function that makes modules and calls them.

    Returns:
      `init(rng, *args, **kwargs)`, which returns the parameters and the initial
      state, and `apply(params, state, rng, *args, **kwargs)`, which returns what
      `f` does and the new state.

    Raises:
      ValueError: if `f` is already compiled by JAX.

    >>> import jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> def count():
    ...     n = hk.get_state("n", [], jnp.int32, jnp.zeros)
    ...     hk.set_state("n", n + 1)
    ...     return n
    >>> f = hk.transform_with_state(count)
    >>> params, state = f.init(None)
    >>> for _ in range(3):
    ...     n, state = f.apply(params, state, None)
    >>> int(n)
    2
    """
    check_not_compiled(f)
    signature = inspect.signature(f)

    def init_fn(
        rng: RNG, *args: Any, **kwargs: Any
    ) -> tuple[MutableParams, MutableState]:
        keys = _key_sequence(rng, "Init", "first", "init(rng, *a, **k)")
        with new_context(rng=keys) as context:
            _call(f, args, kwargs)
        return context.collect_params(), context.collect_initial_state()

    def apply_fn(
        params: Mapping[str, Any] | None,
        state: Mapping[str, Any] | None,
        rng: RNG,
        *args: Any,
        **kwargs: Any,
    ) -> tuple[Any, MutableState]:
        if state is None:
            position, call = "second", "apply(params, rng, *a, **k)"
        else:
            position, call = "third", "apply(params, state, rng, *a, **k)"
        params = _checked_mapping("params", params)
        state = _checked_mapping("state", state)
        keys = _key_sequence(rng, "Apply", position, call)
        with new_context(params=params, state=state, rng=keys) as context:
            out = _call(f, args, kwargs)
        return out, context.collect_state()

    sign(
        init_fn,
        signatures.returning(
            signatures.with_leading(signature, 0, signatures.RNG),
            tuple[Params, State],
        ),
    )
    leading = [*signatures.PARAMS, *signatures.STATE, *signatures.RNG]
    sign(
        apply_fn, signatures.with_state(signatures.with_leading(signature, 0, leading))
    )
    return tie(TransformedWithState(init_fn, apply_fn), f)


def sign(function: Callable[..., Any], signature: inspect.Signature) -> None:
    """Gives a function the signature that `inspect.signature` reports."""
    function.__signature__ = signature  # type: ignore[attr-defined]


def tie(transformed: Any, f: Any) -> Any:
    """Makes `get_original_fn` find `f` from a pair made of it."""
    original = getattr(getattr(f, "init", f), "_original_fn", f)
    for function in transformed:
        function._original_fn = original
    return transformed


def get_original_fn(
    f: Transformed[Init, Apply, T]
    | TransformedWithState[Init, Apply, T]
    | Callable[..., Any],
) -> Callable[..., T]:
    """Returns the function that was transformed.

    Args:
      f: a pair, or one of its functions.
    """
    return getattr(f, "init", f)._original_fn  # type: ignore[union-attr]


_COMPILED = type(jax.jit(lambda: None))


def check_not_compiled(f: Callable[..., Any]) -> None:
    """Raises ValueError for a function that jax.jit or jax.pmap returned."""
    if isinstance(f, _COMPILED) or "PmapFunction" in type(f).__name__:
        raise ValueError(
            f"The function {f!r} is already compiled by JAX, which takes pure "
            "functions only, and a function that uses modules is not pure. You "
            "should instead compile what the transform returns: "
            "jax.jit(hk.transform(f).apply)."
        )


def _call(f: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    try:
        return f(*args, **kwargs)
    except jax.errors.UnexpectedTracerError as error:
        raise jax.errors.UnexpectedTracerError(
            "A value has left the JAX transform in which it was made, while a function "
            "transformed by hk.transform was running (see the error above). If that "
            "function uses jax.vmap, jax.lax.scan or the like around modules, you "
            "might want to use the Haiku version of the transform instead: hk.vmap, "
            "hk.scan, ..."
        ) from error


def _key_sequence(
    rng: Any, function: str, position: str, call: str
) -> PRNGSequence | None:
    if rng is None:
        return None
    try:
        return PRNGSequence(rng)
    except Exception as error:
        raise ValueError(
            f"{function} must be called with an RNG as the {position} argument, the "
            f"required signature is: `{call}`. It was given an object of type "
            f"{type(rng)}: {rng!r}"
        ) from error


def _checked_mapping(name: str, mapping: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if mapping is None:
        return {}
    # TensorFlow's modules wrap the dicts assigned to them in a class of its own.
    if not isinstance(mapping, Mapping) and type(mapping).__name__ != "_DictWrapper":
        raise TypeError(
            f"The {name} argument does not appear valid: it should be a mapping, and "
            f"is of type {type(mapping)}. Call apply(params, rng, ...) of "
            "hk.transform, and apply(params, state, rng, ...) of "
            f"hk.transform_with_state. The argument was: {mapping!r}."
        )
    return mapping


def refuse_keyword(name: str, kwargs: Mapping[str, Any]) -> None:
    """Raises TypeError where an argument of apply's own is passed by name."""
    if name in kwargs:
        raise TypeError(
            "The transforms add the arguments params, state and rng to apply. If the "
            "function transformed has arguments of the same names you must pass them "
            f"positionally: f.apply(..., my_{name}), not f.apply(..., {name}=...)."
        )


def check_no_state(state: Mapping[str, Any], instead: str) -> None:
    """Raises NonEmptyStateError unless `state` is empty."""
    if state:
        raise NonEmptyStateError(
            "If your transformed function uses `hk.{get,set}_state` then use "
            f"`{instead}`. It has state in {sorted(state)}."
        )


def without_state(
    f: TransformedWithState[Init, Concatenate[Params | None, State | None, P], T],
) -> Transformed[Init, Concatenate[Params | None, P], T]:
    """Drops the state from a pair of functions that have none in fact.

    Args:
      f: what `transform_with_state` returned.

    Raises:
      NonEmptyStateError: when called, if there is state.

    >>> from sonnax import haiku_impl as hk
    >>> f = hk.without_state(hk.transform_with_state(lambda: 1))
    >>> f.apply(f.init(None), None)
    1
    """

    def init_fn(*args: Any, **kwargs: Any) -> MutableParams:
        params, state = f.init(*args, **kwargs)
        check_no_state(state, "hk.transform_with_state")
        return params

    def apply_fn(params: Mapping[str, Any] | None, *args: Any, **kwargs: Any) -> Any:
        refuse_keyword("state", kwargs)
        out, state = f.apply(params, None, *args, **kwargs)
        check_no_state(state, "hk.transform_with_state")
        return out

    init_signature = inspect.signature(f.init)
    sign(init_fn, signatures.without_state(init_signature))
    apply_signature = signatures.without_state(inspect.signature(f.apply))
    sign(apply_fn, signatures.with_leading(apply_signature, 2, signatures.PARAMS))
    return tie(Transformed(init_fn, apply_fn), f)


def with_empty_state(
    f: Transformed[Init, Concatenate[Params | None, P], T],
) -> TransformedWithState[Init, Concatenate[Params | None, State | None, P], T]:
    """Gives a pair of functions without state the form of one with state.

    Args:
      f: what `transform` returned.

    >>> from sonnax import haiku_impl as hk
    >>> f = hk.with_empty_state(hk.transform(lambda: 1))
    >>> f.apply(*f.init(None), None)
    (1, {})
    """

    def init_fn(*args: Any, **kwargs: Any) -> tuple[MutableParams, MutableState]:
        return f.init(*args, **kwargs), to_haiku_dict({})

    def apply_fn(params: Any, state: Any, *args: Any, **kwargs: Any) -> Any:
        del state
        return f.apply(params, *args, **kwargs), to_haiku_dict({})

    sign(init_fn, signatures.with_state(inspect.signature(f.init)))
    leading = [*signatures.PARAMS, *signatures.STATE]
    apply_signature = signatures.with_leading(inspect.signature(f.apply), 1, leading)
    sign(apply_fn, signatures.with_state(apply_signature))
    return tie(TransformedWithState(init_fn, apply_fn), f)
