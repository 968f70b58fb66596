"""`sonnax convert`: write a checkpoint in another format."""

import json
import os
from pathlib import Path

import click

from .._printable import printable
from .any_path import AnyPath
from .plain_text import byte_text
from .progress import progress_bar


def _pairs(
    context: click.Context, option: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    """`PATTERN=REPLACEMENT` options as a dict; the last `=` divides them."""
    mapping = {}
    for value in values:
        pattern, equals, replacement = value.rpartition("=")
        if not equals:
            raise click.BadParameter(f"{value!r} is not PATTERN=REPLACEMENT")
        mapping[pattern] = replacement
    return mapping


@click.command()
@click.argument("source", metavar="SRC", type=AnyPath())
@click.argument("destination", metavar="DST", type=AnyPath(path_type=Path))
@click.option(
    "--dtype",
    type=click.Choice(["bfloat16", "float16", "float32", "float64"]),
    help="Cast floating-point tensors.",
)
@click.option(
    "--select",
    metavar="GLOB",
    multiple=True,
    help="Only tensors whose key matches; may be repeated.",
)
@click.option(
    "--map",
    "mapping",
    metavar="PATTERN=REPLACEMENT",
    multiple=True,
    callback=_pairs,
    help="Rename keys that match a regular expression; may be repeated.",
)
@click.option(
    "--layout",
    type=click.Choice(["sonnet1"]),
    help="Convert what Sonnet 1 saved by names to Sonnet 2's names and layouts.",
)
@click.option(
    "--forget-bias",
    type=float,
    default=1.0,
    show_default=True,
    help="What Sonnet 1's LSTMs added to the forget gate, with --layout.",
)
@click.option("--force", is_flag=True, help="Overwrite DST if it is a file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def convert(
    source: str,
    destination: Path,
    dtype: str | None,
    select: tuple[str, ...],
    mapping: dict[str, str],
    layout: str | None,
    forget_bias: float,
    force: bool,
    as_json: bool,
) -> None:
    r"""Write the checkpoint at SRC to DST, as {module: {name: array}}.

    DST ends in .safetensors or .npz, or is a new directory without a suffix for
    orbax. A key is what `sonnax inspect` lists, such as model/mlp/_layers/0/w.

    \b
    sonnax convert model/ckpt-300 model.safetensors --dtype bfloat16
    sonnax convert model/ckpt-300 mlp.npz --select 'model/mlp/*' --map 'model/(.*)=\1'
    sonnax convert model-2018.ckpt model.npz --layout sonnet1
    """
    from ..converters.exporting.export import export
    from ..converters.exporting.formats import ExportError

    if os.path.lexists(destination) and not force:
        raise ExportError(
            "exists already; pass --force to overwrite a file, or choose another name",
            path=str(destination),
        )
    with progress_bar("converting") as progress:
        exported = export(
            source,
            destination,
            select=select or None,
            mapping=mapping,
            dtype=dtype,
            progress=progress,
            layout=layout,
            forget_bias=forget_bias,
        )
    if as_json:
        summary = {
            "path": str(exported.path),
            "bytes": exported.nbytes,
            "keys": exported.keys,
            "left_out": exported.left_out,
        }
        click.echo(json.dumps(summary, indent=2))
        return
    left_out = f", {len(exported.left_out)} left out" if exported.left_out else ""
    click.echo(
        f"{printable(str(exported.path))}: {len(exported.keys)} tensors, "
        f"{byte_text(exported.nbytes)}{left_out}"
    )
