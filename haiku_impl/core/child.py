"""Running a function in a frame of its own, and taking out what it wrote.

This is how every stateful version of a JAX transform works: the function reads
what surrounds it by closure, and what it writes becomes a result.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import jax

from .cells import creating
from .frames import Frame, LiftingFrame, running, thread
from .keys import RNG
from .random import PRNGSequence


@jax.tree_util.register_pytree_node_class
class Writes:
    """What a function wrote: a tree whose structure says what, and its leaves how.

    Attributes:
      keys: for each value what it is, see `keys.py`.
      values: the values.
    """

    __slots__ = ("keys", "values")

    def __init__(self, keys: Iterable[Any] = (), values: Iterable[Any] = ()):
        self.keys = tuple(keys)
        self.values = list(values)

    def tree_flatten(self) -> tuple[list[Any], tuple[Any, ...]]:
        return self.values, self.keys

    @classmethod
    def tree_unflatten(cls, keys: tuple[Any, ...], values: Sequence[Any]) -> "Writes":
        return cls(keys, values)

    def __repr__(self) -> str:
        return f"Writes({dict(zip(self.keys, self.values))})"


def run_child(
    f: Callable[..., Any],
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    given: Writes | None = None,
    rng: PRNGSequence | None = None,
    share_names: bool = True,
) -> tuple[Any, Writes, Any]:
    """Calls `f(*args, **kwargs)` in a frame of its own.

    Args:
      f: a function that uses modules, parameters, state, keys or cells.
      args: its positional arguments.
      kwargs: its keyword arguments.
      given: values that it reads in place of those around it.
      rng: random keys of its own, which it then does not take from around it.
      share_names: whether the modules it makes take their names from the frame
        around, so that later ones there get other names.

    Returns:
      What `f` returned, what it wrote, and the frame.
    """
    outer = running()
    child = _child_of(outer, share_names)
    if rng is not None:
        child.rng = rng
    if given is not None:
        for key, value in zip(given.keys, given.values):
            key.put(child, value)
    before = child.entries()
    thread.frames.append(child)
    try:
        out = f(*args, **(kwargs or {}))
    except BaseException:
        undo_all(child.on_failure)
        if outer is None:
            settle()
        raise
    finally:
        thread.frames.pop()
    # Until its values are those of what is around, it may still have to be undone.
    _unsettled().extend(child.on_failure)
    writes = child.writes(before)
    if rng is not None:
        writes.pop(RNG, None)
    return out, Writes(writes, writes.values()), child


def _unsettled() -> list[Callable[[], None]]:
    frames = thread.frames
    return frames[-1].on_failure if frames else thread.unsettled


def undo_all(on_failure: list[Callable[[], None]]) -> None:
    """Makes everything as it was, the last change first."""
    while on_failure:
        on_failure.pop()()


def settle() -> None:
    """Notes that what functions made has values by now, or is undone."""
    thread.unsettled.clear()
    if thread.creates:
        while thread.creates:
            thread.creates.pop()()
        creating.release()


def creates(when_settled: Callable[[], object]) -> None:
    """Keeps other threads from what the running function makes until it has values.

    Args:
      when_settled: Called when it has them, or when what was made is undone.
    """
    if not thread.creates:
        creating.acquire()
    thread.creates.append(when_settled)


@contextlib.contextmanager
def settled() -> Iterator[None]:
    """Undoes what functions run inside did, if their values then can't be had.

    A function that was traced has changed modules, by the variables that it made,
    before there are values: those come when the whole program is compiled and run.
    """
    undo = _unsettled()
    before = undo[:]
    del undo[:]
    try:
        yield
    except BaseException:
        undo_all(undo)
        raise
    finally:
        undo[:0] = before
        if not thread.frames:
            settle()


def _child_of(outer: Any, share_names: bool) -> Any:
    if outer is None:
        return LiftingFrame(None)
    child = outer.child(outer.rng and PRNGSequence(outer.rng.internal_state))
    child.on_exit = outer.on_exit
    child.scopes = (
        outer.scopes if share_names else [scope.copy() for scope in outer.scopes]
    )
    return child


def snapshot(frame: Frame, *, params: bool) -> Writes:
    """Returns what the frame holds by name, as if all of it had been written.

    Args:
      frame: A frame of a transformed function.
      params: Whether parameters are included, besides state and keys.
    """
    entries = frame.entries()
    keys = sorted(key for key in entries if params or key.tree != "params")
    return Writes(keys, [entries[key] for key in keys])


def commit(writes: Writes) -> None:
    """Makes what a child wrote true of the frame that is running, or of the cells."""
    frame = running()
    for key, value in zip(writes.keys, writes.values):
        key.commit(frame, value)
    if frame is None:
        settle()
