"""The `sonnax` command as a process of its own: imports, pipes, terminals."""

import json
import os
import pty
import subprocess
import sys

import pytest

from sonnax.demo import DATA

IMPORTED = """
import json, sys
from sonnax.cli.main import main
try:
    main()
finally:
    heavy = {"jax", "tensorflow", "rich", "orbax", "sonnet"} & set(sys.modules)
    print("imported:", json.dumps(sorted(heavy)), file=sys.stderr)
"""


def start(*arguments, **options):
    command = [sys.executable, "-c", IMPORTED, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, **options)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["demo", "--help"],
        ["compare", "--help"],
        ["record", "--help"],
        ["inspect", DATA],
        ["verify", DATA],
        ["diff", DATA, DATA],
        ["convert", DATA, "out.safetensors"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_neither_jax_nor_tensorflow_is_imported(arguments, tmp_path):
    result = start(*arguments, cwd=tmp_path)
    assert result.returncode == 0
    assert result.stderr == "imported: []\n"


def completed(*words):
    """What click's completion offers for the last of the words, by kind."""
    environment = os.environ | {
        "_SONNAX_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(["sonnax", *words]),
        "COMP_CWORD": str(len(words)),
    }
    command = [sys.executable, "-m", "sonnax"]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
    return done.stdout.decode().split()


def test_the_shell_completes_commands_options_and_files():
    assert completed("in") == ["plain,inspect"]
    assert completed("convert", "--lay") == ["plain,--layout"]
    for command in ("inspect", "verify", "diff", "convert", "compare", "record"):
        assert completed(command, "mod") == ["file,mod"], command
    assert completed("compare", "--checkpoint", "mod") == ["file,mod"]


def test_status_1_and_one_line_for_an_error():
    result = start("inspect", "no/such/ckpt-1")
    assert result.returncode == 1
    error, _ = result.stderr.splitlines()
    assert error.startswith("Error: no/such/ckpt-1: ")
    assert start("inspect").returncode == 2


def test_json_is_ascii_and_survives_any_locale():
    result = start(
        "inspect", DATA, "--json", env=os.environ | {"PYTHONIOENCODING": "ascii"}
    )
    assert result.returncode == 0
    assert json.loads(result.stdout)["total"]["tensors"] == 46


def test_a_closed_pipe_is_no_traceback():
    read, write = os.pipe()
    os.close(read)
    process = subprocess.run(
        [sys.executable, "-m", "sonnax", "inspect", str(DATA)],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(write)
    assert "Traceback" not in process.stderr


def test_progress_shows_on_a_terminal_only():
    primary, secondary = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "sonnax", "verify", str(DATA)],
        stdout=subprocess.PIPE,
        stderr=secondary,
        env=os.environ | {"TERM": "xterm"},
    )
    os.close(secondary)
    shown = b""
    try:
        while chunk := os.read(primary, 4096):
            shown += chunk
    except OSError:  # how Linux says that the other end of a terminal was closed
        pass
    os.close(primary)
    output = process.communicate()[0]
    assert b"verifying" in shown
    assert b"46/46" in shown
    assert output.endswith(b"all checksums match\n")
