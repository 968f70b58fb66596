"""Random keys inside transformed functions."""

import collections
import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

import jax
import jax.numpy as jnp

from ..config import get_config
from . import frames
from .errors import JaxUsageError, MissingRNGError

PRNGSequenceState = tuple[jax.Array, Iterable[jax.Array]]


def check_key(key: Any) -> None:
    """Checks that `key` is one random key, typed or raw.

    Raises:
      ValueError: if it is not.
    """
    if not hasattr(key, "shape") or not hasattr(key, "dtype"):
        raise ValueError(
            f"The random key is not a JAX PRNGKey but a {type(key).__name__}: {key!r}. "
            "Make one with jax.random.key(seed)."
        )
    if jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        expected: tuple[tuple[int, ...], Any] = ((), key.dtype)
    else:
        expected = (_raw_key_shape(), jnp.dtype("uint32"))
    if key.shape != expected[0] or key.dtype != expected[1]:
        raise ValueError(
            "The random key did not have expected shape and/or dtype: expected "
            f"shape={expected[0]}, dtype={expected[1]}, got "
            f"shape={key.shape}, dtype={key.dtype}. Pass one key made by "
            "jax.random.key or jax.random.PRNGKey under the same setting of "
            f"jax_default_prng_impl (now {jax.random.key_impl(jax.random.key(0))!r})."
        )


def _raw_key_shape() -> tuple[int, ...]:
    return jax.eval_shape(lambda: jax.random.key_data(jax.random.key(0))).shape


class PRNGSequence(Iterator[jax.Array]):
    """An iterator over random keys.

    One key is kept for splitting; the others are handed out in order. Taking n
    keys at once, or reserving n, is one `jax.random.split(key, n + 1)`.

    Args:
      key_or_seed: a key (typed or raw), an int seed, or the `internal_state` of
        another sequence.

    Raises:
      ValueError: if it is none of these.

    >>> import jax
    >>> from sonnax import haiku_impl as hk
    >>> keys = hk.PRNGSequence(42)
    >>> next(keys).shape, len(keys.take(3))
    ((2,), 3)
    """

    __slots__ = ("_key", "_subkeys")

    def __init__(self, key_or_seed: jax.Array | int | PRNGSequenceState):
        if isinstance(key_or_seed, tuple):
            self.replace_internal_state(key_or_seed)
            return
        key: Any = key_or_seed
        if isinstance(key, int) or (
            getattr(key, "shape", None) == () and key.dtype == jnp.int32
        ):
            key = jax.random.PRNGKey(key)
        check_key(key)
        self._key = key
        self._subkeys: collections.deque[jax.Array] = collections.deque()

    def reserve(self, num: int) -> None:
        """Splits `num` keys now, to be handed out later."""
        if num > 0:
            key, *subkeys = jax.random.split(self._key, num + 1)
            self._key = key
            self._subkeys.extend(subkeys)

    def reserve_up_to_full(self) -> None:
        """Fills, or cuts, the reserve to the configured size."""
        size = get_config().rng_reserve_size
        self.reserve(size - len(self._subkeys))
        while len(self._subkeys) > size:
            self._subkeys.pop()

    @property
    def internal_state(self) -> PRNGSequenceState:
        """The key to be split next, and the reserved ones."""
        return self._key, tuple(self._subkeys)

    def replace_internal_state(self, state: PRNGSequenceState) -> None:
        """Continues from `state`, as `internal_state` gave it."""
        key, subkeys = state
        subkeys = collections.deque(subkeys)
        for each in (key, *subkeys):
            check_key(each)
        self._key, self._subkeys = key, subkeys

    def __next__(self) -> jax.Array:
        if not self._subkeys:
            self.reserve(get_config().rng_reserve_size)
        return self._subkeys.popleft()

    next = __next__

    def take(self, num: int) -> tuple[jax.Array, ...]:
        """Returns the next `num` keys, splitting at most once."""
        self.reserve(num - len(self._subkeys))
        return tuple(self._subkeys.popleft() for _ in range(num))


