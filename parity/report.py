"""A comparison as one HTML file that needs nothing else to be read."""

from __future__ import annotations

import importlib.util
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .._printable import printable
from ..converters.format.replaced_file import replace_file
from .comparison import AGREE, NAN, NOT_COMPARED, Comparison
from .processes import ComparisonError
from .remarks import remarks
from .report_lines import (
    Line,
    call_lines,
    first_parting,
    shown_steps,
    step_lines,
    value_lines,
)
from .tables import HEADING
from .verdict import is_rounding, largest, verdict

if TYPE_CHECKING:
    from .plots import Plot

_PRECISIONS = ("float32", "float64")


class _Outcome(NamedTuple):
    """What the page says first: the role of its colour, and its word."""

    role: str
    word: str


_AGREE = _Outcome("agree", "Agreement")
_ROUNDING = _Outcome("rounding", "Only rounding")
_REAL = _Outcome("real", "A real difference")
_UNKNOWN = _Outcome("real", "A difference")
_NOTHING = _Outcome("rounding", "Nothing to compare")
_NAN = _Outcome("real", "Not a number")
_GAPS = _Outcome("rounding", "Not all was compared")


def check_report(path: str | os.PathLike) -> None:
    """Checks that a report can be written, before the models are run.

    Raises:
      ComparisonError: if Jinja2 or Matplotlib is not installed, or there is no folder
        for the file.
    """
    missing = [
        n for n in ("jinja2", "matplotlib") if importlib.util.find_spec(n) is None
    ]
    if missing:
        raise ComparisonError(
            f"an HTML report needs {' and '.join(missing)}: pip install "
            "'sonnax[report]'."
        )
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise ComparisonError(f"there is no folder {folder} for the report.")


def write_report(comparison: Comparison, path: str | os.PathLike) -> None:
    """Writes a comparison as an HTML page with tables and plots.

    The page is one file without scripts: it loads nothing, and can be attached to a
    pull request. It is written whole or not at all.

    Args:
      comparison: what to show.
      path: the file to write; one that is there is replaced.

    Raises:
      ComparisonError: as for `check_report`.
      OSError: if the file can't be written.
    """
    check_report(path)
    page = _page(comparison)
    with replace_file(os.fspath(path)) as file:
        file.write(page.encode())


def _page(comparison: Comparison) -> str:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # Of names that come from a model; what is safe has been through it.
        finalize=lambda value: printable(value) if type(value) is str else value,
    )
    return environment.get_template("report.html").render(_Content(comparison).all())


