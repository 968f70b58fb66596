"""Which files a path means: prefixes, directories, SavedModels, `path@step`."""

from __future__ import annotations

import dataclasses
import functools
import os
import re
from collections.abc import Iterable

from .errors import CheckpointNotFoundError, UnsupportedCheckpointError
from .format.file_kinds import foreign_kind
from .format.saved_model import SAVED_MODEL_FILE
from .format.state_file import latest_path, listed_paths

__all__ = ["Location", "list_checkpoints", "locate"]

_FILE_OF_PREFIX = re.compile(r"(.+)\.(?:index|data-\d{5,}-of-\d{5,})", re.DOTALL)
_V1_SHARD = re.compile(r"(.+)-(\d{5,})-of-(\d{5,})", re.DOTALL)
# TensorFlow's own path of a checkpoint in shards.
_V1_PATTERN = re.compile(r"(.+)-\?+-of-\d{5,}", re.DOTALL)
_STEP = re.compile(r"(.+)@(\d+)", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Location:
    """A checkpoint's format and files.

    Args:
      format: `v2`, `v1` or `saved_model`.
      path: the prefix of its files, or a SavedModel's directory.
      files: the tables of a V1 checkpoint.
    """

    format: str
    path: str
    files: tuple[str, ...] = ()


def locate(path: str | os.PathLike) -> Location:
    """Returns the checkpoint that a path means.

    Args:
      path: the prefix of a V2 or V1 checkpoint, one of its files, a SavedModel's
        directory, or a directory with a `checkpoint` state file, which means the
        latest one. `@step` behind a directory or prefix chooses one by its number.

    Raises:
      CheckpointNotFoundError: there is none, or several and no way to choose.
      UnsupportedCheckpointError: it is a file of another kind.
    """
    path = os.fsdecode(path)
    if "\0" in path:
        raise CheckpointNotFoundError("a path can't contain NUL", path=path)
    found = _directory(path) if os.path.isdir(path) else _at_prefix(path)
    if found is None and (match := _STEP.fullmatch(path)):
        base, step = match.groups()
        if os.path.isdir(base):
            return _step_in_directory(base, step)
        found = _at_prefix(f"{base}-{step}")
    if found is None:
        directory = path if os.path.isdir(path) else os.path.dirname(path)
        raise CheckpointNotFoundError(
            f"no checkpoint here: expected the prefix of a V2 checkpoint, a V1 "
            f"checkpoint, a SavedModel or a directory with a checkpoint; "
            f"{_holdings(directory or os.curdir)}",
            path=path,
        )
    if found.files and (kind := foreign_kind(found.files[0])) is not None:
        raise UnsupportedCheckpointError(f"no checkpoint: {kind}", path=found.files[0])
    return found


def list_checkpoints(directory: str | os.PathLike) -> list[str]:
    """Returns the prefixes of all checkpoints in a directory, by step.

    Those in the directory itself, and those in folders below it which its
    `checkpoint` state file names. Numbers in the names count as numbers.

    Args:
      directory: the directory.

    Returns:
      Paths for `open_checkpoint`.

    Raises:
      CheckpointNotFoundError: there is no such directory.
      CorruptCheckpointError: its state file is unsound.
    """
    directory = os.fsdecode(directory)
    try:
        files = os.listdir(directory)
    except (OSError, ValueError) as error:
        raise CheckpointNotFoundError(
            f"no directory to list: {error}", path=directory
        ) from None
    prefixes = {name[: -len(".index")] for name in files if name.endswith(".index")}
    prefixes |= _v1_prefixes(files)
    found = {os.path.join(directory, prefix) for prefix in prefixes if prefix}
    # A state file may name a hundred thousand in one folder, which is listed once.
    listed = functools.cache(_names_in)
    for path in listed_paths(directory):
        if match := _V1_PATTERN.fullmatch(path):
            path = match[1]
        folder, name = os.path.split(path)
        if name in listed(folder) and _at_prefix(path):
            found.add(path)
    return sorted(found, key=_natural)


def _names_in(directory: str) -> set[str]:
    """Returns the names of a directory's files and the prefixes of checkpoints."""
    try:
        files = os.listdir(directory or os.curdir)
    except (OSError, ValueError):
        return set()
    indices = {name.removesuffix(".index") for name in files}
    return {*files, *indices, *_v1_prefixes(files)}


def _v1_prefixes(files: Iterable[str]) -> set[str]:
    """Returns the prefixes that sharded V1 checkpoints may have among files."""
    return {
        match[1]
        for name in files
        if (match := _V1_SHARD.fullmatch(name))
        if not match[1].endswith(".data")
    }


def _directory(directory: str) -> Location | None:
    if os.path.isfile(os.path.join(directory, SAVED_MODEL_FILE)):
        return Location("saved_model", directory)
    latest = latest_path(directory)
    if latest is not None:
        found = _at_prefix(latest)
        if found is None:
            raise CheckpointNotFoundError(
                f"its state file names {latest!r} as the latest checkpoint, "
                f"which is not there; {_holdings(directory)}",
                path=directory,
            )
        return found
    prefixes = list_checkpoints(directory)
    if len(prefixes) > 1:
        raise CheckpointNotFoundError(
            f"no state file says which checkpoint is the latest; "
            f"{_holdings(directory)}; choose one by its prefix or by @step",
            path=directory,
        )
    return _at_prefix(prefixes[0]) if prefixes else None


def _step_in_directory(directory: str, step: str) -> Location:
    # As text: Python makes no number of thousands of digits.
    step = step.lstrip("0") or "0"
    matches = [
        prefix
        for prefix in list_checkpoints(directory)
        if (number := re.search(r"-0*(\d+)$", prefix)) and number[1] == step
    ]
    found = _at_prefix(matches[0]) if len(matches) == 1 else None
    if found is None:
        raise CheckpointNotFoundError(
            f"{len(matches)} checkpoints of step {step[:40]}, expected 1; "
            f"{_holdings(directory)}",
            path=directory,
        )
    return found


def _at_prefix(prefix: str) -> Location | None:
    """Returns the checkpoint with a prefix, or to which a file belongs."""
    if os.path.isfile(f"{prefix}.index"):
        return Location("v2", prefix)
    if match := _V1_PATTERN.fullmatch(prefix):
        prefix = match[1]
    directory, name = os.path.split(prefix)
    if name == SAVED_MODEL_FILE and os.path.isfile(prefix):
        return Location("saved_model", directory or os.curdir)
    if match := _FILE_OF_PREFIX.fullmatch(prefix):
        if os.path.isfile(f"{match[1]}.index"):
            return Location("v2", match[1])
    elif os.path.isfile(prefix) and not _V1_SHARD.fullmatch(name):
        return Location("v1", prefix, (prefix,))
    if (match := _V1_SHARD.fullmatch(name)) and os.path.isfile(prefix):
        name = match[1]
    shards = _v1_shards(directory, name)
    return Location("v1", os.path.join(directory, name), shards) if shards else None


def _v1_shards(directory: str, name: str) -> tuple[str, ...]:
    """Returns the files of a sharded V1 checkpoint, or none."""
    try:
        files = os.listdir(directory or os.curdir)
    except (OSError, ValueError):
        return ()
    by_count: dict[int, dict[int, str]] = {}
    for file in files:
        match = _V1_SHARD.fullmatch(file)
        if match and match[1] == name:
            shards = by_count.setdefault(int(match[3]), {})
            shards[int(match[2])] = os.path.join(directory, file)
    if not by_count:
        return ()
    if len(by_count) > 1:
        raise CheckpointNotFoundError(
            f"its files belong to sets of {sorted(by_count)} shards; expected one set",
            path=os.path.join(directory, name),
        )
    ((count, shards),) = by_count.items()
    missing = count - len(shards)
    if missing or max(shards) >= count:
        raise CheckpointNotFoundError(
            f"has {len(shards)} of {count} shards: {sorted(shards)[:20]}",
            path=os.path.join(directory, name),
        )
    return tuple(shards[i] for i in range(count))


def _holdings(directory: str) -> str:
    """Says what a directory has, for an error's end."""
    try:
        names = [os.path.relpath(p, directory) for p in list_checkpoints(directory)]
    except CheckpointNotFoundError:
        return "there is no such directory"
    if not names:
        return f"{directory!r} has no checkpoints"
    shown = ", ".join(repr(name) for name in names[:10])
    return f"{directory!r} has {shown}" + (" and more" if len(names) > 10 else "")


def _natural(text: str) -> list:
    """A sorting key under which ckpt-10 follows ckpt-9."""
    return [int(t) if t.isdecimal() else t for t in re.split(r"(\d+)", text)]
