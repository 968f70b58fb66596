"""What one side computed, in memory and as a folder of .npz files and JSON.

A recording is a folder:

    recording.json      versions, and for each run the calls, variables, gradients
    inputs.npz          the arrays the model was called with
    float32.npz         the arrays of the run, by number
    float64.npz         those of the run in double precision, if there was one
    checkpoint.*        the variables before the run, where no checkpoint was given

The JSON refers to an array as `[number, dtype]`. An array that stands in several
places, as one module's output and another's input do, is written once.
"""

from __future__ import annotations

import dataclasses
import json
import os
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

FORMAT = 1


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

    @property
    def key(self) -> tuple[str, str, int]:
        return self.path, self.method, self.number


@dataclasses.dataclass
class Run:
    """What a model computed in one precision.

    Attributes:
      calls: the calls of modules, in the order in which they ended.
      variables: the variables after the model was called once, by path.
      loss: the loss before any training, or None if none was asked for.
      gradients: the gradient of the loss for each trainable variable, by path.
      losses: the loss of each step of training.
      trained: the variables after some of the steps, by the number of steps.
    """

    calls: list[Call] = dataclasses.field(default_factory=list)
    variables: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    loss: float | None = None
    gradients: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
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
    described: dict[str, Any] = {
        "format": FORMAT,
        "source": recording.source,
        "versions": recording.versions,
        "loss": recording.loss,
        "restored": recording.restored,
        "checkpoint": recording.checkpoint is not None,
        "runs": {},
    }
    with zipfile.ZipFile(os.path.join(folder, "inputs.npz"), "w") as file:
        described["inputs"] = _ArrayWriter(file)(recording.inputs)
    _write_json(described, folder)
    for precision, run in recording.runs.items():
        add_run(folder, precision, run)


def add_run(folder: str, precision: str, run: Run) -> None:
    """Adds a run to the recording in a folder; it is there whole or not at all."""
    with open(os.path.join(folder, "recording.json")) as file:
        described = json.load(file)
    temporary = os.path.join(folder, f".{precision}.npz")
    with zipfile.ZipFile(temporary, "w") as file:
        described["runs"][precision] = _described(run, _ArrayWriter(file))
    os.replace(temporary, os.path.join(folder, f"{precision}.npz"))
    _write_json(described, folder)


def _write_json(described: Mapping[str, Any], folder: str) -> None:
    temporary = os.path.join(folder, ".recording.json")
    with open(temporary, "w") as file:
        json.dump(described, file)
    os.replace(temporary, os.path.join(folder, "recording.json"))


class _ArrayWriter:
    def __init__(self, file: zipfile.ZipFile):
        self._file = file
        self._written: dict[int, tuple[np.ndarray, list[Any]]] = {}

    def __call__(self, arrays: Mapping[str, np.ndarray]) -> dict[str, list[Any]]:
        return {name: self._reference(array) for name, array in arrays.items()}

    def _reference(self, array: np.ndarray) -> list[Any]:
        if id(array) not in self._written:
            number = len(self._written)
            plain = array
            if array.dtype.kind == "V":  # bfloat16, which .npz does not know
                plain = np.ascontiguousarray(array).view(f"u{array.dtype.itemsize}")
            with self._file.open(f"{number}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.asarray(plain), allow_pickle=False)
            # Kept, so that its identity is not given to another one.
            self._written[id(array)] = array, [number, array.dtype.name]
        return self._written[id(array)][1]


def _described(run: Run, write: _ArrayWriter) -> dict[str, Any]:
    return {
        "calls": [
            {
                **{
                    field.name: getattr(call, field.name)
                    for field in dataclasses.fields(Call)
                    if field.name not in ("inputs", "outputs")
                },
                "inputs": write(call.inputs),
                "outputs": write(call.outputs),
            }
            for call in run.calls
        ],
        "variables": write(run.variables),
        "loss": run.loss,
        "gradients": write(run.gradients),
        "losses": run.losses,
        "trained": {str(step): write(values) for step, values in run.trained.items()},
    }


def read_recording(folder: str) -> Recording:
    """Reads a recording.

    Raises:
      RecordingError: if the folder holds none that can be read.
    """
    described_at = os.path.join(folder, "recording.json")
    try:
        with open(described_at) as file:
            described = json.load(file)
        if described["format"] != FORMAT:
            raise RecordingError(
                f"{described_at}: its format is {described['format']!r}, and this "
                f"version reads {FORMAT}. Record the model again."
            )
        with np.load(os.path.join(folder, "inputs.npz"), allow_pickle=False) as file:
            inputs = _ArrayReader(file)(described["inputs"])
        runs = {
            precision: _read_run(os.path.join(folder, f"{precision}.npz"), run)
            for precision, run in described["runs"].items()
        }
        return Recording(
            source=described["source"],
            versions=described["versions"],
            inputs=inputs,
            runs=runs,
            loss=described["loss"],
            restored=described["restored"],
            checkpoint=(
                os.path.join(folder, "checkpoint") if described["checkpoint"] else None
            ),
        )
    except RecordingError:
        raise
    except FileNotFoundError as error:
        raise RecordingError(
            f"{folder}: this is no recording, since it has no "
            f"{os.path.basename(error.filename)}. `sonnax record` writes one."
        ) from error
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise RecordingError(
            f"{folder}: the recording is damaged ({type(error).__name__}: {error}). "
            "Record the model again."
        ) from error


class _ArrayReader:
    def __init__(self, file: Any):
        self._file = file
        self._read: dict[int, np.ndarray] = {}

    def __call__(self, references: Mapping[str, Any]) -> dict[str, np.ndarray]:
        return {name: self._array(*where) for name, where in references.items()}

    def _array(self, number: int, dtype: str) -> np.ndarray:
        if number not in self._read:
            value = self._file[str(number)]
            if value.dtype.name != dtype:
                import ml_dtypes

                value = value.view(getattr(ml_dtypes, dtype))
            self._read[number] = value
        return self._read[number]


def _read_run(path: str, described: Mapping[str, Any]) -> Run:
    with np.load(path, allow_pickle=False) as file:
        read = _ArrayReader(file)
        calls = [
            Call(
                **{
                    **call,
                    "inputs": read(call["inputs"]),
                    "outputs": read(call["outputs"]),
                }
            )
            for call in described["calls"]
        ]
        if any(int(steps) < 1 for steps in described["trained"]):
            raise ValueError("variables after less than one step")
        return Run(
            calls=calls,
            variables=read(described["variables"]),
            loss=described["loss"],
            gradients=read(described["gradients"]),
            losses=described["losses"],
            trained={
                int(n): read(values) for n, values in described["trained"].items()
            },
        )
