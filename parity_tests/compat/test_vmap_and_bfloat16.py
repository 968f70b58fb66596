"""Every module is made in an ensemble under vmap, and runs in half precision."""

import jax
import jax.numpy as jnp
import pytest

from sonnax import compat as snt

from .cases import CASES
from .cases.case import precision
from .libraries import COMPAT, arrays, variables_of


def specs(case, dtype):
    inputs = arrays(COMPAT, case.draw("float32", 0))
    return jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(
            x.shape, dtype if jnp.issubdtype(x.dtype, jnp.floating) else x.dtype
        ),
        inputs,
    )


def pure(case):
    def f(*inputs):
        return case.call(case.make(COMPAT), *inputs, **case.calls[0])

    return snt.functional.transform_with_state(f)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_ensemble_is_vmap_over_params(case):
    f, inputs, key = pure(case), specs(case, jnp.float32), jax.random.key(0)
    keys = jax.random.split(key, 3)

    def ensemble(*inputs):
        params, state = jax.vmap(lambda k: f.init(*inputs, rng=k))(keys)
        return jax.vmap(lambda p, s, k: f.apply(p, s, *inputs, rng=k))(
            params, state, keys
        )

    def single(*inputs):
        params, state = f.init(*inputs, rng=key)
        return f.apply(params, state, *inputs, rng=key)

    many, one = jax.eval_shape(ensemble, *inputs), jax.eval_shape(single, *inputs)
    stacked = jax.tree.map(lambda x: jax.ShapeDtypeStruct((3, *x.shape), x.dtype), one)
    assert jax.tree.map(str, many) == jax.tree.map(str, stacked)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_half_precision_stays_half(case):
    case.skip_where_excluded("bfloat16")
    inputs = specs(case, jnp.bfloat16)
    with precision("bfloat16"):
        module = case.make(COMPAT)
        out = snt.build(
            lambda *inputs: case.call(module, *inputs, **case.calls[0]), *inputs
        )
    for leaf in jax.tree.leaves((out, [v.value() for v in variables_of(module)])):
        if jnp.issubdtype(leaf.dtype, jnp.floating):
            assert leaf.dtype == jnp.bfloat16, leaf
