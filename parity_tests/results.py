"""The pytest plugin behind `--results`, and the Markdown that it writes."""

import datetime
import importlib.metadata
import os
import pathlib
import platform
import re
import subprocess
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from sonnax.parity_tests import surface
from sonnax.parity_tests.ledger import KINDS, Entry, Ledger

LIBRARIES = (
    "sonnax",
    "jax",
    "numpy",
    "tensorflow",
    "dm-sonnet",
    "dm-haiku",
    "rlax",
    "trfl",
)
DTYPES = ("float32", "float64")
FOLDERS = pathlib.Path(__file__).resolve().parent

INTRODUCTION = """\
# Results

How far sonnax is from the libraries whose API it has. Each number was taken by the
tests of this folder while they ran the real library beside sonnax, on the same
inputs and the same variables. `make results` runs them and writes this file; nothing
in it is edited by hand.

- **Difference** of two arrays: max |a - b| / max |b|, where b is the real library's
  array, or all gradients of a call together; where b is zero throughout, max |a|. A
  column shows the largest one of all arrays of all cases that use the symbol, be it
  alone or beside others: a network's difference counts for each layer that the case
  names. Integer and boolean arrays count with the floating dtype of their run.
- **Values** are what calls return, **gradients** those with respect to parameters and
  floating inputs, **state** what calls leave behind: variables, moving averages,
  optimizers' slots.
- **0** is equality of every bit. In Haiku's table it often has a stronger reason: both
  libraries stage the same equations on the same constants.
- **Cases** have a number, **tests** use the symbol by its name, with or without one:
  decorators, errors, types and the like have behaviour to test, but no numbers. Tests
  that go through all names, to see that they exist and have the same arguments, do not
  count. "–" stands for none; some functions of the real libraries have no gradients, no
  state, or no float64.
"""


def case_of(item: pytest.Item) -> str:
    """Returns the name of the case of a test: the same in each dtype."""
    case = getattr(item, "callspec", None) and item.callspec.params.get("case")
    name = getattr(case, "name", None)
    if name is None:
        name = re.sub("-?(bfloat16|float32|float64)-?", "", item.nodeid)
    return f"{item.path.parent.name} {name}"


class Recorder:
    """Keeps the ledger of a run, and writes RESULTS.md from it at the end."""

    def __init__(self, config: pytest.Config, path: pathlib.Path, ledger: Ledger):
        self.config = config
        self.path = path
        self.ledger = ledger
        self.files: set[pathlib.Path] = set()
        self.selection = [a for a in config.invocation_params.args if "::" in str(a)]
        self.outcome = ""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        folder = item.path.parent.name
        if folder not in surface.PARTS:
            return (yield)
        with self.ledger.entry(folder, item.nodeid, case_of(item)):
            return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.files.add(self.config.rootpath / report.nodeid.partition("::")[0])

    def pytest_deselected(self, items: Iterable[pytest.Item]) -> None:
        self.selection += [item.nodeid for item in items]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(self.config, "workerinput"):
            self.config.workeroutput["ledger"] = self.ledger.dumps()
            self.config.workeroutput["selection"] = self.selection
            return
        refusal = self.refusal(session.exitstatus)
        if refusal:
            self.outcome = f"{self.path} was not written: {refusal}"
            session.exitstatus = session.exitstatus or pytest.ExitCode.USAGE_ERROR
        else:
            temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}")
            temporary.write_text(markdown(self.ledger.entries.values()))
            temporary.replace(self.path)
            self.outcome = f"wrote {self.path}"

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        output = getattr(node, "workeroutput", {})
        if "ledger" in output:
            self.ledger.add(output["ledger"])
            self.selection += output["selection"]

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        terminalreporter.write_line(self.outcome)

    def refusal(self, exit_status: int) -> str:
        """Returns why the run is not worth a table, or nothing."""
        if exit_status:
            return "not every test passed."
        if self.selection:
            return f"tests were selected, or left out: {self.selection[0]}."
        wanted = {
            f for part in surface.PARTS for f in FOLDERS.glob(f"{part}/test_*.py")
        }
        missing = sorted(f.relative_to(FOLDERS) for f in wanted - self.files)
        return f"no test of {missing[0]} ran." if missing else ""


