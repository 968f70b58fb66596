"""The examples in the docstrings give what they show."""

import doctest
import importlib
import pkgutil

import pytest
from sonnax import haiku_impl

MODULES = [
    info.name
    for info in pkgutil.walk_packages(haiku_impl.__path__, "sonnax.haiku_impl.")
    if not info.ispkg
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    results = doctest.testmod(importlib.import_module(name))
    assert results.failed == 0


def test_public_functions_have_documentation():
    undocumented = [
        name
        for name in haiku_impl.__all__
        if callable(getattr(haiku_impl, name)) and not getattr(haiku_impl, name).__doc__
    ]
    assert undocumented == []
