"""An object graph drawn as a tree, or written as data."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .._printable import printable

if TYPE_CHECKING:
    from ..converters.format.object_graph import ObjectGraph

# An untrusted graph may be a chain of a million objects. Deeper lines keep this
# indent and say their depth, and deeper objects are called by number: the text stays
# linear in the size of the graph.
DEEPEST_INDENT = 32
LONGEST_NAME = 80


def tree_lines(graph: "ObjectGraph") -> Iterator[str]:
    """Yields one line for each reference of the graph and each slot variable.

    A variable shows the name that it had in TensorFlow; an object that was drawn
    before shows where.

    Args:
        graph: the object graph of a checkpoint.

    Example:

        >>> from sonnax.converters.format.object_graph import Node, ObjectGraph
        >>> variable = Node({}, {"VARIABLE_VALUE": "..."}, {"VARIABLE_VALUE": "mlp/w"})
        >>> graph = ObjectGraph([Node({"net": 1}, {}, {}),
        ...                      Node({"w": 2, "twin": 2, "up": 0}, {}, {}), variable])
        >>> print("\\n".join(tree_lines(graph)))
        root
        └── net
            ├── w  mlp/w
            ├── twin = net/w
            └── up = root
    """
    yield "root"
    lines = list(_labels(graph))
    bars: list[str] = []
    for (depth, label), continues in zip(lines, _has_later_sibling(lines)):
        del bars[depth - 1 :]
        indent = "".join(bars[:DEEPEST_INDENT])
        if depth > DEEPEST_INDENT:
            yield f"{indent}({depth} deep) {label}"
        else:
            yield f"{indent}{'├── ' if continues else '└── '}{label}"
        bars.append("│   " if continues else "    ")


def graph_data(graph: "ObjectGraph") -> list[dict]:
    """The graph's nodes as plain data, in the order of their numbers.

    Args:
        graph: the object graph of a checkpoint.

    Returns:
        For each node its `children` (number by name), `keys` (checkpoint key by
        attribute), `full_names` (TensorFlow's name by attribute) and the `slots` of
        an optimizer. Node 0 is the root.
    """
    return [
        {
            "children": node.children,
            "keys": node.attributes,
            "full_names": node.full_names,
            "slots": [
                {"name": slot.slot_name, "variable": slot.variable, "node": slot.node}
                for slot in node.slot_variables
            ],
        }
        for node in graph.nodes
    ]


def _labels(graph: "ObjectGraph") -> Iterator[tuple[int, str]]:
    """Yields depth and text of each line below the root."""
    visits = [(0, "", 0, True), *graph.walk()] if graph.nodes else []
    depths = {node: depth for depth, _, node, first in visits if first}
    for depth, name, number, first in visits:
        label, node = printable(name), graph.nodes[number]
        if not first:
            yield depth, f"{label} = {_place(graph, number, depths)}"
            continue
        if depth:
            full_names = ", ".join(filter(None, node.full_names.values()))
            yield depth, f"{label}  {printable(full_names)}" if full_names else label
        for slot in node.slot_variables:
            owner = _place(graph, slot.variable, depths)
            yield depth + 1, f"slot {printable(slot.slot_name)} of {owner}"


def _place(graph: "ObjectGraph", number: int, depths: dict[int, int]) -> str:
    """The path of a node, or its number where that is too long to say."""
    if number == 0:
        return "root"
    if depths.get(number, DEEPEST_INDENT) >= DEEPEST_INDENT:
        return f"node {number}"
    names = graph.names(number) or ()
    return "/".join(printable(name[:LONGEST_NAME]) for name in names)


def _has_later_sibling(lines: list[tuple[int, str]]) -> list[bool]:
    """Whether a line with the same parent follows; seen from the end in one pass."""
    answers = []
    levels: list[int] = []
    for depth, _ in reversed(lines):
        while levels and levels[-1] > depth:
            levels.pop()
        found = bool(levels) and levels[-1] == depth
        if not found:
            levels.append(depth)
        answers.append(found)
    return answers[::-1]
