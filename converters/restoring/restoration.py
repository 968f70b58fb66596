"""Restoring checkpoints into modules through the object graph."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...compat.core.variable import Variable
from ..checkpoint import Checkpoint, open_checkpoint
from ..errors import MismatchError, listed
from ..format.object_graph import ObjectGraph
from ..named_tensors import NamedTensors
from ..sonnet1.layouts import LAYOUTS, Layout
from .named_restoration import NamedRestoreStatus
from .trackable import children, walk
from .variable_values import assign, fitted
from .waiting import match_when_made

__all__ = ["RestoreStatus", "restore"]

# What tf.train.Checkpoint adds to the objects it is given.
_OWN = frozenset({"save_counter"})

# The layouts of modules that differ, for each way to restore by names.
_BY_NAMES: dict[str, Mapping[str, Layout]] = {"sonnet1": LAYOUTS, "names": {}}


def restore(
    path: str | os.PathLike | Checkpoint,
    root: Any = None,
    *,
    layout: str | None = None,
    mapping: Mapping[str, str] | None = None,
    **objects: Any,
) -> RestoreStatus | NamedRestoreStatus:
    """Restores modules, optimizers and variables from a TensorFlow checkpoint.

    Objects are matched by the names of attributes, list items and dict keys, from
    the root on, as TensorFlow does. In a checkpoint that was saved by names, a
    variable is the tensor of its name or its path (`model/_layers/0/w`), and what
    Sonnet 1 laid out in another way is converted: a module is found by its name scope
    or its path. Every value is checked against its checksum, its shape and its dtype
    before the first one is assigned. Variables that modules will make only when they
    are called get their values then.

    What Sonnet 1's files do not say is taken from the objects: an LSTM's `forget_bias`,
    and the eps and axes of norms, whose defaults differ (`BatchNorm(..., eps=1e-3)`,
    `LayerNorm(axis=slice(1, None), ...)`). A `TrainableState` is found if it is named
    `lstm_initial_state` for a core named `lstm`. Slots of TensorFlow 1's Adam, RMSProp
    and Momentum go into the optimizers.

    Args:
      path: what `open_checkpoint` takes, or a checkpoint that is open.
      root: the object that was the root: `tf.train.Checkpoint(root)`.
      layout: None takes the object graph, or names if there is none; "sonnet1" takes
        names with Sonnet 1's layouts, even if there is an object graph; "names" takes
        names, and converts nothing.
      mapping: for names, regular expressions over whole names to replacements
        (`{"hub_wrapper/local_functional/(.*)": r"\\1"}`), tried in order; the first
        that matches renames the tensor. Moving averages take the place of variables
        with `{"(.*)/ExponentialMovingAverage": r"\\1", "(.*)": r"not_used/\\1"}`.
      **objects: the objects under the root, by the names they were saved with:
        `tf.train.Checkpoint(model=net, optimizer=opt)`.

    Returns:
      What was matched. Call `assert_consumed()` on it if nothing may be left over.

    Raises:
      MismatchError: a value has another shape or dtype than its variable, or names do
        not tell which tensor is a variable's.
      UnsupportedCheckpointError: Sonnet 2 has no twin for a module, say an LSTM with
        peepholes.
      CheckpointError: it can't be read.
      ValueError: there is no such layout, or a mapping for an object graph.

    Example:
      >>> import tempfile
      >>> from sonnax import compat as snt, converters
      >>> prefix = tempfile.mkdtemp() + "/ckpt-1"
      >>> net = snt.Linear(2)
      >>> y = net(snt.initializers.Ones()([1, 3], "float32"))
      >>> _ = converters.save(prefix, model=net)
      >>> twin = snt.Linear(2)
      >>> status = converters.restore(prefix, model=twin)
      >>> bool((twin(snt.initializers.Ones()([1, 3], "float32")) == y).all())
      True
      >>> status.assert_consumed().restored["model/w"]
      'linear/w:0'
    """
    checkpoint = path if isinstance(path, Checkpoint) else open_checkpoint(path)
    if layout not in (None, *_BY_NAMES):
        raise ValueError(
            f"layout={layout!r}: it is None, or one of {sorted(_BY_NAMES)}."
        )
    graph = checkpoint.object_graph
    if layout is not None or graph is None:
        tensors = NamedTensors(checkpoint, mapping)
        layouts = _BY_NAMES[layout or "sonnet1"]
        named = NamedRestoreStatus(checkpoint, tensors, root, objects, layouts)
        named.match()
        if named.is_waiting():
            named.match_when_made()
        return named
    if mapping is not None:
        raise ValueError(
            "mapping renames tensors, and this checkpoint is restored by its object "
            "graph, not by names: leave mapping out, or pass layout='names' as well."
        )
    status = RestoreStatus(checkpoint, graph, root, objects)
    status.match()
    if status.is_waiting():
        status.match_when_made()
    return status


class RestoreStatus:
    """What a restore matched; the `assert` methods have TensorFlow's meanings.

    Attributes:
      checkpoint: the checkpoint that was restored.
      restored: the name of the variable restored, for each path in the checkpoint.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        graph: ObjectGraph,
        root: Any,
        objects: Mapping[str, Any],
    ):
        self.checkpoint = checkpoint
        self.restored: dict[str, str] = {}
        self._graph = graph
        self._root = root
        self._objects = dict(objects)
        self._by_node: dict[int, Any] = {}

    def __repr__(self) -> str:
        left = len(self._unresolved())
        return (
            f"RestoreStatus({self.checkpoint.path!r}: {len(self.restored)} variables "
            f"restored, {left} tensors of the checkpoint left)"
        )

    # Matching.

    def _roots(self) -> dict[str, Any]:
        return {**children(self._root), **self._objects}

    def match(self) -> None:
        """Pairs objects with nodes, and assigns the values of new pairs."""
        pairs: list[tuple[int, Variable]] = []
        nodes = self._graph.nodes
        queue: list[tuple[int, Mapping[str, Any]]] = [(0, self._roots())]
        visited = {0}
        if isinstance(self._root, Variable):
            pairs.append((0, self._root))
        while queue:
            number, held = queue.pop(0)
            for name, child in nodes[number].children.items():
                obj = held.get(name)
                if obj is None or child in visited:
                    continue
                visited.add(child)
                self._check_same(child, obj)
                if isinstance(obj, Variable):
                    if child not in self._by_node:
                        pairs.append((child, obj))
                else:
                    self._by_node[child] = obj
                    queue.append((child, children(obj)))
        values = [self._value(node, variable) for node, variable in pairs]
        for (node, variable), value in zip(pairs, values):
            self._by_node[node] = variable
            self.restored[self._path(node)] = variable.name
            assign(variable, value)

    def _check_same(self, node: int, obj: Any) -> None:
        """Two nodes may be one object only if they were one when they were saved."""
        known = self._by_node.get(node)
        if isinstance(known, Variable) and known is not obj:
            raise MismatchError(
                f"the node {self._path(node)!r} was restored into {known!r}, and now "
                f"{obj!r} stands in its place. Restore again into the new objects.",
                path=self.checkpoint.path,
            )

    def _path(self, node: int) -> str:
        path = self._graph.path(node)
        return f"(node {node})" if path is None else path

    def _value(self, node: int, variable: Variable) -> np.ndarray:
        key = self._graph.nodes[node].key
        if key is None:
            raise MismatchError(
                f"{variable!r} stands where the checkpoint has {self._path(node)!r}, "
                "which is no variable.",
                path=self.checkpoint.path,
            )
        info = self.checkpoint.info(key)
        if tuple(info.shape) != variable.shape:
            raise MismatchError(
                f"its shape is {tuple(info.shape)}, and that of the variable "
                f"{variable.name!r} at {self._path(node)!r} is {variable.shape}.",
                path=self.checkpoint.path,
                tensor=key,
            )
        return fitted(self.checkpoint[key], variable, self.checkpoint.path, key)

    # Variables that do not exist yet.

    def is_waiting(self) -> bool:
        """Returns whether the checkpoint has values whose variables are not there."""
        return any(node.key is not None for node in self._unmatched_nodes().values())

    def match_when_made(self) -> None:
        """Matches again whenever modules have made variables, until all are there."""
        held = [self._root, *(obj for _, obj in walk(self._roots()))]
        match_when_made(self, held)

    # What TensorFlow's status offers.

    def _unmatched_nodes(self) -> dict[int, Any]:
        return {
            number: node
            for number, node in enumerate(self._graph.nodes)
            if node.attributes
            and number not in self._by_node
            and self._path(number) not in _OWN
        }

    def _unresolved(self) -> list[str]:
        return [self._path(number) for number in self._unmatched_nodes()]

    def assert_existing_objects_matched(self) -> RestoreStatus:
        """Checks that every variable of the objects was restored.

        Returns:
          The status itself.

        Raises:
          MismatchError: naming the variables that the checkpoint does not have.
        """
        self.match()
        matched = {id(obj) for obj in self._by_node.values()}
        missing = [
            f"{path} ({obj.name}, shape {obj.shape})"
            for path, obj in walk(self._roots())
            if isinstance(obj, Variable) and id(obj) not in matched
        ]
        if missing:
            raise MismatchError(
                f"{len(missing)} variables have no value in the checkpoint: "
                f"{listed(missing)}. There are values for "
                f"{listed(self._saved_paths())}.",
                path=self.checkpoint.path,
            )
        return self

    def assert_consumed(self) -> RestoreStatus:
        """Checks that every variable was restored, and every tensor used.

        Returns:
          The status itself.

        Raises:
          MismatchError: naming what is left over, on either side.
        """
        self.assert_existing_objects_matched()
        unresolved = self._unresolved()
        slots = [
            f"{self._path(slot.variable)} of {self._path(optimizer)}: {slot.slot_name}"
            for optimizer, slot in self._graph.slots()
        ]
        if unresolved or slots:
            raise MismatchError(
                f"{len(unresolved) + len(slots)} values of the checkpoint have no "
                f"object to go to: {listed(unresolved + slots)}. Pass the objects "
                "that they belong to; call modules once if they make their variables "
                "then; or, if they may be left over, call expect_partial() instead.",
                path=self.checkpoint.path,
            )
        return self

    def assert_nontrivial_match(self) -> RestoreStatus:
        """Checks that something beside the root was matched.

        Returns:
          The status itself.

        Raises:
          MismatchError: if nothing was.
        """
        self.match()
        if not self.restored:
            raise MismatchError(
                "nothing in the checkpoint fits the objects: it has "
                f"{listed(self._saved_paths())}, and they have "
                f"{listed([path for path, _ in walk(self._roots())])}.",
                path=self.checkpoint.path,
            )
        return self

    def expect_partial(self) -> RestoreStatus:
        """Says that values may be left over; there is nothing to silence here.

        Returns:
          The status itself.
        """
        return self

    def _saved_paths(self) -> list[str]:
        return [path for path, _ in self._graph.variables()]
