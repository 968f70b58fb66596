"""Finding out which variables a function reads, writes and creates."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
from jax.extend.core import jaxpr_as_fun

from ...haiku_impl.core.cells import First, Token, creating, read
from ...haiku_impl.core.child import RNG, Writes, commit, run_child, settled
from ...haiku_impl.core.frames import thread
from ...haiku_impl.core.typing import StatePair


class Found(NamedTuple):
    """What a function touches.

    Attributes:
      read: the tokens of the cells it reads or writes, in order.
      written: the keys of what it writes (see `Writes`), first values left out.
    """

    read: tuple[Token, ...]
    written: tuple[Any, ...]


def discover(
    f: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Found:
    """Traces a function to see what it touches, and creates the variables it makes.

    Nothing else of what it does comes true. The trace runs with abstract values, and
    only the initial values are computed. If that fails, modules are as before.
    """
    found: list[Found] = []

    def trace(args: Any, kwargs: Any) -> Writes:
        _, writes, child = run_child(f, args, kwargs)
        read = tuple(cell.token for cell in child.cells)
        found.append(Found(read, lasting(writes)))
        return _created(writes)

    with creating, settled():
        jaxpr, created = jax.make_jaxpr(trace, return_shape=True)(args, kwargs)
        if created.keys:
            compute = jax.jit(jaxpr_as_fun(jaxpr))
            values = compute(*jax.tree.leaves((args, kwargs)))
            # What fails while it runs must fail before it is a value.
            values = jax.block_until_ready(values)
            commit(jax.tree.unflatten(jax.tree.structure(created), values))
    return found[-1]


def lasting(writes: Writes) -> tuple[Any, ...]:
    """Returns the keys of what a function writes each time: not the first values."""
    return tuple(key for key in writes.keys if not isinstance(key, First))


def _created(writes: Writes) -> Writes:
    """Returns the first values of what a child made, and the random keys after it."""
    created: dict[Any, Any] = {}
    for key, value in zip(writes.keys, writes.values):
        if isinstance(key, First):
            created[key] = value
        elif type(key) is tuple and not _exists(key):
            is_state = isinstance(value, StatePair)
            created[key] = (
                StatePair(value.initial, value.initial) if is_state else value
            )
    if created:
        # Otherwise the keys of the initial values would be drawn again.
        drawn = dict(zip(writes.keys, writes.values))
        for key in (RNG, getattr(thread.generator, "token", None)):
            if key in drawn:
                created[key] = drawn[key]
    return Writes(created, created.values())


def _exists(key: tuple[str, str, str]) -> bool:
    which, module, name = key
    return name in getattr(thread.frames[-1], which).get(module, ())


def current_values(keys: Sequence[Any]) -> list[Any]:
    """Returns the present values of what `Writes` keys stand for."""
    frame = thread.frames[-1] if thread.frames else None
    values = []
    for key in keys:
        if isinstance(key, Token):
            values.append(read(key()))  # type: ignore[arg-type]
        elif key == RNG:
            values.append(frame.rng.internal_state)  # type: ignore[union-attr]
        else:
            which, module, name = key
            values.append(getattr(frame, which)[module][name])
    return values
