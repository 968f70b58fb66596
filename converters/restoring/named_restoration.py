"""Restoring modules from checkpoints by the names of tensors."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from ...compat.core.module import Module, Optimizer
from ...compat.core.variable import Variable
from ...compat.optimizers import Adam
from ..checkpoint import Checkpoint
from ..errors import MismatchError, listed
from ..named_tensors import NamedTensors
from ..sonnet1.layouts import Layout, ModuleTensors, Twin
from .optimizer_slots import adam_step, slot_suffixes
from .trackable import children, walk
from .variable_values import assign, fitted
from .waiting import match_when_made

__all__ = ["NamedRestoreStatus"]


@dataclasses.dataclass(frozen=True)
class _Value:
    """A variable, the value it is to get, and the names of what that was made of."""

    path: str
    variable: Variable
    value: np.ndarray
    used: tuple[str, ...]
    # Whether all that is made of them has a variable, and the module that has them.
    is_last: bool = True
    module: Module | None = None


@dataclasses.dataclass(frozen=True)
class _Converted:
    """A module whose tensors have another layout in the checkpoint."""

    path: str
    module: Module
    layout: Layout
    scope: str
    variables: Mapping[str, Variable]

    def read(self, tensors: NamedTensors, slot: str = "") -> dict[str, _Value]:
        """Returns the values of its variables, or of their slots, by inner path."""
        found = ModuleTensors(tensors, self.scope, slot, tensors.path)
        if not self.layout.is_at(found):
            return {}
        twin = Twin(
            forget_bias=getattr(self.module, "_forget_bias", 1.0),
            shapes={path: v.shape for path, v in self.variables.items()},
            is_slot=bool(slot),
        )
        values = self.layout.convert(found, twin)
        is_last = values.keys() <= self.variables.keys()
        used = tuple(found.used)
        return {
            inner: _Value(
                f"{self.path}/{inner}",
                self.variables[inner],
                value,
                used,
                is_last,
                self.module,
            )
            for inner, value in values.items()
            if inner in self.variables
        }


class NamedRestoreStatus:
    """What a restore by names matched; the `assert` methods have TensorFlow's meanings.

    Attributes:
      checkpoint: the checkpoint that was restored.
      restored: the names of the tensors that were read for each variable, by its path
        from the objects on.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        tensors: NamedTensors,
        root: Any,
        objects: Mapping[str, Any],
        layouts: Mapping[str, Layout],
    ):
        self.checkpoint = checkpoint
        self.restored: dict[str, tuple[str, ...]] = {}
        self._tensors = tensors
        self._root = root
        self._objects = dict(objects)
        self._layouts = layouts
        self._done: dict[int, Variable | Module] = {}
        self._owners: dict[str, str] = {}
        self._used: set[str] = set()

    def __repr__(self) -> str:
        return (
            f"NamedRestoreStatus({self.checkpoint.path!r}: {len(self.restored)} "
            f"variables restored, {len(self._unused())} tensors of the checkpoint left)"
        )

    # Matching.

    def match(self) -> None:
        """Gives the variables that are there, and have not got them, their values.

        Raises:
          MismatchError: a value has another shape or dtype than its variable, or it
            can't be told which tensor is a variable's.
          UnsupportedCheckpointError: Sonnet 2 has no twin for a module.
        """
        objects = dict(walk(self._roots()))
        converted = list(self._converted(objects))
        found = [value for each in converted for value in self._owned_values(each)]
        taken = {id(v) for each in converted for v in each.variables.values()}
        places = {id(v): each for each in converted for v in each.variables.values()}
        for path, obj in objects.items():
            if isinstance(obj, Variable) and id(obj) not in taken:
                found += self._named_value(path, obj)
            elif isinstance(obj, Optimizer):
                found += self._slot_values(path, obj, objects, places)
        new = [each for each in found if id(each.variable) not in self._done]
        values = [self._fitted(each) for each in new]
        for each, value in zip(new, values):
            self._done[id(each.variable)] = each.variable
            self.restored[each.path] = each.used
            self._used.update(each.used if each.is_last else ())
            if each.is_last and each.module is not None:
                self._done[id(each.module)] = each.module
            assign(each.variable, value)

    def is_waiting(self) -> bool:
        """Returns whether there are tensors that no variable was made of."""
        return bool(self._unused())

    def match_when_made(self) -> None:
        """Matches again whenever modules have made variables, until all are there."""
        held = [self._root, *(obj for _, obj in walk(self._roots()))]
        match_when_made(self, held)

    def _roots(self) -> dict[str, Any]:
        return {**children(self._root), **self._objects}

    def _converted(self, objects: Mapping[str, Any]) -> Iterator[_Converted]:
        slots_may_follow = any(isinstance(obj, Optimizer) for obj in objects.values())
        for path, obj in objects.items():
            if not isinstance(obj, Module):
                continue
            if id(obj) in self._done and not slots_may_follow:
                continue
            layout = self._layout(type(obj))
            if layout is None:
                continue
            variables = {
                inner: variable
                for inner, variable in walk(children(obj))
                if isinstance(variable, Variable)
            }
            if not variables:
                continue
            is_there = functools.partial(self._is_module, layout)
            scope = self._place(path, obj.name_scope.name.rstrip("/"), is_there)
            if scope is not None:
                yield _Converted(path, obj, layout, scope + layout.separator, variables)

    def _layout(self, cls: type) -> Layout | None:
        names = [base.__name__ for base in cls.__mro__]
        return next((self._layouts[n] for n in names if n in self._layouts), None)

    def _is_module(self, layout: Layout, name: str) -> bool:
        return layout.is_at(ModuleTensors(self._tensors, name + layout.separator))

    def _owned_values(self, converted: _Converted) -> Iterable[_Value]:
        if all(id(v) in self._done for v in converted.variables.values()):
            return []
        values = converted.read(self._tensors)
        for value in values.values():
            self._claim(value.used, converted.path)
        return values.values()

    def _named_value(self, path: str, variable: Variable) -> list[_Value]:
        if id(variable) in self._done:
            return []
        name = self._place(path, _name(variable), self._tensors.__contains__)
        if name is None:
            return []
        self._claim([name], path)
        return [_Value(path, variable, self._tensors[name], (name,))]

    def _slot_values(
        self,
        path: str,
        optimizer: Optimizer,
        objects: Mapping[str, Any],
        places: Mapping[int, _Converted],
    ) -> Iterator[_Value]:
        parameters = {
            each: obj
            for each, obj in objects.items()
            if isinstance(obj, Variable) and not each.startswith(f"{path}/")
        }
        if not self._layouts:
            return
        for attribute, suffix in slot_suffixes(optimizer).items():
            for number, slot in enumerate(getattr(optimizer, attribute)):
                if id(slot) in self._done:
                    continue
                slot_path = f"{path}/{attribute}/{number}"
                value = self._slot_value(slot_path, slot, suffix, parameters, places)
                if value is not None:
                    yield value
        if isinstance(optimizer, Adam) and id(optimizer.step) not in self._done:
            beta1: Any = optimizer.beta1
            beta2: Any = optimizer.beta2
            decays = float(beta1), float(beta2)
            found = adam_step(self._tensors, *decays, self.checkpoint.path)
            if found is not None:
                yield _Value(f"{path}/step", optimizer.step, *found)

    def _slot_value(
        self,
        path: str,
        slot: Variable,
        suffix: str,
        parameters: Mapping[str, Variable],
        places: Mapping[int, _Converted],
    ) -> _Value | None:
        parameter_path = self._parameter(path, slot, parameters)
        if parameter_path is None:
            return None
        parameter = parameters[parameter_path]
        if (converted := places.get(id(parameter))) is not None:
            inner = parameter_path.removeprefix(f"{converted.path}/")
            value = converted.read(self._tensors, suffix).get(inner)
            return value and dataclasses.replace(value, path=path, variable=slot)
        name = self._place(parameter_path, _name(parameter), self._tensors.__contains__)
        whole = f"{name}{suffix}"
        if whole not in self._tensors:
            return None
        return _Value(path, slot, self._tensors[whole], (whole,))

    def _parameter(
        self, path: str, slot: Variable, parameters: Mapping[str, Variable]
    ) -> str | None:
        """Returns the path of the variable that a slot is named after."""
        owners = [p for p, v in parameters.items() if slot.name.endswith(f"/{v.name}")]
        longest = max((len(parameters[p].name) for p in owners), default=0)
        owners = [p for p in owners if len(parameters[p].name) == longest]
        if len(owners) > 1:
            raise MismatchError(
                f"the slot {slot.name!r} at {path!r} is named after several variables, "
                f"{listed(owners)}: give their modules names of their own.",
                path=self.checkpoint.path,
            )
        return owners[0] if owners else None

    def _place(
        self, path: str, name: str, is_there: Callable[[str], bool]
    ) -> str | None:
        """Returns the one name under which something is in the checkpoint, if it is."""
        candidates = dict.fromkeys([path, name, _sonnet1_name(name)])
        found = [candidate for candidate in candidates if is_there(candidate)]
        if len(found) > 1:
            raise MismatchError(
                f"{path!r} could be restored from each of {found}. Rename those that "
                "are not meant with mapping.",
                path=self.checkpoint.path,
            )
        return found[0] if found else None

    def _claim(self, names: Iterable[str], path: str) -> None:
        for name in names:
            if (other := self._owners.setdefault(name, path)) != path:
                raise MismatchError(
                    f"{other!r} and {path!r} would both be restored from it, for they "
                    "have one name. Name the modules as those of the checkpoint, or "
                    "rename tensors with mapping, to names that begin with these "
                    f"paths; left over are {listed(self._unused())}.",
                    path=self.checkpoint.path,
                    tensor=name,
                )

    def _fitted(self, each: _Value) -> np.ndarray:
        names = ", ".join(each.used)
        if each.value.shape != each.variable.shape:
            raise MismatchError(
                f"it makes a value of shape {each.value.shape}, and the variable "
                f"{each.variable.name!r} at {each.path!r} has {each.variable.shape}.",
                path=self.checkpoint.path,
                tensor=names,
            )
        return fitted(each.value, each.variable, self.checkpoint.path, names)

    # What TensorFlow's status offers.

    def _unused(self) -> list[str]:
        return [name for name in self._tensors if name not in self._used]

    def assert_existing_objects_matched(self) -> NamedRestoreStatus:
        """Checks that every variable of the objects was restored.

        Returns:
          The status itself.

        Raises:
          MismatchError: naming the variables that the checkpoint does not have.
        """
        self.match()
        missing = [
            f"{path} ({obj.name}, shape {obj.shape})"
            for path, obj in walk(self._roots())
            if isinstance(obj, Variable) and id(obj) not in self._done
        ]
        if missing:
            raise MismatchError(
                f"{len(missing)} variables have no value in the checkpoint: "
                f"{listed(missing)}. Its tensors that are left over are "
                f"{listed(self._unused())}; mapping={{pattern: replacement}} renames "
                "them.",
                path=self.checkpoint.path,
            )
        return self

    def assert_consumed(self) -> NamedRestoreStatus:
        """Checks that every variable was restored, and every tensor used.

        Returns:
          The status itself.

        Raises:
          MismatchError: naming what is left over, on either side.
        """
        self.assert_existing_objects_matched()
        if unused := self._unused():
            raise MismatchError(
                f"{len(unused)} tensors of the checkpoint have no variable to go to: "
                f"{listed(unused)}. Pass the objects that they belong to; call modules "
                "once if they make their variables then; rename them with mapping; or, "
                "if they may be left over, call expect_partial() instead.",
                path=self.checkpoint.path,
            )
        return self

    def assert_nontrivial_match(self) -> NamedRestoreStatus:
        """Checks that something was matched.

        Returns:
          The status itself.

        Raises:
          MismatchError: if nothing was.
        """
        self.match()
        if not self.restored:
            paths = [path for path, _ in walk(self._roots())]
            raise MismatchError(
                "no tensor has the name of a variable: there are "
                f"{listed(list(self._tensors))}, and the objects have {listed(paths)}. "
                "mapping={pattern: replacement} renames tensors.",
                path=self.checkpoint.path,
            )
        return self

    def expect_partial(self) -> NamedRestoreStatus:
        """Says that values may be left over; there is nothing to silence here.

        Returns:
          The status itself.
        """
        return self


def _name(variable: Variable) -> str:
    return variable.name.removesuffix(":0")


def _sonnet1_name(name: str) -> str:
    """Returns a name with Sonnet 1's spelling of default names.

    >>> _sonnet1_name("net/conv2_d_transpose_1/w")
    'net/conv_2d_transpose_1/w'
    """
    name = re.sub(r"(\d)_dlstm", r"\1_d_lstm", name)
    return re.sub(r"(\d)_d(?=[_/]|$)", r"_\1d", name)
