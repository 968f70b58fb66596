"""Reading from a memory."""

from collections.abc import Callable

import jax
import jax.numpy as jnp


def read(
    memory: jax.Array,
    weights: jax.Array,
    squash_op: Callable[[jax.Array], jax.Array] = jnp.tanh,
    squash_before_access: bool = True,
    squash_after_access: bool = False,
) -> jax.Array:
    """Reads words from a memory, each a weighted sum of its rows.

    Args:
      memory: `[batch, memory_size, word_size]`.
      weights: `[batch, num_reads, memory_size]`.
      squash_op: applied to the words if `squash_after_access`.
      squash_before_access: accepted; as in Sonnet, it changes nothing.
      squash_after_access: whether words are squashed.

    Returns:
      `[batch, num_reads, word_size]`.

    >>> read(jnp.eye(2)[None], jnp.array([[[0.25, 0.75]]])).tolist()
    [[[0.25, 0.75]]]
    """
    del squash_before_access
    words = jnp.matmul(weights, memory)
    return squash_op(words) if squash_after_access else words
