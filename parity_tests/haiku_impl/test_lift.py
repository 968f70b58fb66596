"""Lifting and stacking of layers give the trees and numbers of dm-haiku."""

import functools

import jax
import jax.numpy as jnp
import pytest

from sonnax import haiku_impl

from .beside import assert_equal_in_both, assert_same, compiled, errors_in_both

X = jnp.arange(6.0).reshape(2, 3)


def from_key(hk):
    """An initialiser that depends on the key, and compiles quickly."""
    return lambda shape, dtype: jnp.full(shape, hk.next_rng_key()[0] % 97, dtype)


def layer(hk):
    """A function with parameters, state and keys."""

    def f(x, y=0.0):
        n = hk.get_state("n", [], init=jnp.zeros)
        hk.set_state("n", n + 1)
        noise = (hk.next_rng_key()[0] % 89).astype(jnp.float32)
        return hk.Linear(3, w_init=from_key(hk))(x) + noise + y + n

    return f


def ensemble(hk):
    member = hk.transform(lambda x: hk.nets.MLP([2, 2])(x))

    def f(x):
        keys = hk.next_rng_keys(4) if hk.running_init() else None
        init = hk.lift(jax.vmap(member.init, in_axes=(0, None)), name="ensemble")
        params = init(keys, x)
        return jax.vmap(member.apply, in_axes=(0, None, None))(params, None, x)

    return f


def with_state(hk, transparent=False, in_module=False):
    inner = hk.transform_with_state(layer(hk))

    def f(x):
        if transparent:
            init, updater = hk.transparent_lift_with_state(inner.init)
        else:
            init, updater = hk.lift_with_state(inner.init, name="inner")
        params, state = init(hk.next_rng_key(), x)
        out, state = inner.apply(params, state, hk.next_rng_key(), x)
        updater.update(state)
        return out

    return hk.to_module(f)(name="outer") if in_module else f


def transparent(hk):
    inner = hk.transform(lambda x: hk.Linear(2)(x))

    def f(x):
        params = hk.transparent_lift(inner.init)(hk.maybe_next_rng_key(), x)
        return inner.apply(params, None, x), hk.Linear(2, name="other")(x)

    return f


class Numbered:
    """Names the modules of layer 3 `linear_3`."""

    def stacked_to_flat(self, stacked_module_name, scan_idx):
        return f"{stacked_module_name}_{scan_idx}"

    def flat_to_stacked(self, unstacked_module_name):
        stem, _, number = unstacked_module_name.rpartition("_")
        return (stem, int(number)) if number.isdigit() else None


def stack(hk, *args, call=(), **options):
    return lambda x: hk.layer_stack(3, **options)(layer(hk))(x, *args, **dict(call))


PROGRAMS = {
    "ensemble": ensemble,
    "state": with_state,
    "state, transparent": functools.partial(with_state, transparent=True),
    "state in a module": lambda hk: lambda x: with_state(hk, in_module=True)(x),
    "state in a module, transparent": lambda hk: (
        lambda x: with_state(hk, True, True)(x)
    ),
    "transparent": transparent,
    "stack": stack,
    "named stack, unrolled": lambda hk: stack(hk, name="tower", unroll=3),
    "stack in reverse": lambda hk: stack(hk, call={"reverse": True}),
    "stack of pairs": lambda hk: (
        lambda x: hk.layer_stack(2)(lambda x, y: (hk.Linear(3)(y), x))(x, x + 1)
    ),
    "stack with inputs": lambda hk: (
        lambda x: hk.layer_stack(3, with_per_layer_inputs=True)(
            lambda x, y: (layer(hk)(x, y), y)
        )(x, jnp.arange(3.0))
    ),
    "stack that knows its direction": lambda hk: (
        lambda x: hk.layer_stack(2, pass_reverse_to_layer_fn=True)(
            lambda x, reverse=False: hk.Linear(3)(-x if reverse else x)
        )(x, reverse=True)
    ),
    "transparent stack": lambda hk: (
        lambda x: hk.Linear(3, name="head")(
            hk.layer_stack(3, transparent=True, transparency_map=Numbered())(
                lambda x: hk.Linear(3)(x)
            )(x)
        )
    ),
}


@pytest.mark.parametrize("case", PROGRAMS)
def test_trees_and_numbers(case):
    def program(hk):
        made = []

        def f(x):
            # Modules are made inside the transformed function.
            made[:] = [PROGRAMS[case](hk)]
            return made[0](x)

        return f

    assert_equal_in_both(program, X, wrap=compiled)


def test_a_transparent_stack_has_the_tree_of_a_loop():
    def loop(x):
        for i in range(3):
            x = haiku_impl.Linear(3, name=f"linear_{i}")(x)
        return x

    stacked = haiku_impl.layer_stack(3, transparent=True, transparency_map=Numbered())
    f = haiku_impl.transform(lambda x: stacked(lambda x: haiku_impl.Linear(3)(x))(x))
    g = haiku_impl.transform(loop)
    params = f.init(jax.random.key(0), X)
    key = jax.random.key(0)
    assert jax.tree.map(jnp.shape, params) == jax.tree.map(jnp.shape, g.init(key, X))
    assert jnp.allclose(f.apply(params, None, X), g.apply(params, None, X), atol=1e-6)


def test_the_state_of_a_transparent_stack_keeps_its_tree():
    def counted(x):
        n = haiku_impl.get_state("n", [], init=jnp.zeros)
        haiku_impl.set_state("n", n + 1)
        return x

    stacked = haiku_impl.layer_stack(3, transparent=True, transparency_map=Numbered())
    f = haiku_impl.transform_with_state(
        lambda x: stacked(lambda x: haiku_impl.to_module(counted)()(x))(x)
    )
    params, state = f.init(jax.random.key(0), X)
    _, new_state = f.apply(params, state, None, X)
    assert_same(new_state, jax.tree.map(lambda n: n + 1, state))


def use_twice(hk):
    _, updater = hk.lift_with_state(lambda: ({}, {}))
    updater.ignore_update()
    updater.ignore_update()


def clash(hk):
    hk.lift(lambda: {"a": {"w": X}})()
    hk.lift(lambda: {"a": {"w": X}}, name=hk.force_name("lifted"))()


def closed_over(hk):
    module = hk.Linear(2)
    inner = hk.transform(lambda x: module(x))
    hk.transparent_lift(inner.init)(hk.next_rng_key(), X)


ERRORS = {
    "must be used": lambda hk: hk.lift_with_state(lambda: ({}, {})),
    "must only be used once": use_twice,
    "already exists": clash,
    "hk.lift_with_state": lambda hk: hk.lift(lambda: ({}, {}))(),
    "close over a module": closed_over,
    "transparency_map must be provided": lambda hk: hk.layer_stack(2, transparent=True),
    "should not have any `varargs`": lambda hk: hk.layer_stack(2)(lambda *xs: xs)(X),
}


@pytest.mark.parametrize("words", ERRORS)
def test_wrong_use_is_an_error(words):
    assert words in errors_in_both(lambda hk: lambda: ERRORS[words](hk))


def test_an_input_of_the_wrong_length_is_an_error():
    def program(hk):
        stacked = hk.layer_stack(3, with_per_layer_inputs=True)
        return lambda: stacked(lambda x, y: (x, y))(X, jnp.zeros([2]))

    assert "2 != 3" in errors_in_both(program, error=AssertionError)
