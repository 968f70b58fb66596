"""The tensors of a checkpoint by the names that its variables had."""

from __future__ import annotations

import bisect
import functools
from collections.abc import Iterator, Mapping

import numpy as np

from .checkpoint import Checkpoint
from .derived_tensor import DerivedTensor, stored_tensor
from .errors import MismatchError
from .format.object_graph import OBJECT_GRAPH_KEY
from .renaming import renamed_by

__all__ = ["NamedTensors"]


class NamedTensors(Mapping[str, np.ndarray]):
    """The tensors of a checkpoint by the names of their variables, read when asked for.

    Where the checkpoint has an object graph, that has recorded the names.

    Args:
      checkpoint: the checkpoint.
      mapping: regular expressions over whole names to replacements, tried in order;
        the first that matches renames the tensor.

    Attributes:
      checkpoint: the checkpoint.
      path: its path.
      keys_by_name: the checkpoint's own key of each tensor.

    Raises:
      MismatchError: two tensors have one name.

    Example:
      >>> import tempfile
      >>> from sonnax.converters import open_checkpoint, write_bundle
      >>> prefix = tempfile.mkdtemp() + "/ckpt-1"
      >>> write_bundle(prefix, {"agent/linear/w": np.ones([2])})
      >>> tensors = NamedTensors(open_checkpoint(prefix), {"agent/(.*)": r"\\1"})
      >>> tensors["linear/w"]
      array([1., 1.])
    """

    def __init__(
        self, checkpoint: Checkpoint, mapping: Mapping[str, str] | None = None
    ):
        self.path = checkpoint.path
        self.checkpoint = checkpoint
        names = renamed_by(mapping or {}, recorded_names(checkpoint), path=self.path)
        self.keys_by_name = {name: key for key, name in names.items()}

    def __getitem__(self, name: str) -> np.ndarray:
        return self.checkpoint[self.keys_by_name[name]]

    def __contains__(self, name: object) -> bool:
        return name in self.keys_by_name

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys_by_name)

    def __len__(self) -> int:
        return len(self.keys_by_name)

    def stored(self, name: str) -> DerivedTensor:
        """Returns a tensor without reading it yet."""
        return stored_tensor(self.checkpoint, self.keys_by_name[name])

    def beginning_with(self, scope: str) -> list[str]:
        """Returns the names that begin with a scope, in order."""
        start = bisect.bisect_left(self._sorted, scope)
        stop = bisect.bisect_left(self._sorted, scope + chr(0x10FFFF), start)
        return self._sorted[start:stop]

    @functools.cached_property
    def _sorted(self) -> list[str]:
        return sorted(self)

    @functools.cached_property
    def scopes(self) -> frozenset[str]:
        """All that names begin with, up to one of their slashes."""
        return frozenset(
            name[:i] for name in self for i, letter in enumerate(name) if letter == "/"
        )


def recorded_names(checkpoint: Checkpoint) -> dict[str, str]:
    """Returns the name that each tensor's variable had, by key.

    Raises:
      MismatchError: two variables had the same name, as modules of Sonnet 2 may.
    """
    names = {key: key for key in checkpoint if key != OBJECT_GRAPH_KEY}
    graph = checkpoint.object_graph
    for node in [] if graph is None else graph.nodes:
        for attribute, key in node.attributes.items():
            if key in names and node.full_names.get(attribute):
                names[key] = node.full_names[attribute]
    owners: dict[str, str] = {}
    for key, name in names.items():
        if name in owners:
            raise MismatchError(
                f"{owners[name]!r} and {key!r} were both called {name!r} when they "
                "were saved, so names can't tell them apart: restore by the object "
                "graph.",
                path=checkpoint.path,
            )
        owners[name] = key
    return names
