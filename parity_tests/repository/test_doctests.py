"""The examples in the docstrings."""

import doctest
import importlib
import pkgutil

import pytest
import sonnax

# Programs, not modules to import: one trains the demo's model under TensorFlow.
_PROGRAMS = ("sonnax.demo.train_sonnet", "sonnax.cli.__main__")
_SUBPACKAGES = ("cli", "compat", "converters", "demo", "haiku_impl", "rlax_impl")


def modules():
    for name in _SUBPACKAGES:
        package = importlib.import_module(f"sonnax.{name}")
        yield package.__name__
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if info.name not in _PROGRAMS:
                yield info.name


@pytest.mark.parametrize("name", modules())
def test_examples_print_what_they_say(name):
    module = importlib.import_module(name)
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    failures, _ = doctest.testmod(module, optionflags=flags, verbose=False)
    assert failures == 0


def test_there_are_examples_in_every_subpackage():
    finder = doctest.DocTestFinder()
    for name in _SUBPACKAGES:
        found = [
            test
            for module in modules()
            if module.startswith(f"sonnax.{name}")
            for test in finder.find(importlib.import_module(module))
            if test.examples
        ]
        assert found or name in ("cli", "demo"), f"no examples in sonnax.{name}"


def test_the_version_is_a_version():
    assert sonnax.__version__.count(".") == 2
