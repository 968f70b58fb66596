"""Reading what may be hostile: the tensors or the error, within a time."""

import os
import signal

from sonnax import converters

SECONDS = 20


def read_all(path):
    """Returns every tensor and the object graph, or the error."""
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        checkpoint = converters.open_checkpoint(path)
        checkpoint.verify()
        if checkpoint.object_graph is not None:
            list(checkpoint.object_graph.variables())
            list(checkpoint.object_graph.walk())
        tensors = dict(checkpoint)
    except converters.CheckpointError as error:
        result = error
    else:
        result = tensors
        for name, array in tensors.items():
            info = checkpoint.info(name)
            assert (array.shape, array.dtype) == (info.shape, info.dtype)
    signal.setitimer(signal.ITIMER_REAL, 0)
    if isinstance(result, converters.CheckpointError):
        assert os.path.dirname(path) in str(result)
        assert "\n" not in str(result)
    return result


def same(tensors, expected):
    return tensors.keys() == expected.keys() and all(
        tensors[name].dtype == array.dtype and tensors[name].tolist() == array.tolist()
        for name, array in expected.items()
    )
