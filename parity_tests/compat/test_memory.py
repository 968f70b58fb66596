"""Modules keep their variables, and of what they were called with nothing."""

import gc
import weakref

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sonnax import compat as snt

from .cases import CASES
from .libraries import COMPAT, arrays


def drawn(case):
    return arrays(COMPAT, case.draw("float32", 0))


def references(tree):
    """Returns weak references to the arrays of a tree."""
    return [weakref.ref(x) for x in jax.tree.leaves(tree) if isinstance(x, jax.Array)]


def alive(found):
    gc.collect()
    return [ref().shape for ref in found if ref() is not None]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nothing_of_the_inputs_stays_reachable(case):
    module, inputs = case.make(COMPAT), drawn(case)
    found = references(inputs)
    case.call(module, *inputs, **case.calls[0])
    del inputs
    assert not alive(found)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nothing_of_the_inputs_of_a_compiled_call_stays_reachable(case):
    module, inputs = case.make(COMPAT), drawn(case)
    found = references(inputs)
    with jax.checking_leaks():
        snt.jit(lambda *args: case.call(module, *args, **case.calls[0]))(*inputs)
    del inputs
    assert not alive(found)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_tracer_of_a_pure_function_stays_reachable(case):
    with snt.functional.variables():
        module = case.make(COMPAT)
    f = snt.functional.transform_with_state(
        lambda *args: case.call(module, *args, **case.calls[0])
    )
    with jax.checking_leaks():
        jax.eval_shape(
            lambda rng, *args: f.init(*args, rng=rng), jax.random.key(0), *drawn(case)
        )


MADE_FROM_ARRAYS = {
    "Variable": lambda x: snt.Variable(x),
    "Variable of a function": lambda x: snt.Variable(lambda: x + 1),
    "Embed": lambda x: snt.Embed(existing_vocab=x),
    "Embed by position": lambda x: snt.Embed(None, None, x),
    "TrainableState": lambda x: snt.TrainableState(x),
    "TrainableState of a nest": lambda x: snt.TrainableState({"a": [x, x]}),
}


@pytest.mark.parametrize("what", MADE_FROM_ARRAYS)
@pytest.mark.parametrize("array", [np.ones, jnp.ones], ids=["NumPy", "JAX"])
def test_a_first_value_is_gone_when_another_is_assigned(what, array):
    x = array([4, 3], jnp.float32)
    ref = weakref.ref(x)
    made = MADE_FROM_ARRAYS[what](x)
    for variable in getattr(made, "variables", [made]):
        variable.assign(variable * 2)
    del x
    gc.collect()
    assert ref() is None
