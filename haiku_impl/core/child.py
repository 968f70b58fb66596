"""Running a function in a frame of its own, and taking out what it wrote.

This is how every stateful version of a JAX transform works: the function reads
what surrounds it by closure, and what it writes becomes a result.
"""

import contextlib
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

import jax

from .cells import (
    First,
    Token,
    creating,
    load_from_outer,
    place,
    write,
    write_first,
)
from .frames import Frame, thread
from .random import PRNGSequence

RNG = "rng"
"""The key of `Writes` under which the sequence of random keys stands."""


@jax.tree_util.register_pytree_node_class
class Writes:
    """What a function wrote: a tree whose structure says what, and its leaves how.

    Attributes:
      keys: for each value `("params", module, name)`, `("state", module, name)`,
        `RNG`, the token of a cell, or `First` of it for the value it had first.
      values: the values.
    """

    __slots__ = ("keys", "values")

    def __init__(self, keys: Iterable[Hashable] = (), values: Iterable[Any] = ()):
        self.keys = tuple(keys)
        self.values = list(values)

    def tree_flatten(self) -> tuple[list[Any], tuple[Hashable, ...]]:
        return self.values, self.keys

    @classmethod
    def tree_unflatten(
        cls, keys: tuple[Hashable, ...], values: Sequence[Any]
    ) -> "Writes":
        return cls(keys, values)

    def __repr__(self) -> str:
        return f"Writes({dict(zip(self.keys, self.values))})"


def _copied(tree: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if tree is None else {key: dict(value) for key, value in tree.items()}


def run_child(
    f: Callable[..., Any],
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    given: Writes | None = None,
    load: Callable[[Frame, Any], Any] = load_from_outer,
    rng: PRNGSequence | None = None,
    share_names: bool = True,
) -> tuple[Any, Writes, Frame]:
    """Calls `f(*args, **kwargs)` in a frame of its own.

    Args:
      f: a function that uses modules, parameters, state, keys or cells.
      args: its positional arguments.
      kwargs: its keyword arguments.
      given: values that it reads in place of those around it.
      load: finds the values of cells that are not given.
      rng: random keys of its own, which it then does not take from around it.
      share_names: whether the modules it makes take their names from the frame
        around, so that later ones there get other names.

    Returns:
      What `f` returned, what it wrote, and the frame.
    """
    outer = thread.frames[-1] if thread.frames else None
    child = _child_of(outer, load, share_names)
    if rng is not None:
        child.rng = rng
    if given is not None:
        _put(child, given)
    before = _entries(child)
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
    after = _entries(child)
    keys = [key for key in after if not _same(before.get(key), after[key])]
    if rng is not None and RNG in keys:
        keys.remove(RNG)
    # The first value of a cell goes before the one that it has in the end.
    created = {First(c.token): value for c, value in child.created.items()}
    cells = {c.token: child.cells[c] for c in child.written}
    writes = Writes(
        [*created, *keys, *cells],
        [*created.values(), *(after[key] for key in keys), *cells.values()],
    )
    return out, writes, child


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
        thread.creates = False
        creating.release()


def creates() -> None:
    """Keeps other threads from what the running function makes until it has values."""
    if thread.frames and not thread.creates:
        creating.acquire()
        thread.creates = True


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


def _child_of(
    outer: Frame | None, load: Callable[[Frame, Any], Any], share_names: bool
) -> Frame:
    if outer is None:
        return Frame(None, None, None, frozen=False, load=load)
    rng = outer.rng and PRNGSequence(outer.rng.internal_state)
    params, state = _copied(outer.params), _copied(outer.state)
    child = Frame(params, state, rng, frozen=outer.frozen, load=load)
    child.keys = dict(outer.keys)
    child.on_exit = outer.on_exit
    child.scopes = (
        outer.scopes if share_names else [scope.copy() for scope in outer.scopes]
    )
    return child


def _entries(frame: Frame) -> dict[Hashable, Any]:
    """Returns what the frame holds by name: parameters, state and keys."""
    entries: dict[Hashable, Any] = {
        (which, module, name): value
        for which, tree in (("params", frame.params), ("state", frame.state))
        for module, bundle in (tree or {}).items()
        for name, value in bundle.items()
    }
    if frame.rng is not None:
        entries[RNG] = frame.rng.internal_state
    return entries


def snapshot(frame: Frame, *, params: bool) -> Writes:
    """Returns what the frame holds by name, as if all of it had been written.

    Args:
      frame: a frame of a transformed function.
      params: whether parameters are included, besides state and keys.
    """
    entries = _entries(frame)
    keys = sorted((k for k in entries if params or k[0] != "params"), key=str)  # type: ignore[index]
    return Writes(keys, [entries[key] for key in keys])


def _same(before: Any, after: Any) -> bool:
    """Whether two entries are the same: keys are compared one by one."""
    if before is after or before is None:
        return before is after
    if type(before) is not tuple:
        return False
    (key, reserved), (new_key, new_reserved) = before, after
    return (
        key is new_key
        and len(reserved) == len(new_reserved)
        and all(a is b for a, b in zip(reserved, new_reserved))
    )


def _put(frame: Frame, writes: Writes) -> None:
    for key, value in zip(writes.keys, writes.values):
        if not isinstance(key, Token):
            if key == RNG:
                frame.rng.replace_internal_state(value)
            else:
                which, module, name = cast(tuple[str, str, str], key)
                getattr(frame, which).setdefault(module, {})[name] = value
        elif frame.params is None:
            frame.cells[key()] = value
        else:
            place(frame, key(), value)  # type: ignore[arg-type]


def commit(writes: Writes) -> None:
    """Makes what a child wrote true of the frame that is running, or of the cells."""
    named: list[tuple[Hashable, Any]] = []
    for key, value in zip(writes.keys, writes.values):
        if isinstance(key, First | Token):
            cell = key() if isinstance(key, Token) else key.token()
            # Nobody can read a cell that is gone.
            if cell is not None:
                (write if isinstance(key, Token) else write_first)(cell, value)
        else:
            named.append((key, value))
    if named:
        _put(thread.frames[-1], Writes(*zip(*named)))
    if not thread.frames:
        settle()
