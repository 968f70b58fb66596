"""What one side computed, in memory and as a folder of .npz files and JSON.

A recording is a folder:

    recording.json      versions, and for each run the calls, variables, gradients
    inputs.npz          the arrays the model was called with
    float32.npz         the arrays of the run, by number
    float64.npz         those of the run in double precision, if there was one
    checkpoint.*        the variables before the run, where no checkpoint was given

The JSON refers to an array as `[number, dtype, checksum]`. An array that stands in
several places, as one module's output and another's input do, is written once. A
checksum guards the JSON itself.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .array_file import ArrayReader, ArrayWriter

FORMAT = 2
PRECISIONS = ("float32", "float64")


class RecordingError(ValueError):
    """A recording can't be read; the message says which file and why."""


@dataclasses.dataclass
class Call:
    """One call of a module's method.

    Attributes:
      path: the module's place in the objects (`model/layers/3`), or its name where
        it has none.
      name: the module's name, with those of the modules around it.
      type: the name of the module's class.
      method: the name of the method.
      number: how many calls of this method of this module there were before.
      entered: the place of its beginning among all beginnings and ends of calls.
      left: the place of its end.
      inputs: the arrays it was given, by their place in the arguments.
      outputs: the arrays it returned, by their place in the result.
      opaque: the classes of what it returned and can't be compared, by their place.
      is_own: whether a method of the same module called it.
    """

    path: str
    name: str
    type: str
    method: str
    number: int
    entered: int
    left: int
    inputs: dict[str, np.ndarray]
    outputs: dict[str, np.ndarray]
    opaque: dict[str, str] = dataclasses.field(default_factory=dict)
    is_own: bool = False

    @property
    def key(self) -> tuple[str, str, int]:
        return self.path, self.method, self.number

    @property
    def title(self) -> str:
        """The module's path, and what tells this call from its others."""
        method = "" if self.method == "__call__" else f".{self.method}"
        return f"{self.path}{method}" + (f" #{self.number + 1}" if self.number else "")


