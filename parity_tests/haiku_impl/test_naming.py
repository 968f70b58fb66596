"""Modules, parameters and scopes are named as in dm-haiku."""

import jax.numpy as jnp
import pytest

from .beside import LIBRARIES, assert_equal_in_both, errors_in_both


def record_names(hk, names):
    """A module class whose instances note their names, and make one parameter."""

    class Conv2DNet(hk.Module):
        def __init__(self, inner=0, name=None):
            super().__init__(name=name)
            self.inner = [type(self)() for _ in range(inner)]

        def __call__(self):
            names.append(self.module_name)
            hk.get_parameter("w", [], init=jnp.zeros)
            for module in self.inner:
                module()
            return type(self)(name="made_in_call").module_name

        def encode(self):
            return type(self)().module_name

        @hk.name_like("__call__")
        def decode(self):
            return type(self)().module_name

        @hk.transparent
        def clear(self):
            return type(self)().module_name

    return Conv2DNet


PROGRAMS = {
    "numbers": lambda hk, M: [M() for _ in range(3)],
    "explicit number": lambda hk, M: [M(name="foo_40"), M(name="foo"), M(name="foo")],
    "numbers that look odd": lambda hk, M: [
        M(name="w_01"),
        M(name="w_01"),
        M(name="w_0"),
    ],
    "inner": lambda hk, M: [M(inner=2), M(inner=1)],
    "methods": lambda hk, M: [M().encode(), M().decode(), M().clear()],
    "scope": lambda hk, M: in_scope(hk, "a/b", lambda: [M(), M().encode()]),
    "scope of a method": lambda hk, M: in_scope(hk, "a", M, method_name="encode"),
    "scope of __init__": lambda hk, M: in_scope(hk, "a", M, method_name="__init__"),
    "two scopes": lambda hk, M: [in_scope(hk, "a", M), in_scope(hk, "a", M)],
    "forced": lambda hk, M: [M(), M(name=hk.force_name("x/~/y")), M(name="y")],
    "forced twice": lambda hk, M: [
        M(name=hk.force_name("net")),
        M(name=hk.force_name("net")),
    ],
    "forced scope": lambda hk, M: in_scope(hk, hk.force_name("p/q"), M),
}


def in_scope(hk, name, f, **options):
    with hk.name_scope(name, **options):
        return f()


@pytest.mark.parametrize("case", PROGRAMS)
def test_names_and_trees(case):
    lists = []

    def program(hk):
        names = []
        lists.append(names)

        def f():
            result = PROGRAMS[case](hk, record_names(hk, names))
            for made in result if isinstance(result, list) else [result]:
                names.append(made if isinstance(made, str) else made())
            names.append(hk.current_name())

        return f

    assert_equal_in_both(program)
    assert lists[0] == lists[1]
    assert len(lists[0]) > 2


CLASS_NAMES = (
    "MLP",
    "Conv2D",
    "A",
    "ABCNet",
    "LSTMCell2",
    "lower",
    "X1Y",
    "ResNet50V2",
)


@pytest.mark.parametrize("name", CLASS_NAMES)
def test_default_names_are_in_the_same_snake_case(name):
    def program(hk):
        def f():
            type(hk.Module)(name, (hk.Module,), {})()
            with hk.name_scope("s"):
                module = type(hk.Module)(name, (hk.Module,), {})()
                with hk.name_scope(module.name):
                    hk.set_state("x", jnp.zeros([]))

        return f

    assert_equal_in_both(program)


ERRORS = {
    "not unique": lambda hk: (hk.Module(name="foo_2"), hk.Module(name="foo_2")),
    "must be a valid Python identifier": lambda hk: hk.Module(name="1x"),
    "super constructor": lambda hk: type(
        "Bad", (hk.Module,), {"__init__": lambda self: None}
    )(),
    "must not start with /": lambda hk: hk.name_scope("/a").__enter__(),
    "not reusable": lambda hk: enter_twice(hk.name_scope("a")),
}


def enter_twice(scope):
    with scope:
        pass
    with scope:
        pass


@pytest.mark.parametrize("words", ERRORS)
def test_wrong_names_are_errors(words):
    assert words in errors_in_both(lambda hk: lambda: ERRORS[words](hk))


@pytest.mark.parametrize("hk", LIBRARIES, ids=lambda hk: hk.__name__)
def test_outside_a_transform_modules_are_errors(hk):
    with pytest.raises(ValueError, match=r"initialized inside an `hk.transform`"):
        hk.Module()
    with pytest.raises(ValueError, match=r"must be used as part of an `hk\.transform`"):
        hk.current_name()
