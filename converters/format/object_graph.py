"""The object graph of a TensorFlow checkpoint: which tensor belongs to which object.

`tf.train.Checkpoint` stores the objects reachable from its root by attribute, item
or key, as a graph that may share nodes and have cycles. A node's attributes name
the tensors that hold its values; an optimizer's slot variables are listed at the
optimizer, beside the variable that each belongs to.

Source: tensorflow/core/protobuf/trackable_object_graph.proto.
"""

from __future__ import annotations

import dataclasses
import functools
from collections import deque
from collections.abc import Iterator

from . import wire
from .protos import OBJECT_GRAPH

__all__ = [
    "Node",
    "OBJECT_GRAPH_KEY",
    "ObjectGraph",
    "SlotVariable",
    "escape",
    "format_object_graph",
    "parse_object_graph",
    "unescape",
]

# The name of the string tensor that holds the graph.
OBJECT_GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
VARIABLE_VALUE = "VARIABLE_VALUE"

_PATHS_FLOOR, _PATHS_EXPANSION = 1 << 20, 64


@dataclasses.dataclass(frozen=True)
class SlotVariable:
    """A variable that an optimizer keeps for another one, such as Adam's `m`.

    Args:
      variable: the node of the variable that it belongs to.
      slot_name: its name with the optimizer.
      node: the node of the slot variable itself.
    """

    variable: int
    slot_name: str
    node: int


@dataclasses.dataclass(frozen=True)
class Node:
    """One saved object.

    Args:
      children: the node of each attribute, list item or dict key, by its name.
      attributes: the checkpoint's key of each saved value, by the value's name;
        `VARIABLE_VALUE` is a variable's.
      full_names: the name that a saved value had in TensorFlow, by the value's name.
      slot_variables: what an optimizer keeps for other variables.
    """

    children: dict[str, int]
    attributes: dict[str, str]
    full_names: dict[str, str]
    slot_variables: tuple[SlotVariable, ...] = ()

    @property
    def key(self) -> str | None:
        """The checkpoint's key of a variable's value, None for other objects."""
        return self.attributes.get(VARIABLE_VALUE)


class ObjectGraph:
    """The saved objects; node 0 is the root.

    Args:
      nodes: the objects, in the order of their numbers.

    Attributes:
      nodes: the same.

    Raises:
      ValueError: a reference to a node that does not exist.

    Example:
      >>> leaf = Node({}, {"VARIABLE_VALUE": "a/w/.ATTRIBUTES/VARIABLE_VALUE"}, {})
      >>> graph = ObjectGraph([Node({"a": 1}, {}, {}), Node({"w": 2, "up": 0}, {}, {}),
      ...                      leaf])
      >>> graph.path(2), graph.find("a/w"), graph.find("a/b")
      ('a/w', 2, None)
      >>> dict(graph.variables())
      {'a/w': 'a/w/.ATTRIBUTES/VARIABLE_VALUE'}
    """

    def __init__(self, nodes: list[Node]):
        self.nodes = nodes
        for i, node in enumerate(nodes):
            targets = list(node.children.items())
            for slot in node.slot_variables:
                targets += (slot.slot_name, slot.variable), (slot.slot_name, slot.node)
            for name, target in targets:
                if not 0 <= target < len(nodes):
                    raise ValueError(
                        f"node {i} refers to node {target} as {name!r}; there are "
                        f"{len(nodes)} nodes"
                    )

    def __len__(self) -> int:
        return len(self.nodes)

    def __repr__(self) -> str:
        return f"ObjectGraph({len(self.nodes)} nodes)"

    @functools.cached_property
    def _parents(self) -> dict[int, tuple[int, str]]:
        """The parent and name by which a breadth-first walk reaches each node first."""
        parents: dict[int, tuple[int, str]] = {}
        queue = deque([0] if self.nodes else [])
        while queue:
            i = queue.popleft()
            for name, child in self.nodes[i].children.items():
                if child and child not in parents:
                    parents[child] = i, name
                    queue.append(child)
        return parents

    def paths_length(self) -> int:
        """Returns the number of characters that all nodes' paths take together."""
        lengths = {0: 0}
        for node, (parent, name) in self._parents.items():
            lengths[node] = lengths[parent] + 1 + len(name)
        return sum(lengths.values())

    def names(self, node: int) -> tuple[str, ...] | None:
        """Returns the names on a shortest way from the root to a node.

        Of several, it is the one through the children saved first. The root's way is
        empty; None stands for slot variables, which no child leads to.
        """
        names: list[str] = []
        while node:
            if node not in self._parents:
                return None
            node, name = self._parents[node]
            names.append(name)
        return tuple(reversed(names))

    def path(self, node: int) -> str | None:
        """Returns the names as one escaped path, as in the checkpoint's keys."""
        names = self.names(node)
        return None if names is None else "/".join(map(escape, names))

    def find(self, path: str) -> int | None:
        """Returns the node at an escaped path, or None; `""` is the root."""
        node = 0
        for name in path.split("/") if path else ():
            child = self.nodes[node].children.get(unescape(name))
            if child is None:
                return None
            node = child
        return node

    def variables(self) -> Iterator[tuple[str, str]]:
        """Yields path and checkpoint key of every variable that a path leads to."""
        for i, node in enumerate(self.nodes):
            path = self.path(i) if node.key is not None else None
            if path is not None and node.key is not None:
                yield path, node.key

    def slots(self) -> Iterator[tuple[int, SlotVariable]]:
        """Yields every slot variable with its optimizer's node."""
        for i, node in enumerate(self.nodes):
            for slot in node.slot_variables:
                yield i, slot

    def walk(self) -> Iterator[tuple[int, str, int, bool]]:
        """Yields the graph as a tree, depth first: depth, name, node, first visit.

        Each node's children are listed at its first visit only, so the walk ends on
        cyclic graphs and has one line per reference.
        """
        seen = {0}
        stack = [(1, iter(self.nodes[0].children.items()))] if self.nodes else []
        while stack:
            depth, children = stack[-1]
            name, child = next(children, (None, 0))
            if name is None:
                stack.pop()
                continue
            first = child not in seen
            yield depth, name, child, first
            if first:
                seen.add(child)
                stack.append((depth + 1, iter(self.nodes[child].children.items())))


