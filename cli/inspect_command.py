"""`sonnax inspect`: what a checkpoint holds, read from its index."""

import json
import os
from typing import TYPE_CHECKING

import click

from .._printable import printable
from .any_path import AnyPath
from .graph_tree import graph_data, tree_lines
from .plain_text import byte_text, columns, shape_text

if TYPE_CHECKING:
    from ..converters.checkpoint import Checkpoint
    from ..converters.format.saved_model import Signature, TensorSpec

# Up to this size checking every byte takes no time that a person would notice.
VERIFIED_UP_TO = 64 << 20


@click.command()
@click.argument("path", type=AnyPath())
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def inspect(path: str, as_json: bool) -> None:
    """List every tensor of the checkpoint at PATH, and draw its object graph.

    The index alone is read, and the sizes of the data files are checked. Up to 64 MiB
    of data the checksums are checked too; `sonnax verify` does it for any size.
    """
    from ..converters.checkpoint import open_checkpoint

    checkpoint = open_checkpoint(path)
    nbytes = total_bytes(checkpoint)
    verified = nbytes <= VERIFIED_UP_TO
    if verified:
        checkpoint.verify()
    else:
        checkpoint.check_files()
    checkpoints = _checkpoints_in(path)
    if as_json:
        data = _as_data(checkpoint) | {"verified": verified, "checkpoints": checkpoints}
        click.echo(json.dumps(data, indent=2))
        return
    click.echo(f"{printable(checkpoint.path)}: {FORMATS[checkpoint.format]}")
    if len(checkpoints) > 1:
        names = ", ".join(os.path.relpath(each, path) for each in checkpoints)
        click.echo(f"one of {len(checkpoints)} checkpoints: {printable(names)}")
    click.echo()
    click.echo("\n".join(table_lines(checkpoint)))
    if verified:
        click.echo("every checksum matches")
    else:
        click.echo("checksums not checked: sonnax verify reads every byte")
    if checkpoint.object_graph is not None:
        click.echo("\n" + "\n".join(tree_lines(checkpoint.object_graph)))
    for signature in checkpoint.signatures:
        click.echo("\n" + "\n".join(_signature_lines(signature)))


FORMATS = {
    "v1": "TensorFlow checkpoint, V1",
    "v2": "TensorFlow checkpoint, V2",
    "saved_model": "TensorFlow SavedModel",
}


def total_bytes(checkpoint: "Checkpoint") -> int:
    """The bytes of all tensors, as far as the checkpoint says."""
    return sum(checkpoint.info(key).nbytes or 0 for key in checkpoint)


def table_lines(checkpoint: "Checkpoint") -> list[str]:
    """One line for each tensor, and the totals."""
    from ..converters.parameter_keys import flat_key

    rows = [
        (
            printable(flat_key(info.name)),
            shape_text(info.shape) + _slices_text(len(info.slices)),
            info.dtype_name,
            "?" if info.nbytes is None else str(info.nbytes),
        )
        for info in map(checkpoint.info, checkpoint)
    ]
    return [
        *columns(("name", "shape", "dtype", "bytes"), rows, right=[3]),
        f"{len(rows)} tensors, {byte_text(total_bytes(checkpoint))}",
    ]


def _slices_text(count: int) -> str:
    return f" in {count} slices" if count else ""


def _checkpoints_in(path: str) -> list[str]:
    """All checkpoints of a directory; none for a prefix or a SavedModel."""
    from ..converters.locate import list_checkpoints

    return list_checkpoints(path) if os.path.isdir(path) else []


def _signature_lines(signature: "Signature") -> list[str]:
    lines = [
        f"signature {printable(signature.name)}  tags: "
        f"{printable(', '.join(signature.tags))}"
    ]
    for way, specs in ("in", signature.inputs), ("out", signature.outputs):
        lines += [
            f"  {way}  {printable(name)}  {_spec_shape(spec.shape)}  {spec.dtype_name}"
            for name, spec in specs.items()
        ]
    return lines


def _spec_shape(shape: tuple[int | None, ...] | None) -> str:
    if shape is None:
        return "of any rank"
    return shape_text(["?" if size is None else size for size in shape])


def _as_data(checkpoint: "Checkpoint") -> dict:
    from ..converters.parameter_keys import flat_key

    graph = checkpoint.object_graph
    infos = [checkpoint.info(key) for key in checkpoint]
    return {
        "path": checkpoint.path,
        "format": checkpoint.format,
        "tensors": [
            {
                "name": flat_key(info.name),
                "key": info.name,
                "shape": info.shape,
                "dtype": info.dtype_name,
                "bytes": info.nbytes,
                "shard": info.shard,
                "slices": [
                    {"start": part.start, "shape": part.shape, "shard": part.shard}
                    for part in info.slices
                ],
            }
            for info in infos
        ],
        "total": {"tensors": len(infos), "bytes": total_bytes(checkpoint)},
        "object_graph": None if graph is None else graph_data(graph),
        "signatures": [
            {
                "name": signature.name,
                "tags": signature.tags,
                "inputs": _specs_data(signature.inputs),
                "outputs": _specs_data(signature.outputs),
            }
            for signature in checkpoint.signatures
        ],
    }


def _specs_data(specs: "dict[str, TensorSpec]") -> dict[str, dict]:
    return {
        name: {"shape": spec.shape, "dtype": spec.dtype_name}
        for name, spec in specs.items()
    }
