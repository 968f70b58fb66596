"""The thread-local stack of frames, through which all state is resolved.

A frame belongs to one call of a transformed function. It holds what the call
may read and write: parameters, state, the sequence of random keys, the stack of
modules whose methods are running, and the values of cells (see `cells.py`). There are
two kinds: one has trees of named values, the other lifts cells only.
"""

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax.extend.core

from .errors import StateChangedError
from .keys import RNG, Entry, First, Token
from .thread_local import ThreadLocal
from .typing import StatePair

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
    """What one call of a function may read and write: cells, keys and names.

    Attributes:
      rng: The sequence of random keys, or None.
      scopes: The running methods; the first scope is the function itself.
      on_failure: What to undo if the call ends with an exception.
      on_exit: What to call when it ends without one. The frames of one call share
        this list, and only they do.
      trace: The JAX trace in which the frame's values live.
    """

    def __init__(self, rng: Any = None):
        self.rng = rng
        self.scopes = [Scope(None, "__call__")]
        self.on_failure: list[Callable[[], None]] = []
        self.on_exit: list[Callable[[], None]] = []
        self.trace = trace_level()
        self.id = next(_frame_ids)

    def lifted(self) -> tuple[Token, ...]:
        """Returns the tokens of the cells that it took from around it."""
        return ()

    def entries(self) -> dict[Any, Any]:
        """Returns what the frame holds by name: parameters, state, random keys."""
        return {} if self.rng is None else {RNG: self.rng.internal_state}

    def writes(self, before: dict[Any, Any]) -> dict[Any, Any]:
        """Returns what was written since the entries were as `before`."""
        after = self.entries()
        return {k: v for k, v in after.items() if not _same(before.get(k), v)}


class LiftingFrame(Frame):
    """The frame of a function that takes the values of cells from around it.

    Attributes:
      outer: The frame around, or None where cells have values of their own.
      cells: The values of the cells that were read or written.
      written: Those that were written, in order.
      created: The first values of those that had none before.
    """

    def __init__(self, outer: "Frame | None", rng: Any = None):
        super().__init__(rng)
        self.outer = outer
        self.cells: dict[Any, Any] = {}
        self.written: dict[Any, None] = {}
        self.created: dict[Any, Any] = {}

    def child(self, rng: Any) -> "LiftingFrame":
        return LiftingFrame(self, rng)

    def lifted(self) -> tuple[Token, ...]:
        return tuple(cell.token for cell in self.cells)

    def read(self, cell: Any) -> Any:
        if cell not in self.cells:
            outer: Any = self.outer
            self.cells[cell] = cell._own_value() if outer is None else outer.read(cell)
        return self.cells[cell]

    def write(self, cell: Any, value: Any) -> None:
        if cell._value is None and cell not in self.cells:
            self.created[cell] = value
        self.cells[cell] = value
        self.written[cell] = None

    def write_first(self, cell: Any, value: Any) -> None:
        self.created[cell] = self.cells[cell] = value

    set_initial = write_first

    def create(self, cell: Any, initial: Callable[[], Any]) -> Any:
        value = initial()
        self.write_first(cell, value)
        return value

    def give(self, cell: Any, value: Any) -> None:
        self.cells[cell] = value

    def writes(self, before: dict[Any, Any]) -> dict[Any, Any]:
        # The first value of a cell goes before the one that it has in the end.
        first = {First(cell.token): value for cell, value in self.created.items()}
        last = {cell.token: self.cells[cell] for cell in self.written}
        return {**first, **super().writes(before), **last}


