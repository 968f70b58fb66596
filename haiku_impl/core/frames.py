"""The thread-local stack of frames, through which all state is resolved.

A frame belongs to one call of a transformed function. It holds what the call
may read and write: parameters, state, the sequence of random keys, the stack of
modules whose methods are running, and the values of cells (see `cells.py`).
"""

import contextlib
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import jax.extend.core

from .thread_local import ThreadLocal

_frame_ids = itertools.count()


def trace_level() -> Any:
    """Returns a value that changes when a JAX transform is entered."""
    return jax.extend.core.get_opaque_trace_state(convention="haiku")


class Scope:
    """One running method of a module, and the names it has given out."""

    __slots__ = ("counters", "method_name", "module", "used_names")

    def __init__(self, module: Any, method_name: str):
        self.module = module
        self.method_name = method_name
        self.counters: dict[str, int] | None = None
        self.used_names: set[Any] | None = None

    def reserve(self, stem: str, number: int, name: str) -> None:
        """Notes that `name` is taken, so that later numbers lie above it."""
        if self.counters is None or self.used_names is None:
            self.counters, self.used_names = {}, set()
        self.used_names.add(name)
        self.counters[stem] = max(self.counters.get(stem, 0), number + 1)

    def take(self, name: Any) -> bool:
        """Notes that `name` is taken; returns False if it was taken before."""
        if self.counters is None or self.used_names is None:
            self.counters, self.used_names = {}, set()
        if name in self.used_names:
            return False
        self.used_names.add(name)
        return True

    def next_number(self, stem: str) -> int:
        return self.counters.get(stem, 0) if self.counters else 0

    def is_used(self, name: str) -> bool:
        return self.used_names is not None and name in self.used_names

    def copy(self) -> "Scope":
        scope = Scope(self.module, self.method_name)
        if self.counters is not None and self.used_names is not None:
            scope.counters, scope.used_names = dict(self.counters), set(self.used_names)
        return scope


class Frame:
    """What one call of a transformed function may read and write.

    Attributes:
      params: `{module: {name: value}}`, or None where there are no named
        parameters (a function that lifts cells only).
      state: `{module: {name: StatePair}}`, or None likewise.
      rng: the sequence of random keys, or None.
      frozen: whether parameters are fixed, as in `apply`.
      scopes: the running methods; the first scope is the function itself.
      cells: the values of the cells that were read or written, where there are no
        named parameters.
      written: those that were written, in order.
      created: the first values of those that had none before.
      keys: the cell that has a place in the trees, for each place taken.
      load: finds the value of a cell, `load(frame, cell)`, that is not in `cells`.
      on_failure: what to undo if the call ends with an exception.
      on_exit: what to call when it ends without one. The frames of one call share
        this list, and only they do.
      trace: the JAX trace in which the frame's values live.
    """

    __slots__ = (
        "cells",
        "created",
        "frozen",
        "id",
        "keys",
        "load",
        "on_exit",
        "on_failure",
        "params",
        "rng",
        "scopes",
        "state",
        "trace",
        "written",
    )

    def __init__(
        self,
        params: dict[str, Any] | None,
        state: dict[str, Any] | None,
        rng: Any,
        *,
        frozen: bool,
        load: Callable[["Frame", Any], Any] | None = None,
    ):
        self.params = params
        self.state = state
        self.rng = rng
        self.frozen = frozen
        self.load = load
        self.scopes = [Scope(None, "__call__")]
        self.cells: dict[Any, Any] = {}
        self.written: dict[Any, None] = {}
        self.created: dict[Any, Any] = {}
        self.keys: dict[tuple[str, str], Any] = {}
        self.on_failure: list[Callable[[], None]] = []
        self.on_exit: list[Callable[[], None]] = []
        self.trace = trace_level()
        self.id = next(_frame_ids)


class _Thread(ThreadLocal, global_name="thread"):
    """All that sonnax keeps for one thread."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.param_creators: list[Any] = []
        self.param_getters: list[Any] = []
        self.state_creators: list[Any] = []
        self.state_getters: list[Any] = []
        self.state_setters: list[Any] = []
        self.interceptors: list[Any] = [*_global_interceptors]
        self.method_hooks: list[Any] = []
        self.closure_boundaries: list[int] = []
        self.keys_drawn = 0
        # What to undo, as in a frame, where there is none.
        self.unsettled: list[Callable[[], None]] = []
        # Whether it makes cells that have no values yet, and so holds `creating`.
        self.creates = False
        # Of the modules that make cells: the name scope that is entered, the names
        # given out where there is no frame, and the keys drawn where there is none.
        self.name_scope: Any = None
        self.registries: list[Scope] = []
        self.generator: Any = None
        # The running modules that may put new cells into containers, and are to be
        # told of it.
        self.watched: list[Any] = []


_global_interceptors: list[Any] = []
thread = _Thread()


def current(caller: str) -> Frame:
    """Returns the frame of the transformed function that is running.

    Args:
      caller: the public name that needs the frame, for the error's message.

    Raises:
      ValueError: outside a transformed function.
    """
    frames = thread.frames
    if not frames or frames[-1].params is None:
        raise ValueError(
            f"`hk.{caller}` must be used as part of an `hk.transform`: it was "
            "called outside one. Wrap the code that calls it in a function f, and "
            "use hk.transform(f).init and .apply."
        )
    return frames[-1]


def inside_transform() -> bool:
    """Returns whether a transformed function is running in this thread."""
    frames = thread.frames
    return bool(frames) and frames[-1].params is not None


@contextlib.contextmanager
def pushed(items: list[Any], item: Any) -> Iterator[Any]:
    """Puts `item` on one of the thread's stacks while the context is active."""
    items.append(item)
    try:
        yield item
    finally:
        items.pop()
