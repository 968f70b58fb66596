"""hk.grad, hk.scan, hk.cond and the like give what they give in dm-haiku."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sonnax import haiku_impl

from .beside import (
    LIBRARIES,
    assert_equal_in_both,
    assert_same,
    compiled,
    errors_in_both,
    run,
)


def from_key(key):
    """A number that depends on the key, and compiles quickly."""
    data = key if key.dtype == jnp.uint32 else jax.random.key_data(key)
    return (data[0] % 97).astype(jnp.float32) / 97


def counting(hk):
    """A function with a parameter, state and a random draw."""

    def f(x):
        w = hk.get_parameter("w", [], init=lambda *_: from_key(hk.next_rng_key()))
        n = hk.get_state("n", [], jnp.int32, jnp.zeros)
        hk.set_state("n", n + 1)
        hk.set_state("last", x)
        noise = from_key(hk.next_rng_key())
        return (w * x + noise) * (n + 1)

    return hk.to_module(f)


def made_first(hk, m, x, use):
    """Calls the module once before `use`, so that its parameters exist."""
    m(x)
    return use()


def either(hk, at_init, at_apply):
    return at_init() if hk.running_init() else at_apply()


X = jnp.float32(1.5)
XS = jnp.arange(4.0)

USES = {
    "grad": lambda hk, m: hk.grad(m)(X),
    "grad with aux": lambda hk, m: hk.grad(lambda x: (m(x), x), has_aux=True)(X),
    "value_and_grad": lambda hk, m: hk.value_and_grad(m)(X),
    "value_and_grad with aux": lambda hk, m: hk.value_and_grad(
        lambda x, y: (m(x) * y, y), argnums=(0, 1), has_aux=True
    )(X, X),
    "remat": lambda hk, m: hk.grad(hk.remat(m))(X),
    "remat twice": lambda hk, m: [
        hk.remat(lambda x: type(m)()(x))(X) for _ in range(2)
    ],
    "eval_shape": lambda hk, m: (m(X), hk.eval_shape(m, X).shape),
    "fast_eval_shape": lambda hk, m: (
        m(X),
        hk.experimental.fast_eval_shape(m, X).shape,
    ),
    "scan": lambda hk, m: hk.scan(lambda c, x: (c + m(x), c), jnp.float32(0), XS),
    "scan in reverse": lambda hk, m: hk.scan(
        lambda c, x: (m(c + x), m(c)), jnp.float32(0), XS, reverse=True, unroll=2
    ),
    "scan by length": lambda hk, m: hk.scan(lambda c, _: (m(c), ()), X, None, length=3),
    "scan of nothing": lambda hk, m: hk.scan(
        lambda c, x: (c, m(x)), (), jnp.zeros([0])
    ),
    "scan of one": lambda hk, m: hk.scan(lambda c, x: (c, m(x)), (), XS[:1]),
    "map": lambda hk, m: hk.map(m, XS),
    "fori_loop": lambda hk, m: hk.fori_loop(0, 3, lambda i, x: m(x) + i, X),
    "fori_loop of one": lambda hk, m: hk.fori_loop(2, 3, lambda i, x: m(x), X),
    "while_loop": lambda hk, m: either(
        hk, lambda: m(X), lambda: hk.while_loop(lambda x: x < 50, lambda x: m(x) + 9, X)
    ),
    "cond": lambda hk, m: made_first(
        hk, m, X, lambda: hk.cond(X > 1, m, lambda x: m(m(x)), X)
    ),
    "cond of two": lambda hk, m: made_first(
        hk, m, X, lambda: hk.cond(X > 2, lambda a, b: m(a), lambda a, b: b, X, X)
    ),
    "cond, the older form": lambda hk, m: made_first(
        hk, m, X, lambda: hk.cond(X > 2, X, m, X + 1, lambda x: x)
    ),
    "cond by name": lambda hk, m: made_first(
        hk, m, X, lambda: hk.cond(X > 2, m, m, operand=X)
    ),
    "switch": lambda hk, m: made_first(
        hk, m, X, lambda: hk.switch(jnp.int32(1), [m, lambda x: m(x + 1), m], X)
    ),
    "vmap": lambda hk, m: made_first(
        hk, m, X, lambda: hk.vmap(lambda x: (x, hk.next_rng_key()), split_rng=False)(XS)
    ),
    "vmap with split keys": lambda hk, m: either(
        hk,
        lambda: m(X),
        lambda: hk.vmap(
            lambda x, y: x * y + from_key(hk.next_rng_key()),
            in_axes=(0, None),
            split_rng=True,
        )(XS, X),
    ),
    "vmap over the last axis": lambda hk, m: hk.vmap(
        lambda x: jax.lax.pmean(x, "i"),
        in_axes=1,
        out_axes=1,
        axis_name="i",
        split_rng=False,
    )(jnp.ones([3, 4])),
    "names after a transform": lambda hk, m: (
        hk.grad(lambda x: type(m)()(x))(X),
        type(m)()(X),
    ),
}


LOOPS = ("scan", "fori_loop", "while_loop", "cond", "switch")


@pytest.mark.parametrize(
    ("use", "reserve"), [*((use, 1) for use in USES), *((use, 4) for use in LOOPS)]
)
def test_values_state_and_keys(use, reserve):
    def program(hk):
        def f():
            with hk.config.context(rng_reserve_size=reserve):
                module = counting(hk)(name="m")
                return USES[use](hk, module), hk.next_rng_key()

        return f

    assert_equal_in_both(program, wrap=compiled)


@pytest.mark.parametrize("use", USES)
def test_nothing_leaks_and_nothing_is_refused(use):
    def f():
        return USES[use](haiku_impl, counting(haiku_impl)(name="m"))

    f = haiku_impl.transform_with_state(f)
    key = jax.random.key(0)
    with jax.checking_leaks(), haiku_impl.config.context(check_jax_usage=True):
        params, state = jax.eval_shape(f.init, key)
        _, new_state = jax.eval_shape(f.apply, params, state, key)
    assert jax.tree.structure(new_state) == jax.tree.structure(state)


@pytest.mark.parametrize("typed", [False, True])
def test_jit_reads_and_writes_what_surrounds_it(typed):
    def plain(f):
        return f

    results = []
    for wrap in (haiku_impl.jit, plain):

        def program(hk, wrap=wrap):
            def f(x):
                m = counting(hk)(name="m")
                g = wrap(m) if hk.params_frozen() else m
                return g(x), g(x + 1), m(x)

            return f

        results.append(run(haiku_impl, program, X, typed=typed, wrap=compiled))
    for ours, expected in zip(*results):
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), ours, expected
        )


def test_a_branch_used_twice_is_traced_once():
    for hk in LIBRARIES:
        calls = []

        def branch(x, calls=calls):
            calls.append(x)
            return x

        def f(hk=hk, branch=branch):
            hk.switch(0, [branch, branch, branch], X)

        hk.transform(f).apply({}, None)
        assert len(calls) == 1


def test_loops_take_no_more_equations_than_haiku():
    def program(hk):
        def f(xs):
            m = counting(hk)(name="m")
            m(xs[0])
            return hk.scan(lambda c, x: (c, m(x)), (), xs)

        return f

    counts = []
    for hk in LIBRARIES:
        f = hk.transform_with_state(program(hk))
        key = jax.random.PRNGKey(0)
        params, state = f.init(key, XS)
        jaxpr = jax.make_jaxpr(f.apply)(params, state, key, XS)
        counts.append(str(jaxpr).count("="))
    assert counts[0] <= counts[1]


OUTSIDE = {
    "grad": lambda hk: hk.grad(jnp.square)(X),
    "value_and_grad": lambda hk: hk.value_and_grad(jnp.square)(X),
    "remat": lambda hk: hk.remat(jnp.square)(X),
    "cond": lambda hk: hk.cond(True, jnp.sin, jnp.cos, X),
    "switch": lambda hk: hk.switch(0, [jnp.sin, jnp.cos], X),
    "scan": lambda hk: hk.scan(lambda c, x: (c, x), (), XS),
    "fori_loop": lambda hk: hk.fori_loop(0, 3, lambda i, x: x, X),
    "eval_shape": lambda hk: hk.eval_shape(jnp.sin, X),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_outside_a_transform_the_error_names_jax_own_function(name):
    for hk in LIBRARIES:
        with pytest.raises(ValueError, match=r"not be used outside of hk\.transform"):
            OUTSIDE[name](hk)
    with pytest.raises(ValueError, match=rf"Use jax\.(lax\.)?{name}\(\) instead"):
        OUTSIDE[name](haiku_impl)


ERRORS = {
    "does not support initialization": lambda hk: hk.while_loop(
        lambda x: x < 1, lambda x: x + 1, 0
    ),
    "split_rng to True during initialization": lambda hk: hk.vmap(
        lambda x: counting(hk)()(x), split_rng=True
    )(XS),
    "at least one non-None value in in_axes": lambda hk: hk.vmap(
        jnp.sin, in_axes=None, split_rng=False
    ),
    "cannot also pass operands": lambda hk: hk.cond(
        True, jnp.sin, jnp.cos, 1.0, operand=1.0
    ),
}


@pytest.mark.parametrize("words", ERRORS)
def test_wrong_use_is_an_error(words):
    assert words in errors_in_both(lambda hk: lambda: ERRORS[words](hk))


@pytest.mark.parametrize(
    "condition",
    [lambda hk, x: bool(hk.set_state("s", x)), lambda hk, x: hk.next_rng_key()],
)
def test_a_condition_that_writes_is_an_error(condition):
    def program(hk):
        def f():
            if not hk.running_init():
                hk.while_loop(lambda x: condition(hk, x), lambda x: x, X)

        return f

    words = errors_in_both(program)
    assert (
        "does not support `hk.set_state`, `hk.next_rng_key` (et al) in `cond_fun`"
        in words
    )


def test_a_branch_that_makes_parameters_is_an_error():
    def program(hk):
        return lambda: hk.cond(False, counting(hk)(), lambda x: x, X)

    errors_in_both(program, error=TypeError)


def test_new_parameters_in_a_later_step_are_an_error():
    def program(hk):
        def f():
            names = iter("abc")

            def make(c, x):
                return c, hk.get_parameter(next(names), [], init=jnp.zeros)

            hk.scan(make, (), XS)

        return f

    errors_in_both(program, error=AssertionError)


def test_split_rng_can_be_made_optional():
    for hk in LIBRARIES:

        def f(hk=hk):
            return hk.vmap(hk.next_rng_key, axis_size=2)()

        with pytest.raises(TypeError, match=r"hk\.vmap\.require_split_rng = False"):
            hk.transform(f).apply({}, 0)
        hk.vmap.require_split_rng = False
        try:
            first, second = hk.transform(f).apply({}, 0)
        finally:
            hk.vmap.require_split_rng = True
        assert_same(first, second)


def test_plain_jax_transforms_are_refused_where_that_is_checked():
    def program(hk):
        def f():
            with hk.config.context(check_jax_usage=True):
                jax.vmap(lambda x: hk.set_state("x", x))(XS)

        return f

    errors_in_both(program)
    with pytest.raises(haiku_impl.JaxUsageError, match=r"hk\.vmap"):
        haiku_impl.transform_with_state(program(haiku_impl)).init(None)


def test_a_leaked_tracer_is_explained():
    def program(hk):
        def f():
            def leak(x):
                hk.set_state("x", x)
                return x

            jax.jit(leak)(X)
            return hk.get_state("x") + 1

        return f

    words = errors_in_both(program, error=jax.errors.UnexpectedTracerError)
    assert "want to use the Haiku version" in words