@dataclasses.dataclass
class Run:
    """What a model computed in one precision.

    Attributes:
      calls: the calls of modules, in the order in which they ended.
      variables: the variables after the model was called once, by path.
      loss: the loss before any training, or None if none was asked for.
      gradients: the gradient of the loss for each trainable variable, by path.
      without_gradient: the paths of those for which it was None; zeros stand for it.
      losses: the loss of each step of training.
      trained: the variables after some of the steps, by the number of steps.
    """

    calls: list[Call] = dataclasses.field(default_factory=list)
    variables: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    loss: float | None = None
    gradients: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    without_gradient: list[str] = dataclasses.field(default_factory=list)
    losses: list[float] = dataclasses.field(default_factory=list)
    trained: dict[int, dict[str, np.ndarray]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Recording:
    """What one side computed.

    Attributes:
      source: where the model came from, as it was given.
      versions: of Python and of the libraries it ran on.
      inputs: the arrays it was called with, by name.
      runs: the run in each precision, "float32" and perhaps "float64".
      loss: the name of the function of the loss, or None for the mean square.
      restored: the prefix of the checkpoint that it was given, or None.
      checkpoint: the prefix of the checkpoint that it wrote of its first variables,
        if it was given none.
    """

    source: str
    versions: dict[str, str]
    inputs: dict[str, np.ndarray]
    runs: dict[str, Run] = dataclasses.field(default_factory=dict)
    loss: str | None = None
    restored: str | None = None
    checkpoint: str | None = None


def write_recording(recording: Recording, folder: str) -> None:
    """Writes a recording into a folder that exists."""
    with ArrayWriter(os.path.join(folder, "inputs.npz")) as write:
        described: dict[str, Any] = {
            "source": recording.source,
            "versions": recording.versions,
            "loss": recording.loss,
            "restored": recording.restored,
            "checkpoint": recording.checkpoint is not None,
            "inputs": write(recording.inputs),
            "runs": {},
        }
    _write_json(described, folder)
    for precision, run in recording.runs.items():
        add_run(folder, precision, run)


def add_run(folder: str, precision: str, run: Run) -> None:
    """Adds a run to the recording in a folder; it is there whole or not at all."""
    with _damage_named(folder):
        described = _read_json(folder)
    temporary = os.path.join(folder, f".{precision}.npz")
    with ArrayWriter(temporary) as write:
        described["runs"][precision] = _described(run, write)
    os.replace(temporary, os.path.join(folder, f"{precision}.npz"))
    _write_json(described, folder)


def _described(run: Run, write: ArrayWriter) -> dict[str, Any]:
    return {
        "calls": [
            {**vars(call), "inputs": write(call.inputs), "outputs": write(call.outputs)}
            for call in run.calls
        ],
        "variables": write(run.variables),
        "loss": run.loss,
        "gradients": write(run.gradients),
        "without_gradient": run.without_gradient,
        "losses": run.losses,
        "trained": {str(step): write(values) for step, values in run.trained.items()},
    }


def _write_json(described: Mapping[str, Any], folder: str) -> None:
    temporary = os.path.join(folder, ".recording.json")
    guarded = {
        "format": FORMAT,
        "sha256": _checksum(described),
        "recording": described,
    }
    with open(temporary, "w") as file:
        json.dump(guarded, file)
    os.replace(temporary, os.path.join(folder, "recording.json"))


def _checksum(described: Any) -> str:
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def _read_json(folder: str) -> dict[str, Any]:
    path = os.path.join(folder, "recording.json")
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ValueError("recording.json is no regular file")
    with open(path, encoding="utf-8") as file:
        guarded = json.load(file)
    if guarded["format"] != FORMAT:
        raise RecordingError(
            f"{path}: its format is {guarded['format']!r}, and this version reads "
            f"{FORMAT}. Record the model again."
        )
    described = guarded["recording"]
    if guarded["sha256"] != _checksum(described):
        raise ValueError("recording.json is not what was written")
    return described


def read_recording(folder: str) -> Recording:
    """Reads a recording.

    Raises:
      RecordingError: if the folder holds none that can be read.
    """
    with _damage_named(folder):
        return _read(folder)


@contextlib.contextmanager
def _damage_named(folder: str) -> Iterator[None]:
    """Makes all that reading can raise a RecordingError."""
    try:
        yield
    except RecordingError:
        raise
    except FileNotFoundError as error:
        raise RecordingError(
            f"{folder}: this is no recording, since it has no "
            f"{os.path.basename(error.filename)}. `sonnax record` writes one."
        ) from error
    # JSON, zip files and arrays have a dozen classes of errors for what is damaged.
    except Exception as error:
        raise RecordingError(
            f"{folder}: the recording is damaged ({type(error).__name__}: {error}). "
            "Record the model again."
        ) from error


def _read(folder: str) -> Recording:
    described = _read_json(folder)
    with ArrayReader(os.path.join(folder, "inputs.npz")) as read:
        inputs = read(described["inputs"])
    runs = {}
    for precision, run in described["runs"].items():
        _check(precision in PRECISIONS, f"a run in {precision!r}")
        with ArrayReader(os.path.join(folder, f"{precision}.npz")) as read:
            runs[precision] = _read_run(run, read)
    for name in ("loss", "restored"):
        _check(isinstance(described[name], (str, type(None))), name)
    _check(isinstance(described["source"], str), "source")
    _check_texts(described["versions"], "versions")
    has_checkpoint = described["checkpoint"]
    return Recording(
        source=described["source"],
        versions=described["versions"],
        inputs=inputs,
        runs=runs,
        loss=described["loss"],
        restored=described["restored"],
        checkpoint=os.path.join(folder, "checkpoint") if has_checkpoint else None,
    )


def _read_run(described: Mapping[str, Any], read: ArrayReader) -> Run:
    losses = described["losses"]
    without = described["without_gradient"]
    _check(isinstance(losses, list) and all(map(_is_number, losses)), "losses")
    _check(described["loss"] is None or _is_number(described["loss"]), "loss")
    _check_texts(dict.fromkeys(without, ""), "paths without a gradient")
    trained = {int(n): read(values) for n, values in described["trained"].items()}
    _check(all(steps >= 1 for steps in trained), "variables after less than one step")
    return Run(
        calls=_read_calls(described["calls"], read),
        variables=read(described["variables"]),
        loss=described["loss"],
        gradients=read(described["gradients"]),
        without_gradient=without,
        losses=losses,
        trained=trained,
    )


def _read_calls(
    described: Sequence[Mapping[str, Any]], read: ArrayReader
) -> list[Call]:
    calls = []
    for each in described:
        arrays = {"inputs": read(each["inputs"]), "outputs": read(each["outputs"])}
        call = Call(**{**each, **arrays})
        texts = call.path, call.name, call.type, call.method
        numbers = call.number, call.entered, call.left
        _check(all(isinstance(text, str) for text in texts), "a call's names")
        _check(all(type(number) is int for number in numbers), "a call's numbers")
        _check(type(call.is_own) is bool, "a call's owner")
        _check(call.entered < call.left, "a call that ends before it begins")
        _check_texts(call.opaque, "a call's classes")
        calls.append(call)
    keys = {call.key for call in calls}
    times = {time for call in calls for time in (call.entered, call.left)}
    _check(len(keys) == len(calls), "two calls of one number")
    _check(len(times) == 2 * len(calls), "two calls at one time")
    return calls


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _check_texts(value: Any, what: str) -> None:
    is_right = isinstance(value, dict) and all(
        isinstance(text, str) for item in value.items() for text in item
    )
    _check(is_right, what)


def _check(is_right: bool, what: str) -> None:
    if not is_right:
        raise ValueError(f"{what}, which no recorder writes")
