"""Eager, compiled and pure: three gears, the same numbers."""

import jax
import numpy as np
import pytest
from sonnax import compat as snt

from .cases import CASES
from .libraries import COMPAT, arrays, assert_close, leaves, variables_of

# The eager gear rounds between operations that XLA fuses in the others.
FUSED = 1e-5


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
        assert_close(compiled, eager, max(FUSED, case.rtol), "compiled")
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
    found = []
    for args, kwargs in zip(inputs, case.calls):

        def call(*args, kwargs=kwargs):
            return case.call(module, *args, **kwargs)

        f = snt.functional.transform_with_state(call)
        out, state = jax.jit(f.apply)(params, state, *args, rng=jax.random.key(0))
        found += leaves(out)
    after = {True: params, False: state}
    return [
        *found,
        *(after[v.trainable][v.key[0]][v.key[1]] for v in variables),
    ]
