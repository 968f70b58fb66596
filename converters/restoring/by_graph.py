"""Matching objects with the object graph of a checkpoint."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from ...compat.core.variable import Variable
from ..checkpoint import Checkpoint
from ..errors import MismatchError
from ..format.object_graph import ObjectGraph
from .matching import Found, Match, Value
from .variable_values import fitted

__all__ = ["GraphMatch"]

# What tf.train.Checkpoint adds to the objects it is given.
_OWN = frozenset({"save_counter"})


class GraphMatch(Match):
    """A restore in which a place is a node of the graph.

    Args:
      checkpoint: where the values are.
      graph: its object graph.
      root: the object that was the root, or None.
      objects: the objects under the root, by name.
    """

    top = 0

    def __init__(
        self,
        checkpoint: Checkpoint,
        graph: ObjectGraph,
        root: Any,
        objects: Mapping[str, Any],
    ):
        super().__init__(checkpoint, root, objects)
        self._graph = graph
        self._by_node: dict[int, Any] = {}

    def child(self, place: int, name: str, obj: Any) -> int | None:
        return self._graph.nodes[place].children.get(name)

    def children(self, place: int, objects: Mapping[str, Any]) -> list[tuple[int, Any]]:
        # In the order in which they were saved.
        nodes = self._graph.nodes[place].children.items()
        return [(node, objects[name]) for name, node in nodes if name in objects]

    def identity(self, place: int, obj: Any) -> Hashable:
        return place

    def values(self, found: Sequence[Found]) -> list[Value]:
        values = []
        for each in found:
            known = self._by_node.get(each.place)
            if not isinstance(known, Variable):
                if isinstance(each.obj, Variable):
                    values.append(self._value(each.place, each.obj))
            elif known is not each.obj:
                raise MismatchError(
                    f"the node {self._path(each.place)!r} was restored into {known!r}, "
                    f"and now {each.obj!r} stands in its place. Restore again into the "
                    "new objects.",
                    path=self.checkpoint.path,
                )
        # Only now, for an error is to leave all as it was.
        self._by_node.update(
            (each.place, each.obj)
            for each in found
            if not isinstance(each.obj, Variable)
        )
        return values

    def _value(self, node: int, variable: Variable) -> Value:
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
        array: np.ndarray = self.checkpoint[key]
        array = fitted(array, variable, self.checkpoint.path, key)
        return Value(node, variable, array, (key,))

    def note(self, value: Value) -> None:
        self._by_node[value.place] = value.variable
        self.restored[self._path(value.place)] = value.variable.name

    def forget(self, value: Value) -> None:
        if self._by_node.get(value.place) is value.variable:
            del self._by_node[value.place]
            del self.restored[self._path(value.place)]

    def waits_at(self, place: int, container: Any) -> bool:
        children = self._graph.nodes[place].children.values()
        return any(child not in self._by_node for child in children)

    def matched(self) -> set[int]:
        return {id(obj) for obj in self._by_node.values()}

    def left(self) -> list[str]:
        nodes = [
            self._path(number)
            for number, node in enumerate(self._graph.nodes)
            if node.attributes and number not in self._by_node
        ]
        slots = [
            f"{self._path(slot.variable)} of {self._path(optimizer)}: {slot.slot_name}"
            for optimizer, slot in self._graph.slots()
        ]
        return [path for path in nodes if path not in _OWN] + slots

    def names(self) -> list[str]:
        return [path for path, _ in self._graph.variables()]

    def _path(self, node: int) -> str:
        path = self._graph.path(node)
        return f"(node {node})" if path is None else path
