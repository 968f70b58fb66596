"""The examples in compat.trfl's docstrings."""

import doctest
import importlib
import inspect
import pkgutil

from sonnax.compat import trfl


def test_the_examples_give_what_they_show():
    modules = [trfl] + [
        importlib.import_module(f"{trfl.__name__}.{module.name}")
        for module in pkgutil.iter_modules(trfl.__path__)
    ]
    for module in modules:
        assert doctest.testmod(module).failed == 0, module.__name__


def test_every_public_function_has_an_example():
    for name in trfl.__all__:
        function = getattr(trfl, name)
        if inspect.isfunction(function):
            assert ">>>" in (function.__doc__ or ""), name
