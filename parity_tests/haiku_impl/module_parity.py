"""Runs one case in Haiku and in sonnax, and compares what comes out."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import haiku
import jax
import jax.extend
import jax.numpy as jnp
import numpy as np
from jax.interpreters import partial_eval as pe

from sonnax import haiku_impl

from .cases.case import Case, key

__all__ = [
    "assert_trees_match",
    "equation_count",
    "in_both",
    "key",
    "same_computation",
]


class Program(NamedTuple):
    """A case in one of the two libraries, as pure functions of arrays.

    Attributes:
      init: from a random key to parameters and state.
      forward: from those to the output, "values", and the new "state".
      step: the same, and the "gradients" of a weighted sum of the output with respect
        to the parameters and the inputs.
    """

    init: Callable[..., Any]
    forward: Callable[..., Any]
    step: Callable[..., Any]


def in_both(case: Case, dtype: Any) -> tuple[Program, Program]:
    """Returns the case's program in Haiku and in sonnax."""
    return _program(haiku, case, dtype), _program(haiku_impl, case, dtype)


def _program(hk: Any, case: Case, dtype: Any) -> Program:
    f = hk.transform_with_state(case.function(hk))
    inputs = case.inputs(dtype)
    places = [i for i, x in enumerate(inputs) if jnp.issubdtype(x.dtype, jnp.floating)]

    def forward(params, state, inputs=inputs):
        values, state = f.apply(params, state, key(), *inputs)
        return {"values": values, "state": state}

    def loss(params, floating, state):
        given = list(inputs)
        for place, x in zip(places, floating, strict=True):
            given[place] = x
        out = forward(params, state, given)
        leaves = jax.tree.leaves(out["values"])
        total = sum((jnp.sum(x * _weights(x)) for x in leaves), start=0.0)
        return jnp.asarray(total, jnp.float32), out

    def step(params, state):
        floating = [inputs[place] for place in places]
        gradient = jax.grad(loss, argnums=(0, 1), has_aux=True)
        gradients, out = gradient(params, floating, state)
        return {"gradients": gradients, **out}

    return Program(lambda rng: f.init(rng, *inputs), forward, step)


def _weights(leaf: jax.Array) -> np.ndarray:
    # Of every element another one, so that no gradient cancels out.
    return np.cos(np.arange(leaf.size)).reshape(leaf.shape).astype(np.float32)


def same_computation(f: Any, g: Any, *args: Any) -> bool:
    """Tells whether two functions compute their results by the same operations.

    That is, whether they stage the same equations on the same constants, those left
    out on which no result depends.
    """
    (a, a_consts), (b, b_consts) = (_needed(h, *args) for h in (f, g))
    return a == b and all(
        np.array_equal(x, y) for x, y in zip(a_consts, b_consts, strict=True)
    )


def _needed(f: Any, *args: Any) -> tuple[str, list[Any]]:
    closed = jax.make_jaxpr(f)(*args)
    jaxpr, _ = pe.dce_jaxpr(closed.jaxpr, [True] * len(closed.jaxpr.outvars))
    # Sizes may be printed as NumPy integers, and lines broken elsewhere for it.
    text = re.sub(r"np\.int64\((-?\d+)\)", r"\1", str(jaxpr))
    return re.sub(r"\s+", "", text), closed.consts


def equation_count(f: Any, *args: Any) -> int:
    """Counts the equations that a function stages, inner ones included."""

    def count(jaxpr):
        inner = jax.extend.core.jaxprs_in_params
        return sum(
            1 + sum(count(sub) for sub in inner(equation.params))
            for equation in jaxpr.eqns
        )

    return count(jax.make_jaxpr(f)(*args).jaxpr)


def assert_trees_match(actual: Any, expected: Any, rtol: float = 0.0) -> None:
    """Checks structure, shapes, dtypes and values; rtol 0 asks for the same bits."""
    paths, tree = jax.tree_util.tree_flatten_with_path(expected)
    leaves, actual_tree = jax.tree.flatten(actual)
    assert str(actual_tree) == str(tree)
    for (path, y), x in zip(paths, leaves, strict=True):
        where = jax.tree_util.keystr(path)
        assert (x.shape, x.dtype) == (y.shape, y.dtype), where
        x, y = (np.asarray(v, np.float64) for v in (x, y))
        np.testing.assert_allclose(x, y, rtol=rtol, atol=rtol, err_msg=where)
