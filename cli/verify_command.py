"""`sonnax verify`: read every tensor and check it against its checksum."""

import json

import click

from .._printable import printable
from .any_path import AnyPath
from .inspect_command import total_bytes
from .plain_text import byte_text
from .progress import progress_bar


@click.command()
@click.argument("path", type=AnyPath())
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(path: str, as_json: bool) -> None:
    """Check every checksum of the checkpoint at PATH."""
    from ..converters.checkpoint import open_checkpoint

    checkpoint = open_checkpoint(path)
    with progress_bar("verifying") as progress:
        checkpoint.verify(progress)
    nbytes = total_bytes(checkpoint)
    if as_json:
        summary = {
            "path": checkpoint.path,
            "tensors": len(checkpoint),
            "bytes": nbytes,
            "verified": True,
        }
        click.echo(json.dumps(summary, indent=2))
        return
    click.echo(
        f"{printable(checkpoint.path)}: {len(checkpoint)} tensors, "
        f"{byte_text(nbytes)}: all checksums match"
    )
