"""The one engine of transforms: how loops carry what their bodies read and write.

`hk.scan`, `snt.scan` and the like are thin faces of it, for signatures and messages.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax

from .child import Writes, commit, run_child, settled
from .frames import running
from .keys import First, Key


class Carried(NamedTuple):
    """What the steps of a loop hand on to each other, beside the user's value.

    Attributes:
      keys: What a step may write.
      refuse: Called with what a step wrote besides; raises an error.
      finish: Called at the end of each step.
      share_names: Whether modules that a step makes take names from around it.
    """

    keys: Sequence[Key]
    refuse: Callable[[list[Key]], None]
    finish: Callable[[], None] = lambda: None
    share_names: bool = True

    def values(self) -> list[Any]:
        """Returns the present values."""
        return [key.read(running()) for key in self.keys]  # type: ignore[union-attr]

    def commit(self, values: Sequence[Any]) -> None:
        commit(Writes(self.keys, values))

    def step(
        self, f: Callable[..., Any], values: Sequence[Any], *args: Any
    ) -> tuple[Any, list[Any]]:
        """Calls `f(*args)` with the values; returns the result, and those after it."""

        def body(*args: Any) -> Any:
            out = f(*args)
            self.finish()
            return out

        given = Writes(self.keys, values)
        out, writes, child = run_child(
            body, args, given=given, share_names=self.share_names
        )
        known = {*self.keys, *(First(key) for key in self.keys)}  # type: ignore[arg-type]
        self.refuse([key for key in writes.keys if key not in known])
        return out, [key.read(child) for key in self.keys]  # type: ignore[union-attr]

    def test(
        self, f: Callable[..., Any], values: Sequence[Any], *args: Any
    ) -> tuple[Any, tuple[Key, ...]]:
        """Calls a condition with the values; returns the result, and what it wrote."""
        given = Writes(self.keys, values)
        out, writes, _ = run_child(f, args, given=given, share_names=self.share_names)
        return out, writes.keys


def scan(
    carried: Carried, f: Callable[..., Any], init: Any, xs: Any, *options: Any
) -> tuple[Any, Any]:
    """Runs `jax.lax.scan`; `options` are `length`, `reverse` and `unroll`."""

    @_like(f)
    def step(carry: Any, x: Any) -> Any:
        (value, y), values = carried.step(f, carry[1], carry[0], x)
        return (value, values), y

    with settled():
        start = init, carried.values()
        (value, values), ys = jax.lax.scan(step, start, xs, *options)
        carried.commit(values)
    return value, ys


def fori_loop(
    carried: Carried, lower: Any, upper: Any, f: Callable[..., Any], init: Any
) -> Any:
    """Runs `jax.lax.fori_loop`."""

    @_like(f)
    def step(i: Any, carry: Any) -> Any:
        return carried.step(f, carry[1], i, carry[0])

    with settled():
        start = init, carried.values()
        value, values = jax.lax.fori_loop(lower, upper, step, start)
        carried.commit(values)
    return value


def while_loop(
    carried: Carried,
    condition: Callable[..., Any],
    refuse_writes: Callable[[Sequence[Key]], None],
    f: Callable[..., Any],
    init: Any,
) -> Any:
    """Runs `jax.lax.while_loop`; what the condition writes is refused."""

    @_like(condition)
    def go_on(carry: Any) -> Any:
        out, written = carried.test(condition, carry[1], carry[0])
        if written:
            refuse_writes(written)
        return out

    @_like(f)
    def step(carry: Any) -> Any:
        return carried.step(f, carry[1], carry[0])

    with settled():
        start = init, carried.values()
        value, values = jax.lax.while_loop(go_on, step, start)
        carried.commit(values)
    return value


def _like(f: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return functools.wraps(f, updated=())
