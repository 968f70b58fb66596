"""The command line of the process that runs one side."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable
from typing import Any

from .model_file import UsageError, read_inputs
from .recording import (
    PRECISIONS,
    Recording,
    RecordingError,
    add_run,
    read_recording,
    write_recording,
)
from .session import Request, record, write_first_values
from .side import Side


def main(make_side: Callable[[str], Side]) -> None:
    """Records what the command line says, and tells of it in lines of JSON.

    What the user's code prints goes to stderr. The lines on stdout are
    `{"progress": text}`, and for a failure `{"error": text, "where": text}`.

    Args:
      make_side: returns the library's side for a precision; it is called after the
        options are read, since importing a library takes its time.
    """
    options = _options().parse_args()
    lines, sys.stdout = sys.stdout, sys.stderr

    def tell(**message: str) -> None:
        print(json.dumps(message), file=lines, flush=True)

    try:
        _record(options, make_side, lambda text: tell(progress=text))
    except Exception as error:
        text = str(error)
        if not isinstance(error, (UsageError, RecordingError)):
            traceback.print_exc()
            # The rest of a long message is in the traceback.
            text = f"{type(error).__name__}: {text.strip().partition(chr(10))[0]}"
        tell(error=text, where=_line_of_the_user(error, options.model))
        sys.exit(1)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="recorder",
        description="Record what a model's modules compute.",
    )
    parser.add_argument("model", help="file.py:build, a function that returns it")
    parser.add_argument("--input", required=True, help="its arguments, an .npz file")
    parser.add_argument("--output", required=True, help="a folder, new or recorded in")
    parser.add_argument("--checkpoint", help="the prefix of what to restore")
    parser.add_argument("--loss", help="a function loss(model, *inputs) of the file")
    parser.add_argument("--grad", action="store_true", help="take gradients")
    parser.add_argument("--steps", type=int, default=0, help="steps of training")
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        default=PRECISIONS[0],
        help="in float64, float32 means float64 wherever it can",
    )
    return parser


def _record(
    options: Any, make_side: Callable[[str], Side], progress: Callable[[str], None]
) -> None:
    request = Request(
        spec=options.model,
        inputs=read_inputs(options.input),
        checkpoint=options.checkpoint,
        loss=options.loss,
        gradients=options.grad,
        steps=options.steps,
    )
    progress("loading")
    side = make_side(options.precision)
    folder = os.path.abspath(options.output)
    if not os.path.exists(folder):
        _begin(folder, request, side)
    recording = read_recording(folder)
    if options.precision in recording.runs:
        raise UsageError(
            f"{folder} has a {options.precision} run: name another folder."
        )
    checkpoint = request.checkpoint or recording.checkpoint
    assert checkpoint is not None
    with contextlib.ExitStack() as stack:
        if options.precision == "float64":
            scratch = stack.enter_context(tempfile.TemporaryDirectory())
            widened = os.path.join(scratch, "widened")
            side.widen(checkpoint, widened)
            checkpoint = widened
        request = dataclasses.replace(request, checkpoint=checkpoint)
        run = record(request, side, progress)
    progress("writing")
    add_run(folder, options.precision, run)


def _begin(folder: str, request: Request, side: Side) -> None:
    """Makes the folder of a recording without runs."""
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    temporary = f"{folder}.{os.getpid()}"
    os.mkdir(temporary)
    try:
        recording = Recording(request.spec, side.versions(), dict(request.inputs))
        recording.loss, recording.restored = request.loss, request.checkpoint
        if request.checkpoint is None:
            recording.checkpoint = os.path.join(temporary, "checkpoint")
            write_first_values(request, side, recording.checkpoint)
        write_recording(recording, temporary)
        os.rename(temporary, folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _line_of_the_user(error: BaseException, spec: str) -> str:
    """Returns the last line of the user's own code that led to the error."""
    folder = os.path.dirname(os.path.abspath(spec.rpartition(":")[0]))
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if os.path.dirname(os.path.abspath(frame.filename)) == folder
    ]
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
