"""Running a legacy model and its port, and comparing what they compute."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from ..converters.checkpoint import open_checkpoint
from .comparison import Comparison, compare_recordings
from .measures import Tolerance
from .processes import ComparisonError, run_side
from .recorder.recording import Recording, read_recording
from .tables import failure_text

# Called with how many parts are done, how many there are, and what begins.
Progress = Callable[[int, int, str], None]
Model = str | os.PathLike | Callable[[], Any]
Inputs = str | os.PathLike | Mapping[str, Any] | Sequence[Any]


class ParityError(AssertionError):
    """A port does not compute what the legacy model computes.

    Attributes:
      comparison: what was found.
    """

    def __init__(self, message: str, comparison: Comparison):
        super().__init__(message)
        self.comparison = comparison


@dataclasses.dataclass(frozen=True)
class Work:
    """What is asked of both sides.

    Attributes:
      loss: the name of a function `loss(model, *inputs)` in the model's file; None is
        the mean square of the outputs.
      gradients: whether to take the gradients of the loss.
      steps: how many steps to train, with the optimizer that is built.
      float64: whether to run in double precision too.
    """

    loss: str | None = None
    gradients: bool = False
    steps: int = 0
    float64: bool = False

    @property
    def precisions(self) -> tuple[str, ...]:
        return ("float32", "float64") if self.float64 else ("float32",)

    def options(self) -> list[str]:
        """Returns the recorder's options for it."""
        options = ["--steps", str(self.steps)]
        if self.loss is not None:
            options += ["--loss", self.loss]
        return options + ["--grad"] * self.gradients


def record(
    model: Model,
    output: str | os.PathLike,
    *,
    inputs: Inputs,
    checkpoint: str | os.PathLike | None = None,
    loss: str | None = None,
    gradients: bool = False,
    steps: int = 0,
    float64: bool = False,
    side: str = "sonnet",
    python: str | None = None,
    progress: Progress | None = None,
) -> Recording:
    """Runs a model in a process of its own, and writes down all that it computes.

    Args:
      model: as for `compare`.
      output: the folder to write, which must not exist.
      inputs: as for `compare`.
      checkpoint: what to restore; None is the model's first values, which are then
        kept in the recording.
      loss: as for `compare`.
      gradients: whether to take gradients.
      steps: how many steps to train.
      float64: whether to run in double precision too.
      side: "sonnet" for a Sonnet model, "sonnax" for one on sonnax.compat.
      python: an interpreter that has TensorFlow and Sonnet, by default this one; it
        need not have sonnax, and may be as old as Python 3.8.
      progress: called with how many parts are done, how many there are, and what
        begins.

    Returns:
      The recording, as `compare` takes it.

    Raises:
      ComparisonError: the model can't be run.
      CheckpointError: the checkpoint can't be read.
    """
    work = Work(loss, gradients, steps, float64)
    if os.path.exists(output):
        raise ComparisonError(f"{output} exists already: name another folder.")
    counter = _Counter(progress, len(work.precisions))
    with _input_file(inputs) as input_file:
        options = ["--input", input_file, *_checkpoint_options(checkpoint)]
        _record(model, os.fspath(output), side, work, options, counter, python)
    return read_recording(os.fspath(output))


