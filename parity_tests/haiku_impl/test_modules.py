"""Every case of the table, live against Haiku.

Where both libraries stage the same operations on the same constants, the results are
the same to the last bit and nothing needs to run. Where sonnax stages fewer, both run
and are compared within the stated tolerance.
"""

import jax
import jax.numpy as jnp
import pytest

from sonnax import haiku_impl as hk
from sonnax.parity_tests import ledger

from .cases import CASES
from .cases.normalization import NORMALIZATION
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
        assert_trees_match(jax.jit(ours.init)(key()), jax.jit(theirs.init)(key()))


@all_cases
def test_outputs_state_and_gradients_are_equal(case):
    check(case, jnp.float32, "step", rtol=1e-6)


@all_cases
def test_outputs_state_and_gradients_are_equal_in_float64(case):
    with jax.enable_x64(True):
        check(case, jnp.float64, "step", rtol=1e-12)


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if "warming up" not in case.name],
    ids=lambda case: case.name,
)
def test_bfloat16_gives_the_same_shapes_and_dtypes(case):
    theirs, ours = in_both(case, jnp.bfloat16)
    try:
        expected = forward_shapes(theirs)
    except TypeError as error:
        # From jax 0.11 on, Haiku's Orthogonal has no half precision.
        if "qr does not accept dtype bfloat16" not in str(error):
            raise
        theirs, _ = in_both(case, jnp.float32)
        expected = jax.tree.map(
            lambda x: jax.ShapeDtypeStruct(x.shape, jnp.bfloat16),
            forward_shapes(theirs),
        )
    assert str(forward_shapes(ours)) == str(expected)


def forward_shapes(program):
    return jax.eval_shape(lambda: program.forward(*program.init(key())))


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_orthogonal_in_half_precision_rounds_an_orthogonal_matrix(dtype):
    init = hk.initializers.Orthogonal(2.0)
    f = hk.transform(lambda: hk.get_parameter("w", [6, 4], dtype, init))
    w = f.init(key())["~"]["w"]
    assert w.dtype == dtype
    products = w.astype(jnp.float32).T @ w.astype(jnp.float32)
    # Four products, each rounded by half a unit in the last place.
    atol = 4 * 4 * float(jnp.finfo(dtype).eps)
    assert jnp.allclose(products, 4 * jnp.eye(4), atol=atol)


def test_averages_warm_up_in_half_precision():
    # Haiku selects between a float32 zero and the decay, and fails.
    average = hk.transform_with_state(
        lambda x: hk.ExponentialMovingAverage(0.5, False, warmup_length=1)(x)
    )
    _, state = average.init(None, jnp.bfloat16(4.0))
    for value, expected in [(4.0, 4.0), (8.0, 6.0)]:
        out, state = average.apply({}, state, None, jnp.bfloat16(value))
        assert (out.item(), out.dtype) == (expected, jnp.bfloat16)


@pytest.mark.parametrize(
    ("dtype", "rtol"), [(jnp.bfloat16, 2e-2), (jnp.float16, 4e-3)], ids=["bf16", "f16"]
)
@pytest.mark.parametrize("name", ["BatchNorm", "LayerNorm", "RMSNorm", "GroupNorm"])
def test_half_precision_is_normalized_by_the_same_moments(name, dtype, rtol):
    (case,) = (case for case in NORMALIZATION if case.name == name)
    check(case, dtype, "forward", rtol)


def check(case, dtype, program, rtol):
    theirs, ours = in_both(case, dtype)
    shapes = jax.eval_shape(theirs.init, key())
    f, g = getattr(ours, program), getattr(theirs, program)
    if same_computation(f, g, *shapes):
        ledger.report_equal(lambda: jax.eval_shape(g, *shapes))
        return
    assert equation_count(ours.forward, *shapes) <= equation_count(
        theirs.forward, *shapes
    )
    params_and_state = jax.jit(theirs.init)(key())
    actual, expected = (jax.jit(h)(*params_and_state) for h in (f, g))
    for kind, tree in expected.items():
        ledger.report(kind, actual[kind], tree)
    assert_trees_match(actual, expected, rtol)
