"""Gradients with respect to variables, in the place of `tf.GradientTape`."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, ParamSpec, TypeVar, overload

import jax

from ...haiku_impl.core.cells import read
from ...haiku_impl.core.child import Writes, commit, run_child
from ..core.discovery import discover
from ..core.module import Module, flatten
from ..core.variable import Variable

P = ParamSpec("P")
T = TypeVar("T")

Several = Module | tuple[Variable, ...] | Callable[[], tuple[Variable, ...]]
"""What has gradients in a tuple."""
Variables = Several | Variable | Sequence[Any] | Mapping[str, Any] | Callable[[], Any]
"""What a function can be differentiated by, beside its arguments."""


@overload
def value_and_grad(
    f: Callable[P, T],
    variables: Variable,
    *,
    argnums: None = None,
    has_aux: bool = False,
) -> Callable[P, tuple[T, jax.Array]]: ...
@overload
def value_and_grad(
    f: Callable[P, T],
    variables: list[Variable],
    *,
    argnums: None = None,
    has_aux: bool = False,
) -> Callable[P, tuple[T, list[jax.Array]]]: ...
@overload
def value_and_grad(
    f: Callable[P, T],
    variables: Several,
    *,
    argnums: None = None,
    has_aux: bool = False,
) -> Callable[P, tuple[T, tuple[jax.Array, ...]]]: ...
@overload
def value_and_grad(
    f: Callable[P, T],
    variables: Variables | None = None,
    *,
    argnums: int | Sequence[int] | None = None,
    has_aux: bool = False,
) -> Callable[P, tuple[T, Any]]: ...
def value_and_grad(
    f: Callable[..., Any],
    variables: Variables | None = None,
    *,
    argnums: int | Sequence[int] | None = None,
    has_aux: bool = False,
) -> Callable[..., tuple[Any, Any]]:
    """Returns a function that computes `f` and its gradient.

    It is what becomes of a block of `tf.GradientTape`. What `f` assigns to variables
    (moving averages, say) takes effect once. A variable on which the result does not
    depend has a gradient of zeros, where TensorFlow gives None.

    Args:
      f: returns a scalar, or with `has_aux` a pair of a scalar and anything else.
      variables: what to differentiate by: variables in lists, tuples or dicts; a
        module, for its trainable variables; or a function that returns either,
        called after the variables have been created.
      argnums: the positions of arguments to differentiate by, in place of
        `variables`, or beside them.
      has_aux: whether `f` returns something beside the scalar.

    Returns:
      A function of the same arguments that returns `(value, gradients)`. The
      gradients have the structure of `variables`; with both kinds they are a pair.

    Raises:
      ValueError: if there is nothing to differentiate by.

    >>> from sonnax import compat as snt
    >>> w = snt.Variable(3.0)
    >>> value, (gradient,) = snt.value_and_grad(lambda x: x * w**2, [w])(2.0)
    >>> float(value), float(gradient)
    (18.0, 12.0)
    """
    if variables is None and argnums is None:
        raise ValueError(
            "snt.value_and_grad needs something to differentiate by: pass variables, "
            "such as net.trainable_variables, or argnums."
        )

    @functools.wraps(f, updated=())
    def wrapped(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        tree = _variables(f, variables, args, kwargs)
        leaves = [] if tree is None else list(flatten(tree))
        numbers = [argnums] if isinstance(argnums, int) else list(argnums or ())

        def pure(values: list[Any], chosen: list[Any]) -> Any:
            given = Writes((v.token for v in leaves), values)
            merged = list(args)
            for number, value in zip(numbers, chosen):
                merged[number] = value
            out, writes, _ = run_child(f, merged, kwargs, given=given)
            value, aux = out if has_aux else (out, None)
            return value, (aux, writes)

        values = [read(variable) for variable in leaves]
        chosen = [args[number] for number in numbers]
        differentiated = jax.value_and_grad(pure, argnums=(0, 1), has_aux=True)
        (value, (aux, writes)), (by_variable, by_argument) = differentiated(
            values, chosen
        )
        commit(writes)
        gradients: Any = _like(tree, iter(by_variable))
        if argnums is not None:
            by_argument = by_argument[0] if isinstance(argnums, int) else by_argument
            gradients = by_argument if variables is None else (gradients, by_argument)
        return ((value, aux) if has_aux else value), gradients

    return wrapped


@overload
def grad(
    f: Callable[P, Any],
    variables: Variable,
    *,
    argnums: None = None,
    has_aux: Literal[False] = False,
) -> Callable[P, jax.Array]: ...
@overload
def grad(
    f: Callable[P, Any],
    variables: list[Variable],
    *,
    argnums: None = None,
    has_aux: Literal[False] = False,
) -> Callable[P, list[jax.Array]]: ...
@overload
def grad(
    f: Callable[P, Any],
    variables: Several,
    *,
    argnums: None = None,
    has_aux: Literal[False] = False,
) -> Callable[P, tuple[jax.Array, ...]]: ...
@overload
def grad(
    f: Callable[P, Any],
    variables: Variables | None = None,
    *,
    argnums: int | Sequence[int] | None = None,
    has_aux: bool = False,
) -> Callable[P, Any]: ...
def grad(
    f: Callable[..., Any],
    variables: Variables | None = None,
    *,
    argnums: int | Sequence[int] | None = None,
    has_aux: bool = False,
) -> Callable[..., Any]:
    """Returns a function that computes the gradient of `f`.

    Args:
      f: as for `value_and_grad`.
      variables: as for `value_and_grad`.
      argnums: as for `value_and_grad`.
      has_aux: as for `value_and_grad`.

    Returns:
      A function of the same arguments that returns the gradients; with `has_aux`,
      a pair of them and what `f` returned beside the scalar.

    >>> from sonnax import compat as snt
    >>> w = snt.Variable(3.0)
    >>> [float(g) for g in snt.grad(lambda: w * w, [w])()]
    [6.0]
    """
    differentiated = value_and_grad(f, variables, argnums=argnums, has_aux=has_aux)

    @functools.wraps(f, updated=())
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        value, gradients = differentiated(*args, **kwargs)
        return (gradients, value[1]) if has_aux else gradients

    return wrapped


def _variables(
    f: Callable[..., Any], variables: Any, args: Any, kwargs: Mapping[str, Any]
) -> Any:
    if isinstance(variables, Module) or callable(variables):
        module, find = variables, variables
        if isinstance(module, Module):
            find = lambda: module.trainable_variables  # noqa: E731
        try:
            variables = find()
        except ValueError:
            # Variables that are made on first use must exist before they are inputs.
            discover(lambda: f(*args, **kwargs), (), {})
            variables = find()
    for leaf in () if variables is None else flatten(variables):
        if not isinstance(leaf, Variable):
            raise ValueError(
                f"Gradients are taken with respect to variables, and {leaf!r} is none. "
                "For arguments of the function pass argnums=."
            )
    return variables


def _like(tree: Any, leaves: Any) -> Any:
    """Rebuilds nested lists, tuples and dicts from leaves in the order of `flatten`."""
    if tree is None or isinstance(tree, Variable):
        return None if tree is None else next(leaves)
    if isinstance(tree, Mapping):
        made = {key: _like(tree[key], leaves) for key in sorted(tree)}
        return type(tree)({key: made[key] for key in tree})  # type: ignore[call-arg]
    items = [_like(item, leaves) for item in tree]
    return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
