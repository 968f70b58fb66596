"""What mutations start from: files of real writers, and TensorFlow's own crashes."""

import io
import json
import pathlib
import pickle
import tempfile

import ml_dtypes
import numpy as np
import safetensors.numpy

from sonnax import converters, demo
from sonnax.converters.format import wire
from sonnax.converters.format.object_graph import format_object_graph
from sonnax.parity.recorder.recording import Call, Recording, Run, write_recording

from ..converters.crafted_checkpoints import GRAPH, TENSORS, V1_TENSORS, save_v1
from .tensorflow_crashes import v1_crashes, v2_crashes

__all__ = ["RECORDING", "SEEDS", "SOUND", "V2_DATA", "V2_INDEX"]

_FIXTURES = pathlib.Path(__file__).parent.parent / "converters" / "fixtures"


def _written(write, name: str) -> dict[str, bytes]:
    """Returns what a writer writes into a folder, by file name."""
    with tempfile.TemporaryDirectory() as folder:
        write(f"{folder}/{name}" if name else folder)
        return {each.name: each.read_bytes() for each in pathlib.Path(folder).iterdir()}


_BUNDLE = _written(lambda path: converters.write_bundle(path, TENSORS, GRAPH), "m")
V2_INDEX, V2_DATA = _BUNDLE["m.index"], _BUNDLE["m.data-00000-of-00001"]
_ARRAYS = {
    "w": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b": np.array([True, False]),
    "n": np.array(-7),
    "e": np.zeros((0, 2), np.float16),
}
_PARAMS = {"linear": {"w": np.ones((2, 3), np.float32), "b": np.zeros(0)}, "n": 3}
_BFLOAT16 = {"a": {"w": np.ones(3, ml_dtypes.bfloat16), "s": [1.5, ("x", None)]}}


def _npz(save) -> bytes:
    buffer = io.BytesIO()
    save(buffer, **_ARRAYS)
    return buffer.getvalue()


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _saved_model() -> bytes:
    """A meta graph of the tag "serve" with a signature f(x: float32[?, 2])."""
    spec = b"\x0a\x01x\x10\x01\x1a\x11\x12\x0b\x08" + wire.write_varint(-1)
    spec += b"\x12\x02\x08\x02"
    pairs = b"\x0a\x01x\x12" + bytes([len(spec)]) + spec
    signature = b"\x0a" + bytes([len(pairs)]) + pairs + b"\x1a\x01p"
    entry = b"\x0a\x01f\x12" + bytes([len(signature)]) + signature
    graph = b"\x0a\x07\x22\x05serve\x2a" + bytes([len(entry)]) + entry
    return b"\x08\x01\x12" + bytes([len(graph)]) + graph


def _recording(folder: str) -> None:
    arrays = {"x": np.ones(2, np.float32)}
    call = Call("net", "net", "Linear", "__call__", 0, 0, 1, arrays, arrays)
    run = Run(
        calls=[call],
        variables=arrays,
        loss=0.5,
        gradients=arrays,
        losses=[0.5],
        trained={1: arrays},
    )
    made = Recording("model.py:f", {"python": "3"}, arrays, {"float32": run})
    write_recording(made, folder)


RECORDING = _written(_recording, "")
_STATE = b"""model_checkpoint_path: "ckpt-1"
all_model_checkpoint_paths: 'sub/../ckp' "t-1"  # a comment
all_model_checkpoint_paths: "\\163\\x6fund\\n\\""
all_model_checkpoint_timestamps: 1.5e9
last_preserved_timestamp: 0
"""

# By the reader's name, what it reads.
SOUND: dict[str, list[bytes]] = {
    "v2_index": [V2_INDEX],
    "v2_data": [V2_DATA],
    "object_graph": [format_object_graph(GRAPH)],
    "v1_table": [
        (_FIXTURES / "v1").read_bytes(),
        _written(lambda path: save_v1(path, V1_TENSORS), "v1")["v1"],
    ],
    "state_file": [_STATE],
    "saved_model": [_saved_model()],
    "npz": [_npz(np.savez), _npz(np.savez_compressed)],
    "npz_member": [_npy(array) for array in _ARRAYS.values()],
    "safetensors": [safetensors.numpy.save(_ARRAYS)],
    "haiku_pickle": [
        pickle.dumps(value, protocol)
        for value in (_PARAMS, _BFLOAT16)
        for protocol in (0, 2, 4, 5)
    ],
    "recording": [
        json.dumps(json.loads(RECORDING["recording.json"])["recording"]).encode()
    ],
}
# What it refuses, or may refuse: indices of other data, paths of other folders.
UNSOUND: dict[str, list[bytes]] = {
    "v2_index": [
        (demo.DATA / "ckpt-300.index").read_bytes(),
        (_FIXTURES / "partitioned.index").read_bytes(),
        *v2_crashes(),
    ],
    "object_graph": [b"\x0a\x04" * 30],
    "v1_table": v1_crashes(),
    "recording": [b"{}", b"[" * 9000],
    "state_file": [(demo.DATA / "checkpoint").read_bytes()],
}
SEEDS = {name: sound + UNSOUND.get(name, []) for name, sound in SOUND.items()}
