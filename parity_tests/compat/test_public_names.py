"""Every public name of Sonnet, and every argument of its constructors."""

import inspect

import pytest

from sonnax.parity_tests import surface

NAMESPACES = {n.prefix: n for n in surface.namespaces("compat")}
CALLABLES = {
    f"{prefix}.{key}": (getattr(n.theirs, key), getattr(n.ours, key, None))
    for prefix, n in NAMESPACES.items()
    for key in surface.public_names("compat", n)
    if callable(getattr(n.theirs, key))
}


def test_the_version_is_the_one_of_the_api():
    theirs = NAMESPACES["snt"].theirs.__version__
    assert NAMESPACES["snt"].ours.__version__ == theirs == "2.0.2"


def test_the_walk_finds_the_namespaces():
    assert {"snt", "snt.nets", "snt.optimizers", "snt.pad"} <= set(NAMESPACES)
    assert len(CALLABLES) > 90


@pytest.mark.parametrize("name", NAMESPACES)
def test_every_name_is_there(name):
    names = surface.public_names("compat", NAMESPACES[name])
    assert [key for key in names if not hasattr(NAMESPACES[name].ours, key)] == []


@pytest.mark.parametrize("name", CALLABLES)
def test_every_argument_is_there(name):
    theirs, ours = CALLABLES[name]
    assert callable(ours)
    expected = parameters(theirs)
    if expected is None:
        pytest.skip("no signature in Sonnet")
    actual = parameters(ours)
    for key, parameter in expected.items():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        assert key in actual, f"{name} has no argument {key}: {list(actual)}"
        if is_plain(parameter.default):
            assert actual[key].default == parameter.default, (name, key)
        if parameter.default is parameter.empty:
            assert actual[key].default is actual[key].empty, (name, key)
    order = [key for key, p in expected.items() if p.kind == p.POSITIONAL_OR_KEYWORD]
    positional = [k for k, p in actual.items() if p.kind == p.POSITIONAL_OR_KEYWORD]
    assert positional[: len(order)] == order, name


def parameters(function):
    if isinstance(function, type):
        function = function.__init__
    try:
        found = dict(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return None
    found.pop("self", None)
    return found


def is_plain(value):
    return isinstance(value, bool | int | float | str | tuple | slice | None)
