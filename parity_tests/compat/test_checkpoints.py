"""Every module's checkpoint, both ways: the object graph is Sonnet's."""

import numpy as np
import pytest
import tensorflow as tf

from sonnax import converters

from .cases import CASES
from .libraries import COMPAT, SONNET, arrays, built, variables_of


def built_in_sonnet(case):
    module = case.make_sonnet(SONNET)
    inputs = arrays(SONNET, case.draw("float32", 0))
    case.call(module, *inputs, **case.calls[0])
    return module


def keys_of_variables(path):
    keys = set(converters.open_checkpoint(path)) - {converters.OBJECT_GRAPH_KEY}
    return {key for key in keys if not key.startswith("save_counter")}


# Functions have no checkpoint, and where Sonnet runs something else there is no graph
# of its own to compare with.
MODULES = [
    case
    for case in CASES
    if case.reference is None and isinstance(case.make(COMPAT), COMPAT.Module)
]


@pytest.mark.parametrize("case", MODULES, ids=lambda case: case.name)
def test_a_checkpoint_goes_from_sonnet_to_compat_and_back(case, tmp_path):
    theirs, ours = built_in_sonnet(case), built(case)
    if not variables_of(theirs):
        pytest.skip("no variables")
    path = tf.train.Checkpoint(module=theirs).save(str(tmp_path / "sonnet"))
    converters.restore(path, module=ours).assert_consumed()
    assert_equal(ours, theirs)

    never_called = case.make(COMPAT)
    status = converters.restore(path, module=never_called)
    built(case, never_called)
    status.assert_consumed()
    assert_equal(never_called, theirs)

    for variable in variables_of(ours):
        variable.assign(np.ones(variable.shape, variable.dtype))
    back = converters.save(tmp_path / "compat-1", module=ours)
    assert keys_of_variables(back) == keys_of_variables(path)
    status = tf.train.Checkpoint(module=theirs).restore(back)
    if not isinstance(theirs, SONNET.Deferred):  # not even Sonnet's own is consumed
        status.assert_consumed()
    assert_equal(ours, theirs)


def assert_equal(ours, theirs):
    pairs = zip(variables_of(ours), variables_of(theirs), strict=True)
    for our, their in pairs:
        np.testing.assert_array_equal(our.numpy(), their.numpy(), err_msg=our.name)
