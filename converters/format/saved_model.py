"""What `saved_model.pb` says about a SavedModel: its tags and its signatures.

Source: tensorflow/core/protobuf/{saved_model,meta_graph}.proto.
"""

from __future__ import annotations

import dataclasses
import os

from ..errors import CorruptCheckpointError
from . import tensor_dtypes, wire
from .mapped_file import read_file
from .protos import SAVED_MODEL

__all__ = ["Signature", "TensorSpec", "read_signatures", "variables_prefix"]

SAVED_MODEL_FILE = "saved_model.pb"


@dataclasses.dataclass(frozen=True)
class TensorSpec:
    """An argument or result of a signature.

    Args:
      shape: its shape, with None for unknown sizes; None if the rank is unknown.
      dtype_name: TensorFlow's name of its type.
    """

    shape: tuple[int | None, ...] | None
    dtype_name: str


@dataclasses.dataclass(frozen=True)
class Signature:
    """A function that a SavedModel serves.

    Args:
      name: its key, say `serving_default`.
      tags: the tags of its meta graph, say `("serve",)`.
      inputs: its arguments by name.
      outputs: its results by name.
      method_name: what kind of service it is, as the exporter wrote it.
    """

    name: str
    tags: tuple[str, ...]
    inputs: dict[str, TensorSpec]
    outputs: dict[str, TensorSpec]
    method_name: str


def variables_prefix(directory: str) -> str:
    """Returns the prefix of the V2 checkpoint inside a SavedModel directory."""
    return os.path.join(directory, "variables", "variables")


def read_signatures(directory: str) -> tuple[Signature, ...]:
    """Returns the signatures of a SavedModel, sorted by name within a meta graph.

    Raises:
      CorruptCheckpointError: `saved_model.pb` is no SavedModel.
    """
    path = os.path.join(directory, SAVED_MODEL_FILE)
    try:
        model = wire.decode(SAVED_MODEL, read_file(path))
        return tuple(
            Signature(
                each["key"],
                tuple((graph["meta_info"] or {"tags": ()})["tags"]),
                _specs((each["value"] or {"inputs": ()})["inputs"]),
                _specs((each["value"] or {"outputs": ()})["outputs"]),
                (each["value"] or {"method_name": ""})["method_name"],
            )
            for graph in model["meta_graphs"]
            for each in sorted(graph["signatures"], key=lambda each: each["key"])
        )
    except wire.WireError as error:
        raise CorruptCheckpointError(f"is no SavedModel: {error}", path=path) from None


def _specs(entries) -> dict[str, TensorSpec]:
    specs = {}
    for entry in sorted(entries, key=lambda entry: entry["key"]):
        info = entry["value"] or {"shape": None, "dtype": 0}
        shape = info["shape"]
        specs[entry["key"]] = TensorSpec(
            None
            if shape is None or shape["unknown_rank"]
            else tuple(d["size"] if d["size"] >= 0 else None for d in shape["dims"]),
            tensor_dtypes.of_number(info["dtype"]).name,
        )
    return specs