def check_trace(frame: frames.Frame, caller: str) -> None:
    """Raises JaxUsageError inside a plain JAX transform, where that is checked."""
    if get_config().check_jax_usage and frames.trace_level() != frame.trace:
        raise JaxUsageError(
            f"`hk.{caller}` was called inside a plain JAX transform or control flow "
            "function (jax.jit, jax.vmap, jax.lax.scan, ...). Those take pure "
            f"functions, and `hk.{caller}` has a side effect, so a value would leak "
            "or be lost. Use the function of the same name in `hk` (hk.vmap, "
            "hk.scan, ...), or make the inner function pure with `hk.transform`."
        )


def _sequence(caller: str) -> PRNGSequence:
    frame = frames.current(caller)
    check_trace(frame, caller)
    if frame.rng is None:
        raise MissingRNGError(
            f"`hk.{caller}` needs random numbers: you must pass a non-None PRNGKey "
            "to init, and to apply, if the function draws any. The key passed to "
            "this call was None."
        )
    return frame.rng


def reserve_rng_keys(num: int) -> None:
    """Splits `num` keys at once, to be handed out by `next_rng_key`.

    It saves equations where many keys are drawn one by one.

    Args:
      num: how many keys.

    Raises:
      MissingRNGError: if no key was passed to the transformed function.
    """
    _sequence("reserve_rng_keys").reserve(num)


def next_rng_key() -> jax.Array:
    """Returns a key that no other draw within this call shares.

    Raises:
      MissingRNGError: if no key was passed to the transformed function.

    >>> import jax
    >>> from sonnax import haiku_impl as hk
    >>> f = hk.transform(lambda: jax.random.uniform(hk.next_rng_key()))
    >>> f.apply({}, jax.random.PRNGKey(0)).shape
    ()
    """
    sequence = _sequence("next_rng_key")
    frames.thread.keys_drawn += 1
    return next(sequence)


def next_rng_keys(num: int) -> jax.Array:
    """Returns `num` keys stacked into one array, of shape `[num, ...]`.

    Args:
      num: how many keys.

    Raises:
      MissingRNGError: if no key was passed to the transformed function.
    """
    return jnp.stack(_sequence("next_rng_keys").take(num))


def maybe_next_rng_key() -> jax.Array | None:
    """Returns `next_rng_key()`, or None where no key was passed."""
    frame = frames.current("maybe_next_rng_key")
    return None if frame.rng is None else next(_sequence("maybe_next_rng_key"))


def maybe_get_rng_sequence_state() -> PRNGSequenceState | None:
    """Returns the state of the key sequence, or None where no key was passed."""
    rng = frames.current("maybe_get_rng_sequence_state").rng
    return None if rng is None else rng.internal_state


def replace_rng_sequence_state(state: PRNGSequenceState) -> None:
    """Continues the key sequence from `state`.

    Args:
      state: what `maybe_get_rng_sequence_state` returned.

    Raises:
      MissingRNGError: if no key was passed to the transformed function.
    """
    if frames.current("replace_rng_sequence_state").rng is None:
        raise MissingRNGError(
            "`hk.replace_rng_sequence_state` requires an RNG to be passed into the "
            "transformed function: it was called with None, so there is no sequence "
            "to replace."
        )
    _sequence("replace_rng_sequence_state").replace_internal_state(state)


@contextlib.contextmanager
def _swapped_sequence(frame: frames.Frame, rng: PRNGSequence) -> Iterator[None]:
    previous, frame.rng = frame.rng, rng
    try:
        yield
    finally:
        frame.rng = previous


def with_rng(key: jax.Array) -> contextlib.AbstractContextManager[None]:
    """Draws keys from a sequence of its own while the context is active.

    Args:
      key: the key that the sequence begins with.

    >>> import jax
    >>> from sonnax import haiku_impl as hk
    >>> def f():
    ...     with hk.with_rng(jax.random.PRNGKey(428)):
    ...         return hk.next_rng_key()
    >>> hk.transform(f).apply({}, None).shape
    (2,)
    """
    frame = frames.current("with_rng")
    check_trace(frame, "with_rng")
    return _swapped_sequence(frame, PRNGSequence(key))
