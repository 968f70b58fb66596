"""Each module beside Sonnet's: its variables, and what it returns."""

import jax
import pytest

from .cases import CASES
from .libraries import (
    COMPAT,
    SONNET,
    arrays,
    assert_close,
    equal_pair,
    leaves,
    same_dtype,
    variables_of,
)

DTYPES = ("float32", "float64")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_variables_and_outputs_are_sonnets(case, dtype):
    if dtype == "float64" and not case.float64:
        pytest.skip("Sonnet does not run it in float64")
    rtol = case.rtol if dtype == "float32" else case.rtol64
    with jax.enable_x64(dtype == "float64"):
        theirs, ours = equal_pair(case, dtype)
        check_variables(variables_of(theirs), variables_of(ours))
        for i, kwargs in enumerate(case.calls):
            inputs = case.draw(dtype, i + 1)
            expected = case.call(theirs, *arrays(SONNET, inputs), **kwargs)
            actual = case.call(ours, *arrays(COMPAT, inputs), **kwargs)
            if not case.random:
                assert_close(leaves(actual), leaves(expected), rtol, f"call {i}")
        # What the calls left behind, such as moving averages.
        assert_close(
            [v.numpy() for v in variables_of(ours)],
            [v.numpy() for v in variables_of(theirs)],
            rtol,
            "variables",
        )


def check_variables(theirs, ours):
    assert [v.name for v in ours] == [v.name for v in theirs]
    assert [v.shape for v in ours] == [tuple(v.shape) for v in theirs]
    assert [v.trainable for v in ours] == [v.trainable for v in theirs]
    for our, their in zip(ours, theirs):
        assert same_dtype(our.dtype, their.dtype.as_numpy_dtype), our.name


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_modules_and_scopes_have_sonnets_names(case):
    theirs, ours = case.make_sonnet(SONNET), case.make(COMPAT)
    if not isinstance(theirs, SONNET.Module):
        return
    inputs = case.draw("float32", 0)
    case.call(theirs, *arrays(SONNET, inputs), **case.calls[0])
    case.call(ours, *arrays(COMPAT, inputs), **case.calls[0])
    assert ours.name == theirs.name
    assert ours.name_scope.name == theirs.name_scope.name
    assert names(ours.submodules) == names(theirs.submodules)


def names(modules):
    return [(type(m).__name__, m.name, m.name_scope.name) for m in modules]
