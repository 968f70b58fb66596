"""Programs with the types that they should have, checked by mypy and pyright.

`assert_type` says what a value is; `# type: ignore[...]` marks a call that has to be an
error, since a checker reports a comment that is not needed.
"""

import json
import os
import pathlib
import subprocess
import sys

import pytest

import sonnax

PACKAGE = pathlib.Path(sonnax.__file__).resolve().parent
PROGRAMS = pathlib.Path(__file__).resolve().parents[1] / "typed_programs"
MYPY = """
[mypy]
warn_unused_ignores = true
ignore_missing_imports = true
"""
# Expressions stand there for their types alone.
PYRIGHT = {
    "include": ["programs"],
    "reportUnnecessaryTypeIgnoreComment": "error",
    "reportMissingImports": "error",
    "reportUnusedExpression": "none",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Returns a folder with the programs, from which a checker finds sonnax."""
    root = tmp_path_factory.mktemp("typed")
    (root / "programs").mkdir()
    for program in PROGRAMS.glob("*.py"):
        (root / "programs" / program.name).write_bytes(program.read_bytes())
    (root / "mypy.ini").write_text(MYPY)
    search = []
    if not environment_shows_sonnax():
        (root / "packages").mkdir()
        (root / "packages" / "sonnax").symlink_to(PACKAGE, target_is_directory=True)
        search = ["packages"]
    configuration = {**PYRIGHT, "extraPaths": search}
    (root / "pyrightconfig.json").write_text(json.dumps(configuration))
    return root


def environment_shows_sonnax():
    """Says whether sonnax is in the environment, or a plain path there leads to it."""
    code = "import sys; print(*sys.path[1:], sep='\\n')"
    found = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    )
    places = [pathlib.Path(place, "sonnax") for place in found.stdout.split("\n")]
    return any(place.resolve() == PACKAGE for place in places)


def check(folder, *command):
    environment = {**os.environ, "MYPYPATH": str(folder / "packages")}
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_there_are_programs_and_they_expect_errors():
    programs = [program.read_text() for program in PROGRAMS.glob("*.py")]
    assert sum(text.count("assert_type(") for text in programs) > 80
    assert sum(text.count("# type: ignore[") for text in programs) > 35


def test_mypy_finds_the_types(folder):
    out = check(folder, "mypy", "--config-file", "mypy.ini", "programs")
    assert "Success" in out


def test_pyright_finds_the_types(folder):
    out = check(folder, "pyright", "--pythonpath", sys.executable)
    assert "0 errors" in out
