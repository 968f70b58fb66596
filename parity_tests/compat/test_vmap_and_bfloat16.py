"""Every module in an ensemble under vmap, and in half precision."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sonnax import compat as snt

from .cases import CASES
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
    if "half precision" in case.name or "limits" in case.name:
        pytest.skip("has arrays of its own")
    module = case.make(COMPAT)
    floating = [
        s
        for s in jax.tree.leaves(specs(case, jnp.float32))
        if jnp.issubdtype(s.dtype, jnp.floating)
    ]
    try:
        out = snt.build(
            lambda *inputs: case.call(module, *inputs, **case.calls[0]),
            *specs(case, jnp.bfloat16),
        )
    except TypeError:
        # A module whose dtype is an argument refuses others.
        pytest.skip("has a dtype of its own")
    if floating:
        for leaf in jax.tree.leaves((out, [v.value() for v in variables_of(module)])):
            if jnp.issubdtype(leaf.dtype, jnp.floating):
                assert leaf.dtype == jnp.bfloat16, leaf


def test_vmap_gives_the_numbers_of_a_loop():
    f = snt.functional.transform(lambda x: snt.nets.MLP([4, 2])(x))
    keys, x = jax.random.split(jax.random.key(0), 3), jnp.ones([5, 3])
    params = jax.vmap(lambda k: f.init(x, rng=k))(keys)
    many = jax.vmap(f.apply, in_axes=(0, None))(params, x)
    for i in range(3):
        one = f.apply(jax.tree.map(lambda p, i=i: p[i], params), x)
        np.testing.assert_allclose(many[i], one, rtol=1e-6)