class NamedFrame(Frame):
    """The frame of a transformed function, in which values have places in trees.

    Attributes:
      params: `{module: {name: value}}`.
      state: `{module: {name: StatePair}}`.
      frozen: Whether parameters are fixed, as in `apply`.
      keys: The cell that has a place in the trees, for each place taken.
    """

    def __init__(
        self,
        params: dict[str, Any],
        state: dict[str, Any],
        rng: Any,
        *,
        frozen: bool,
        keys: Mapping[tuple[str, str], Any] | None = None,
    ):
        super().__init__(rng)
        self.params = params
        self.state = state
        self.frozen = frozen
        self.keys = dict(keys or {})

    def child(self, rng: Any) -> "NamedFrame":
        params, state = (
            {module: dict(bundle) for module, bundle in tree.items()}
            for tree in (self.params, self.state)
        )
        return NamedFrame(params, state, rng, frozen=self.frozen, keys=self.keys)

    def entries(self) -> dict[Any, Any]:
        named = {
            Entry(which, module, name): value
            for which, tree in (("params", self.params), ("state", self.state))
            for module, bundle in tree.items()
            for name, value in bundle.items()
        }
        return {**named, **super().entries()}

    def _bundle(self, cell: Any) -> dict[str, Any]:
        tree = self.params if cell.trainable else self.state
        return tree.setdefault(cell.key[0], {})

    def read(self, cell: Any) -> Any:
        """Finds a cell's value; during `init` it gets a place if it has none yet."""
        module, name = cell.key
        holder = self.keys.setdefault(cell.key, cell)
        if holder is not cell:
            raise ValueError(
                f"Two variables would have the same place {module!r}/{name!r} in the "
                f"trees of parameters: {holder!r} and {cell!r}. Make their modules "
                "inside the transformed function, or inside one "
                "`with snt.functional.variables():`, where names are made unique; or "
                "give them different names."
            )
        tree = self.params if cell.trainable else self.state
        if name in tree.get(module, ()):
            found = tree[module][name]
            return found if cell.trainable else found.current
        if self.frozen and (cell.trainable or cell._value is not None):
            raise ValueError(
                f"{cell!r} has no value in the "
                f"{'parameters' if cell.trainable else 'state'} passed to apply, under "
                f"{module!r}/{name!r}: all variables must be read or created as part "
                f"of `init`. There are the modules {sorted(tree)}."
            )
        value = cell._first_value()
        self.give(cell, value)
        return value

    def write(self, cell: Any, value: Any) -> None:
        self.read(cell)
        if cell.trainable and self.frozen:
            raise StateChangedError(
                f"{cell!r} was assigned inside a pure function, which takes parameters "
                "and does not return them, so the new value would be lost. Assign to "
                "it under `snt.jit`, or make the variable with trainable=False so that "
                "it is state."
            )
        if not cell.trainable:
            self.give(cell, value)

    write_first = write

    def create(self, cell: Any, initial: Callable[[], Any]) -> Any:
        cell._initial = initial
        return self.read(cell)

    def set_initial(self, cell: Any, value: Any) -> None:
        cell._initial = lambda: value
        if not self.frozen:
            new = value if cell.trainable else StatePair(value, value)
            self._bundle(cell)[cell.key[1]] = new

    def give(self, cell: Any, value: Any) -> None:
        """Puts a cell's value into the trees."""
        bundle, name = self._bundle(cell), cell.key[1]
        if cell.trainable:
            bundle[name] = value
        else:
            initial = bundle[name].initial if name in bundle else value
            bundle[name] = StatePair(initial, value)


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


class _Thread(ThreadLocal, global_name="thread"):
    """All that sonnax keeps for one thread."""

    def __init__(self) -> None:
        self.frames: list[Any] = []
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
        # What to call when the cells that it makes have values; until then it holds
        # the lock `creating`.
        self.creates: list[Callable[[], object]] = []
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


def running() -> Any:
    """Returns the frame that is running, or None."""
    return thread.frames[-1] if thread.frames else None


def current(caller: str) -> NamedFrame:
    """Returns the frame of the transformed function that is running.

    Args:
      caller: the public name that needs the frame, for the error's message.

    Raises:
      ValueError: outside a transformed function.
    """
    frames = thread.frames
    if not inside_transform():
        raise ValueError(
            f"`hk.{caller}` must be used as part of an `hk.transform`: it was "
            "called outside one. Wrap the code that calls it in a function f, and "
            "use hk.transform(f).init and .apply."
        )
    return frames[-1]


def inside_transform() -> bool:
    """Returns whether a transformed function is running in this thread."""
    frames = thread.frames
    return bool(frames) and isinstance(frames[-1], NamedFrame)


@contextlib.contextmanager
def pushed(items: list[Any], item: Any) -> Iterator[Any]:
    """Puts `item` on one of the thread's stacks while the context is active."""
    items.append(item)
    try:
        yield item
    finally:
        items.pop()
