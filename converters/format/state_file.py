"""The `checkpoint` state file: which checkpoints a directory holds, which is latest.

A text proto that a Saver or a CheckpointManager rewrites at each save. Only the
paths are used, and only inside the directory: the file may have travelled here with
a model, and what it says is not trusted.

Source: tensorflow/python/training/checkpoint_state.proto.
"""

from __future__ import annotations

import dataclasses
import os
import re
import time

from ..errors import CheckpointNotFoundError, CorruptCheckpointError
from .mapped_file import read_file
from .replaced_file import locked, replace_file

__all__ = [
    "CheckpointState",
    "format_state",
    "latest_path",
    "listed_paths",
    "parse_state",
    "record_latest",
]

STATE_FILE = "checkpoint"
_MAX_BYTES = 64 << 20
_FIELDS = {
    "model_checkpoint_path": "string",
    "all_model_checkpoint_paths": "string",
    "all_model_checkpoint_timestamps": "number",
    "last_preserved_timestamp": "number",
}
_TOKEN = re.compile(
    r"""(?P<space>(?:\s|\#[^\n]*|[;,])+)
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<name>[A-Za-z_]\w*)
    |(?P<number>[-+]?[0-9.][-+\w.]*)
    |(?P<colon>:)""",
    re.VERBOSE,
)
_ESCAPE = re.compile(
    rb"\\([0-7]{1,3}|[xX][0-9a-fA-F]{1,2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL
)
_SIMPLE_ESCAPES = dict(zip(b"abfnrtv\\'\"?", b"\a\b\f\n\r\t\v\\'\"?"))


@dataclasses.dataclass(frozen=True)
class CheckpointState:
    """The content of a state file.

    Args:
      latest: the latest checkpoint's path as written, None if there is none.
      paths: all checkpoints' paths as written, oldest first.
      timestamps: when each was saved, in seconds since 1970, where recorded.
      last_preserved: when a CheckpointManager last kept one for good.
    """

    latest: str | None
    paths: tuple[str, ...] = ()
    timestamps: tuple[float, ...] = ()
    last_preserved: float | None = None


def latest_path(directory: str) -> str | None:
    """Returns the path of the checkpoint that the state file says is the latest.

    A path is taken relative to the directory; of one that leads out of it, absolute
    paths included, the last component is taken, for that is where the checkpoint is
    after the directory was moved.

    Raises:
      CorruptCheckpointError: the file is no state file.
    """
    state = _read(directory)
    if state is None or state.latest is None:
        return None
    return _Inside(directory)(state.latest)


def listed_paths(directory: str) -> list[str]:
    """Returns the paths of all checkpoints that the state file lists, likewise.

    Raises:
      CorruptCheckpointError: the file is no state file.
    """
    state = _read(directory)
    return [] if state is None else list(map(_Inside(directory), state.paths))


def record_latest(prefix: str) -> None:
    """Makes a checkpoint the latest that its directory's state file names.

    Checkpoints that the file names and that are still there stay listed.

    Args:
      prefix: the path without `.index` of a V2 checkpoint.

    Raises:
      CorruptCheckpointError: there is a state file, and it is none.
      OSError: the file can't be written.

    Example:
      >>> import pathlib, tempfile
      >>> directory = tempfile.mkdtemp()
      >>> record_latest(directory + "/ckpt-3")
      >>> parse_state(pathlib.Path(directory, "checkpoint").read_text()).paths
      ('ckpt-3',)
    """
    directory, name = os.path.split(prefix)
    path = os.path.join(directory, STATE_FILE)
    with locked(path):
        text = format_state(_with_latest(directory, name))
        with replace_file(path) as file:
            file.write(text.encode("utf-8", "surrogateescape"))


def _with_latest(directory: str, name: str) -> CheckpointState:
    """Returns what a directory's state file is to say once `name` was saved there."""
    state = _read(directory) or CheckpointState(None)
    known = dict(zip(state.paths, state.timestamps + (None,) * len(state.paths)))
    inside = _Inside(directory)
    saved: dict[str, float] = {}
    for path, timestamp in known.items():
        index = f"{inside(path)}.index"
        if os.path.basename(path) != name and os.path.isfile(index):
            saved[path] = os.path.getmtime(index) if timestamp is None else timestamp
    saved[name] = time.time()
    return CheckpointState(
        name, tuple(saved), tuple(saved.values()), state.last_preserved
    )


def _read(directory: str) -> CheckpointState | None:
    """Returns the state as written, or None without the file."""
    path = os.path.join(directory, STATE_FILE)
    try:
        data = read_file(path, _MAX_BYTES)
    except CheckpointNotFoundError:
        return None
    try:
        return parse_state(str(data, "utf-8"))
    except ValueError as error:
        raise CorruptCheckpointError(
            f"is no checkpoint state file: {error}", path=path
        ) from None


