"""Running one program with haiku_impl and with dm-haiku, and comparing all it gives."""

import haiku
import jax
import numpy as np

from sonnax import haiku_impl
from sonnax.parity_tests import ledger

LIBRARIES = (haiku_impl, haiku)


def raw(x):
    """Returns an array, or the data of a key, as NumPy's."""
    if isinstance(x, jax.Array) and jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key):
        x = jax.random.key_data(x)
    return np.asarray(x) if hasattr(x, "dtype") else x


def assert_as_in_haiku(ours, theirs, kind="values"):
    """Checks that a tree is equal to Haiku's; what is found counts as the kind."""
    ledger.report(kind, *(jax.tree.map(raw, tree) for tree in (ours, theirs)))
    assert_same(ours, theirs)


def assert_same(ours, theirs):
    """Checks that two trees are equal: names, order, dtypes and every bit."""
    assert jax.tree.structure(ours) == jax.tree.structure(theirs)
    if isinstance(ours, dict):
        assert list(ours) == list(theirs)
    for our, their in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs)):
        our, their = raw(our), raw(their)
        if hasattr(our, "dtype"):
            assert our.dtype == their.dtype
        np.testing.assert_array_equal(our, their)


def compiled(f):
    # Without optimizations it compiles quickly, and nothing is rounded otherwise.
    return jax.jit(f, compiler_options={"xla_backend_optimization_level": 0})


def run(hk, program, *args, seed=0, typed=False, wrap=lambda f: f):
    """Returns what `program(hk)` gives: parameters, state, output, new state."""
    f = hk.transform_with_state(program(hk))
    f = type(f)(*(wrap(function) for function in f))
    key = (jax.random.key if typed else jax.random.PRNGKey)(seed)
    params, state = f.init(key, *args)
    out, new_state = f.apply(params, state, key, *args)
    return params, state, out, new_state


def assert_equal_in_both(program, *args, **options):
    """Checks that a program gives the same with both libraries."""
    ours, theirs = (run(hk, program, *args, **options) for hk in LIBRARIES)
    kinds = ("values", "state", "values", "state")
    for our, their, kind in zip(ours, theirs, kinds):
        assert_as_in_haiku(our, their, kind)
    return ours


def errors_in_both(program, *args, error=ValueError):
    """Checks that a program fails with both libraries; returns our message."""
    messages = []
    for hk in LIBRARIES:
        try:
            run(hk, program, *args)
        except error as caught:
            messages.append(str(caught))
        else:
            raise AssertionError(f"{hk.__name__} raised no {error.__name__}")
    return messages[0]
