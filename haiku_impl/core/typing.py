"""Types of arrays, parameters, state and initialisers."""

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
from jax.typing import ArrayLike as ArrayLike
from jax.typing import DTypeLike as DTypeLike

PyTree = Any
"""Nested tuples, lists, dicts, ... of arrays; no type can say more of them."""

Params = Mapping[str, Mapping[str, jax.Array]]
State = Mapping[str, Mapping[str, Any]]
MutableParams = MutableMapping[str, MutableMapping[str, jax.Array]]
MutableState = MutableMapping[str, MutableMapping[str, Any]]
PRNGKey = jax.Array
RNG = jax.Array | int | None
"""A random key, a seed, or None where no random numbers are drawn."""
Shape = Sequence[int]
ShapeLike = int | Shape
Initializer = Callable[[Sequence[int], Any], jax.Array]
Axes = int | None | Sequence[Any] | Mapping[str, Any]
"""The axes that `vmap` maps: of all arguments, or a tree of them for each."""


class StatePair(NamedTuple):
    """The value a piece of state had first, and the one it has now."""

    initial: Any
    current: Any


class _Strict(Protocol):
    """A protocol that a class fits by what it has, not by being derived from it."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if Protocol not in cls.__bases__:
            bases = ", ".join(base.__name__ for base in cls.__bases__)
            raise TypeError(
                f"{cls.__name__} is a Protocol and should not be subclassed by a class "
                "that is none: derive from hk.Module. For a new protocol write "
                f"`class {cls.__name__}({bases}, Protocol)`."
            )


@runtime_checkable
class ModuleProtocol(_Strict, Protocol):
    """What a module offers, for code that accepts modules of any origin.

    Attributes:
      name: the last component of the module's name.
      module_name: the whole name, such as `mlp/~/linear_0`.
    """

    name: str
    module_name: str

    def params_dict(self) -> Mapping[str, jax.Array]: ...

    def state_dict(self) -> Mapping[str, jax.Array]: ...


@runtime_checkable
class SupportsCall(ModuleProtocol, Protocol):
    """A module that can be called."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
