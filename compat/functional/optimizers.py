"""Optimizers as pairs of pure functions, for parameters in plain trees."""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple, ParamSpec

import jax

from .. import optimizers
from ..core.module import Optimizer
from ..core.variable import Variable
from .pure import transform_with_state

P = ParamSpec("P")


class TransformedOptimizer(NamedTuple):
    """A pair of pure functions.

    Attributes:
      init: `opt_state = init(params)`
      apply: `params, opt_state = apply(opt_state, updates, params)`
    """

    init: Callable[[Any], Any]
    apply: Callable[[Any, Any, Any], tuple[Any, Any]]


def optimizer(cls: Callable[P, Optimizer]) -> Callable[P, TransformedOptimizer]:
    """Turns a class of optimizers into a function that makes pairs of pure functions.

    Args:
      cls: a subclass of `snt.Optimizer`.

    Returns:
      A function with the arguments of the class's constructor. What it returns works
      on parameters in any tree, such as `snt.functional.transform` makes; updates have
      the same tree, with None for a parameter that is to stay as it is. The state is a
      tree of the optimizer's variables, `(trainable ones, others)`.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> momentum = snt.functional.optimizer(snt.optimizers.Momentum)(0.5, momentum=0.5)
    >>> params = {"linear": {"w": jnp.array(1.0)}}
    >>> state = momentum.init(params)
    >>> params, state = momentum.apply(state, params, params)
    >>> float(params["linear"]["w"]), list(state[1])
    (0.5, ['momentum/accumulated_momentum/linear'])
    """

    def make(*args: P.args, **kwargs: P.kwargs) -> TransformedOptimizer:
        return _pure(lambda: cls(*args, **kwargs))

    make.__doc__ = inspect.getdoc(cls.__init__)
    make.__signature__ = inspect.signature(cls)  # type: ignore[attr-defined]
    return make


def _pure(make_optimizer: Callable[[], Optimizer]) -> TransformedOptimizer:
    def step(updates: Any, params: Any) -> None:
        structure: Any = jax.tree.structure(params)
        # They are state here, since parameters are fixed inside a pure function.
        variables = [
            Variable(leaf, trainable=False, name=_name(path))
            for path, leaf in jax.tree.leaves_with_path(params)
        ]
        make_optimizer().apply(structure.flatten_up_to(updates), variables)

    pure = transform_with_state(step)

    def places(params: Any) -> list[tuple[str, str]]:
        """Returns the places of the parameters in the state of `pure`."""
        return [
            tuple(f"~/{_name(path)}".rsplit("/", 1))  # type: ignore[misc]
            for path, _ in jax.tree.leaves_with_path(params)
        ]

    def init(params: Any) -> Any:
        trainable, state = pure.init(params, params, rng=0)
        _take_out(state, places(params))
        return trainable, state

    def apply(opt_state: Any, updates: Any, params: Any) -> tuple[Any, Any]:
        trainable, others = opt_state
        given = {module: dict(bundle) for module, bundle in others.items()}
        leaves, structure = jax.tree.flatten(params)
        for (module, name), leaf in zip(places(params), leaves):
            given.setdefault(module, {})[name] = leaf
        _, state = pure.apply(trainable, given, updates, params)
        leaves = _take_out(state, places(params))
        return jax.tree.unflatten(structure, leaves), (trainable, state)

    return TransformedOptimizer(init, apply)


def _name(path: Any) -> str:
    return jax.tree_util.keystr(path, simple=True, separator="/")


def _take_out(state: Any, places: list[tuple[str, str]]) -> list[Any]:
    values = [state[module].pop(name) for module, name in places]
    for module in {module for module, _ in places}:
        if not state[module]:
            del state[module]
    return values


sgd = optimizer(optimizers.SGD)
momentum = optimizer(optimizers.Momentum)
adam = optimizer(optimizers.Adam)
rmsprop = optimizer(optimizers.RMSProp)
