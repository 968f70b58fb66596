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


def has_functions_of_its_own(module):
    """Whether pickle cannot find a function that the module holds."""
    try:
        pickle.dumps(module)
    except (AttributeError, pickle.PicklingError) as error:
        return "<lambda>" in str(error) or "<locals>" in str(error)
    return False


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_copies_are_equal_and_apart(case):
    module = built(case)
    if not isinstance(module, COMPAT.Module):
        pytest.skip("a function")
    for how, make_copy in COPIES.items():
        if how == "pickle" and has_functions_of_its_own(module):
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
