"""What a file is that is no checkpoint, and what to do with it."""

from __future__ import annotations

import os
import string
from collections.abc import Callable

from .mapped_file import MappedFile

__all__ = ["foreign_kind"]

_LONGEST_HEADER = 100 << 20
_TORCH_BEFORE_ZIP = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_OPEN_ARRAYS = "converters.open_arrays reads it"
_TEXT = frozenset(string.printable.encode()) - {0x0B, 0x0C}


def _first_member(start: bytes) -> str:
    """Returns the name of a zip archive's first member."""
    length = int.from_bytes(start[26:28], "little")
    name = start[30 : 30 + length] if start.startswith(b"PK\x03\x04") else b""
    return name.decode("utf-8", "replace")


def _is_torch(start: bytes, path: str) -> bool:
    member = _first_member(start)
    return start.startswith(_TORCH_BEFORE_ZIP) or member.endswith("/data.pkl")


def _is_safetensors(start: bytes, path: str) -> bool:
    length = int.from_bytes(start[:8], "little")
    return start[8:9] == b"{" and 2 <= length <= _LONGEST_HEADER


def _is_text(start: bytes, path: str) -> bool:
    try:
        text = start.decode()
    except UnicodeDecodeError as error:
        if error.start < len(start) - 3:  # else a character is cut
            return False
        text = start[: error.start].decode()
    return bool(text) and all(ord(c) > 0x7F or ord(c) in _TEXT for c in text)


def _begins(*signatures: bytes) -> Callable[[bytes, str], bool]:
    return lambda start, path: start.startswith(signatures)


def _ends(suffix: str) -> Callable[[bytes, str], bool]:
    return lambda start, path: path.endswith(suffix) and start.startswith(b"\n")


# What it is, how it is told, and what to do; the first that fits counts.
_KINDS: tuple[tuple[str, Callable[[bytes, str], bool], str], ...] = (
    (
        "a meta graph, the graph of a checkpoint without its values",
        _ends(".meta"),
        "pass the checkpoint's path, without .meta",
    ),
    (
        "a frozen graph, or another message of TensorFlow's",
        _ends(".pb"),
        "its values are constants in the graph: take the checkpoint that it was made "
        "from, or a SavedModel's directory",
    ),
    (
        "an HDF5 file, as Keras writes",
        _begins(b"\x89HDF\r\n\x1a\n"),
        "load it in Keras and save it with tf.train.Checkpoint, or read it with h5py",
    ),
    (
        "a file of PyTorch",
        _is_torch,
        "read it with torch.load(path, weights_only=True), and write the arrays with "
        "converters.write_bundle",
    ),
    (
        "an .npz archive",
        lambda start, path: _first_member(start).endswith(".npy"),
        _OPEN_ARRAYS,
    ),
    ("a .npy array", _begins(b"\x93NUMPY"), "read it with numpy.load"),
    ("a .safetensors file", _is_safetensors, _OPEN_ARRAYS),
    ("an archive of Keras or another zip", _begins(b"PK\x03\x04"), "unpack it"),
    ("compressed", _begins(b"\x1f\x8b", b"BZh", b"\xfd7zXZ"), "unpack it"),
    (
        "a tar archive",
        lambda start, path: start[257:262] == b"ustar",
        "unpack it",
    ),
    (
        "a pickle",
        _begins(b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"),
        "converters.load_haiku reads those of arrays and containers",
    ),
    (
        "a text",
        _is_text,
        "pass the checkpoint's prefix, or the directory that it lies in",
    ),
)


def foreign_kind(path: str) -> str | None:
    """Says what a file is by how it begins, and what to do with it.

    Args:
      path: a regular file.

    Returns:
      The end of a sentence; None for a file of no known kind, which a checkpoint is
      to this table as well.

    Example:
      >>> import tempfile
      >>> path = tempfile.mkdtemp() + "/README"
      >>> _ = open(path, "w").write("A model.")
      >>> foreign_kind(path)
      "it is a text: pass the checkpoint's prefix, or the directory that it lies in"
    """
    file = MappedFile(path)
    start = bytes(file.part(0, min(512, file.size)))
    for kind, is_it, advice in _KINDS:
        if is_it(start, os.path.basename(path)):
            return f"it is {kind}: {advice}"
    return None
