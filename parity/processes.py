"""Running each side in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

_RECORDER = Path(__file__).parent / "recorder"

# The recorder is loaded from its folder alone: the environment of an old model need
# not have sonnax, and nothing else in this folder is to be found there.
_LAUNCHER = """
import importlib.util, sys
folder = sys.argv.pop(1)
found = importlib.util.spec_from_file_location(
    "sonnax_recorder", folder + "/__init__.py", submodule_search_locations=[folder]
)
module = sys.modules["sonnax_recorder"] = importlib.util.module_from_spec(found)
found.loader.exec_module(module)
import sonnax_recorder.__main__
"""


class ComparisonError(ValueError):
    """A model could not be run, or two recordings do not fit together.

    Attributes:
      traceback: what the process that ran the model wrote to stderr, or an empty
        string.
    """

    def __init__(self, message: str, traceback: str = ""):
        super().__init__(message)
        self.traceback = traceback


def run_side(
    side: str,
    arguments: Sequence[str],
    progress: Callable[[str], None],
    python: str | None = None,
) -> None:
    """Records a model in a new process, and waits for its end.

    Args:
      side: "sonnet" or "sonnax".
      arguments: for the command line of the recorder.
      progress: called with the name of each part of the work as it begins.
      python: the interpreter of the environment that has Sonnet, by default this one.

    Raises:
      ComparisonError: if the model can't be run.
    """
    if side == "sonnet":
        launch = [python or sys.executable, "-c", _LAUNCHER, str(_RECORDER)]
    else:
        launch = [sys.executable, "-m", f"{__package__}.sonnax_side"]
    failure: dict[str, str] | None = None
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        try:
            process = subprocess.Popen(
                [*launch, *arguments],
                stdout=subprocess.PIPE,
                stderr=log,
                stdin=subprocess.DEVNULL,
                text=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        except OSError as error:
            raise ComparisonError(f"{launch[0]} can't be started: {error}") from error
        with process:
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    told = _message(line)
                    if "progress" in told:
                        progress(told["progress"])
                    if "error" in told:
                        failure = told
            except BaseException:
                process.kill()
                raise
        if process.returncode == 0:
            return
        log.seek(0)
        written = log.read()
        # Without what libraries log when they are imported.
        written = written[max(written.rfind("Traceback (most recent call last)"), 0) :]
    raise _error(side, arguments[0], failure, process.returncode, written, launch[0])


def _message(line: str) -> dict[str, str]:
    try:
        told = json.loads(line)
    except json.JSONDecodeError:
        return {}
    return told if isinstance(told, dict) else {}


def _error(
    side: str,
    spec: str,
    failure: dict[str, str] | None,
    status: int,
    written: str,
    python: str,
) -> ComparisonError:
    if failure is not None:
        where = f" ({failure['where']})" if failure.get("where") else ""
        return ComparisonError(f"{spec}: {failure['error']}{where}", written)
    last = written.strip().splitlines()[-1:] or [f"it ended with status {status}"]
    hint = ""
    if side == "sonnet" and "No module named" in last[0]:
        hint = (
            f" {python} has no TensorFlow or Sonnet: name an interpreter that has "
            "with --python, or record the legacy model elsewhere with `sonnax record`."
        )
    return ComparisonError(f"{spec}: {last[0]}.{hint}", written)
