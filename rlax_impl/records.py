"""Named groups of arrays that pass through jit, grad, vmap and scan."""

import dataclasses
from typing import Any, Self, TypeVar, dataclass_transform

import jax

R = TypeVar("R", bound="Record")


class Record:
    """A dataclass whose fields are JAX trees: the base of the classes below.

    >>> @record
    ... class Point(Record):
    ...     x: float
    ...     y: float
    >>> Point(x=1.0, y=2.0).replace(y=5.0)
    Point(x=1.0, y=5.0)
    """

    def replace(self, **changes: Any) -> Self:
        """Returns a copy in which the named fields have new values."""
        return dataclasses.replace(self, **changes)  # type: ignore[type-var]


@dataclass_transform(kw_only_default=True, frozen_default=True)
def record(cls: type[R]) -> type[R]:
    """Makes a subclass of `Record` a frozen, keyword-only dataclass and pytree.

    The leaves come in alphabetical order of the fields, the order in which
    `chex.dataclass` has them, so that flattened states can be exchanged.
    """
    return _register(dataclasses.dataclass(frozen=True, kw_only=True)(cls))


@dataclass_transform(kw_only_default=True)
def mutable_record(cls: type[R]) -> type[R]:
    """As `record`, with fields that can be assigned to."""
    return _register(dataclasses.dataclass(kw_only=True)(cls))


def _register(cls: type[R]) -> type[R]:
    names = sorted(field.name for field in dataclasses.fields(cls))  # type: ignore[arg-type]
    return jax.tree_util.register_dataclass(cls, data_fields=names, meta_fields=())
