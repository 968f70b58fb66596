"""Every name of TRFL is here, with the same parameters, and an example."""

import inspect
import types

import pytest

from sonnax.parity_tests.trfl.trfl_parity import OURS, their_trfl

trfl = OURS.trfl
PUBLIC = [name for name in dir(their_trfl) if not name.startswith("_")]


@pytest.mark.parametrize("name", PUBLIC)
def test_every_name_is_here_with_the_same_parameters(name):
    ours, theirs = getattr(trfl, name), getattr(their_trfl, name)
    if isinstance(theirs, types.ModuleType):
        assert isinstance(ours, types.ModuleType)
        return
    assert name in trfl.__all__
    parameters = [
        [(p.name, p.kind, p.default) for p in inspect.signature(f).parameters.values()]
        for f in (ours, theirs)
    ]
    assert parameters[0] == parameters[1]


def test_the_functions_of_the_modules_are_here_with_the_same_parameters():
    for name in PUBLIC:
        module = getattr(their_trfl, name)
        if not isinstance(module, types.ModuleType):
            continue
        for attribute, theirs in vars(module).items():
            if attribute.startswith("_") or not inspect.isfunction(theirs):
                continue
            ours = getattr(getattr(trfl, name), attribute)
            assert list(inspect.signature(ours).parameters) == list(
                inspect.signature(theirs).parameters
            ), attribute


def test_the_named_tuples_of_the_modules_have_the_same_fields():
    for name in PUBLIC:
        module = getattr(their_trfl, name)
        for attribute, value in vars(module).items():
            if isinstance(module, types.ModuleType) and hasattr(value, "_fields"):
                ours = getattr(getattr(trfl, name), attribute)
                assert ours._fields == value._fields


def test_every_public_function_has_an_example():
    for name in trfl.__all__:
        function = getattr(trfl, name)
        if inspect.isfunction(function):
            assert ">>>" in (function.__doc__ or ""), name
