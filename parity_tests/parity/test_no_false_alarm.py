"""Each module of sonnax beside Sonnet's own: a right port is the same in everything.

Every call that one library records and the other does not, every place and every dtype
of an output, would keep the two from agreeing.
"""

import pytest

from sonnax.parity import Recording, Run, Tolerance, compare_recordings, verdict
from sonnax.parity.recorder.capture import Capture
from sonnax.parity.recorder.sonnet_side import SonnetSide
from sonnax.parity.recorder.structure import flatten, walk
from sonnax.parity.sonnax_side import SonnaxSide
from sonnax.parity_tests.compat.cases import CASES
from sonnax.parity_tests.compat.libraries import COMPAT, SONNET, arrays, equal_pair


@pytest.fixture(scope="module")
def sides():
    import tensorflow as tf

    yield SonnetSide("float32"), SonnaxSide("float32")
    tf.config.run_functions_eagerly(False)


def recorded(case, module, side, library):
    """Returns what is recorded of the last call of a case."""
    objects = {"model": module}
    capture = Capture(side)
    inputs = arrays(library, case.draw("float32", 1))
    with side.capturing(capture):
        if side.is_module(module):
            case.call(module, *inputs, **case.calls[-1])
        else:
            capture.enter(module, "__call__")
            outputs = case.call(module, *inputs, **case.calls[-1])
            capture.leave({}, dict(flatten(outputs)))
    found = [(path, value) for path, value in walk(objects, side.is_module)]
    paths = {id(value): path for path, value in found}
    variables = {
        path: side.to_numpy(value) for path, value in found if side.is_variable(value)
    }
    run = Run(calls=capture.calls(paths), variables=variables)
    return Recording("model.py:build", {}, {}, {"float32": run})


# Not those that Sonnet runs by other means.
PORTED = [case for case in CASES if not case.random and case.reference is None]


@pytest.mark.parametrize("case", PORTED, ids=lambda case: case.name)
def test_a_right_port_of_it_agrees(case, sides):
    pair = equal_pair(case, "float32")
    legacy, port = (
        recorded(case, *each) for each in zip(pair, sides, (SONNET, COMPAT))
    )
    comparison = compare_recordings(legacy, port, Tolerance())
    assert comparison.agrees, verdict(comparison)
