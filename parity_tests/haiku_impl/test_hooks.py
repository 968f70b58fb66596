"""Creators, getters, setters and interceptors run as in dm-haiku."""

import jax
import jax.numpy as jnp
import pytest

from sonnax import haiku_impl

from .beside import LIBRARIES, assert_equal_in_both, errors_in_both


def logged(log, text, dtype=None):
    """A creator that notes what it is told."""

    def creator(next_creator, shape, dtype_, init, context):
        log.append((text, tuple(shape), jnp.dtype(dtype_).name, context.full_name))
        log.append((context.module_name, context.name, context.lifted_prefix_name))
        log.append((tuple(context.original_shape), init is context.original_init))
        return next_creator(shape, dtype or dtype_, init)

    return creator


def cast(log, dtype):
    """A getter that changes the dtype."""

    def getter(next_getter, value, context):
        log.append(
            (jnp.dtype(dtype).name, value.dtype.name, type(context.module).__name__)
        )
        return next_getter(value.astype(dtype))

    return getter


def doubled(log):
    """A setter that doubles."""

    def setter(next_setter, value, context):
        log.append(
            (context.full_name, context.original_shape, str(context.original_dtype))
        )
        return next_setter(jax.tree.map(lambda x: 2 * x, value))

    return setter


def traced(log, add):
    """An interceptor that changes the result."""

    def interceptor(next_f, args, kwargs, context):
        fields = (context.method_name, type(context.module).__name__, len(context))
        log.append((add, fields, context.orig_class.__name__, sorted(kwargs)))
        out = next_f(*args, **kwargs)
        return out if out is None else add * out + 1

    return interceptor


def scale(hk):
    """A module with a parameter, state, and a property."""

    class Scale(hk.Module):
        @property
        def size(self):
            return 3.0

        def __call__(self, x, *, bias=0.0):
            w = hk.get_parameter("w", [], init=hk.initializers.RandomNormal())
            n = hk.get_state("n", [], init=jnp.zeros)
            hk.set_state("n", n + 1)
            return x * w + bias + self.size

    return Scale


HOOKS = {
    "creators": lambda hk, log: [
        hk.custom_creator(logged(log, "outer", jnp.bfloat16)),
        hk.custom_creator(logged(log, "inner"), params=True, state=True),
    ],
    "creators of state": lambda hk, log: [
        hk.custom_creator(logged(log, "state", jnp.float16), params=False, state=True)
    ],
    "getters": lambda hk, log: [
        hk.custom_getter(cast(log, jnp.bfloat16)),
        hk.custom_getter(cast(log, jnp.float16), state=True),
    ],
    "setters": lambda hk, log: [
        hk.custom_setter(doubled(log)),
        hk.custom_setter(doubled(log)),
    ],
    "interceptors": lambda hk, log: [
        hk.intercept_methods(traced(log, 2.0)),
        hk.intercept_methods(traced(log, 5.0)),
    ],
}


@pytest.mark.parametrize("case", HOOKS)
def test_order_arguments_and_effect(case):
    logs = []

    def program(hk):
        log = []
        logs.append(log)

        def f():
            first, *rest = [*HOOKS[case](hk, log)]
            second = rest[0] if rest else hk.name_scope("s")
            with first, second:
                module = scale(hk)()
                return module(jnp.float32(2), bias=1.0), module(jnp.float32(3))

        return f

    assert_equal_in_both(program)
    assert logs[0] == logs[1]
    assert logs[0]


def test_a_creator_and_a_getter_can_keep_a_parameter_out_of_the_trees():
    def program(hk):
        def creator(next_creator, shape, dtype, init, context):
            return hk.DO_NOT_STORE

        def getter(next_getter, value, context):
            assert value is hk.DO_NOT_STORE
            return next_getter(
                context.original_init(context.original_shape, jnp.float32)
            )

        def f():
            with hk.custom_creator(creator), hk.custom_getter(getter):
                return hk.get_parameter("w", [2], init=jnp.ones)

        return f

    params, *_ = assert_equal_in_both(program)
    assert params == {}


def test_a_setter_can_keep_state_out_of_the_trees():
    def program(hk):
        def f():
            with hk.custom_setter(lambda next_setter, value, context: hk.DO_NOT_STORE):
                hk.set_state("x", jnp.ones([]))

        return f

    _, state, *_ = assert_equal_in_both(program)
    assert state == {}


ERRORS = {
    "set an init function": lambda hk: hk.get_state("x"),
    "provide shape and dtype": lambda hk: hk.get_state("x", init=jnp.zeros),
    "Initializer must be specified": lambda hk: hk.get_parameter("x", []),
    "cannot be `None`": lambda hk: hk.get_parameter("x", [], init=lambda *_: None),
    "does not match": lambda hk: hk.get_parameter(
        "x", [2], init=lambda *_: jnp.ones([3])
    ),
}


@pytest.mark.parametrize("words", ERRORS)
def test_wrong_use_is_an_error(words):
    assert words in errors_in_both(lambda hk: lambda: ERRORS[words](hk))


@pytest.mark.parametrize("name", ["custom_creator", "custom_getter", "custom_setter"])
def test_outside_a_transform_they_are_errors(name):
    for hk in LIBRARIES:
        with pytest.raises(
            ValueError, match=r"must be used as part of an `hk\.transform`"
        ):
            getattr(hk, name)(lambda *args: None)


def test_an_exception_removes_the_hook():
    def f():
        try:
            with haiku_impl.custom_getter(cast([], jnp.float16)):
                raise KeyError
        except KeyError:
            pass
        return haiku_impl.get_parameter("w", [], init=jnp.ones)

    f = haiku_impl.transform(f)
    assert f.apply(f.init(None), None).dtype == jnp.float32
