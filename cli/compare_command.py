"""`sonnax compare` and `sonnax record`: a legacy model beside its port."""

import json
import sys
from collections.abc import Callable
from typing import Any

import click

from .._printable import printable
from .progress import progress_bar

# So many lines of each table.
_SHOWN = 12


def _work_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that say what to run, the same for both commands."""
    options = (
        click.option(
            "--checkpoint",
            type=click.Path(readable=False),
            help="What to restore before anything else.",
        ),
        click.option("--loss", help="A function loss(model, *inputs) of the file."),
        click.option(
            "--grad", "gradients", is_flag=True, help="Take the gradients of the loss."
        ),
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
        click.option(
            "--python",
            type=click.Path(readable=False),
            help="An interpreter that has TensorFlow and Sonnet.",
        ),
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@click.argument("legacy", type=click.Path(readable=False))
@click.argument("port", type=click.Path(readable=False))
@click.option(
    "--input",
    "inputs",
    type=click.Path(readable=False),
    help="The model's arguments, an .npz file.",
)
@_work_options
@click.option("--rtol", type=float, default=1e-4, show_default=True)
@click.option(
    "--atol", type=float, help="By default rtol / 10 of the array's largest element."
)
@click.option(
    "--ignore",
    multiple=True,
    metavar="GLOB",
    help="Leave out a module, call, variable or output by name; can be repeated.",
)
@click.option("--report", type=click.Path(), help="Write an HTML report to this file.")
@click.option("--all", "show_all", is_flag=True, help="Show every line of the tables.")
def compare(
    legacy: str,
    port: str,
    as_json: bool,
    report: str | None,
    show_all: bool,
    **options: Any,
) -> None:
    """Run a Sonnet model and its port side by side, module call by module call.

    LEGACY and PORT are functions that build the model, as file.py:build, or folders
    that `sonnax record` wrote. build() returns a module, or a dict of what
    tf.train.Checkpoint was given: {"model": net, "optimizer": optimizer}. The arrays
    in the --input file are passed to the model by their names, or by position if
    numpy.savez named them. Without --checkpoint the port takes the first values of
    the legacy model.

    The exit status is 0 only if all was compared and agrees. It is 1 if a difference
    is beyond the tolerances, which in float64 are a millionth of --rtol and --atol; if
    something is NaN on both sides; and if something was not compared: a call, a
    variable, gradients or steps that one side alone has, or an output in which there
    are no arrays. What is named by --ignore does not count: model/flatten,
    'model/decoder/*', a call as it is printed, 'model:info' in what model returns, or
    variables, gradients, losses, float64 for all of them.
    """
    from ..parity import compare as run
    from ..parity.report import check_report, write_report
    from ..parity.tables import as_json as comparison_as_json

    if report is not None:
        check_report(report)
    with progress_bar("comparing") as progress:
        comparison = run(legacy, port, progress=progress, **options)
    if report is not None:
        write_report(comparison, report)
    if as_json:
        click.echo(json.dumps(comparison_as_json(comparison), indent=2))
    else:
        from .comparison_tables import show

        show(comparison, None if show_all else _SHOWN)
    sys.exit(0 if comparison.agrees else 1)


@click.command()
@click.argument("model", type=click.Path(readable=False))
@click.option(
    "--input",
    "inputs",
    required=True,
    type=click.Path(readable=False),
    help="The model's arguments, an .npz file.",
)
@click.option("--output", required=True, type=click.Path(), help="The folder to write.")
@_work_options
@click.option("--port", is_flag=True, help="MODEL is a port on sonnax.compat.")
def record(model: str, output: str, as_json: bool, port: bool, **options: Any) -> None:
    """Run MODEL and write down all that its modules compute.

    MODEL is a function of a Sonnet model that builds it, file.py:build. The folder can
    be compared with a port where TensorFlow is not installed:

        sonnax compare FOLDER port.py:build

    Without --checkpoint the model's first values are kept in the folder.
    """
    from ..parity import record as run

    with progress_bar("recording") as progress:
        side = "sonnax" if port else "sonnet"
        recording = run(model, output, side=side, progress=progress, **options)
    calls = {precision: len(r.calls) for precision, r in recording.runs.items()}
    if as_json:
        summary = {"path": output, "versions": recording.versions, "calls": calls}
        click.echo(json.dumps(summary, indent=2))
        return
    counts = ", ".join(f"{n} calls in {precision}" for precision, n in calls.items())
    click.echo(f"{printable(output)}: {counts}")
