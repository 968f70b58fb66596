"""Matching objects with the names of a checkpoint's tensors."""

from __future__ import annotations

import dataclasses
import warnings
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ...compat.core.module import Module, Optimizer
from ...compat.core.variable import Variable
from ..derived_tensor import DerivedTensor
from ..errors import MismatchError, UnstatedWarning, listed
from ..named_tensors import NamedTensors
from ..sonnet1.layouts import Layout, Target
from ..sonnet1.module_tensors import ModuleTensors
from .matching import Found, Match, Value
from .optimizer_slots import Slots, adam_step
from .scopes import Scopes, own_scope, sonnet1_name
from .trackable import children, walk
from .variable_values import fitted

__all__ = ["NameMatch", "NamedPlace"]


@dataclasses.dataclass(frozen=True)
class NamedPlace:
    """Where an object is, by the names of attributes and items from the root on.

    Attributes:
      path: the names, with slashes between.
      around: the modules in which it is, or which it is, from the innermost on, with
        their paths.
    """

    path: str
    around: tuple[tuple[Module, str], ...] = dataclasses.field(compare=False)

    def under(self, path: str) -> str:
        """Returns the path from one of the modules around on."""
        return self.path[len(path) + 1 :] if path else self.path

    def __deepcopy__(self, memo: dict[int, Any]) -> NamedPlace:
        around = tuple((memo.get(id(m), m), path) for m, path in self.around)
        return NamedPlace(self.path, around)


@dataclasses.dataclass(frozen=True)
class _Source:
    """What a variable, or a slot of it, is made of.

    Attributes:
      tensor: its value.
      owner: the path of the variable, or of the module whose layout is converted.
      fits_also: other scopes that have such a tensor, which only numbers tell apart.
    """

    tensor: DerivedTensor
    owner: str
    fits_also: Sequence[str] = ()


