"""Immutable nested mappings, and conversions to and from plain dicts."""

import pprint
from collections.abc import ItemsView, Iterator, KeysView, Mapping, Sequence, ValuesView
from typing import Any, NamedTuple

import jax

from ..config import get_config

_LINE_LENGTH = 80


class FlatComponents(NamedTuple):
    """The leaves of a mapping, and the structure that they fill."""

    leaves: Sequence[Any]
    structure: Any


class KeysOnlyKeysView(KeysView[Any]):
    """The keys of a mapping, with a repr that leaves the values out."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self)!r})"


class FlatMap(Mapping[Any, Any]):
    """An immutable, hashable mapping that JAX flattens at no cost.

    It is a static argument for `jax.jit` if its leaves can be hashed. A pickle of it
    loads as a plain dict, or under `config.context(restore_flatmap=True)` as a
    `FlatMap`.

    Args:
      *args: as for `dict`, or one `FlatComponents`.
      **kwargs: as for `dict`.

    >>> from sonnax import haiku_impl as hk
    >>> hk.data_structures.FlatMap({"w": 1, "b": {"c": 2}})
    FlatMap({'w': 1, 'b': {'c': 2}})
    """

    __slots__ = ("_leaves", "_mapping", "_structure")

    _leaves: tuple[Any, ...]
    _mapping: dict[Any, Any] | None
    _structure: Any

    def __init__(self, *args: Any, **kwargs: Any):
        first = args[0] if args else None
        if type(first) is not FlatComponents:
            self._set(dict(*args, **kwargs))
        elif jax.tree_util.all_leaves(first.leaves):
            self._set(None, *first)
        else:
            # JAX hands over subtrees in place of leaves in
            # jax.tree.map(list, flat_map).
            self._set(jax.tree.unflatten(first.structure, first.leaves))

    def _set(self, mapping: Any, leaves: Any = (), structure: Any = None) -> None:
        if mapping is not None:
            leaves, structure = jax.tree.flatten(mapping)
        object.__setattr__(self, "_leaves", tuple(leaves))
        object.__setattr__(self, "_structure", structure)
        object.__setattr__(self, "_mapping", mapping)

    def _to_mapping(self) -> dict[Any, Any]:
        if self._mapping is None:
            mapping = jax.tree.unflatten(self._structure, self._leaves)
            object.__setattr__(self, "_mapping", mapping)
        assert self._mapping is not None
        return self._mapping

    def keys(self) -> KeysView[Any]:
        return KeysOnlyKeysView(self._to_mapping())

    def values(self) -> ValuesView[Any]:
        return self._to_mapping().values()

    def items(self) -> ItemsView[Any, Any]:
        return self._to_mapping().items()

    def __getitem__(self, key: Any) -> Any:
        return self._to_mapping()[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._to_mapping())

    def __len__(self) -> int:
        return len(self._to_mapping())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, FlatMap):
            other = other._to_mapping()
        return self._to_mapping() == other

    def __hash__(self) -> int:
        return hash((self._structure, self._leaves))

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"`x.{name}` is not supported on a {type(self).__name__}: use x[{name!r}]."
        )

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(
            f"A {type(self).__name__} is immutable, so {name!r} can't be set: change a "
            "copy made by hk.data_structures.to_mutable_dict."
        )

    def __repr__(self) -> str:
        name = type(self).__name__
        line = f"{name}({self._to_mapping()!r})"
        if len(line) <= _LINE_LENGTH:
            return line
        items = [
            _indented(f"{key!r}: ", pprint.pformat(value))
            for key, value in self.items()
        ]
        return f"{name}({{\n" + ",\n".join(items) + ",\n})"

    def __reduce__(self) -> Any:
        return _restored, (self._to_mapping(),)


def _indented(prefix: str, text: str) -> str:
    lines = text.splitlines()
    rest = [" " * (2 + len(prefix)) + line for line in lines[1:]]
    return "\n".join(["  " + prefix + lines[0], *rest])


def _restored(mapping: Mapping[str, Any]) -> Mapping[str, Any]:
    if get_config().restore_flatmap:
        return to_immutable_dict(mapping)
    return to_dict(mapping)


jax.tree_util.register_pytree_node(
    FlatMap,
    lambda flat_map: (flat_map._leaves, flat_map._structure),
    lambda structure, leaves: FlatMap(FlatComponents(leaves, structure)),
)


def to_immutable_dict(mapping: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns an immutable copy of nested dicts.

    Args:
      mapping: a dict, whose values may be dicts.

    >>> from sonnax import haiku_impl as hk
    >>> hk.data_structures.to_immutable_dict({"linear": {"w": 1}})
    FlatMap({'linear': FlatMap({'w': 1})})
    """
    if type(mapping) is FlatMap:
        return mapping
    return FlatMap(
        {
            key: to_immutable_dict(value) if type(value) is dict else value
            for key, value in mapping.items()
        }
    )


def to_mutable_dict(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a copy of nested immutable mappings as plain dicts.

    Args:
      mapping: a `FlatMap`, whose values may be `FlatMap`s.

    >>> from sonnax import haiku_impl as hk
    >>> frozen = hk.data_structures.to_immutable_dict({"linear": {"w": 1}})
    >>> hk.data_structures.to_mutable_dict(frozen)
    {'linear': {'w': 1}}
    """
    return {
        key: to_mutable_dict(value) if type(value) is FlatMap else value
        for key, value in mapping.items()
    }


def to_dict(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a copy of nested mappings as plain dicts; the leaves are shared.

    Args:
      mapping: `{module: {name: value}}`, of any mapping types.
    """
    return {key: _copied(value) for key, value in mapping.items()}


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return to_dict(value)
    # jax.tree.map takes as long as an operation does to trace.
    return value if hasattr(value, "shape") else jax.tree.map(_same, value)


def _same(leaf: Any) -> Any:
    return leaf


def to_haiku_dict(structure: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a copy of `structure` of the type that `init` and `apply` return.

    Args:
      structure: `{module: {name: value}}`, of any mapping types.

    >>> from sonnax import haiku_impl as hk
    >>> frozen = hk.data_structures.to_immutable_dict({"linear": {"w": 1}})
    >>> hk.data_structures.to_haiku_dict(frozen)
    {'linear': {'w': 1}}
    """
    return to_dict(structure)
