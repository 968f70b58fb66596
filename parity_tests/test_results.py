"""RESULTS.md, and how its numbers come about."""

import pathlib
import re
import shutil
import types

import jax.numpy as jnp
import numpy as np
import pytest

from sonnax.parity_tests import ledger, results, surface

RESULTS = pathlib.Path(__file__).with_name("RESULTS.md")


@pytest.mark.parametrize("folder", surface.PARTS)
def test_every_public_name_of_the_real_library_has_a_row(folder):
    _, _, section = RESULTS.read_text().partition(f"## {surface.PARTS[folder].title}\n")
    section, _, _ = section.partition("\n## ")
    assert re.findall(r"^\| `([^`]+)`", section, re.M) == list(surface.symbols(folder))


@pytest.mark.parametrize("folder", surface.PARTS)
def test_no_row_is_empty(folder):
    prefix = surface.PARTS[folder].prefix
    for line in RESULTS.read_text().splitlines():
        if line.startswith(f"| `{prefix}."):
            assert set(line.split("|")[2:-1]) != {" – "}, line


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_commit_is_named_and_so_are_changes(tmp_path):
    assert results.commit(tmp_path) == "a copy without commits"
    results.git(tmp_path, "init")
    (tmp_path / "code.py").touch()
    (tmp_path / "RESULTS.md").touch()
    results.git(tmp_path, "add", "-A")
    author = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    results.git(tmp_path, *author, "commit", "-m", "first")
    (tmp_path / "RESULTS.md").write_text("new")
    committed = results.commit(tmp_path)
    assert re.fullmatch("commit [0-9a-f]{12}", committed)
    (tmp_path / "code.py").write_text("new")
    assert results.commit(tmp_path) == f"{committed} with uncommitted changes"


DISTANCES = {
    "equal": ([1.0, 2.0], [1.0, 2.0], 0.0),
    "apart": ([1.0, 2.5], [1.0, 2.0], 0.5),
    "not finite, the same": ([np.nan, np.inf, 3.0], [np.nan, np.inf, 2.0], 1.0),
    "not finite, others": ([np.inf, 1.0], [-np.inf, 1.0], np.inf),
    "not finite, ours": ([np.nan, 1.0], [0.0, 1.0], np.inf),
    "booleans": ([True, False], [True, True], 1.0),
    "nothing": ([], [], 0.0),
}


@pytest.mark.parametrize("name", DISTANCES)
def test_a_distance_is_the_largest_of_all_elements(name):
    ours, theirs, expected = DISTANCES[name]
    assert ledger.distance(np.asarray(ours), np.asarray(theirs)) == expected


@pytest.fixture
def book(monkeypatch):
    """A ledger that is open, in place of the run's own."""
    opened = ledger.Ledger()
    monkeypatch.setattr(ledger, "_ledger", opened)
    return opened


def test_differences_are_relative_to_the_array_and_gradients_to_those_of_the_call(book):
    theirs = [np.float32([4.0, 1.0]), np.float32([0.5])]
    ours = [theirs[0], np.float32([0.625])]
    for kind in ("values", "gradients"):
        with book.entry("compat", "test", "case"):
            ledger.report(kind, ours, theirs)
    (entry,) = book.entries.values()
    assert entry.worst == {"values float32": 0.25, "gradients float32": 0.125 / 4}


def test_what_is_found_is_that_of_the_symbols_in_use(book):
    with book.entry("rlax_impl", "a.py::test[float32]", "a.py::test"):
        for case, difference in (("one", 0.5), ("two", 0.25)):
            with ledger.case(case):
                book.name(f"rlax.{case}")
                ledger.report("values", jnp.float32(1 + difference), np.float32(1))
    copied = ledger.Ledger()
    copied.add(book.dumps())  # as a worker hands it over
    rows = {
        name: results.row(
            [e for e in copied.entries.values() if name in e.names],
            ["values float32", "values float64"],
        )
        for name in ("rlax.one", "rlax.two", "rlax.three")
    }
    assert rows == {
        "rlax.one": ["1", "5.0e-01", "–", "1"],
        "rlax.two": ["1", "2.5e-01", "–", "1"],
        "rlax.three": ["–", "–", "–", "–"],
    }


def recorder(*arguments):
    root = results.FOLDERS.parent
    config = types.SimpleNamespace(
        invocation_params=types.SimpleNamespace(args=arguments), rootpath=root
    )
    made = results.Recorder(config, root / "R.md", ledger.Ledger())
    files = (
        f for part in surface.PARTS for f in results.FOLDERS.glob(f"{part}/test_*")
    )
    made.files.update(files)
    return made


def test_a_run_that_is_not_complete_is_refused():
    assert recorder().refusal(0) == ""
    assert recorder().refusal(1) == "not every test passed."
    assert "tests were selected" in recorder("a/test_b.py::test_c").refusal(0)
    short = recorder()
    short.files.remove(results.FOLDERS / "trfl" / "test_losses.py")
    assert short.refusal(0) == "no test of trfl/test_losses.py ran."
    left_out = recorder()
    left_out.pytest_deselected([types.SimpleNamespace(nodeid="test_d")])
    assert "test_d" in left_out.refusal(0)
