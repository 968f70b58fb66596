"""`sonnax demo`: a checkpoint of real Sonnet, run and trained on by sonnax."""

import dataclasses
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .._printable import printable
from .inspect_command import table_lines
from .plain_text import byte_text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from ..converters.exporting.export import Exported
    from ..demo.comparison import Comparison, Resumption


@click.command()
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo-output"),
    show_default=True,
    help="Folder for the exported .safetensors file.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def demo(output: Path, as_json: bool) -> None:
    """Run a checkpoint of real Sonnet on JAX and compare the numbers.

    dm-sonnet trained the model under TensorFlow on handwritten digits, and recorded
    its logits and its next 20 training losses. The demo restores the checkpoint into
    the same model on sonnax, evaluates it eagerly, under snt.jit and as a pure
    function under jax.jit, trains on from the restored optimizer, and exports the
    tensors. The exit status is 1 if a number is out of tolerance.
    """
    start = time.perf_counter()
    from ..converters.checkpoint import open_checkpoint
    from ..demo import DATA

    checkpoint = open_checkpoint(DATA)
    if not as_json:
        click.echo(f"A checkpoint of dm-sonnet: {printable(str(checkpoint.path))}\n")
        click.echo("\n".join(table_lines(checkpoint)) + "\n")
    from ..converters.exporting.export import export
    from ..demo.comparison import compare_with_recording

    comparison = compare_with_recording()
    output.mkdir(parents=True, exist_ok=True)
    exported = export(checkpoint, output / "digits.safetensors", select="model/*")
    seconds = time.perf_counter() - start
    if as_json:
        summary = dataclasses.asdict(comparison) | {
            "exported": str(exported.path),
            "seconds": seconds,
            "passed": comparison.passed,
        }
        click.echo(json.dumps(summary, indent=2))
    else:
        from rich.console import Console

        _show(Console(highlight=False), comparison, exported, seconds)
    sys.exit(0 if comparison.passed else 1)


def _show(
    console: "Console", comparison: "Comparison", exported: "Exported", seconds: float
) -> None:
    console.print(
        "[bold]The held-out images[/]: the same weights in Sonnet and in sonnax"
    )
    console.print(_evaluation_table(comparison))
    console.print(
        "[dim]Δ: from Sonnet's logits; relative to the image's largest logit[/]\n"
    )
    resumption = comparison.resumption
    console.print(
        f"[bold]The next {len(resumption.losses)} training steps[/], with the restored "
        "optimizer"
    )
    console.print(_loss_table(resumption))
    console.print(
        "largest relative Δ of a loss: "
        f"{_judged(resumption.max_relative_difference, resumption.passed)}\n"
    )
    console.print(
        f"{len(exported.keys)} tensors exported ({byte_text(exported.nbytes)}):",
        str(exported.path),
        markup=False,
    )
    verdict = (
        "[green]every number is within its tolerance[/]"
        if comparison.passed
        else "[red]a number is out of tolerance[/]"
    )
    console.print(f"{verdict} ({seconds:.1f} s)")


def _evaluation_table(comparison: "Comparison") -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("", no_wrap=True)
    for heading in (
        "test\naccuracy",
        "test\nloss",
        "max\n|Δlogit|",
        "max\nrelative Δ",
        "compile\nand run",
        "\nrun",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_row(
        "Sonnet, recorded",
        f"{comparison.sonnet_accuracy:.2%}",
        f"{comparison.sonnet_loss:.5f}",
    )
    for gear in comparison.evaluations:
        table.add_row(
            gear.gear,
            f"{gear.accuracy:.2%}",
            f"{gear.loss:.5f}",
            f"{gear.max_difference:.1e}",
            _judged(gear.max_relative_difference, gear.passed),
            f"{gear.first_call * 1e3:.0f} ms",
            f"{gear.later_call * 1e3:.2f} ms",
        )
    return table


def _loss_table(resumption: "Resumption") -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for heading in ("step", "Sonnet's loss", "sonnax's loss", "relative Δ"):
        table.add_column(heading, justify="right", no_wrap=True)
    pairs = zip(resumption.sonnet_losses, resumption.losses)
    for step, (theirs, ours) in enumerate(pairs, resumption.first_step):
        table.add_row(
            f"{step}", f"{theirs:.8f}", f"{ours:.8f}", f"{abs(ours / theirs - 1):.1e}"
        )
    return table


def _judged(difference: float, passed: bool) -> str:
    return f"[{'green' if passed else 'red'}]{difference:.1e}[/]"
