"""Each module beside Sonnet's: variables, outputs, and what each call leaves."""

import pytest

from .cases import CASES
from .cases.case import precision
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
def test_names_outputs_and_the_state_after_each_call_are_sonnets(case, dtype):
    case.skip_where_excluded(dtype)
    rtol = case.rtol if dtype == "float32" else case.rtol64
    with precision(dtype):
        theirs, ours = equal_pair(case, dtype)
        check_names(theirs, ours)
        check_variables(variables_of(theirs), variables_of(ours))
        for i, kwargs in enumerate(case.calls):
            inputs = case.draw(dtype, i + 1)
            expected = case.call(theirs, *arrays(SONNET, inputs), **kwargs)
            actual = case.call(ours, *arrays(COMPAT, inputs), **kwargs)
            if not case.random:
                assert_close(leaves(actual), leaves(expected), rtol, f"call {i}")
            # What the call left behind, such as moving averages.
            assert_close(
                [v.numpy() for v in variables_of(ours)],
                [v.numpy() for v in variables_of(theirs)],
                rtol,
                f"variables after call {i}",
                "state",
            )


def check_variables(theirs, ours):
    assert [v.name for v in ours] == [v.name for v in theirs]
    assert [v.shape for v in ours] == [tuple(v.shape) for v in theirs]
    assert [v.trainable for v in ours] == [v.trainable for v in theirs]
    for our, their in zip(ours, theirs):
        assert same_dtype(our.dtype, their.dtype.as_numpy_dtype), our.name


def check_names(theirs, ours):
    if isinstance(theirs, SONNET.Module):
        assert ours.name == theirs.name
        assert ours.name_scope.name == theirs.name_scope.name
        assert names(ours.submodules) == names(theirs.submodules)


def names(modules):
    return [(type(m).__name__, m.name, m.name_scope.name) for m in modules]
