"""Eager, compiled and pure, and pure under vmap: the same numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sonnax import compat as snt

from .cases import CASES
from .libraries import COMPAT, arrays, assert_near, leaves, variables_of

# The eager gear rounds between operations that XLA fuses in the others.
FUSED = 1e-5
# Batched sums are added up in another order.
VMAPPED = 1e-4


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_gears_give_the_same_numbers(case):
    with snt.functional.variables():  # as pure functions over modules need it
        module = case.make(COMPAT)
    kwargs = case.calls[0]
    inputs = [arrays(COMPAT, case.draw("float32", i)) for i in range(len(case.calls))]
    case.call(module, *inputs[0], **kwargs)
    start = [v.numpy() for v in variables_of(module)]

    eager = run(case, module, start, inputs, lambda f: f)
    compiled = run(case, module, start, inputs, snt.jit)
    pure = run_pure(case, module, start, inputs)
    if not case.random:
        assert_near(compiled, eager, max(FUSED, case.rtol), "compiled")
        for one, other in zip(compiled, pure, strict=True):
            np.testing.assert_array_equal(one, other)


def run(case, module, start, inputs, transform):
    """Returns what the calls return, and the variables after them."""
    snt.random.set_seed(1)
    for variable, value in zip(variables_of(module), start):
        variable.assign(value)
    found = []
    for args, kwargs in zip(inputs, case.calls):

        def call(*args, kwargs=kwargs):
            return case.call(module, *args, **kwargs)

        found += leaves(transform(call)(*args))
    return [*found, *(v.numpy() for v in variables_of(module))]


def run_pure(case, module, start, inputs):
    variables = variables_of(module)
    trees = {True: {}, False: {}}
    for variable, value in zip(variables, start):
        outer, inner = variable.key
        trees[variable.trainable].setdefault(outer, {})[inner] = value
    params, state = trees[True], trees[False]
    key = jax.random.key(0)
    found = []
    for i, (args, kwargs) in enumerate(zip(inputs, case.calls)):

        def call(*args, kwargs=kwargs):
            return case.call(module, *args, **kwargs)

        f = snt.functional.transform_with_state(call)
        apply = jax.jit(
            lambda params, state, *args, f=f: f.apply(params, state, *args, rng=key)
        )
        if i == 0:
            check_ensemble(apply, params, state, *args)
        out, state = apply(params, state, *args)
        found += leaves(out)
    after = {True: params, False: state}
    return [
        *found,
        *(after[v.trainable][v.key[0]][v.key[1]] for v in variables),
    ]


def check_ensemble(apply, *member):
    """Compares two members under vmap with one after the other.

    The second has half of each floating variable and input of the first.
    """
    half = jax.tree.map(
        lambda x: x / 2 if jnp.issubdtype(x.dtype, jnp.floating) else x, member
    )
    stacked = jax.tree.map(lambda *pair: jnp.stack(pair), member, half)
    together = jax.jit(jax.vmap(apply))(*stacked)
    for i, alone in enumerate((member, half)):
        expected = jax.tree.leaves(apply(*alone))
        actual = [x[i] for x in jax.tree.leaves(together)]
        assert_near(actual, expected, VMAPPED, f"member {i}")
