"""Reading and writing TensorFlow checkpoints without TensorFlow.

    ckpt = converters.open_checkpoint("model/ckpt-7")   # or a directory, a SavedModel
    ckpt.keys(); ckpt["name"]; ckpt.info("name"); ckpt.object_graph; ckpt.verify()

    converters.export("model/ckpt-7", "model.safetensors")
    converters.restore(path, model=net, optimizer=opt)    # into compat's objects
    converters.save(path, model=net, optimizer=opt)       # real Sonnet reads it back
    converters.restore(path, model=net, layout="sonnet1") # what Sonnet 1 saved
    params, state = converters.to_haiku(path, like)       # as a Haiku model's trees

Reading needs NumPy, not jax; what needs more is imported when it is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

from .checkpoint import Checkpoint, open_checkpoint
from .errors import (
    CheckpointError,
    CheckpointNotFoundError,
    ChecksumError,
    CorruptCheckpointError,
    MismatchError,
    TensorNotFoundError,
    UnstatedWarning,
    UnsupportedCheckpointError,
)
from .exporting.difference import Change, Difference, difference
from .exporting.export import Exported, export
from .exporting.exported_file import open_arrays
from .exporting.formats import ExportError
from .format.object_graph import OBJECT_GRAPH_KEY, Node, ObjectGraph, SlotVariable
from .format.saved_model import Signature, TensorSpec
from .format.tensor_bundle_writer import write_bundle
from .format.tensor_info import TensorInfo, TensorSlice
from .haiku.files import load_haiku, save_haiku
from .locate import list_checkpoints

if TYPE_CHECKING:
    from .haiku.trees import HaikuReport, HaikuTrees, Placed, to_haiku
    from .restoring.restoration import restore
    from .restoring.sharded_reading import read_sharded
    from .restoring.status import NamedRestoreStatus, RestoreStatus
    from .saving import save, save_names

# The file of each name that needs jax.
_LATER = {
    "HaikuReport": "haiku.trees",
    "HaikuTrees": "haiku.trees",
    "NamedRestoreStatus": "restoring.status",
    "Placed": "haiku.trees",
    "read_sharded": "restoring.sharded_reading",
    "RestoreStatus": "restoring.status",
    "restore": "restoring.restoration",
    "save": "saving",
    "save_names": "saving",
    "to_haiku": "haiku.trees",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_LATER[name]}", __name__), name)
    globals()[name] = value
    return value


__all__ = [
    # reading
    "open_checkpoint",
    "list_checkpoints",
    "Checkpoint",
    "TensorInfo",
    "TensorSlice",
    "read_sharded",
    # writing
    "write_bundle",
    # restoring into modules, and saving them
    "restore",
    "save",
    "save_names",
    "RestoreStatus",
    "NamedRestoreStatus",
    # into the trees of a Haiku model
    "to_haiku",
    "HaikuTrees",
    "HaikuReport",
    "Placed",
    "load_haiku",
    "save_haiku",
    # exporting, and comparing
    "export",
    "Exported",
    "ExportError",
    "open_arrays",
    "difference",
    "Difference",
    "Change",
    # what a checkpoint says about its objects
    "OBJECT_GRAPH_KEY",
    "ObjectGraph",
    "Node",
    "SlotVariable",
    "Signature",
    "TensorSpec",
    # errors
    "CheckpointError",
    "CheckpointNotFoundError",
    "CorruptCheckpointError",
    "ChecksumError",
    "UnsupportedCheckpointError",
    "TensorNotFoundError",
    "MismatchError",
    "UnstatedWarning",
]
