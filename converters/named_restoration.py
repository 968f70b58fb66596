"""Restoring modules from checkpoints by the names of tensors."""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..compat.module import Module, Optimizer
from ..compat.variable import Variable
from ..haiku_impl.frames import thread
from .checkpoint import Checkpoint
from .errors import MismatchError
from .named_tensors import NamedTensors
from .optimizer_slots import SLOTS, adam_step
from .sonnet1_layouts import LAYOUTS, Layout, ModuleTensors, Twin
from .trackable import children, walk
from .variable_values import assign, fitted, listed

__all__ = ["NamedRestoreStatus"]


class _Place:
    """Where the value of a variable is: what a layout makes, or a tensor by name."""

    def __init__(self, path: str, owner: _Owner | None, inner: str):
        self.path = path
        self.owner = owner
        self.inner = inner


class _Owner:
    """A module whose variables are laid out in another way, and where it is."""

    def __init__(self, path: str, module: Module, layout: Layout, scope: str):
        self.path = path
        self.module = module
        self.layout = layout
        self.scope = scope
        # A namedtuple's fields come before its numbers, and name its variables.
        self.variables = dict(_variables_below(module))

    def convert(self, tensors: NamedTensors, slot: str = "") -> Mapping[str, Any]:
        """Returns the variables or their slots by path, and notes what was read."""
        found = ModuleTensors(tensors, self.scope, slot, tensors.path)
        twin = Twin(
            forget_bias=getattr(self.module, "_forget_bias", 1.0),
            shapes={path: v.shape for path, v in self.variables.items()},
            is_slot=bool(slot),
        )
        return self.layout.convert(found, twin)


class NamedRestoreStatus:
    """What a restore by names matched; the methods have TensorFlow's meanings.

    Attributes:
      checkpoint: the checkpoint that was restored.
      restored: the names of the tensors that each variable was made of, by the path
        of the variable in the objects.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        tensors: NamedTensors,
        root: Any,
        objects: Mapping[str, Any],
        convert: bool,
    ):
        self.checkpoint = checkpoint
        self.restored: dict[str, tuple[str, ...]] = {}
        self._tensors = tensors
        self._root = root
        self._objects = dict(objects)
        self._convert = convert
        self._done: dict[int, Variable] = {}
        self._unplaced: dict[str, None] = {}
