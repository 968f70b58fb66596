"""Finding out which variables a function reads, writes and creates."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
from jax.extend.core import jaxpr_as_fun

from ...haiku_impl.core.cells import creating
from ...haiku_impl.core.child import Writes, commit, run_child, settled
from ...haiku_impl.core.frames import running, thread
from ...haiku_impl.core.keys import RNG, Entry, First, Token
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
        found.append(Found(child.lifted(), lasting(writes)))
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
        elif isinstance(key, Entry) and not key.is_in(running()):
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
