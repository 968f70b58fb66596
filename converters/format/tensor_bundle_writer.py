"""Writing a V2 checkpoint; `tensor_bundle` describes the format and reads it.

A checkpoint appears at once, when its index does: everything is written under
temporary names, then the data file is renamed, then the index. A checkpoint that is
replaced keeps its own data files until then, for the new ones get names that no
existing file has. Who saves to a prefix holds its lock; another one waits.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from itertools import count

import numpy as np

from ..addressable import check_addressable
from ..errors import UnsupportedCheckpointError
from . import tensor_dtypes, wire
from .checksums import crc32c, mask
from .object_graph import OBJECT_GRAPH_KEY, ObjectGraph, format_object_graph
from .protos import BUNDLE_ENTRY, BUNDLE_HEADER, SHAPE
from .replaced_file import check_path, locked, replace_file
from .string_tensor import encode_strings
from .table_writer import build_table
from .tensor_bundle import CONSUMER_VERSION, data_path

__all__ = ["write_bundle"]

# Views of the mapped file can then become jax arrays without a copy.
ALIGNMENT = 64


def write_bundle(
    prefix: str | os.PathLike,
    tensors: Mapping[str, object],
    object_graph: ObjectGraph | None = None,
) -> None:
    """Writes tensors as a V2 checkpoint that TensorFlow reads.

    Only one tensor is converted at a time. An interrupted call leaves a checkpoint
    that was there before intact; who reads it meanwhile sees the old one or the new
    one. Of two processes that write to one prefix, the second waits for the first.

    Args:
      prefix: the path without `.index`; its directory is made if need be. Where the
        index is a link to another checkpoint's, that one is replaced.
      tensors: what `np.asarray` takes, by name: numbers of any dtype that TensorFlow
        stores; `bytes` and `str` become string tensors.
      object_graph: the objects that the tensors belong to; None for a checkpoint
        that is restored by names.

    Raises:
      UnsupportedCheckpointError: TensorFlow stores no tensor of this dtype or name, or
        other processes have parts of it.
      OSError: the files can't be written.

    Example:
      >>> import tempfile
      >>> from sonnax import converters
      >>> prefix = tempfile.mkdtemp() + "/model"
      >>> write_bundle(prefix, {"w": np.ones((2, 3)), "labels": ["cat", "dog"]})
      >>> converters.open_checkpoint(prefix)["labels"]
      array([b'cat', b'dog'], dtype=object)
    """
    prefix = os.fsdecode(prefix)
    check_path(prefix)
    os.makedirs(os.path.dirname(prefix) or os.curdir, exist_ok=True)
    tensors = dict(tensors)
    for name, value in tensors.items():
        check_addressable(value, prefix, name)
    if object_graph is not None:
        tensors[OBJECT_GRAPH_KEY] = _formatted(object_graph, prefix)
    real = _linked_prefix(prefix)
    with locked(real):
        _replace_bundle(real, tensors, prefix)


def _replace_bundle(prefix: str, tensors: Mapping[str, object], link: str) -> None:
    """Writes the files of a checkpoint, then removes those of the one before it.

    Args:
      prefix: where the files lie.
      tensors: by name.
      link: the prefix that leads there by links; else `prefix` itself.
    """
    old_data = _data_files(prefix) | _data_files(link)
    num_shards = next(n for n in count(1) if n not in old_data.values())
    header = {"num_shards": num_shards, "version": {"producer": CONSUMER_VERSION}}
    records = [(b"", wire.encode(BUNDLE_HEADER, header))]
    paths = [data_path(prefix, shard, num_shards) for shard in range(num_shards)]
    # What is in a private checkpoint stays private, in files of any name.
    like = next(iter(sorted(old_data)), paths[0])
    with replace_file(paths[0], like) as data:
        for key in sorted(_key(name, prefix) for name in tensors):
            name = key.decode("utf-8", "surrogateescape")
            records.append((key, _write_tensor(data, name, tensors[name], prefix)))
    for path in paths[1:]:
        with replace_file(path, like):
            pass
    if link != prefix:
        for shard, path in enumerate(paths):
            os.symlink(os.path.abspath(path), data_path(link, shard, num_shards))
    with replace_file(f"{prefix}.index") as index:
        index.write(build_table(records))
    for path in old_data:
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)


def _linked_prefix(prefix: str) -> str:
    """Returns the prefix that a prefix's index leads to, itself if it is no link."""
    target = os.path.realpath(f"{prefix}.index")
    if os.path.islink(f"{prefix}.index") and target.endswith(".index"):
        return target.removesuffix(".index")
    return prefix


def _write_tensor(data, name: str, value, prefix: str) -> bytes:
    """Writes one tensor and returns its encoded index entry."""
    array = np.asarray(value)
    if array.dtype.kind in "SU" and not hasattr(value, "dtype"):
        # NumPy's own strings would lose the zero bytes at their ends.
        array = np.array(value, object)
    dtype = tensor_dtypes.of_array(array)
    if dtype is None:
        raise UnsupportedCheckpointError(
            f"TensorFlow stores no tensor of dtype {array.dtype}",
            path=prefix,
            tensor=name,
        )
    shape = wire.encode(SHAPE, {"dims": [{"size": size} for size in array.shape]})
    if dtype.number == tensor_dtypes.STRING:
        strings, crc = encode_strings(_strings(array, name, prefix))
        stored = np.frombuffer(strings, np.uint8)
    else:
        flat = array.astype(array.dtype.newbyteorder("<"), copy=False).reshape(-1)
        stored = np.ascontiguousarray(flat).view(np.uint8)
        crc = crc32c(stored)
    data.write(b"\0" * (-data.tell() % ALIGNMENT))
    offset = data.tell()
    data.write(stored)
    return wire.encode(
        BUNDLE_ENTRY,
        {
            "dtype": dtype.number,
            "shape": shape,
            "offset": offset,
            "size": len(stored),
            "crc32c": mask(crc),
        },
    )


def _strings(array: np.ndarray, name: str, prefix: str) -> list[bytes]:
    """Returns the elements as bytes, text in UTF-8."""
    strings = []
    for item in array.reshape(-1).tolist():
        if not isinstance(item, bytes | str):
            raise UnsupportedCheckpointError(
                f"a string tensor can't hold a {type(item).__name__}, {item!r:.80}",
                path=prefix,
                tensor=name,
            )
        strings.append(item.encode() if isinstance(item, str) else item)
    return strings


def _formatted(graph: ObjectGraph, prefix: str) -> bytes:
    try:
        return format_object_graph(graph)
    except UnicodeEncodeError as error:
        raise UnsupportedCheckpointError(
            f"an object graph has names in UTF-8 only: {error}", path=prefix
        ) from None


def _key(name: str, prefix: str) -> bytes:
    if not name:
        raise UnsupportedCheckpointError("a tensor needs a name", path=prefix)
    try:
        return name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise UnsupportedCheckpointError(
            f"a tensor's name is UTF-8 or bytes: {error}", path=prefix
        ) from None


def _data_files(prefix: str) -> dict[str, int]:
    """Returns the data files that a prefix has, with the shard count in their names."""
    directory, name = os.path.split(prefix)
    pattern = re.compile(re.escape(name) + r"\.data-\d{5}-of-(\d{5})")
    return {
        os.path.join(directory, file): int(match[1])
        for file in os.listdir(directory or os.curdir)
        if (match := pattern.fullmatch(file))
    }