def compare(
    legacy: Model,
    port: Model,
    *,
    inputs: Inputs | None = None,
    checkpoint: str | os.PathLike | None = None,
    loss: str | None = None,
    gradients: bool = False,
    steps: int = 0,
    float64: bool = False,
    rtol: float = 1e-4,
    atol: float | None = None,
    ignore: str | Sequence[str] = (),
    python: str | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Runs a Sonnet model and its port side by side, and compares every module call.

    Each side runs in a process of its own, on the same inputs and from the same
    checkpoint. Calls are matched by the module's path in the objects that are built,
    which is its path in a checkpoint.

    Args:
      legacy: the Sonnet model: `"file.py:build"`, `"package.module:build"`, a function
        at the top level of a file, or the folder of a recording. The function returns
        a module, or a dict of what `tf.train.Checkpoint` was given
        (`{"model": net, "optimizer": optimizer}`).
      port: the model on sonnax.compat, likewise. Its function may also return another
        function that has restored its own parameters, such as one of Haiku's: then
        its result is compared, and the calls of modules in it by their names.
      inputs: the model's arguments: an .npz file, or arrays by name or by position.
        By default those of a recording.
      checkpoint: what both sides restore; by default the port takes the first values
        of the legacy model.
      loss: the name of a function `loss(model, *inputs)` in both files; by default
        the mean square of all outputs.
      gradients: whether to compare the gradients of the loss.
      steps: how many steps to train on the inputs, with the optimizer that is built.
      float64: whether to run both in double precision too, which tells rounding from
        an error: rounding shrinks. float32 then means float64 in both processes.
      rtol: what is allowed relative to each element in float32; a millionth of it in
        float64.
      atol: what is allowed absolutely, by default `rtol / 10` times the largest
        element of the array.
      ignore: what is not compared, by name: globs of paths of modules and variables
        (`"model/flatten"`, `"model/decoder/*"`), of calls as they are printed, of
        places in what a call returns (`"model:info"`), or `"variables"`,
        `"gradients"`, `"losses"`, `"float64"` for all of them. Whatever else one side
        has and the other has not decides: without it the two don't agree.
      python: an interpreter that has TensorFlow and Sonnet, by default this one.
      progress: called with how many parts are done, how many there are, and what
        begins.

    Returns:
      The comparison: whether all was compared and agrees (`agrees`), else which of
      the two is not so (`status`).

    Raises:
      ComparisonError: a model can't be run, or a recording lacks what is asked for.
      RecordingError: a recording can't be read.
      CheckpointError: the checkpoint can't be read.
    """
    work = Work(loss, gradients, steps, float64)
    sides = {"sonnet": legacy, "sonnax": port}
    recorded = {side: _is_recording(model) for side, model in sides.items()}
    counter = _Counter(progress, len(work.precisions) * (2 - sum(recorded.values())))
    with tempfile.TemporaryDirectory(prefix="sonnax-") as scratch:
        folders = {
            side: os.fspath(model) if recorded[side] else os.path.join(scratch, side)  # type: ignore[arg-type]
            for side, model in sides.items()
        }
        recordings = {
            side: _recording(folders[side], work) for side in sides if recorded[side]
        }
        if inputs is None:
            inputs = next((r.inputs for r in recordings.values()), None)
        if inputs is None:
            raise ComparisonError("inputs are needed: an .npz file of the arguments.")
        with _input_file(inputs) as input_file:

            def run(side: str, source: str | os.PathLike | None) -> None:
                options = ["--input", input_file, *_checkpoint_options(source)]
                model, folder = sides[side], folders[side]
                _record(model, folder, side, work, options, counter, python)

            waiting = [side for side in sides if not recorded[side]]
            if checkpoint is not None:
                with ThreadPoolExecutor() as pool:
                    for _ in pool.map(lambda side: run(side, checkpoint), waiting):
                        pass
            else:
                for side in waiting:
                    run(side, _first_values(side, folders))
        theirs, ours = (
            recordings.get(side) or read_recording(folders[side]) for side in sides
        )
        return compare_recordings(theirs, ours, Tolerance(rtol, atol), ignore)


def assert_parity(legacy: Model, port: Model, **options: Any) -> Comparison:
    """Fails if a port does not compute what the legacy model computes.

    For the tests of your own port:

        def test_my_port():
            assert_parity(
                "legacy/model.py:build",
                "ported/model.py:build",
                checkpoint="checkpoints/ckpt-1000",
                inputs={"images": images, "is_training": False},
            )

    Args:
      legacy: as for `compare`.
      port: as for `compare`.
      **options: those of `compare`.

    Returns:
      The comparison.

    Raises:
      ParityError: an AssertionError that says where the two part, and by how much.
      ComparisonError: as for `compare`.
    """
    # Not in the traceback that pytest shows: the message says all.
    __tracebackhide__ = True
    comparison = compare(legacy, port, **options)
    if not comparison.agrees:
        raise ParityError(failure_text(comparison), comparison)
    return comparison


class _Counter:
    def __init__(self, progress: Progress | None, total: int):
        self._progress = progress
        self._total = total
        self._done = 0

    def begin(self, text: str) -> None:
        if self._progress is not None:
            self._progress(self._done, self._total, text)

    def end(self) -> None:
        self._done += 1


def _record(
    model: Model,
    folder: str,
    side: str,
    work: Work,
    options: Sequence[str],
    counter: _Counter,
    python: str | None,
) -> None:
    """Runs a side once for each precision, all into one folder."""
    for precision in work.precisions:
        arguments = [_spec(model), "--output", folder, "--precision", precision]
        run_side(
            side,
            [*arguments, *options, *work.options()],
            lambda part, p=precision: counter.begin(f"{side}, {p}: {part}"),  # type: ignore[misc]
            python,
        )
        counter.end()


def _spec(model: Model) -> str:
    if not callable(model):
        return os.fspath(model)
    name, file = model.__qualname__, inspect.getsourcefile(model)
    if "." in name or file is None:
        raise ComparisonError(
            f"{name} is not at the top level of a file, and each side runs in a "
            "process of its own: pass 'file.py:build'."
        )
    return f"{file}:{name}"


def _is_recording(model: Model) -> bool:
    return not callable(model) and os.path.isdir(model)


def _recording(folder: str, work: Work) -> Recording:
    recording = read_recording(folder)
    for precision in work.precisions:
        run = recording.runs.get(precision)
        lacks = None
        if run is None:
            lacks = f"{precision} run"
        elif work.gradients and run.loss is None:
            lacks = "gradients"
        elif len(run.losses) < work.steps:
            lacks = f"{work.steps} steps of training ({len(run.losses)})"
        elif (work.gradients or work.steps) and work.loss != recording.loss:
            lacks = f"loss {work.loss!r}, but {recording.loss!r}"
        if lacks:
            raise ComparisonError(
                f"{folder}: the recording has no {lacks}. Record the model again with "
                "the options of this comparison."
            )
    return recording


def _first_values(side: str, folders: Mapping[str, str]) -> str | None:
    """Returns the checkpoint that the legacy side wrote, for the port to restore."""
    if side == "sonnet":
        return None
    written = read_recording(folders["sonnet"]).checkpoint
    if written is None:
        raise ComparisonError(
            f"{folders['sonnet']} was recorded from a checkpoint: name the same one "
            "with checkpoint."
        )
    return written


@contextlib.contextmanager
def _input_file(inputs: Inputs) -> Any:
    """Yields the path of an .npz file of the inputs."""
    if isinstance(inputs, str | os.PathLike):
        yield os.fspath(inputs)
        return
    if not isinstance(inputs, Mapping):
        inputs = {f"arr_{i}": value for i, value in enumerate(inputs)}
    arrays = {name: np.asarray(value) for name, value in inputs.items()}
    objects = [name for name, array in arrays.items() if array.dtype == object]
    if objects:
        raise ComparisonError(f"the inputs {objects} are no arrays of numbers.")
    with tempfile.TemporaryDirectory(prefix="sonnax-") as scratch:
        path = os.path.join(scratch, "inputs.npz")
        np.savez(path, **arrays)  # type: ignore[arg-type]
        yield path


def _checkpoint_options(path: str | os.PathLike | None) -> list[str]:
    """Returns the options that name a checkpoint by its prefix, as TensorFlow does."""
    if path is None:
        return []
    # It fails with a better message than TensorFlow's.
    return ["--checkpoint", os.path.abspath(open_checkpoint(path).prefix)]
