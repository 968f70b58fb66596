"""Saving modules as checkpoints that TensorFlow restores into real Sonnet models."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..compat.core.variable import Variable
from .addressable import check_addressable
from .format.object_graph import VARIABLE_VALUE, Node, ObjectGraph, escape
from .format.state_file import record_latest
from .format.tensor_bundle_writer import write_bundle
from .restoring.trackable import children

__all__ = ["save", "save_names"]

_SAVE_COUNTER = "save_counter"


def save(path: str | os.PathLike, root: Any = None, **objects: Any) -> str:
    """Saves modules, optimizers and variables as `tf.train.Checkpoint.save` does.

    `tf.train.Checkpoint(model=net, optimizer=opt).restore(path).assert_consumed()`
    accepts the result, where `net` and `opt` are of the real Sonnet. The directory's
    `checkpoint` file then names it as the latest. An interrupted call leaves what
    was there before intact.

    Args:
      path: the prefix, such as `model/ckpt-7`.
      root: the object to be the root: `tf.train.Checkpoint(root)`.
      **objects: the objects under the root, by name.

    Returns:
      The prefix.

    Raises:
      ValueError: there is no variable to save, or one has no value here.
      UnsupportedCheckpointError: other processes have parts of a variable.
      OSError: the files can't be written.

    Example:
      >>> import tempfile
      >>> from sonnax import compat as snt, converters
      >>> step = snt.Variable(7, dtype="int64", name="step")
      >>> path = converters.save(tempfile.mkdtemp() + "/ckpt-7", step=step)
      >>> checkpoint = converters.open_checkpoint(path)
      >>> checkpoint["step/.ATTRIBUTES/VARIABLE_VALUE"]
      array(7)
    """
    prefix = os.fsdecode(path)
    graph, variables = _graph({**children(root), **objects}, root)
    if not variables:
        raise ValueError(
            "There is no variable to save: pass modules by the names they are to be "
            "restored by, model=net, after they have been called once."
        )
    tensors: dict[str, Any] = {
        key: _stored(variable, prefix, key) for key, variable in variables.items()
    }
    number = re.search(r"-(\d+)$", prefix)
    if (index := graph.nodes[0].children.get(_SAVE_COUNTER)) is not None:
        key = graph.nodes[index].key
        assert key is not None
        if key not in tensors:
            tensors[key] = np.int64(number[1] if number else 1)
    write_bundle(prefix, tensors, graph)
    record_latest(prefix)
    return prefix


def save_names(path: str | os.PathLike, variables: Any) -> str:
    """Saves variables by name, as `tf.compat.v1.train.Saver` does.

    Args:
      path: the prefix.
      variables: a module, an iterable of variables, or arrays by name.

    Returns:
      The prefix.

    Raises:
      ValueError: two variables have one name.
      UnsupportedCheckpointError: other processes have parts of a variable.
      OSError: the files can't be written.

    Example:
      >>> import tempfile
      >>> from sonnax import compat as snt, converters
      >>> w = snt.Variable([1.0, 2.0], name="w")
      >>> path = converters.save_names(tempfile.mkdtemp() + "/model", [w])
      >>> list(converters.open_checkpoint(path))
      ['w']
    """
    prefix = os.fsdecode(path)
    tensors: dict[str, Any] = {}
    if isinstance(variables, Mapping):
        tensors.update(variables)
    else:
        for variable in getattr(variables, "variables", variables):
            name = _full_name(variable)
            if name in tensors:
                raise ValueError(
                    f"Two variables are called {name!r}, and a checkpoint by names can "
                    "hold one. Save with converters.save, or pass a dict with names "
                    "of your own."
                )
            tensors[name] = _stored(variable, prefix, name)
    write_bundle(prefix, tensors)
    record_latest(prefix)
    return prefix


class _Lazy:
    """A variable's value, fetched when the writer comes to it."""

    def __init__(self, variable: Variable):
        self._variable = variable

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self._variable.numpy().astype(self._variable.declared_dtype, copy=False)


def _stored(variable: Variable, path: str, name: str) -> _Lazy:
    # An error here leaves the files alone.
    check_addressable(variable.value(), path, name)
    return _Lazy(variable)


def _full_name(variable: Variable) -> str:
    return variable.name.removesuffix(":0")


def _graph(
    roots: Mapping[str, Any], root: Any
) -> tuple[ObjectGraph, dict[str, Variable]]:
    """Numbers the objects breadth first, and gives variables keys by their paths."""
    numbers: dict[int, int] = {id(root): 0} if root is not None else {}
    queue: deque[tuple[str, Any, Mapping[str, Any]]] = deque([("", root, roots)])
    nodes: list[Node] = []
    variables: dict[str, Variable] = {}
    count = 1
    while queue:
        path, obj, held = queue.popleft()
        edges: dict[str, int] = {}
        for name, child in held.items():
            if id(child) not in numbers:
                numbers[id(child)] = count
                count += 1
                inner = f"{path}/{escape(name)}" if path else escape(name)
                queue.append((inner, child, children(child)))
            edges[name] = numbers[id(child)]
        key = f"{path}/.ATTRIBUTES/{VARIABLE_VALUE}".lstrip("/")
        if isinstance(obj, Variable):
            variables[key] = obj
            values = {VARIABLE_VALUE: key}, {VARIABLE_VALUE: _full_name(obj)}
        else:
            values = {}, {}
        nodes.append(Node(edges, *values))
    if _SAVE_COUNTER not in nodes[0].children:
        key = f"{_SAVE_COUNTER}/.ATTRIBUTES/{VARIABLE_VALUE}"
        nodes[0].children[_SAVE_COUNTER] = len(nodes)
        nodes.append(Node({}, {VARIABLE_VALUE: key}, {VARIABLE_VALUE: _SAVE_COUNTER}))
    return ObjectGraph(nodes), variables