class _Content:
    """What the page shows."""

    def __init__(self, comparison: Comparison):
        self.comparison = comparison
        self.runs = {p: comparison.runs[p] for p in _PRECISIONS if p in comparison.runs}
        self.calls = call_lines(self.runs)
        self.variables = value_lines(
            "variable", {p: run.variables for p, run in self.runs.items()}
        )
        self.gradients = value_lines(
            "gradient", {p: run.gradients for p, run in self.runs.items()}
        )
        self.steps = step_lines(self.runs)
        lines = (*self.calls, *self.variables, *self.gradients)
        self.place = first_parting(comparison, lines, self.steps)

    def all(self) -> dict[str, Any]:
        """Returns the variables of the template."""
        comparison, outcome = self.comparison, self.outcome()
        return {
            "legacy": comparison.legacy,
            "port": comparison.port,
            "outcome": outcome,
            "verdict": verdict(comparison),
            "is_unknown": outcome is _UNKNOWN,
            "place": self.place,
            "checkpoint": self.checkpoint_text(),
            "runs": self.runs,
            "summary": self.summary(),
            "heading": HEADING,
            "tables": [
                ("calls", "Module calls", "class", self.calls),
                ("variables", "Variables after the call", "dtype", self.variables),
                ("gradients", "Gradients", "dtype", self.gradients),
            ],
            "steps": shown_steps(self.steps, self.place),
            "all_steps": len(self.steps),
            "drift": [d for d in map(self.drift, self.runs) if d is not None],
            "alone": [
                (side, titles)
                for side, titles in (
                    ("legacy", self.alone("only_legacy")),
                    ("port's", self.alone("only_port")),
                )
                if titles
            ],
            "remarks": remarks(comparison),
            "plots": list(self.plots()),
        }

    def outcome(self) -> _Outcome:
        if not any(run.calls for run in self.runs.values()):
            return _NOTHING
        of_status = {AGREE: _AGREE, NAN: _NAN, NOT_COMPARED: _GAPS}
        if self.comparison.status in of_status:
            return of_status[self.comparison.status]
        place, rounding = self.place, is_rounding(self.comparison)
        if rounding:
            return _ROUNDING
        if (
            rounding is None
            and place
            and math.isfinite(place.parting.difference.excess)
        ):
            return _UNKNOWN
        return _REAL

    def checkpoint_text(self) -> str:
        restored = self.comparison.legacy.restored
        if restored is not None:
            return restored
        return "none: both began with the first values of the legacy model"

    def summary(self) -> list[tuple[str, list[tuple[str, bool]]]]:
        """Returns lines of what holds for each precision, and whether it is bad."""
        lines: dict[str, list[tuple[str, bool]]] = {}
        for run in self.runs.values():
            atol = run.tolerance.atol
            for what, text in {
                "rtol": f"{run.tolerance.rtol:g}",
                "atol": "rtol / 10 of the array's largest"
                if atol is None
                else f"{atol:g}",
                "largest relative Δ": f"{largest(run):.1e}",
            }.items():
                lines.setdefault(what, []).append((text, False))
            for what, differences in {
                "module calls": [c.worst for c in run.calls],
                "variables": list(run.variables.values()),
                "gradients": list(run.gradients.values()),
                "losses": run.loss_differences,
            }.items():
                beyond, count = sum(d.differs for d in differences), len(differences)
                unknown = sum(not d.agrees for d in differences) - beyond
                text = f"{beyond} of {count} differ" if beyond else f"{count} agree"
                if unknown and not beyond:
                    text = f"{unknown} of {count} not finite"
                cell = (text if count else "not compared", beyond + unknown > 0)
                lines.setdefault(what, []).append(cell)
        return list(lines.items())

    def drift(self, precision: str) -> tuple[str, list[int], list[Any]] | None:
        """Returns the relative differences after the steps, by variable."""
        trained = self.runs[precision].trained
        if not trained:
            return None
        paths = dict.fromkeys(path for found in trained.values() for path in found)
        steps = sorted(trained)
        rows = [(path, [trained[n].get(path) for n in steps]) for path in paths]
        return precision, steps, rows

    def alone(self, which: str) -> list[str]:
        """Returns the titles of calls that one side alone made, in any precision."""
        return list(
            dict.fromkeys(
                title for run in self.runs.values() for title in getattr(run, which)
            )
        )

    def plots(self) -> Iterator[Plot]:
        from . import plots

        with plots.style():
            if self.calls:
                yield plots.by_place(
                    "depth",
                    "Difference by depth",
                    "module call, in the order of the table",
                    self.calls,
                    self.runs,
                    self.line_seen(self.calls),
                    wide=True,
                )
                yield plots.histogram("histogram", self.runs)
            if self.steps:
                yield plots.losses("losses", self.steps, self.runs)
            if any(run.trained for run in self.runs.values()):
                yield plots.drift("drift", self.runs)
            if self.gradients:
                yield plots.by_place(
                    "gradients-plot",
                    "Gradients",
                    "variable, in the order of the table",
                    self.gradients,
                    self.runs,
                    self.line_seen(self.gradients),
                )

    def line_seen(self, lines: list[Line]) -> Line | None:
        place = self.place
        if place is None:
            return None
        return next((line for line in lines if line.anchor == place.seen), None)
