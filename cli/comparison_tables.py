"""What `sonnax compare` prints on a terminal: the worst lines first, then a verdict."""

import sys
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .._printable import printable
from ..parity import ComparedRun, Comparison, parting, tables, verdict
from ..parity.remarks import remarks
from ..parity.tables import HEADING, Row

_CALLS = "module calls"


def show(comparison: Comparison, limit: int | None) -> None:
    """Prints what was found, with so many lines of each table, or all of them."""
    # Lines in a pipe are as long as they need to be.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    runs = list(comparison.runs.values())
    firsts = {
        (first.title not in {c.title for c in run.calls}, first.title)
        for run in runs
        if (first := parting(run))
    }
    for title, rows in (
        (_CALLS, [tables.call_rows(run) for run in runs]),
        ("variables after the call", [tables.value_rows(r.variables) for r in runs]),
        ("gradients", [tables.value_rows(run.gradients) for run in runs]),
    ):
        if not any(rows):
            continue
        if all(row.is_exact for rows_of_run in rows for row in rows_of_run):
            same = "zero" if all(row.is_zero for row in rows[0]) else "the same"
            console.print(f"{title}: all {len(rows[0])} are {same}, bit for bit\n")
        else:
            marked = {t for is_value, t in firsts if is_value != (title == _CALLS)}
            console.print(_table(title, rows, list(comparison.runs), limit, marked))
    for precision, run in comparison.runs.items():
        if run.losses:
            console.print(_loss_table(f"training, {precision}", run, limit))
    for line in remarks(comparison):
        console.print(Text(printable(line)))
    style = "bold green" if comparison.agrees else "bold red"
    console.print(Text(printable(verdict(comparison)), style=style))


def _table(
    title: str,
    rows: list[list[Row]],
    precisions: list[str],
    limit: int | None,
    marked: set[str],
) -> Table:
    """Returns a table of what differs most, with a part for each precision.

    Args:
      marked: the names of lines that are marked, and shown in any case.
    """
    by_name: dict[str, list[Row | None]] = {}
    for i, rows_of_run in enumerate(rows):
        for row in rows_of_run:
            by_name.setdefault(row.name, [None] * len(rows))[i] = row
    lines = sorted(
        by_name.values(),
        key=lambda line: max(tables.weight(row) for row in line if row),
        reverse=True,
    )
    shown = lines[:limit]
    shown += [line for line in lines[len(shown) :] if _first(line).name in marked]
    table = _empty_table(title)
    if len(shown) < len(lines):
        table.caption = f"the worst {len(shown)} of {len(lines)}"
    for heading in ("", ""):
        table.add_column(heading)
    for i, precision in enumerate(precisions):
        # Of the second one, what tells rounding from an error.
        for heading in HEADING if i == 0 else (HEADING[1], HEADING[-1]):
            table.add_column(f"{precision}\n{heading}", justify="right", no_wrap=True)
    for line in shown:
        first = _first(line)
        cells: list[Any] = []
        for i, found in enumerate(line):
            *texts, of_allowed = found.cells if found else [""] * len(HEADING)
            cells += texts if i == 0 else texts[1:2]
            cells.append(_judged(of_allowed, found.excess if found else 0.0))
        is_marked = first.name in marked
        name = f"{first.name}  <- first" if is_marked else first.name
        style = "bold red" if is_marked else ""
        table.add_row(_name(name, style), _name(first.form, "dim"), *cells)
    return table


def _first(line: list[Row | None]) -> Row:
    return next(row for row in line if row)


def _empty_table(title: str) -> Table:
    return Table(
        title=title,
        box=box.SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
        pad_edge=False,
        collapse_padding=True,
    )


def _name(text: str, style: str = "") -> Text:
    return Text(printable(text), style=style, overflow="fold")


def _judged(text: str, excess: float) -> Text:
    style = "bold red" if excess > 1 else "yellow" if excess > 0.1 else "green"
    return Text(text, style=style)


def _loss_table(title: str, run: ComparedRun, limit: int | None) -> Table:
    table = _empty_table(title)
    for heading in ("step", "legacy loss", "port's loss", "relative Δ", "drift"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("of which variable")
    for step, (theirs, ours) in enumerate(run.losses, 1):
        if limit is not None and step not in run.trained:
            continue
        difference = run.loss_differences[step - 1]
        drift = {name: d.max_relative for name, d in run.trained.get(step, {}).items()}
        worst = max(drift, key=lambda name: drift[name], default="")
        table.add_row(
            str(step),
            f"{theirs:.8g}",
            f"{ours:.8g}",
            _judged(f"{difference.max_relative:.1e}", difference.excess),
            f"{drift[worst]:.1e}" if drift else "",
            _name(worst),
        )
    return table
