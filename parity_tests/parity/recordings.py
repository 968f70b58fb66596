"""Recordings made by hand, to be compared."""

import dataclasses

import numpy as np

from sonnax.parity import Call, Recording, Run


def call(path, entered, left, inputs=1.0, outputs=1.0, **more):
    """Returns a call whose arrays are full of one number."""
    fields = {"name": path, "type": "Layer", "method": "__call__", "number": 0}
    return Call(
        path=path,
        entered=entered,
        left=left,
        inputs={"0": np.full([2, 3], inputs, np.float32)},
        outputs={"": np.full([2, 3], outputs, np.float32)},
        **{**fields, **more},
    )


def chain(*outputs, given=1.0):
    """Returns the calls of a model of layers, one after the other.

    Args:
      *outputs: what each layer returns.
      given: what the first one is given.
    """
    calls, time = [], 1
    for i, output in enumerate(outputs):
        calls.append(call(f"model/{i}", time, time + 1, given, output))
        given, time = output, time + 2
    return [*calls, call("model", 0, time, calls[0].inputs["0"][0, 0], given)]


def recording(calls=(), precision="float32", **more):
    """Returns a recording of one run."""
    run = Run(calls=list(calls), **more)
    return Recording("model.py:build", {"python": "3"}, {}, {precision: run})


def with_float64(recording, calls):
    """Returns a recording with a run in double precision beside."""
    runs = {**recording.runs, "float64": Run(calls=list(calls))}
    return dataclasses.replace(recording, runs=runs)
