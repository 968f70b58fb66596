"""Copies of modules are modules of their own, with equal variables."""

import copy
import pickle

import numpy as np
import pytest

from .cases import CASES
from .libraries import COMPAT, built, variables_of

COPIES = {
    "copy": copy.deepcopy,
    "pickle": lambda module: pickle.loads(pickle.dumps(module)),
}


def holds_what_cannot_be_copied(how, module):
    """Whether a case's own functions, or its library, are in the module."""
    try:
        COPIES[how](module)
    except (AttributeError, TypeError, pickle.PicklingError) as error:
        causes = ("<lambda>", "<locals>", "'module' object")
        return any(cause in str(error) for cause in causes)
    return False


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_copies_are_equal_and_apart(case):
    module = built(case)
    if not isinstance(module, COMPAT.Module):
        pytest.skip("a function")
    for how, make_copy in COPIES.items():
        if holds_what_cannot_be_copied(how, module):
            continue
        copied = make_copy(module)
        originals, copies = variables_of(module), variables_of(copied)
        assert [v.name for v in copies] == [v.name for v in originals]
        assert [v.trainable for v in copies] == [v.trainable for v in originals]
        assert repr(copied) == repr(module) or " at 0x" in repr(module)
        for original, variable in zip(originals, copies):
            before = original.numpy()
            np.testing.assert_array_equal(variable.numpy(), before)
            variable.assign(np.ones(variable.shape, variable.dtype) * 3)
            np.testing.assert_array_equal(original.numpy(), before)
        built(case, copied)
