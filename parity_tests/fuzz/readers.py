"""For each format a function from bytes to what is read of them.

Each returns, or raises an error of the family. Checksums that would hide a reader from
mutations are made to match first.
"""

import contextlib
import io
import json
import os
import pathlib
import tempfile
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

from sonnax import converters
from sonnax.cli import inspect_command
from sonnax.cli.graph_tree import tree_lines
from sonnax.converters.format.checksums import mask
from sonnax.converters.format.object_graph import OBJECT_GRAPH_KEY
from sonnax.converters.format.string_tensor import encode_strings
from sonnax.parity import RecordingError, read_recording
from sonnax.parity.recorder.recording import FORMAT, _checksum

from ..converters.crafted_checkpoints import encode_entry, read_records, write_records
from .resealing import resealed
from .seeds import RECORDING, V2_DATA, V2_INDEX

__all__ = ["FAMILY", "READERS", "Reader"]

FAMILY = (converters.CheckpointError, RecordingError)
Reader = Callable[[bytes], None]

# Removed with the process, or by the one that started it with a TMPDIR.
_TEMPORARY = tempfile.TemporaryDirectory(prefix="sonnax-fuzz-")
_FOLDER = pathlib.Path(_TEMPORARY.name)


def _put(name: str, data: bytes) -> str:
    """Writes a file anew: what is mapped of the one before stays as it is."""
    path = _FOLDER / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(data)
    return str(path)


def _read_checkpoint(path: str) -> None:
    checkpoint = converters.open_checkpoint(path)
    inspect_command.table_lines(checkpoint)
    if checkpoint.object_graph is not None:
        list(tree_lines(checkpoint.object_graph))
        list(checkpoint.object_graph.variables())
    for signature in checkpoint.signatures:
        inspect_command._signature_lines(signature)
    # One unsound tensor keeps nobody from reading the next.
    errors = [_error_of(checkpoint, name) for name in checkpoint]
    for error in filter(None, errors):
        raise error
    checkpoint.verify()


def _error_of(checkpoint, name: str) -> Exception | None:
    try:
        array, info = checkpoint[name], checkpoint.info(name)
    except FAMILY as error:
        return error
    assert (array.shape, array.dtype) == (info.shape, info.dtype)
    return None


def _read_arrays(path: str) -> None:
    arrays = converters.open_arrays(path)
    for key in arrays:
        arrays[key].tobytes()


def v2_index(data: bytes) -> None:
    """The index of a V2 checkpoint, the checksums of its blocks made right."""
    _put("v2/m.data-00000-of-00001", V2_DATA)
    _read_checkpoint(_put("v2/m.index", resealed(data)).removesuffix(".index"))


def v2_data(data: bytes) -> None:
    """The data of a V2 checkpoint."""
    _put("v2/m.index", V2_INDEX)
    path = _put("v2/m.data-00000-of-00001", data)
    _read_checkpoint(path.removesuffix(".data-00000-of-00001"))


def object_graph(data: bytes) -> None:
    """The object graph of a V2 checkpoint, its tensor's checksum made right."""
    stored, crc = encode_strings([data])
    entry = {"dtype": 7, "shape": [], "size": len(stored), "crc32c": mask(crc)}
    path = str(_FOLDER / "v2" / "m.index")
    header = read_records(_put("v2/m.index", V2_INDEX))[b""]
    write_records(path, {b"": header, OBJECT_GRAPH_KEY.encode(): encode_entry(entry)})
    _put("v2/m.data-00000-of-00001", stored)
    _read_checkpoint(path.removesuffix(".index"))


def v1_table(data: bytes) -> None:
    """A V1 checkpoint, the checksums of its blocks made right."""
    _read_checkpoint(_put("v1/model.ckpt", resealed(data)))


def state_file(data: bytes) -> None:
    """A directory's state file."""
    _put("state/ckpt-1.index", V2_INDEX)
    _put("state/ckpt-1.data-00000-of-00001", V2_DATA)
    folder = os.path.dirname(_put("state/checkpoint", data))
    converters.list_checkpoints(folder)
    _read_checkpoint(folder)


def saved_model(data: bytes) -> None:
    """The `saved_model.pb` of a SavedModel."""
    (_FOLDER / "saved").mkdir(exist_ok=True)
    _put("saved/variables/variables.index", V2_INDEX)
    _put("saved/variables/variables.data-00000-of-00001", V2_DATA)
    _read_checkpoint(os.path.dirname(_put("saved/saved_model.pb", data)))


def npz(data: bytes) -> None:
    """An `.npz` archive."""
    _read_arrays(_put("arrays/model.npz", data))


def npz_member(data: bytes) -> None:
    """An array in an `.npz` archive, its checksum made right."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("w.npy", data)
    npz(buffer.getvalue())


def safetensors(data: bytes) -> None:
    """A `.safetensors` file."""
    _read_arrays(_put("arrays/model.safetensors", data))


def haiku_pickle(data: bytes) -> None:
    """A pickle of dm-haiku's parameters."""
    pending = [converters.load_haiku(_put("arrays/params.pkl", data))]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending += value.values()
        elif isinstance(value, list | tuple):
            pending += value
        else:
            np.asarray(value)


def recording(data: bytes) -> None:
    """The description of a recording, its checksum made right if it is any JSON."""
    for name, content in RECORDING.items():
        _put(f"recording/{name}", content)
    with contextlib.suppress(ValueError, RecursionError):
        data = guarded(json.loads(data))
    read_recording(os.path.dirname(_put("recording/recording.json", data)))


def guarded(described: Any) -> bytes:
    """Returns the description of a recording with its checksum."""
    checksum = _checksum(described)
    content = {"format": FORMAT, "sha256": checksum, "recording": described}
    return json.dumps(content).encode()


READERS: dict[str, Reader] = {
    reader.__name__: reader
    for reader in (
        v2_index,
        v2_data,
        object_graph,
        v1_table,
        state_file,
        saved_model,
        npz,
        npz_member,
        safetensors,
        haiku_pickle,
        recording,
    )
}
