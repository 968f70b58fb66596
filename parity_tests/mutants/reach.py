"""Which tests reach which line, recorded by Python's own monitoring."""

import json
import os
import pathlib
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from .operators import FOLDERS, ROOT


def files() -> set[str]:
    return {
        str(path) for globs in FOLDERS.values() for g in globs for path in ROOT.glob(g)
    }


class Reach:
    """A pytest plugin that writes, for each test, its time and the lines it reached.

    A line is noted once for each test, so that recording costs next to nothing. It
    needs Python 3.12.
    """

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.watched = files()
        self.lines: set[tuple[str, int]] = set()
        self.tests: dict[str, Any] = {}
        monitoring = sys.monitoring
        monitoring.use_tool_id(monitoring.COVERAGE_ID, "reach")
        monitoring.register_callback(
            monitoring.COVERAGE_ID, monitoring.events.LINE, self._reached
        )
        monitoring.set_events(monitoring.COVERAGE_ID, monitoring.events.LINE)

    def _reached(self, code: Any, line: int) -> Any:
        if code.co_filename in self.watched:
            self.lines.add((code.co_filename, line))
        return sys.monitoring.DISABLE

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.lines.clear()
        sys.monitoring.restart_events()
        start = time.perf_counter()
        result = yield
        lines: dict[str, list[int]] = {}
        for name, line in sorted(self.lines):
            lines.setdefault(os.path.relpath(name, ROOT), []).append(line)
        if lines:
            self.tests[item.nodeid] = [time.perf_counter() - start, lines]
        return result

    def pytest_sessionfinish(self) -> None:
        if self.tests:
            self.folder.mkdir(parents=True, exist_ok=True)
            name = os.environ.get("PYTEST_XDIST_WORKER", "main")
            (self.folder / f"reach-{name}.json").write_text(json.dumps(self.tests))


def tests_by_line(folder: pathlib.Path) -> dict[tuple[str, int], list[str]]:
    """Returns the tests that reach each line, the quickest first."""
    found: dict[tuple[str, int], list[tuple[float, str]]] = {}
    for path in sorted(folder.glob("reach-*.json")):
        for test, (seconds, lines) in json.loads(path.read_text()).items():
            for name, numbers in lines.items():
                for line in numbers:
                    found.setdefault((name, line), []).append((seconds, test))
    return {place: [t for _, t in sorted(tests)] for place, tests in found.items()}
