"""The examples in the docstrings."""

import doctest
import importlib
import pkgutil

import pytest

# Programs, not modules to import: one trains the demo's model under TensorFlow.
_PROGRAMS = (
    "sonnax.demo.train_sonnet",
    "sonnax.parity.recorder.__main__",
)
_SUBPACKAGES = (
    *("cli", "compat", "converters", "demo", "haiku_impl", "parity", "rlax_impl"),
)


def modules():
    yield "sonnax._printable"
    for name in _SUBPACKAGES:
        package = importlib.import_module(f"sonnax.{name}")
        yield package.__name__
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if info.name not in _PROGRAMS:
                yield info.name


@pytest.mark.parametrize("name", list(modules()))
def test_examples_print_what_they_say(name):
    module = importlib.import_module(name)
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    failures, _ = doctest.testmod(module, optionflags=flags, verbose=False)
    assert failures == 0