def markdown(entries: Iterable[Entry]) -> str:
    """Returns the text of RESULTS.md."""
    entries = list(entries)
    sections = [INTRODUCTION, environment()]
    for folder, part in surface.PARTS.items():
        of_part = [entry for entry in entries if entry.folder == folder]
        sections.append(f"## {part.title}\n\n{table(folder, of_part)}")
    return "\n".join(sections)


def environment() -> str:
    """Returns what the numbers were taken with."""
    lines = [
        f"Taken on {datetime.date.today()} of {commit(FOLDERS)}, with Python "
        f"{platform.python_version()} on {platform.system()}, "
        f"{platform.machine()}, {processor()}, "
        f"XLA_FLAGS={os.environ['XLA_FLAGS']!r}.\n",
        "| library | version |\n| --- | --- |",
        *(f"| {name} | {version(name)} |" for name in LIBRARIES),
    ]
    return "\n".join(lines) + "\n"


def commit(folder: pathlib.Path) -> str:
    """Returns the commit that is checked out in a folder, and whether that is all."""
    try:
        head = git(folder, "rev-parse", "--short=12", "HEAD")
    except (OSError, subprocess.CalledProcessError):
        return "a copy without commits"
    # The file that is about to be written says nothing about the code.
    changes = ("status", "--porcelain", "--untracked-files=no", "--", ":/")
    changed = git(folder, *changes, ":!*RESULTS.md")
    return f"commit {head}" + (" with uncommitted changes" if changed else "")


def git(folder: pathlib.Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def version(name: str) -> str:
    names = (f"{name}-cpu", name) if name == "tensorflow" else (name,)
    for candidate in names:
        try:
            return importlib.metadata.version(candidate)
        except importlib.metadata.PackageNotFoundError:
            continue
    raise LookupError(f"{name} is not installed, which the tests need.")


def processor() -> str:
    """Returns the name of the processor, as the system gives it."""
    information = pathlib.Path("/proc/cpuinfo")
    if information.exists():
        found = re.search(r"^model name\s*:\s*(.+)$", information.read_text(), re.M)
        if found:
            return f"{found[1]}, {os.cpu_count()} cores"
    return platform.processor() or "an unnamed processor"


def table(folder: str, entries: list[Entry]) -> str:
    """Returns the table of a library: a row for each of its public names."""
    kinds = [kind for kind in KINDS if any(measured(e, kind) for e in entries)]
    columns = [f"{kind} {dtype}" for kind in kinds for dtype in DTYPES]
    heads = ["symbol", "cases", *columns, "tests"]
    symbols = surface.symbols(folder)
    rows = []
    for symbol, value in symbols.items():
        aliases = {other for other in symbols if symbols[other] is value}
        found = [entry for entry in entries if entry.names & aliases]
        rows.append([f"`{symbol}`", *row(found, columns)])
    rules = ["---", *["---:"] * (len(heads) - 1)]
    lines = [f"| {' | '.join(cells)} |" for cells in (heads, rules, *rows)]
    return "\n".join(lines) + "\n"


def measured(entry: Entry, kind: str) -> bool:
    return any(key.startswith(f"{kind} ") for key in entry.worst)


def row(entries: list[Entry], columns: list[str]) -> list[str]:
    """Returns the cells of a symbol behind its name."""
    cases = {entry.case for entry in entries if entry.worst}
    tests = {e.test for e in entries if "/test_public_names.py" not in e.test}
    worst = [
        max((e.worst[column] for e in entries if column in e.worst), default=None)
        for column in columns
    ]
    return [count(cases), *map(number, worst), count(tests)]


def count(found: set[str]) -> str:
    return str(len(found)) if found else "–"


def number(difference: float | None) -> str:
    if difference is None:
        return "–"
    return f"{difference:.1e}" if difference else "0"
