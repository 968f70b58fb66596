"""What can be wrong with a checkpoint: one class for each thing to do about it."""

from __future__ import annotations

__all__ = [
    "CheckpointError",
    "CheckpointNotFoundError",
    "CorruptCheckpointError",
    "ChecksumError",
    "UnsupportedCheckpointError",
    "TensorNotFoundError",
    "MismatchError",
    "UnstatedWarning",
]


class CheckpointError(ValueError):
    """A checkpoint could not be read, found, mapped or written.

    The base of every error that `sonnax.converters` raises about a file. The
    message names the file, the tensor where there is one, what was found and what
    was expected.

    Args:
      problem: what was found and what was expected.
      path: the file at fault, or None.
      tensor: the name of the tensor at fault, or None.

    Attributes:
      path: the file at fault as a string, or None.
      tensor: the name of the tensor at fault, or None.

    Example:
      >>> error = CheckpointError("the file ends early", path="m.index", tensor="w")
      >>> print(error)
      m.index: tensor 'w': the file ends early
    """

    def __init__(
        self, problem: str, *, path: str | None = None, tensor: str | None = None
    ):
        where = "" if path is None else f"{_printable(path)}: "
        what = "" if tensor is None else f"tensor {_shortened(repr(tensor))}: "
        super().__init__(f"{where}{what}{problem}")
        self.path = path
        self.tensor = tensor

    def __str__(self) -> str:
        # KeyError, a base of TensorNotFoundError, would show the message's repr.
        return str(self.args[0]) if self.args else ""


class CheckpointNotFoundError(CheckpointError, FileNotFoundError):
    """There is no checkpoint at this path, or one of its files can't be opened."""


class CorruptCheckpointError(CheckpointError):
    """The bytes are not a sound checkpoint: damaged, truncated or made up."""


class ChecksumError(CorruptCheckpointError):
    """The bytes read are not the bytes written: their CRC32C differs."""


class UnsupportedCheckpointError(CheckpointError):
    """The file may be sound, but holds what NumPy or this reader has no form for."""


class TensorNotFoundError(CheckpointError, KeyError):
    """The checkpoint has no tensor of this name."""


class MismatchError(CheckpointError):
    """The checkpoint and the objects to restore do not fit each other."""


class UnstatedWarning(UserWarning):
    """A restored module has properties that the file does not state.

    Sonnet 1 saved variables alone. Compare the module's arguments with those of the
    program that saved it; `warnings.simplefilter("ignore", UnstatedWarning)` when that
    is done.
    """


def listed(names: list[str], most: int = 8) -> str:
    """Returns the first of many names, and how many there are more."""
    shown = ", ".join(names[:most])
    return (
        f"{shown}, and {len(names) - most} more"
        if len(names) > most
        else shown or "none"
    )


def _shortened(text: str) -> str:
    """The text, cut in its middle if it fills lines."""
    return text if len(text) <= 400 else f"{text[:200]} ... {text[-200:]}"


def _printable(path: str) -> str:
    """The path on one line: unprintable characters and lone surrogates escaped."""
    return path if path.isprintable() else repr(path)[1:-1]
