"""Modules nested deeper than Python's stack: searched, or refused by name."""

import copy
import pickle
import sys

import jax.numpy as jnp
import pytest

from sonnax import compat as snt
from sonnax.compat.core.depth import TooDeepError
from sonnax.compat.core.module import flatten

DEPTH = 5000


class Link(snt.Module):
    """A module inside a module, in a list, as deep as one likes."""

    def __init__(self, inner):
        super().__init__()
        self.w = snt.Variable(1.0, name="w")
        self.inner = [inner]

    def __call__(self, x):
        return self.w * self.inner[0](x) if self.inner[0] else x


def chain(depth):
    link = None
    for _ in range(depth):
        link = Link(link)
    return link


@pytest.fixture(scope="module")
def deep():
    return chain(DEPTH)


def test_a_deep_chain_is_searched(deep):
    assert len(deep.variables) == DEPTH
    assert len(deep.trainable_variables) == DEPTH
    assert deep.non_trainable_variables == ()
    assert len(deep.submodules) == DEPTH - 1
    assert deep.submodules[0] is deep.inner[0]
    assert deep.submodules[1] is deep.inner[0].inner[0]


def test_deep_lists_and_dicts_are_searched():
    nest = [snt.Variable(1.0)]
    for i in range(DEPTH):
        nest = [nest] if i % 2 else {"a": nest}
    assert [type(leaf) for leaf in flatten(nest)] == [snt.Variable]


DEEP = {
    "call": lambda module: module(jnp.ones([])),
    "jit": lambda module: snt.jit(module)(jnp.ones([])),
    "deepcopy": copy.deepcopy,
    "pickle": pickle.dumps,
    "pickle in Python": lambda module: pickle._dumps(module),
}


@pytest.mark.parametrize("how", DEEP)
def test_what_python_cannot_do_is_an_error_that_says_so(deep, how):
    limit = sys.getrecursionlimit()
    with pytest.raises(TooDeepError, match="nested too deep") as caught:
        DEEP[how](deep)
    assert str(limit) in str(caught.value)
    assert "Link" in str(caught.value)
    assert sys.getrecursionlimit() == limit
    assert float(deep.w) == 1.0
    assert float(chain(3)(jnp.ones([]))) == 1.0  # the next one is as before


def test_modules_that_make_each_other_without_end_are_an_error_that_says_so():
    class Endless(snt.Module):
        def __init__(self):
            super().__init__()
            self.inner = Endless()

    with pytest.raises(TooDeepError, match="the making of a Endless"):
        Endless()


def test_a_chain_within_the_limit_is_called_copied_and_pickled():
    module = chain(50)
    for copied in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert len(copied.variables) == 50
        copied.w.assign(3.0)
        assert float(copied(jnp.ones([]))) == 3.0
        assert repr(copied) == repr(module)
