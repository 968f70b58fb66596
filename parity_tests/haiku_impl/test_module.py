"""Modules: what their metaclass keeps, adds and refuses."""

import abc
import dataclasses
import inspect
from typing import Protocol

import jax
import jax.numpy as jnp
import pytest

from sonnax import haiku_impl

from .beside import LIBRARIES, assert_equal_in_both

X = jnp.ones([1, 2])


def in_transform(hk, f):
    return hk.testing.transform_and_run(f)()


REPRS = {
    "positional": lambda hk: hk.Linear(3),
    "default left out": lambda hk: hk.Linear(3, with_bias=True),
    "by name": lambda hk: hk.Linear(output_size=3, with_bias=False),
    "name": lambda hk: hk.nets.MLP([3, 2], name="net"),
    "array": lambda hk: hk.Embed(embedding_matrix=jnp.ones([2, 2])),
    "long": lambda hk: hk.nets.MLP([100] * 20, activation=None, name="a_long_name"),
}


@pytest.mark.parametrize("case", REPRS)
def test_repr_is_the_call_that_made_the_module(case):
    texts = [in_transform(hk, lambda hk=hk: repr(REPRS[case](hk))) for hk in LIBRARIES]
    assert texts[0] == texts[1]


def test_repr_works_inside_the_constructor_and_can_be_turned_off():
    for hk in LIBRARIES:
        seen = []

        class Noted(hk.Module):
            def __init__(self, size, seen=seen):
                super().__init__()
                seen.append(repr(self))

        class Plain(hk.Module):
            AUTO_REPR = False

        in_transform(hk, lambda Noted=Noted: Noted(3))
        assert seen[0].startswith("Noted(size=3")
        assert "Plain object at" in in_transform(hk, lambda Plain=Plain: repr(Plain()))


def test_classes_keep_the_signature_of_their_constructor():
    for hk in LIBRARIES:

        class Sized(hk.Module):
            def __init__(self, size: int, *, flag: bool = False, name=None):
                super().__init__(name=name)

        assert str(inspect.signature(Sized)) == (
            "(size: int, *, flag: bool = False, name=None)"
        )


def test_modules_may_be_abstract_or_implement_a_protocol():
    class Callable1(Protocol):
        def __call__(self, x): ...

    for hk in LIBRARIES:

        class Base(hk.Module, abc.ABC):
            @abc.abstractmethod
            def __call__(self, x): ...

        class Derived(Base, Callable1):
            def __call__(self, x, hk=hk):
                return hk.Linear(1)(x)

        with pytest.raises(TypeError, match="abstract"):
            in_transform(hk, lambda Base=Base: Base())
        assert in_transform(hk, lambda Derived=Derived: Derived()(X)).shape == (1, 1)
        assert in_transform(
            hk, lambda hk=hk, D=Derived: isinstance(D(), hk.SupportsCall)
        )


def test_a_module_may_be_a_dataclass():
    def program(hk):
        @dataclasses.dataclass
        class Net(hk.Module):
            size: int
            name: str | None = None

            def __call__(self, x):
                return hk.Linear(self.size)(x)

        return lambda x: (Net(2)(x), Net(3, name="other")(x))

    assert_equal_in_both(program, X)


def counter(hk):
    class Counter(hk.Module):
        def __init__(self):
            super().__init__()
            self.inner = hk.Linear(2)

        @property
        def count(self):
            return hk.get_state("count", [], init=jnp.zeros)

        @staticmethod
        def double(x):
            return 2 * x

        @classmethod
        def make(cls):
            return cls()

        def __call__(self, x):
            hk.set_state("count", self.count + 1)
            return self.double(self.inner(x)), self.params_dict(), self.state_dict()

    return Counter


def test_properties_static_and_class_methods_and_dicts_of_parameters():
    assert_equal_in_both(lambda hk: lambda x: counter(hk).make()(x), X)


def test_submodules_made_elsewhere_belong_to_the_module_that_calls_them():
    def program(hk):
        def f(x):
            inner = hk.Linear(2, name="shared")

            class Outer(hk.Module):
                def __call__(self, x):
                    return inner(x)

            outer = Outer()
            out = outer(x)
            return out, outer.params_dict()

        return f

    params_dict = assert_equal_in_both(program, X)[2][1]
    assert sorted(params_dict) == ["shared/b", "shared/w"]


def test_an_exception_in_a_method_leaves_its_scope():
    class Failing(haiku_impl.Module):
        def __call__(self):
            raise KeyError("expected")

    def f():
        with pytest.raises(KeyError):
            Failing()()
        return haiku_impl.current_name(), haiku_impl.Linear(1).module_name

    assert in_transform(haiku_impl, f) == ("~", "linear")


def test_to_module_names_its_modules_after_the_function():
    def program(hk):
        def scale(x):
            return x * hk.get_parameter("s", [], init=jnp.ones)

        Scale = hk.to_module(scale)
        return lambda x: Scale(name="gain")(x) + Scale()(x) + Scale()(x)

    params = assert_equal_in_both(program, X)[0]
    assert list(params) == ["gain", "scale", "scale_1"]
    for hk in LIBRARIES:
        with pytest.raises(TypeError, match="Expected a string name"):
            in_transform(hk, lambda hk=hk: hk.to_module(jnp.sin)(X))


def test_modules_appear_in_the_name_scopes_of_operations():
    def scopes(hk):
        f = hk.transform(lambda x: hk.nets.MLP([2])(x))
        jaxpr = jax.make_jaxpr(f.apply)(f.init(jax.random.PRNGKey(0), X), None, X)
        return [str(eqn.source_info.name_stack) for eqn in jaxpr.jaxpr.eqns]

    ours, theirs = (scopes(hk) for hk in LIBRARIES)
    assert ours == theirs
    assert "mlp/linear_0" in ours
