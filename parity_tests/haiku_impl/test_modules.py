"""Every case of the table, live against Haiku.

Where both libraries stage the same operations on the same constants, the results are
the same to the last bit and nothing needs to run. Where sonnax stages fewer, both run
and are compared within the stated tolerance.
"""

import jax
import jax.numpy as jnp
import pytest

from .cases import CASES
from .module_parity import (
    assert_trees_match,
    equation_count,
    in_both,
    key,
    same_computation,
)

all_cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@all_cases
def test_init_gives_the_same_trees_and_the_same_bits(case):
    theirs, ours = in_both(case, jnp.float32)
    expected, actual = (jax.eval_shape(p.init, key()) for p in (theirs, ours))
    assert str(actual) == str(expected)
    if not same_computation(ours.init, theirs.init, key()):
        assert_trees_match(ours.init(key()), theirs.init(key()))


@all_cases
def test_outputs_state_and_gradients_are_equal(case):
    check_step(case, jnp.float32, rtol=1e-6)


@all_cases
def test_outputs_state_and_gradients_are_equal_in_float64(case):
    with jax.enable_x64(True):
        check_step(case, jnp.float64, rtol=1e-12)


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16], ids=["bf16", "f16"])
@all_cases
def test_half_precision_gives_the_same_dtypes_and_values(case, dtype):
    check_step(case, dtype, rtol=2e-2)


def check_step(case, dtype, rtol):
    theirs, ours = in_both(case, dtype)
    params, state = jax.eval_shape(theirs.init, key())
    if same_computation(ours.step, theirs.step, params, state):
        return
    assert equation_count(ours.forward, params, state) <= equation_count(
        theirs.forward, params, state
    )
    params, state = theirs.init(key())
    actual, expected = (jax.jit(p.step)(params, state) for p in (ours, theirs))
    assert_trees_match(actual, expected, rtol)