def parse_state(text: str) -> CheckpointState:
    """Returns the content of a state file.

    Raises:
      ValueError: the text is no state file.

    Example:
      >>> parse_state('model_checkpoint_path: "ckpt-2"').latest
      'ckpt-2'
    """
    found: dict[str, list] = {name: [] for name in _FIELDS}
    tokens = list(_tokens(text))
    i = 0
    while i < len(tokens):
        kinds = [kind for kind, _ in tokens[i : i + 3]]
        name = tokens[i][1]
        expected = _FIELDS.get(name)
        if expected is None or kinds != ["name", "colon", expected]:
            raise ValueError(f"expected a field and its value at {name[:80]!r}")
        i += 2
        if expected == "number":
            found[name].append(float(tokens[i][1]))
            i += 1
            continue
        value = b""
        # Neighbouring literals are one string, as in C.
        while i < len(tokens) and tokens[i][0] == "string":
            value += _unquote(tokens[i][1])
            i += 1
        found[name].append(str(value, "utf-8"))
    latest = found["model_checkpoint_path"]
    preserved = found["last_preserved_timestamp"]
    if len(latest) > 1 or len(preserved) > 1:
        raise ValueError("a field that is no list is given twice")
    return CheckpointState(
        latest[0] if latest and latest[0] else None,
        tuple(found["all_model_checkpoint_paths"]),
        tuple(found["all_model_checkpoint_timestamps"]),
        preserved[0] if preserved else None,
    )


def format_state(state: CheckpointState) -> str:
    """Returns the text of a state file.

    Example:
      >>> print(format_state(CheckpointState("ckpt-2", ("ckpt-1", "ckpt-2"))), end="")
      model_checkpoint_path: "ckpt-2"
      all_model_checkpoint_paths: "ckpt-1"
      all_model_checkpoint_paths: "ckpt-2"
    """
    lines = [f"model_checkpoint_path: {_quote(state.latest or '')}"]
    lines += [f"all_model_checkpoint_paths: {_quote(path)}" for path in state.paths]
    lines += [f"all_model_checkpoint_timestamps: {time}" for time in state.timestamps]
    if state.last_preserved is not None:
        lines.append(f"last_preserved_timestamp: {state.last_preserved}")
    return "\n".join(lines) + "\n"


def _tokens(text: str):
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError(f"unexpected {text[position : position + 20]!r}")
        position = match.end()
        if match.lastgroup != "space":
            yield match.lastgroup, match.group()


def _unquote(literal: str) -> bytes:
    def replace(match: re.Match) -> bytes:
        code = match.group(1)
        if code[:1] in b"uU" and len(code) > 1:
            return chr(min(int(code[1:], 16), 0x110000)).encode()
        if code[:1] in b"xX" and len(code) > 1:
            return bytes([int(code[1:], 16)])
        if code[:1] in b"01234567":
            return bytes([int(code, 8) & 0xFF])
        if code[0] not in _SIMPLE_ESCAPES:
            raise ValueError(f"unknown escape {match.group()!r}")
        return bytes([_SIMPLE_ESCAPES[code[0]]])

    return _ESCAPE.sub(replace, literal[1:-1].encode())


def _quote(path: str) -> str:
    for character, code in ("\\", "\\\\"), ('"', '\\"'), ("'", "\\'"), ("\n", "\\n"):
        path = path.replace(character, code)
    return f'"{path}"'


class _Inside:
    """Joins paths to a directory, none of them leading out of it."""

    def __init__(self, directory: str):
        self._directory = os.path.normpath(directory)
        # The folders that are known to lie inside; most paths have one in common.
        self._inside = {self._directory}

    def __call__(self, path: str) -> str:
        path = path.replace("\0", "")
        joined = os.path.normpath(os.path.join(self._directory, path))
        if os.path.isabs(path) or self._leads_out(os.path.dirname(joined)):
            return os.path.join(self._directory, os.path.basename(path))
        return joined

    def _leads_out(self, folder: str) -> bool:
        passed = []
        while (folder or os.curdir) not in self._inside:
            parent = os.path.dirname(folder)
            if parent == folder or folder in ("", os.pardir) or self._links_out(folder):
                return True
            passed.append(folder)
            folder = parent
        self._inside.update(passed)
        return False

    def _links_out(self, folder: str) -> bool:
        """Says whether a folder is a link to one outside."""
        if not os.path.islink(folder):
            return False
        root = os.path.realpath(self._directory)
        return not os.path.realpath(folder).startswith(os.path.join(root, ""))
