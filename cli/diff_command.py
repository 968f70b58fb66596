"""`sonnax diff`: how two checkpoints differ."""

import json
import sys
from typing import TYPE_CHECKING

import click

from .._printable import printable
from .any_path import AnyPath
from .plain_text import columns, shape_text
from .progress import progress_bar

if TYPE_CHECKING:
    from ..converters.exporting.difference import Change


@click.command()
@click.argument("first", metavar="A", type=AnyPath())
@click.argument("second", metavar="B", type=AnyPath())
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def diff(first: str, second: str, as_json: bool) -> None:
    """Show which tensors were added, removed or changed from A to B.

    Either is a checkpoint, or a .safetensors or .npz file. The exit status is 0 if
    every tensor is the same, bit for bit, and 1 if not.
    """
    from ..converters.exporting.difference import difference

    with progress_bar("comparing") as progress:
        found = difference(first, second, progress)
    if as_json:
        summary = {
            "added": found.added,
            "removed": found.removed,
            "changed": [
                {
                    "name": change.key,
                    "shapes": change.shapes,
                    "dtypes": change.dtypes,
                    "max_difference": _json_number(change.max_difference),
                }
                for change in found.changed
            ],
            "unchanged": found.unchanged,
        }
        click.echo(json.dumps(summary, indent=2))
    else:
        rows = [
            *(("removed", printable(key), "", "") for key in found.removed),
            *(("added", printable(key), "", "") for key in found.added),
            *(_row(change) for change in found.changed),
        ]
        if rows:
            heading = ("", "name", "max difference", "shape and dtype")
            click.echo("\n".join(columns(heading, rows, right=[2])))
        click.echo(
            f"{len(found.added)} added, {len(found.removed)} removed, "
            f"{len(found.changed)} changed, {found.unchanged} the same"
        )
    sys.exit(1 if found else 0)


def _row(change: "Change") -> tuple[str, str, str, str]:
    forms = [
        f"{dtype} {shape_text(shape)}"
        for shape, dtype in zip(change.shapes, change.dtypes)
    ]
    largest = change.max_difference
    return (
        "changed",
        printable(change.key),
        "" if largest is None else f"{largest:.3g}",
        forms[0] if forms[0] == forms[1] else " -> ".join(forms),
    )


def _json_number(value: float | None) -> float | str | None:
    """JSON has no NaN and no infinity: they become strings."""
    if value is None or -float("inf") < value < float("inf"):
        return value
    return str(value)
