"""`sonnax record` and `sonnax compare`: what they print, and how they end."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import click.testing
import numpy as np
import pytest

import sonnax
from sonnax.cli.main import main

SMALL = Path(sonnax.__file__).parent / "parity_tests/parity/models/small.py"


def run(*arguments):
    return click.testing.CliRunner().invoke(main, [str(each) for each in arguments])


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    path = tmp_path_factory.mktemp("inputs") / "batch.npz"
    np.savez(path, np.float32([[1, 2], [3, 4]]))
    return path


@pytest.fixture(scope="module")
def recorded(inputs):
    folder = inputs.parent / "recorded"
    arguments = ("--input", inputs, "--output", folder, "--port", "--json")
    result = run("record", f"{SMALL}:linear", *arguments)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["calls"] == {"float32": 1}
    return folder


def test_two_that_agree_end_with_0(recorded):
    result = run("compare", recorded, recorded)
    assert result.exit_code == 0
    assert "module calls: all 1 are the same, bit for bit" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("The two agree")


def test_two_that_differ_end_with_1_and_name_the_module(recorded):
    result = run("compare", recorded, f"{SMALL}:shifted")
    assert result.exit_code == 1
    assert "The two part at model (Linear)" in result.stdout
    assert "1.0e+00" in result.stdout
    assert run("compare", recorded, recorded, "--rtol", "2").exit_code == 0


def test_what_is_not_compared_ends_with_1_unless_it_is_named(recorded, inputs):
    folder = inputs.parent / "with gradients"
    options = ("--input", inputs, "--output", folder, "--port", "--grad")
    assert run("record", f"{SMALL}:linear", *options).exit_code == 0
    result = run("compare", recorded, folder)
    assert result.exit_code == 1
    assert "not compared: gradients (on the port side only)" in result.stdout
    assert "What was compared agrees, and not all was" in result.stdout
    result = run("compare", recorded, folder, "--ignore", "gradients", "--ignore", "x")
    assert result.exit_code == 0
    assert "left out with --ignore: gradients" in result.stdout
    assert "--ignore 'x' is the name of nothing" in result.stdout
    told = json.loads(run("compare", recorded, folder, "--json").stdout)
    assert (told["agrees"], told["status"]) == (False, "not compared")


def test_nan_on_both_sides_ends_with_1(inputs):
    batch = inputs.parent / "nan.npz"
    np.savez(batch, np.float32([[np.nan, 2], [3, 4]]))
    folder = inputs.parent / "nan"
    options = ("--input", batch, "--output", folder, "--port")
    assert run("record", f"{SMALL}:linear", *options).exit_code == 0
    result = run("compare", folder, folder)
    assert result.exit_code == 1
    assert "The two can't be told apart: model (Linear) returns NaN" in result.stdout
    assert "NaN 2 and 2 of 4" in result.stdout
    assert "first in what model is given" in result.stdout


def test_json_holds_all_that_was_found(recorded):
    result = run("compare", recorded, recorded, "--json")
    found = json.loads(result.stdout)
    assert found["agrees"] is True
    (call,) = found["runs"]["float32"]["calls"]
    assert (call["path"], call["class"]) == ("model", "Linear")
    assert call["outputs"][""]["max_ulps"] == 0
    assert sorted(found["runs"]["float32"]["variables"]) == ["model/b", "model/w"]


def test_training_and_gradients_are_tables(inputs):
    folder = inputs.parent / "trained"
    work = ("--input", inputs, "--grad", "--steps", 5)
    result = run("record", f"{SMALL}:wider", *work, "--output", folder, "--port")
    assert result.exit_code == 0, result.stderr
    short = run("compare", folder, folder).stdout
    # Steps by powers of two, and the last one.
    steps = [row.split()[0] for row in short.splitlines() if row.strip()[:1].isdigit()]
    assert steps == ["1", "2", "4", "5"]
    assert "gradients: all 2 are the same" in short
    longer = run("compare", folder, folder, "--all").stdout
    assert len(longer.splitlines()) == len(short.splitlines()) + 1


def test_a_failing_model_is_an_error_with_its_traceback(inputs, tmp_path):
    result = run(
        *("record", f"{SMALL}:failing", "--input", inputs),
        *("--output", tmp_path / "out", "--port"),
    )
    assert result.exit_code == 1
    assert "Traceback" in result.stderr
    last = result.stderr.splitlines()[-1]
    assert last.startswith("Error: ")
    assert "the weights are gone" in last
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere", "nowhere.py:build"), "inputs are needed"),
        ((".", "nowhere.py:build"), "this is no recording"),
    ],
)
def test_what_can_not_be_compared_is_one_line(arguments, message):
    result = run("compare", *arguments)
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert message in line


def test_a_terminal_has_a_bar_and_colours_and_a_pipe_has_not(recorded):
    command = [sys.executable, "-m", "sonnax", "compare"]
    command += [str(recorded), f"{SMALL}:shifted"]
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs)
    os.close(theirs)
    written = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:
            break
        if not part:
            break
        written += part
    assert process.wait() == 1
    assert b"sonnax, float32" in written  # what the bar says is going on
    assert b"\x1b[" in written
    piped = subprocess.run(command, capture_output=True)
    assert piped.stderr == b""
    assert b"\x1b" not in piped.stdout
