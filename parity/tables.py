"""A comparison as rows of text and as JSON."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from .comparison import ComparedRun, Comparison, Differences
from .gaps import SIDES
from .measures import Difference
from .remarks import nonfinite_text, remarks
from .verdict import parting, verdict

HEADING = ("max |Δ|", "relative Δ", "ulp", "cosine", "of allowed")


class Row(NamedTuple):
    """One line of a table of differences.

    Attributes:
      name: of the call or the variable.
      form: the class of the module or the dtype, and the shape.
      cells: those of `HEADING`.
      excess: the difference over what is allowed; beyond 1 the two differ.
      agrees: whether they do not differ, and it means something that they don't.
      is_zero: whether the legacy array is zero.
    """

    name: str
    form: str
    cells: tuple[str, ...]
    excess: float
    agrees: bool
    is_zero: bool

    @property
    def is_exact(self) -> bool:
        return self.agrees and self.excess == 0


def call_rows(run: ComparedRun) -> list[Row]:
    """Returns a row for each call, in the order in which they ended."""
    return [
        _row(c.title, f"{c.call.type} {_shape(c.worst)}", c.worst) for c in run.calls
    ]


def value_rows(differences: Differences) -> list[Row]:
    """Returns a row for each variable or gradient."""
    return [
        _row(name, f"{d.dtypes[0]} {_shape(d)}", d) for name, d in differences.items()
    ]


def worst_first(rows: Iterable[Row]) -> list[Row]:
    """Returns rows with the largest excess first."""
    return sorted(rows, key=weight, reverse=True)


def weight(row: Row) -> tuple[bool, bool, float]:
    """Returns what rows are sorted by: first what differs, then what tells nothing."""
    return not row.excess <= 1, not row.agrees, row.excess


def _row(name: str, form: str, d: Difference) -> Row:
    cells = (
        _number(d.max_absolute) if d.problem is None else d.problem,
        _number(d.max_relative) if d.problem is None else "",
        _count(d.max_ulps),
        "" if d.cosine is None else f"{d.cosine:.7f}",
        _number(d.excess) if d.problem is None else "",
    )
    counts = nonfinite_text(d)
    form = f"{form} {counts}" if counts else form
    return Row(name, form, cells, d.excess, d.agrees, d.largest == 0)


def _shape(d: Difference) -> str:
    shape = d.shapes[0] if d.shapes[0] is not None else d.shapes[1]
    return f"[{', '.join(map(str, shape or ()))}]"


def _count(ulps: int | None) -> str:
    if ulps is None:
        return ""
    return f"{ulps:,}" if ulps < 1e7 else f"{ulps:.1e}"


def _number(value: float) -> str:
    return "0" if value == 0 else f"{value:.1e}"


def failure_text(comparison: Comparison, rows: int = 8) -> str:
    """Returns what a failing test prints: what was found, and the worst lines."""
    lines = [verdict(comparison), ""]
    for precision, run in comparison.runs.items():
        tables = {
            "module calls": call_rows(run),
            "variables": value_rows(run.variables),
            "gradients": value_rows(run.gradients),
        }
        for what, all_rows in tables.items():
            over = [row for row in worst_first(all_rows) if not row.agrees]
            if over:
                lines.append(f"{precision}: {len(over)} of {len(all_rows)} {what}:")
                lines += _aligned(over[:rows])
    lines += remarks(comparison)
    return "\n".join(lines).rstrip()


def _aligned(rows: Sequence[Row]) -> list[str]:
    table = [("", "", *HEADING)] + [(row.name, row.form, *row.cells) for row in rows]
    widths = [max(map(len, column)) for column in zip(*table)]
    return [
        "  "
        + "  ".join(
            cell.ljust(width) if i < 2 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths))
        ).rstrip()
        for line in table
    ]


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Returns all that was found, as JSON can hold it."""
    runs = {}
    for precision, run in comparison.runs.items():
        first = parting(run)
        runs[precision] = {
            "agrees": run.agrees,
            "status": run.status,
            "not_compared": [gap._asdict() for gap in run.gaps],
            "rtol": run.tolerance.rtol,
            "atol": run.tolerance.atol,
            "parting": first
            and {"kind": first.kind, "path": first.path, "text": first.text},
            "calls": [
                {
                    "path": c.call.path,
                    "method": c.call.method,
                    "number": c.call.number,
                    "class": c.call.type,
                    "agrees": c.agrees,
                    "inputs": _json_differences(c.inputs),
                    "outputs": _json_differences(c.outputs),
                }
                for c in run.calls
            ],
            "seen_elsewhere": list(run.seen_elsewhere),
            "only_legacy": list(run.only_legacy),
            "only_port": list(run.only_port),
            "variables": _json_differences(run.variables),
            "loss": run.loss and _json_difference(run.loss),
            "gradients": _json_differences(run.gradients),
            "without_gradient": dict(zip(SIDES, map(list, run.without_gradient))),
            "losses": [[_json_number(x) for x in pair] for pair in run.losses],
            "trained": {
                str(steps): _json_differences(differences)
                for steps, differences in run.trained.items()
            },
            "nonfinite": {
                side: {
                    kind: dataclasses.asdict(found) for kind, found in counts.items()
                }
                for side, counts in zip(SIDES, run.nonfinite)
            },
        }
    return {
        "agrees": comparison.agrees,
        "status": comparison.status,
        "verdict": verdict(comparison),
        "legacy": {
            "source": comparison.legacy.source,
            "versions": comparison.legacy.versions,
        },
        "port": {
            "source": comparison.port.source,
            "versions": comparison.port.versions,
        },
        "inputs": _json_differences(comparison.inputs),
        "not_compared": [gap._asdict() for gap in comparison.all_gaps],
        "left_out": list(comparison.left_out),
        "runs": runs,
    }


def _json_differences(differences: Differences) -> dict[str, Any]:
    return {name: _json_difference(d) for name, d in differences.items()}


def _json_difference(d: Difference) -> dict[str, Any]:
    return {
        "shapes": d.shapes,
        "dtypes": d.dtypes,
        "max_absolute": _json_number(d.max_absolute),
        "max_relative": _json_number(d.max_relative),
        "max_ulps": d.max_ulps,
        "cosine": d.cosine,
        "of_allowed": _json_number(d.excess),
        "agrees": d.agrees,
        "problem": d.problem,
        "nan": d.nan,
        "infinite": d.infinite,
    }


def _json_number(value: float) -> float | str:
    """JSON has no NaN and no infinity: they become strings."""
    return value if math.isfinite(value) else str(value)
