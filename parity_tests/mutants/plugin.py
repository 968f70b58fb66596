"""The pytest plugin that runs tests against one fault after the other."""

import json
import os
import pathlib
import signal
import time
from typing import Any

import pytest

from .operators import Mutant
from .planting import plant

KILLED, SURVIVED, NOT_REACHED, TOO_LONG = (
    "killed",
    "survived",
    "not reached",
    "too long",
)


class Planter:
    """Collects all tests once, and then forks for each fault.

    Args:
      mutants: the faults.
      tests: for each place the tests that reach it, the quickest first.
      results: a file of one JSON object a line; faults that stand in it are done.
      at_once: how many forks run.
      seconds: how long one may take.
    """

    def __init__(
        self,
        mutants: list[Mutant],
        tests: dict[tuple[str, int], list[str]],
        results: pathlib.Path,
        at_once: int,
        seconds: float,
    ):
        self.tests = tests
        self.results = results
        done = {entry["name"] for entry in read(results)}
        self.waiting = [m for m in mutants if m.name not in done]
        self.at_once = at_once
        self.seconds = seconds
        self.failed = False

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.failed |= report.failed

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        running: dict[int, tuple[Mutant, float]] = {}
        for mutant in self.waiting:
            reached = self.tests.get((mutant.file, mutant.line), ())
            chosen = [items[test] for test in reached if test in items]
            if not chosen:
                self.note(mutant, NOT_REACHED, 0.0)
                continue
            while len(running) >= self.at_once:
                self.wait(running)
            child = os.fork()
            if not child:
                os._exit(self.run(mutant, chosen))
            running[child] = mutant, time.monotonic()
        while running:
            self.wait(running)
        return True

    def run(self, mutant: Mutant, items: list[pytest.Item]) -> int:
        """Runs the tests in a fork until one fails; returns 1 if one does."""
        items[0].config.pluginmanager.unregister(name="terminalreporter")
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        signal.alarm(int(self.seconds))
        if not plant(mutant):
            return 2
        for item, following in zip(items, [*items[1:], None]):
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.failed:
                return 1
        return 0

    def wait(self, running: dict[int, tuple[Mutant, float]]) -> None:
        child, status = os.wait()
        mutant, start = running.pop(child)
        if os.WIFSIGNALED(status):
            # A crash is a failure that nobody overlooks.
            slow = os.WTERMSIG(status) == signal.SIGALRM
            outcome = TOO_LONG if slow else KILLED
        else:
            outcome = {0: SURVIVED, 1: KILLED}.get(os.WEXITSTATUS(status), NOT_REACHED)
        self.note(mutant, outcome, time.monotonic() - start)

    def note(self, mutant: Mutant, outcome: str, seconds: float) -> None:
        entry = {
            "name": mutant.name,
            "folder": mutant.folder,
            "function": mutant.function,
            "operator": mutant.operator,
            "outcome": outcome,
            "seconds": round(seconds, 1),
        }
        with self.results.open("a") as file:
            file.write(json.dumps(entry) + "\n")
        print(f"{outcome:>11}  {mutant.name}", flush=True)


def read(results: pathlib.Path) -> list[dict[str, Any]]:
    """Returns the entries of a file of results."""
    if not results.exists():
        return []
    return [json.loads(line) for line in results.read_text().splitlines()]
