"""Random keys: from the default generator, or from a pure function's key."""

import secrets
from typing import Any

import jax

from ..haiku_impl.core.cells import Cell, read, write
from ..haiku_impl.core.errors import MissingRNGError
from ..haiku_impl.core.frames import inside_transform, running, thread


class _Generator(Cell):
    """The default generator of a thread: a cell that holds a key.

    Being a cell, it is an input and an output of functions under `snt.jit`.
    """

    def __init__(self, seed: int):
        super().__init__(("~", "random_key"), trainable=False)
        self.seed(seed)

    def seed(self, seed: int) -> None:
        with jax.ensure_compile_time_eval():
            self._value = jax.random.key(seed)


def set_seed(seed: int) -> None:
    """Seeds the default generator, in the place of `tf.random.set_seed`.

    Initial values, dropout and the like draw from it outside pure functions. Each
    thread has a generator of its own. Without a seed it starts at random.

    Args:
      seed: a non-negative int.

    >>> from sonnax import compat as snt
    >>> snt.random.set_seed(42)
    >>> w = snt.initializers.RandomNormal()([2], "float32")
    >>> snt.random.set_seed(42)
    >>> bool((w == snt.initializers.RandomNormal()([2], "float32")).all())
    True
    """
    if thread.frames:
        raise ValueError(
            "snt.random.set_seed was called inside a transformed function, whose "
            "random keys are its inputs. Call it outside."
        )
    if thread.generator is None:
        thread.generator = _Generator(seed)
    else:
        # The same cell, since compiled functions hold it.
        thread.generator.seed(seed)


def next_key() -> jax.Array:
    """Returns a key that no other draw shares.

    Inside a pure function it comes from the key passed to init or apply; elsewhere
    from the default generator.

    Raises:
      MissingRNGError: inside a pure function to which no key was passed.
    """
    frame = running()
    if frame is not None and frame.rng is not None:
        return next(frame.rng)
    if inside_transform():
        raise MissingRNGError(
            "A pure function draws random numbers (initial values, dropout, ...), but "
            "no key was passed to it: call f.apply(..., rng=jax.random.key(seed))."
        )
    if thread.generator is None:
        thread.generator = _Generator(secrets.randbits(31))
    generator: Any = thread.generator
    if frame is not None:
        return _draw(generator)
    # Inside a plain jax.jit the generator must not take in a value of its trace.
    with jax.ensure_compile_time_eval():
        return _draw(generator)


def _draw(generator: _Generator) -> jax.Array:
    key, drawn = jax.random.split(read(generator))
    write(generator, key)
    return drawn
