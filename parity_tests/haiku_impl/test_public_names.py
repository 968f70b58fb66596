"""Every public name of dm-haiku exists, and is called in the same way."""

import inspect

import pytest

from sonnax import haiku_impl as hk
from sonnax.parity_tests import surface

NAMESPACES = {n.prefix: n for n in surface.namespaces("haiku_impl")}

EXTRAS = (
    "JaxUsageError",
    "MissingRNGError",
    "NonEmptyStateError",
    "StateChangedError",
    "get_original_fn",
    "jit",
    "new_context",
    "params_frozen",
)

# Functions: that their arguments have other annotations doesn't matter.
KINDS = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def shape_of_call(f):
    return [
        (p.name, p.kind, p.default is inspect.Parameter.empty)
        for p in inspect.signature(f).parameters.values()
    ]


def simple_defaults(f):
    return {
        p.name: p.default
        for p in inspect.signature(f).parameters.values()
        if isinstance(p.default, int | float | str | None)
    }


@pytest.mark.parametrize("path", NAMESPACES)
def test_every_public_name_exists(path):
    names = surface.public_names("haiku_impl", NAMESPACES[path])
    assert [n for n in names if not hasattr(NAMESPACES[path].ours, n)] == []


@pytest.mark.parametrize("name", EXTRAS)
def test_names_that_are_private_in_haiku_are_public(name):
    assert name in hk.__all__


def test_the_walk_finds_the_namespaces():
    assert {"hk.nets", "hk.pad", "hk.experimental.jaxpr_info"} <= set(NAMESPACES)
    assert len(list(pairs())) > 200


def test_everything_in_all_exists_once():
    assert len(set(hk.__all__)) == len(hk.__all__)
    assert [name for name in hk.__all__ if not hasattr(hk, name)] == []


def pairs():
    for namespace in NAMESPACES.values():
        for name in surface.public_names("haiku_impl", namespace):
            yield name, getattr(namespace.theirs, name), getattr(namespace.ours, name)


def signature_differences():
    for name, theirs, ours in pairs():
        if not callable(theirs) or isinstance(theirs, type(list[int])):
            continue
        members = [(name, theirs, ours)]
        if inspect.isclass(theirs):
            members += [
                (
                    f"{name}.{method}",
                    getattr(theirs, method),
                    getattr(ours, method, None),
                )
                for method, f in vars(theirs).items()
                if inspect.isfunction(f)
                and (not method.startswith("_") or method == "__call__")
            ]
        for label, their, our in members:
            if our is None:
                yield label, "missing"
                continue
            try:
                expected = shape_of_call(their), simple_defaults(their)
            except (TypeError, ValueError):
                continue  # typing aliases
            found = shape_of_call(our), simple_defaults(our)
            if found != expected:
                yield label, inspect.signature(our), inspect.signature(their)


def test_calls_have_the_same_signatures():
    assert list(signature_differences()) == []


def test_public_functions_have_documentation():
    public = {name: getattr(hk, name) for name in hk.__all__}
    called = {name: value for name, value in public.items() if callable(value)}
    assert not [name for name, value in called.items() if not value.__doc__]
