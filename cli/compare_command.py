"""`sonnax compare` and `sonnax record`: a legacy model beside its port."""

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from .plain_text import printable
from .progress import progress_bar

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from ..parity import ComparedRun, Comparison
    from ..parity.tables import Row

# So many lines of each table.
_SHOWN = 12


def _work_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that say what to run, the same for both commands."""
    options = (
        click.option("--checkpoint", help="What to restore before anything else."),
        click.option("--loss", help="A function loss(model, *inputs) of the file."),
        click.option("--grad", is_flag=True, help="Take the gradients of the loss."),
        click.option(
            "--steps",
            type=click.IntRange(min=0),
            default=0,
            help="Train so many steps on the inputs, with the optimizer of build().",
        ),
        click.option(
            "--float64",
            is_flag=True,
            help="Run in double precision too, to tell rounding from an error.",
        ),
        click.option("--python", help="An interpreter that has TensorFlow and Sonnet."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@click.argument("legacy")
@click.argument("port")
@click.option("--input", "inputs", help="The model's arguments, an .npz file.")
@_work_options
@click.option("--rtol", type=float, default=1e-4, show_default=True)
@click.option(
    "--atol", type=float, help="By default rtol / 10 of the array's largest element."
)
@click.option("--report", type=click.Path(), help="Write an HTML report to this file.")
@click.option("--all", "show_all", is_flag=True, help="Show every line of the tables.")
def compare(
    legacy: str,
    port: str,
    inputs: str | None,
    checkpoint: str | None,
    loss: str | None,
    grad: bool,
    steps: int,
    float64: bool,
    python: str | None,
    as_json: bool,
    rtol: float,
    atol: float | None,
    report: str | None,
    show_all: bool,
) -> None:
    """Run a Sonnet model and its port side by side, module call by module call.

    LEGACY and PORT are functions that build the model, as file.py:build, or folders
    that `sonnax record` wrote. build() returns a module, or a dict of what
    tf.train.Checkpoint was given: {"model": net, "optimizer": optimizer}. The arrays
    in the --input file are passed to the model by their names, or by position if
    numpy.savez named them. Without --checkpoint the port takes the first values of
    the legacy model.

    The exit status is 1 if a difference is beyond the tolerances, which in float64
    are a millionth of --rtol and --atol.
    """
    from ..parity import compare as run
    from ..parity.tables import as_json as comparison_as_json

    with progress_bar("comparing") as progress:
        comparison = run(
            legacy,
            port,
            inputs=inputs,
            checkpoint=checkpoint,
            loss=loss,
            gradients=grad,
            steps=steps,
            float64=float64,
            rtol=rtol,
            atol=atol,
            python=python,
            progress=progress,
        )
    if report is not None:
        from ..parity.report import write_report

        write_report(comparison, report)
    if as_json:
        click.echo(json.dumps(comparison_as_json(comparison), indent=2))
    else:
        _show(comparison, None if show_all else _SHOWN)
    sys.exit(0 if comparison.agrees else 1)


@click.command()
@click.argument("model")
@click.option(
    "--input", "inputs", required=True, help="The model's arguments, an .npz file."
)
@click.option("--output", required=True, type=click.Path(), help="The folder to write.")
@_work_options
@click.option("--port", is_flag=True, help="MODEL is a port on sonnax.compat.")
def record(
    model: str,
    inputs: str,
    output: str,
    checkpoint: str | None,
    loss: str | None,
    grad: bool,
    steps: int,
    float64: bool,
    python: str | None,
    as_json: bool,
    port: bool,
) -> None:
    """Run MODEL and write down all that its modules compute.

    MODEL is a function of a Sonnet model that builds it, file.py:build. The folder can
    be compared with a port where TensorFlow is not installed:

        sonnax compare FOLDER port.py:build

    Without --checkpoint the model's first values are kept in the folder.
    """
    from ..parity import record as run

    with progress_bar("recording") as progress:
        recording = run(
            model,
            output,
            inputs=inputs,
            checkpoint=checkpoint,
            loss=loss,
            gradients=grad,
            steps=steps,
            float64=float64,
            side="sonnax" if port else "sonnet",
            python=python,
            progress=progress,
        )
    calls = {precision: len(r.calls) for precision, r in recording.runs.items()}
    if as_json:
        summary = {"path": output, "versions": recording.versions, "calls": calls}
        click.echo(json.dumps(summary, indent=2))
        return
    counts = ", ".join(f"{n} calls in {precision}" for precision, n in calls.items())
    click.echo(f"{printable(output)}: {counts}")


def _show(comparison: "Comparison", limit: int | None) -> None:
    from rich.console import Console
    from rich.text import Text

    from ..parity import tables, verdict

    # Lines in a pipe are as long as they need to be.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    runs = list(comparison.runs.values())
    for title, rows in (
        ("module calls", [tables.call_rows(run) for run in runs]),
        ("variables after the call", [tables.value_rows(r.variables) for r in runs]),
        ("gradients", [tables.value_rows(run.gradients) for run in runs]),
    ):
        if not any(rows):
            continue
        if all(row.is_exact for rows_of_run in rows for row in rows_of_run):
            same = "zero" if all(row.is_zero for row in rows[0]) else "the same"
            console.print(f"{title}: all {len(rows[0])} are {same}, bit for bit\n")
        else:
            console.print(_table(title, rows, list(comparison.runs), limit))
    for precision, run in comparison.runs.items():
        if run.losses:
            console.print(_loss_table(f"training, {precision}", run, limit))
    for line in tables.unmatched(comparison):
        console.print(Text(printable(line)))
    style = "bold green" if comparison.agrees else "bold red"
    console.print(Text(printable(verdict(comparison)), style=style))


def _table(
    title: str, rows: "list[list[Row]]", precisions: list[str], limit: int | None
) -> "Table":
    """Returns a table of what differs most, with a part for each precision."""
    from ..parity.tables import HEADING

    by_name: dict[str, list[Row | None]] = {}
    for i, rows_of_run in enumerate(rows):
        for row in rows_of_run:
            by_name.setdefault(row.name, [None] * len(rows))[i] = row
    lines = sorted(
        by_name.values(), key=lambda line: -max(row.excess for row in line if row)
    )
    shown = lines[:limit]
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
        first = next(row for row in line if row)
        cells: list[Any] = []
        for i, row in enumerate(line):
            *found, excess = row.cells if row else [""] * len(HEADING)
            cells += found if i == 0 else found[1:2]
            cells.append(_judged(excess, row.excess if row else 0.0))
        table.add_row(_name(first.name), _name(first.form, "dim"), *cells)
    return table


def _empty_table(title: str) -> "Table":
    from rich import box
    from rich.table import Table

    return Table(
        title=title,
        box=box.SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
        pad_edge=False,
        collapse_padding=True,
    )


def _name(text: str, style: str = "") -> "Text":
    from rich.text import Text

    return Text(printable(text), style=style, overflow="fold")


def _judged(text: str, excess: float) -> "Text":
    from rich.text import Text

    style = "bold red" if excess > 1 else "yellow" if excess > 0.1 else "green"
    return Text(text, style=style)


def _loss_table(title: str, run: "ComparedRun", limit: int | None) -> "Table":
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
