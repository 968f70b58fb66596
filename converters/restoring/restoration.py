"""Restoring checkpoints into modules, by their object graph or by names."""

from __future__ import annotations

import operator
import os
from collections.abc import Mapping
from typing import Any

from ... import compat
from ..checkpoint import Checkpoint, open_checkpoint
from ..named_tensors import NamedTensors
from ..sonnet1.layouts import LAYOUTS, Layout
from .by_graph import GraphMatch
from .by_names import NameMatch
from .matching import Match
from .status import RestoreStatus

__all__ = ["restore"]

# The layouts of modules that differ, for each way to restore by names.
_BY_NAMES: dict[str, Mapping[type, Layout]] = {
    "sonnet1": {operator.attrgetter(n)(compat): each for n, each in LAYOUTS.items()},
    "names": {},
}


def restore(
    path: str | os.PathLike | Checkpoint,
    root: Any = None,
    *,
    layout: str | None = None,
    mapping: Mapping[str, str] | None = None,
    **objects: Any,
) -> RestoreStatus:
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
    if layout is not None:
        graph = None
    if graph is not None and mapping is not None:
        raise ValueError(
            "mapping renames tensors, and this checkpoint is restored by its object "
            "graph, not by names: leave mapping out, or pass layout='names' as well."
        )
    match: Match
    if graph is not None:
        match = GraphMatch(checkpoint, graph, root, objects)
    else:
        tensors = NamedTensors(checkpoint, mapping)
        match = NameMatch(tensors, root, objects, _BY_NAMES[layout or "sonnet1"])
    match.match()
    return RestoreStatus(match)