def escape(name: str) -> str:
    """Returns a name as it stands in a path.

    Example:
      >>> escape("conv/1.5"), unescape(escape("conv/1.5"))
      ('conv.S1..5', 'conv/1.5')
    """
    return name.replace(".", "..").replace("/", ".S")


def unescape(component: str) -> str:
    """Returns the name behind a component of a path; the inverse of `escape`."""
    # Dots come in pairs but for the one before S, so pairs are resolved first.
    return ".".join(part.replace(".S", "/") for part in component.split(".."))


def parse_object_graph(data: bytes) -> ObjectGraph:
    """Returns the graph that a serialized `TrackableObjectGraph` describes.

    Raises:
      WireError: the bytes are no such message, or the graph has dangling or doubled
        references.
    """
    nodes = []
    for i, proto in enumerate(wire.decode(OBJECT_GRAPH, data)["nodes"]):
        children = {c["local_name"]: c["node_id"] for c in proto["children"]}
        attributes = {a["name"]: a["checkpoint_key"] for a in proto["attributes"]}
        if len(children) < len(proto["children"]) or len(attributes) < len(
            proto["attributes"]
        ):
            raise wire.WireError(f"node {i} has two children or values of one name")
        nodes.append(
            Node(
                children,
                attributes,
                {a["name"]: a["full_name"] for a in proto["attributes"]},
                tuple(
                    SlotVariable(
                        slot["original_variable_node_id"],
                        slot["slot_name"],
                        slot["slot_variable_node_id"],
                    )
                    for slot in proto["slot_variables"]
                ),
            )
        )
    try:
        graph = ObjectGraph(nodes)
    except ValueError as error:
        raise wire.WireError(str(error)) from None
    # A variable's key spells out its path, so sound graphs stay far below this.
    if graph.paths_length() > _PATHS_FLOOR + _PATHS_EXPANSION * len(data):
        raise wire.WireError(
            f"the paths of {len(nodes)} nodes take {graph.paths_length()} characters, "
            f"out of proportion to the graph's {len(data)} bytes"
        )
    return graph


def format_object_graph(graph: ObjectGraph) -> bytes:
    """Returns the graph as a serialized `TrackableObjectGraph`.

    Example:
      >>> root = Node({"w": 1}, {}, {})
      >>> leaf = Node({}, {"VARIABLE_VALUE": "w/.ATTRIBUTES/VARIABLE_VALUE"}, {})
      >>> parse_object_graph(format_object_graph(ObjectGraph([root, leaf]))).nodes[1]
      Node(children={}, attributes={'VARIABLE_VALUE': 'w/.ATTRIBUTES/VARIABLE_VALUE'}, \
full_names={'VARIABLE_VALUE': ''}, slot_variables=())
    """
    nodes = [
        {
            "children": [
                {"node_id": child, "local_name": name}
                for name, child in node.children.items()
            ],
            "attributes": [
                {
                    "name": name,
                    "full_name": node.full_names.get(name, ""),
                    "checkpoint_key": key,
                }
                for name, key in node.attributes.items()
            ],
            "slot_variables": [
                {
                    "original_variable_node_id": slot.variable,
                    "slot_name": slot.slot_name,
                    "slot_variable_node_id": slot.node,
                }
                for slot in node.slot_variables
            ],
        }
        for node in graph.nodes
    ]
    return wire.encode(OBJECT_GRAPH, {"nodes": nodes})
