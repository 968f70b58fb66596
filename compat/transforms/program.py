"""A function compiled for one combination of static arguments."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ...haiku_impl.core.cells import changing, creating
from ...haiku_impl.core.child import Writes, run_child, settle, undo_all
from ...haiku_impl.core.frames import thread
from ...haiku_impl.core.keys import Token
from ..core.discovery import discover, lasting

_OVERTAKEN = object()
# How often a call is run without keeping other threads from what it changes: they
# must not wait for each other where a callback of the program writes variables.
_ATTEMPTS = 100


class Lifted:
    """The variables that are inputs of a compiled function; a key of its traces.

    Attributes:
      held: those that are inputs only.
      changed: those that may be outputs too. The two are apart so that only the
        latter are donated.
    """

    __slots__ = ("__weakref__", "changed", "held")

    def __init__(self, held: Iterable[Token] = (), changed: Iterable[Token] = ()):
        self.held = tuple(held)
        self.changed = tuple(changed)


class Program:
    """A compiled function, and the variables that it reaches.

    Args:
      run: the function, its static arguments in their places.
      donate_argnums: the positions of arguments whose memory may be reused.
      donate_variables: whether that of the variables written may be.
    """

    def __init__(
        self,
        run: Callable[..., Any],
        donate_argnums: Iterable[int],
        donate_variables: bool,
    ):
        self._run = run
        self._lifted: Lifted | None = None
        self._donates = donate_variables
        self._compiled = jax.jit(
            self._pure,
            static_argnums=0,
            donate_argnums=(
                *((2,) if self._donates else ()),
                *(i + 3 for i in donate_argnums),
            ),
        )

    def __call__(self, args: Any, kwargs: Any) -> Any:
        if self._lifted is None:
            with creating:
                if self._lifted is None:
                    self._discover(args, kwargs)
                # Compiled by one thread, for which the others wait.
                return self._call(args, kwargs)
        return self._call(args, kwargs)

    def _call(self, args: Any, kwargs: Any) -> Any:
        for _ in () if self._donates else range(_ATTEMPTS):
            out = self._attempt(args, kwargs)
            if out is not _OVERTAKEN:
                return out
        with changing:
            return self._attempt(args, kwargs)

    def _attempt(self, args: Any, kwargs: Any) -> Any:
        """Runs the function; if another thread has changed what it did, in vain."""
        lifted = self._lifted
        try:
            held = [token()._value for token in lifted.held]  # type: ignore[union-attr]
            changed = [token()._value for token in lifted.changed]  # type: ignore[union-attr]
        except AttributeError:
            # One of them is gone, so that the function reads another one by now.
            self._discover(args, kwargs)
            return self._attempt(args, kwargs)
        given = _distinct(changed, [held, args, kwargs]) if self._donates else changed
        try:
            out, writes = self._compiled(lifted, held, given, *args, **kwargs)
            if writes.keys and not _commit(lifted, changed, writes):  # type: ignore[arg-type]
                return _OVERTAKEN
        except BaseException:
            undo_all(thread.unsettled)
            raise
        finally:
            if thread.unsettled or thread.creates:
                settle()
        return out

    def _discover(self, args: Any, kwargs: Any) -> None:
        found = discover(self._run, args, kwargs)
        # What the function makes anew in each call is gone already.
        read = [token for token in found.read if token() is not None]
        self._lifted = _extended(Lifted(), read, found.written)

    def _pure(
        self, lifted: Lifted, held: Any, changed: Any, *args: Any, **kwargs: Any
    ) -> tuple[Any, Writes]:
        tokens = (*lifted.held, *lifted.changed)
        values = (*held, *changed)
        for token, value in zip(tokens, values):
            if value is None:
                raise token().without_value()  # type: ignore[union-attr]
        given = Writes(tokens, values)
        out, writes, child = run_child(self._run, args, kwargs, given=given)
        # A variable met now for the first time is a constant of this trace, or its
        # creation; the next call traces again, since it has more inputs.
        read = child.lifted()
        if not set(read) <= {*tokens, *(cell.token for cell in child.created)}:
            self._lifted = _extended(lifted, read, lasting(writes))
        return out, writes


def _commit(lifted: Lifted, before: Sequence[Any], writes: Writes) -> bool:
    """Makes what was written true, unless other values have been written meanwhile."""
    with changing:
        for token, value in zip(lifted.changed, before):
            if (cell := token()) is not None and cell._value is not value:
                return False
        keys: Iterable[Any] = writes.keys
        for key, value in zip(keys, writes.values):
            cell = key() if type(key) is Token else key.token()
            if cell is not None:
                cell._value, cell._initial = value, None
    return True


def _extended(lifted: Lifted, read: Iterable[Token], written: Iterable[Any]) -> Lifted:
    """Makes inputs of the cells read, and outputs too of those written."""
    changed = {*lifted.changed, *written}
    tokens = dict.fromkeys([*lifted.held, *lifted.changed, *read])
    return Lifted(
        [token for token in tokens if token not in changed],
        [token for token in tokens if token in changed],
    )


def _distinct(donated: list[Any], others: Any) -> list[Any]:
    """Copies arrays that are needed a second time, so that each is donated once."""
    used = {id(leaf) for leaf in jax.tree.leaves(others)}
    values = []
    for value in donated:
        if id(value) in used:
            value = jnp.copy(value)
        used.add(id(value))
        values.append(value)
    return values
