"""What `inspect` and `help` say of each public name, and how much is left untyped."""

import ast
import collections
import inspect
import pydoc

import pytest

from sonnax import compat as snt
from sonnax import haiku_impl as hk
from sonnax.parity_tests import public

NAMES = public.names()
CLASSES = {name: value for name, value in NAMES.items() if inspect.isclass(value)}
MODULES = {
    name: cls
    for name, cls in CLASSES.items()
    if issubclass(cls, snt.Module | hk.Module)
}
SIMPLE = {
    name: value
    for name, value in NAMES.items()
    if not inspect.isclass(value) and public.declared(value) is not None
}

# Each may have as many arguments of any type as this, for these reasons:
# what is passed on (`*args` of `build`, `jit`, `BatchApply`, ...); what is accepted
# and not used (`cross_device_ops`); objects of any class (`restore`'s root).
ANY_ARGUMENTS = {
    "snt": 25,
    "hk": 28,
    "rlax": 17,
    "trfl": 18,
    "converters": 11,
    "parity": 2,
}


def test_the_walk_finds_the_public_names():
    expected = {"snt.Linear", "snt.nets.MLP", "hk.nets.MLP", "rlax.huber_loss"}
    expected |= {"trfl.qlearning", "converters.restore", "parity.compare"}
    assert expected <= set(NAMES)
    assert len(NAMES) > 500
    assert len(MODULES) > 90


@pytest.mark.parametrize("name", MODULES)
def test_a_module_shows_the_arguments_of_its_constructor(name):
    cls = MODULES[name]
    constructor = list(inspect.signature(cls.__init__).parameters)
    assert list(inspect.signature(cls).parameters) == constructor[1:]


@pytest.mark.parametrize("name", MODULES)
def test_help_of_a_constructor_explains_the_arguments_of_its_class(name):
    cls = MODULES[name]
    arguments = list(inspect.signature(cls).parameters)
    if arguments == ["name"]:
        return
    documentation = inspect.getdoc(cls.__init__) or ""
    bases = {inspect.getdoc(module.__init__) for module in (snt.Module, hk.Module)}
    assert documentation not in bases
    assert [a for a in arguments if f"{a}:" not in documentation] == []


@pytest.mark.parametrize("name", SIMPLE)
def test_a_function_shows_its_own_arguments(name):
    shown = set(inspect.signature(SIMPLE[name]).parameters)
    assert "self" not in shown
    assert shown != {"args", "kwargs"}


@pytest.mark.parametrize("name", NAMES)
def test_help_says_what_it_is(name):
    own = vars(NAMES[name]).get("__doc__") or NAMES[name].__doc__
    assert own, f"{name} has no docstring"
    first = own.strip().splitlines()[0]
    assert first in pydoc.render_doc(NAMES[name], renderer=pydoc.plaintext)


@pytest.mark.parametrize("face", public.FACES)
def test_few_arguments_are_of_any_type(face):
    untyped = collections.Counter()
    for name, function in public.functions().items():
        if name.split(".")[0] == face:
            for argument in public.arguments(public.declared(function)):
                said = argument.annotation and ast.unparse(argument.annotation)
                untyped[name] += said in (None, "Any")
    found = {name: number for name, number in untyped.items() if number}
    assert sum(found.values()) <= ANY_ARGUMENTS[face], found
