"""Contexts: one call of a transformed function, entered by hand."""

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import jax

from ..data_structures import to_haiku_dict
from .child import settle, undo_all
from .frames import NamedFrame, thread
from .parameters import collect_state
from .random import PRNGSequence
from .typing import MutableParams, MutableState, StatePair


class Context(contextlib.AbstractContextManager["Context"]):
    """What a transformed function reads and writes while it runs.

    Entering it makes its parameters, state and keys the current ones. It can be
    entered again, and continues where it was left.
    """

    def __init__(self, frame: NamedFrame):
        self._frame = frame

    def collect_params(self) -> MutableParams:
        """Returns a copy of the parameters."""
        return to_haiku_dict(self._frame.params)

    def collect_initial_state(self) -> MutableState:
        """Returns a copy of the state as it was first."""
        return collect_state(self._frame.state, "initial")

    def collect_state(self) -> MutableState:
        """Returns a copy of the state as it is now."""
        return collect_state(self._frame.state, "current")

    def add_teardown_callback(self, callback: Callable[[], None]) -> None:
        """Calls `callback()` whenever the context ends without an exception."""
        self._frame.on_exit.append(callback)

    def __enter__(self) -> "Context":
        thread.frames.append(self._frame)
        return self

    def __exit__(self, error: Any, *unused: Any) -> None:
        thread.frames.pop()
        if error is not None:
            undo_all(self._frame.on_failure)
        if not thread.frames:
            settle()
        if error is not None:
            return
        for callback in self._frame.on_exit:
            callback()


def new_context(
    *,
    params: Mapping[str, Any] | None = None,
    state: Mapping[str, Any] | None = None,
    rng: PRNGSequence | jax.Array | int | None = None,
) -> Context:
    """Returns a context in which modules can be made and called.

    Meant for a notebook or a debugger; programs use `transform`.

    Args:
      params: parameters; if None, they are made when they are asked for.
      state: state to begin with.
      rng: a key, a seed, or a `PRNGSequence`.

    >>> import jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> with hk.new_context(rng=42) as context:
    ...     y = hk.Linear(3)(jnp.ones([1, 2]))
    >>> list(context.collect_params())
    ['linear']
    """
    if rng is not None and not isinstance(rng, PRNGSequence):
        rng = PRNGSequence(rng)
    pairs = {
        module: {name: StatePair(value, value) for name, value in bundle.items()}
        for module, bundle in (state or {}).items()
    }
    frozen = params is not None
    # Frozen parameters are not written to, so there is no need for a copy.
    if type(params) is not dict:
        params = to_haiku_dict(params or {})
    return Context(NamedFrame(params, pairs, rng, frozen=frozen))
