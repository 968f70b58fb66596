"""The benchmarks: each runs, the runner lists all, and README shows their table."""

import argparse
import ast
import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import sonnax

ROOT = Path(sonnax.__file__).parent
FOLDER = ROOT / "benchmarks"


@pytest.fixture(autouse=True)
def folder_on_the_path(monkeypatch):
    # As for a script that is run: its folder comes first.
    monkeypatch.syspath_prepend(str(FOLDER))


@pytest.fixture
def runner():
    return argparse.Namespace(**runpy.run_path(str(FOLDER / "run_all.py")))


@pytest.fixture
def timing():
    import taking_turns

    return taking_turns


def programs():
    """The files of the folder that are run, but for the one that runs them all."""
    return {
        path.name for path in FOLDER.glob("*.py") if '"__main__"' in path.read_text()
    } - {"run_all.py"}


def cells(line):
    return [cell.strip() for cell in line.strip("| \n").split(" | ")]


def test_the_runner_lists_every_benchmark(runner):
    assert set(runner.SCRIPTS) == programs()


def test_every_other_file_of_the_folder_serves_one_of_them():
    imported = set()
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {f"{alias.name}.py" for alias in node.names}
    assert {path.name for path in FOLDER.glob("*.py")} - programs() <= imported | {
        "run_all.py"
    }


@pytest.mark.parametrize("script", sorted(programs() - {"checkpoint.py"}))
def test_a_benchmark_gives_rows(script, timing):
    rows = runpy.run_path(str(FOLDER / script))["rows"]
    options = argparse.Namespace(pairs=1, quick=True, case="")
    given = list(rows(options))
    assert given
    for row in given:
        assert isinstance(row, timing.Row)
        assert len(timing.cells(row)) == len(timing.HEADINGS)
        assert row.sonnax > 0
        assert row.ratio == pytest.approx(row.sonnax / row.peers)


def test_the_checkpoint_of_the_benchmark_is_written_and_read(tmp_path):
    # Without the processes that import TensorFlow, each of which takes its time.
    benchmark = runpy.run_path(str(FOLDER / "checkpoint.py"))
    benchmark["write"](str(tmp_path / "model"), 1)
    assert (tmp_path / "model.index").exists()
    for ours, _ in benchmark["TASKS"].values():
        figures = benchmark["measure"](ours, str(tmp_path / "model"))
        assert figures["seconds"] > 0
        assert figures["bytes"] >= 0


def test_sides_take_turns_and_each_comes_first(timing):
    order = []
    sides = {name: lambda name=name: order.append(name) for name in "abc"}
    timing.in_turns(sides, turns=3)
    assert "".join(order) == "abcbcacab"


def test_no_turn_begins_after_the_limit_but_for_the_fewest(timing):
    given = timing.in_turns({"a": lambda: 1.0}, turns=100, limit=0.0)
    assert len(given["a"]) == timing.FEWEST_TURNS


def test_a_ratio_is_the_median_turn_by_turn(timing):
    # The medians' own ratio would be 1; the third turn fell on a slow moment.
    row = timing.compared("x", [1.0, 2.0, 9.0], "peer", [2.0, 4.0, 1.0])
    assert (row.sonnax, row.peers, row.ratio) == (2.0, 2.0, 0.5)
    assert row.quartiles == (0.5, 4.75)
    assert row.turns == 3


def test_a_row_is_written_with_its_units(timing):
    rows = (
        timing.compared("step", [1e-3, 3e-3], "Sonnet", [2e-3, 2e-3]),
        timing.compared("read", [2**20], "TF", [2**30], unit="bytes"),
        timing.compared("program", [1971], "dm-haiku", [1971], unit="equations"),
        timing.compared("demo", [6.5, 6.5]),
    )
    assert [timing.cells(row) for row in rows] == [
        ("step", "2.00 ms", "Sonnet", "2.00 ms", "1.00", "0.75 to 1.25", "2"),
        ("read", "1.0 MiB", "TF", "1,024 MiB", "0.00098", "", "1"),
        ("program", "1,971 equations", "dm-haiku", "1,971 equations", "1.00", "", ""),
        ("demo", "6.50 s", "", "", "", "", "2"),
    ]


ABOUT = {
    "date": "2026-01-02",
    "processor": "a processor",
    "cores": "2",
    "memory": "24 GiB",
    "system": "a system",
    "versions": "Python 3.11.1, jax 0.10.2",
    "load": "0.1",
}


def test_the_table_says_where_it_comes_from(runner, timing):
    row = timing.compared("step", [1.0], "Sonnet", [2.0])
    text = runner.markdown(ABOUT, {"train_step.py": [row]})
    heading, table = text.split("\n\n")
    assert all(value in heading for value in ABOUT.values())
    titles, rule, group, line = map(cells, table.splitlines())
    assert titles == list(timing.HEADINGS)
    assert len(rule) == len(titles)
    assert "(`benchmarks/train_step.py`)" in group[0]
    assert line == list(timing.cells(row))


def test_a_new_table_takes_the_place_of_the_old_one_alone(runner):
    document = f"before\n{runner.BEGIN}old\n{runner.END}after\n"
    once = runner.replaced(document, "new\n")
    assert once == f"before\n{runner.BEGIN}\nnew\n\n{runner.END}after\n"
    assert runner.replaced(once, "new\n") == once


@pytest.mark.parametrize("missing", ["BEGIN", "END"])
def test_a_document_without_the_comments_is_left_alone(runner, missing):
    comment = getattr(runner, missing)
    document = f"{runner.BEGIN}{runner.END}".replace(comment, "")
    with pytest.raises(ValueError, match=re.escape(comment.strip())):
        runner.replaced(document, "new")


def test_a_file_is_replaced_with_its_mode_and_nothing_is_left(runner, tmp_path):
    path = tmp_path / "README.md"
    path.write_text("old")
    path.chmod(0o640)
    runner.write(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_benchmark_that_fails_is_an_error_with_its_stderr(tmp_path, runner):
    script = tmp_path / "failing.py"
    script.write_text("raise SystemExit('what went wrong')")
    with pytest.raises(runner.BenchmarkError, match="what went wrong"):
        list(runner.rows_of(str(script), []))


def test_rows_come_through_the_pipe_as_they_were(runner, timing, tmp_path):
    row = timing.compared("step", [1.0, 2.0], "Sonnet", [2.0, 2.0])
    script = tmp_path / "one_row.py"
    script.write_text(f"print({json.dumps(row._asdict())!r})")
    (given,) = runner.rows_of(str(script), [])
    assert timing.cells(given) == timing.cells(row)


def test_the_runner_explains_itself():
    command = [sys.executable, FOLDER / "run_all.py", "--help"]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    assert "--json" in out.stdout


def test_the_readme_shows_a_table_of_every_benchmark(runner, timing):
    text = (ROOT / "README.md").read_text()
    table = text.split(runner.BEGIN)[1].split(runner.END)[0]
    assert re.search(r"Measured by `make bench` on \d{4}-\d\d-\d\d: ", table)
    lines = [cells(line) for line in table.splitlines() if line.startswith("|")]
    assert lines[0] == list(timing.HEADINGS)
    named = set(re.findall(r"\(`benchmarks/(\w+\.py)`\)", table))
    assert named == programs()
