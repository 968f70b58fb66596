"""Drawn configurations of each module beside Sonnet: values, state, gradients, errors.

`make fuzz` draws for as long as one likes: SONNAX_FUZZ_EXAMPLES says how many of each.
"""

import os

import pytest
from hypothesis import HealthCheck, given, settings

from ..compat.cases.case import precision
from ..compat.libraries import (
    COMPAT,
    SONNET,
    arrays,
    assert_close,
    copy_variables,
    leaves,
    variables_of,
)
from ..compat.test_gradients import our_gradients, tensorflow_gradients
from .configurations import MODULES

EXAMPLES = int(os.environ.get("SONNAX_FUZZ_EXAMPLES", "0"))
fuzzed = settings(
    max_examples=EXAMPLES or 4,
    # The same in every run of the tests; others in each run of the fuzzer.
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)


@pytest.mark.parametrize("name", MODULES)
def test_a_drawn_configuration_is_sonnets(name):
    @fuzzed
    @given(MODULES[name])
    def check(case):
        for dtype in ("float32", "float64"):
            if dtype not in case.excluded:
                with precision(dtype):
                    check_case(case, dtype)

    check()


def check_case(case, dtype):
    rtol = case.rtol if dtype == "float32" else case.rtol64
    theirs, outputs, refused = attempt(SONNET, case, dtype)
    ours, _, also = attempt(COMPAT, case, dtype)
    about = f"{case.name}: Sonnet {refused!r}, sonnax {also!r}"
    assert (refused is None) == (also is None), about
    if refused:
        return
    # TensorFlow's gradient of an output without elements is memory that nobody wrote.
    empty = any(leaf.size == 0 for leaf in leaves(outputs))
    copy_variables(variables_of(theirs), variables_of(ours))
    for i, kwargs in enumerate(case.calls):
        inputs = case.draw(dtype, i + 1)
        if not (empty or "gradients" in case.excluded):
            expected = tensorflow_gradients(case, theirs, inputs, kwargs)
            actual = our_gradients(case, ours, inputs, kwargs)
            copy_variables(variables_of(theirs), variables_of(ours))
            about = f"{case.name}: gradients of call {i}"
            assert_close(actual, expected, 10 * rtol, about, "gradients")
        expected = case.call(theirs, *arrays(SONNET, inputs), **kwargs)
        actual = case.call(ours, *arrays(COMPAT, inputs), **kwargs)
        about = f"{case.name}: call {i}"
        assert_close(leaves(actual), leaves(expected), rtol, about)
        states = [[v.numpy() for v in variables_of(m)] for m in (ours, theirs)]
        assert_close(*states, rtol, f"{about}, variables", "state")


def attempt(library, case, dtype):
    """Makes and calls the module; returns it, what it returns, and an error, if any."""
    try:
        module = case.make(library)
        inputs = arrays(library, case.draw(dtype, 0))
        return module, case.call(module, *inputs, **case.calls[0]), None
    except Exception as error:  # what it is differs from library to library
        return None, None, error