class NameMatch(Match):
    """A restore in which a tensor's name is that of a variable, or its path.

    Args:
      tensors: the checkpoint by names.
      root: the object that was the root, or None.
      objects: the objects under the root, by name.
      layouts: the layouts of modules that differ, by class; none where nothing is to be
        converted.
    """

    top = NamedPlace("", ())
    remedy = "; mapping={pattern: replacement} renames tensors"

    def __init__(
        self,
        tensors: NamedTensors,
        root: Any,
        objects: Mapping[str, Any],
        layouts: Mapping[type, Layout],
    ):
        super().__init__(tensors.checkpoint, root, objects)
        self._tensors = tensors
        self._layouts = layouts
        self._scopes = Scopes(tensors, numbered=bool(layouts))
        self._slots = Slots()
        self._modules: dict[int, tuple[Module, NamedPlace]] = {}
        # The layout and the scope of what is converted, by path.
        self._converted: dict[str, tuple[Layout, str] | None] = {}
        self._warned: set[Layout] = set()
        self._done: dict[int, Variable] = {}
        # By key: whose a tensor is, how many variables are made of it, and which.
        self._owners: dict[str, str] = {}
        self._needed: dict[str, int] = {}
        self._given: dict[str, set[int]] = defaultdict(set)
        self._unused = dict.fromkeys(tensors.keys_by_name.values())

    # Where objects are.

    def child(self, place: NamedPlace, name: str, obj: Any) -> NamedPlace:
        path = f"{place.path}/{name}" if place.path else name
        if not isinstance(obj, Module):
            return NamedPlace(path, place.around)
        known = obj, NamedPlace(path, ((obj, path), *place.around))
        return self._modules.setdefault(id(obj), known)[1]

    def identity(self, place: NamedPlace, obj: Any) -> Hashable:
        return id(obj)

    def waits_at(self, place: NamedPlace, container: Any) -> bool:
        return bool(self._unused)

    # What they are given.

    def values(self, found: Sequence[Found]) -> list[Value]:
        around = [each.place.around for each in found]
        self._scopes.add(each[i:] for each in around for i in range(len(each)))
        variables = [each for each in found if isinstance(each.obj, Variable)]
        for each in variables:
            self._slots.meet(each.obj, each.place)
        sources = [
            (each.place, each.obj, source)
            for each in variables
            if id(each.obj) not in self._done
            if (source := self._source(each)) is not None
        ]
        return [self._value(*each) for each in sources]

    def _source(self, found: Found) -> _Source | None:
        """Returns what a variable is to be made of, if there is something."""
        place, variable = found.place, found.obj
        if isinstance(found.holder, Optimizer) and self._layouts:
            attribute = place.under(place.around[0][1]).split("/")[0]
            parameter = self._slots.parameter(found.holder, attribute, variable)
            if parameter is not None:
                source = self._named(*parameter)
                if source is not None:
                    return source
            step = adam_step(self._tensors, found.holder, variable)
            if step is not None:
                return _Source(step, place.path)
        source = self._named(place, variable)
        if source is not None:
            if source.fits_also:
                here = [", ".join(source.tensor.sources), *source.fits_also]
                raise self._ambiguous(place.path, here)
            self._claim(source)
        return source

    def _named(
        self, place: NamedPlace, variable: Variable, slot: str = ""
    ) -> _Source | None:
        """Returns what a variable, or a slot of it, is made of by its name."""
        for module, path in reversed(place.around):
            converted = self._conversion(module, path)
            if converted is not None:
                return self._converted_source(module, path, place, *converted, slot)
        names = self._name(place, variable), variable.name.removesuffix(":0")
        found = self._only(place.path, names, self._tensors.__contains__)
        if found is None or f"{found}{slot}" not in self._tensors:
            return None
        tensor = self._tensors.stored(f"{found}{slot}")
        return _Source(tensor, place.path, self._others(place, found, tensor.shape))

    def _converted_source(
        self,
        module: Module,
        path: str,
        place: NamedPlace,
        layout: Layout,
        scope: str,
        slot: str,
    ) -> _Source | None:
        inner = place.under(path)
        values = self._read(module, layout, scope, slot)
        if inner not in values:
            return None
        tensor = values[inner]
        if layout.unstated is not None and layout not in self._warned:
            self._warned.add(layout)
            warnings.warn(
                f"{self.checkpoint.path}: of {type(module).__name__}s such as {path!r} "
                f"Sonnet 1 saved nothing of {layout.unstated(module)}.",
                UnstatedWarning,
                stacklevel=2,
            )
        for key in tensor.sources:
            self._needed[key] = sum(key in each.sources for each in values.values())
        fits: list[str] = []
        for other in () if slot else self._scopes.others(path):
            if other == sonnet1_name(scope):
                continue
            if layout.is_at(ModuleTensors(self._tensors, other + layout.separator)):
                twin = self._read(module, layout, other, slot).get(inner)
                fits += [other] if twin and twin.shape == tensor.shape else []
        return _Source(tensor, path, fits)

    def _read(
        self, module: Module, layout: Layout, scope: str, slot: str
    ) -> dict[str, DerivedTensor]:
        """Returns the values of a module's variables, or of their slots."""
        shapes = {
            inner: variable.shape
            for inner, variable in walk(children(module))
            if isinstance(variable, Variable)
        }
        bias = layout.forget_bias(module)
        found = ModuleTensors(self._tensors, scope + layout.separator, slot)
        return layout.convert(found, Target(bias, shapes))

    def _value(self, place: NamedPlace, variable: Variable, source: _Source) -> Value:
        tensor, names = source.tensor, ", ".join(source.tensor.sources)
        if tensor.shape != variable.shape:
            raise MismatchError(
                f"it makes a value of shape {tensor.shape}, and the variable "
                f"{variable.name!r} at {place.path!r} has {variable.shape}.",
                path=self.checkpoint.path,
                tensor=names,
            )
        array: np.ndarray = tensor.read()
        array = fitted(array, variable, self.checkpoint.path, names)
        return Value(place, variable, array, tensor.sources)

    # Which module and which name is meant.

    def _conversion(self, module: Module, path: str) -> tuple[Layout, str] | None:
        if path not in self._converted:
            self._converted[path] = self._find_conversion(module, path)
        return self._converted[path]

    def _find_conversion(self, module: Module, path: str) -> tuple[Layout, str] | None:
        classes = [cls for cls in type(module).__mro__ if cls in self._layouts]
        if not classes:
            return None
        layout = self._layouts[classes[0]]
        names = self._scopes.of(path), own_scope(module)

        def is_there(scope: str) -> bool:
            return layout.is_at(ModuleTensors(self._tensors, scope + layout.separator))

        scope = self._only(path, names, is_there)
        return None if scope is None else (layout, scope)

    def _name(self, place: NamedPlace, variable: Variable) -> str:
        """Returns the name of a variable inside the scope that its module has."""
        name = variable.name.removesuffix(":0")
        for module, path in place.around:
            if name.startswith(module.name_scope.name):
                inner = name.removeprefix(module.name_scope.name)
                return f"{self._scopes.of(path)}/{inner}"
        return name

    def _others(
        self, place: NamedPlace, name: str, shape: tuple[int, ...]
    ) -> list[str]:
        """Returns the other names that a variable could have by its module's."""
        for _, path in place.around[:1]:
            scope = f"{sonnet1_name(self._scopes.of(path))}/"
            if not name.startswith(scope):
                break
            leaf = name.removeprefix(scope)
            names = [f"{other}/{leaf}" for other in self._scopes.others(path)]
            return [
                each
                for each in names
                if each in self._tensors and self._tensors.stored(each).shape == shape
            ]
        return []

    def _only(
        self, path: str, names: Iterable[str], is_there: Callable[[str], bool]
    ) -> str | None:
        """Returns the one name under which something is in the checkpoint, if it is.

        The first of its names counts, or else the next; its path is as good as any.
        """
        for name in names:
            spellings = dict.fromkeys([path, name, sonnet1_name(name)])
            found = [each for each in spellings if is_there(each)]
            if len(found) > 1:
                raise self._ambiguous(path, found)
            if found:
                return found[0]
        return None

    def _ambiguous(self, path: str, found: list[str]) -> MismatchError:
        return MismatchError(
            f"{path!r} could be restored from each of {found}. Rename with mapping the "
            f"one that is meant to {path!r}, or those that are not.",
            path=self.checkpoint.path,
        )

    def _claim(self, source: _Source) -> None:
        """Notes whose the tensors are."""
        for key in source.tensor.sources:
            other = self._owners.setdefault(key, source.owner)
            if other != source.owner:
                raise MismatchError(
                    f"{other!r} and {source.owner!r} would both be restored from it, "
                    "for they have one name. Name the modules as those of the "
                    "checkpoint, or rename tensors with mapping, to names that begin "
                    f"with these paths; left over are {listed(self.left())}.",
                    path=self.checkpoint.path,
                    tensor=key,
                )

    # What was done.

    def note(self, value: Value) -> None:
        self._done[id(value.variable)] = value.variable
        self.restored[value.place.path] = value.sources
        for key in value.sources:
            self._given[key].add(id(value.variable))
            if len(self._given[key]) >= self._needed.get(key, 1):
                self._unused.pop(key, None)

    def forget(self, value: Value) -> None:
        self._done.pop(id(value.variable), None)
        self.restored.pop(value.place.path, None)
        for key in value.sources:
            self._given[key].discard(id(value.variable))
            self._unused[key] = None

    def matched(self) -> set[int]:
        return set(self._done)

    def left(self) -> list[str]:
        return [
            n for n, key in self._tensors.keys_by_name.items() if key in self._unused
        ]

    def names(self) -> list[str]:
        return list(self._tensors)

    def about(self, variable: Variable) -> str:
        parameter = self._slots.owner(variable)
        if parameter is None or id(parameter) not in self._done:
            return ""
        return f": there are no slots of {parameter.name} in the checkpoint"

    def __deepcopy__(self, memo: dict[int, Any]) -> Match:
        copied = super().__deepcopy__(memo)
        assert isinstance(copied, NameMatch)
        copied._modules, copied._slots = {}, Slots()
        copied._given = defaultdict(set, {k: set(v) for k, v in self._given.items()})
        return copied
