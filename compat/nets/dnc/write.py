"""Writing to a memory, after Graves et al., 2014, equations 3 and 4.

In all of them a memory is `[batch, memory_size, word_size]`, and an address
`[batch, num_writes, memory_size]` says how much each write concerns each row.
"""

import jax
import jax.numpy as jnp


def additive_write(
    memory: jax.Array, address: jax.Array, values: jax.Array
) -> jax.Array:
    """Adds words to rows of a memory.

    Args:
      memory: `[batch, memory_size, word_size]`.
      address: `[batch, num_writes, memory_size]`.
      values: `[batch, num_writes, word_size]`.

    Returns:
      The memory, `[batch, memory_size, word_size]`.

    >>> address, word = jnp.array([[[0.0, 1.0]]]), jnp.array([[[2.0, 3.0]]])
    >>> additive_write(jnp.zeros([1, 2, 2]), address, word).tolist()
    [[[0.0, 0.0], [2.0, 3.0]]]
    """
    return memory + jnp.matmul(jnp.swapaxes(address, 1, 2), values)


def erase(memory: jax.Array, address: jax.Array, reset_weights: jax.Array) -> jax.Array:
    """Erases parts of the words in rows of a memory.

    Args:
      memory: `[batch, memory_size, word_size]`.
      address: `[batch, num_writes, memory_size]`.
      reset_weights: `[batch, num_writes, word_size]`, 1 where all is erased.

    Returns:
      The memory, `[batch, memory_size, word_size]`.

    >>> address, weights = jnp.array([[[0.0, 1.0]]]), jnp.array([[[1.0, 0.5]]])
    >>> erase(jnp.ones([1, 2, 2]), address, weights).tolist()
    [[[1.0, 1.0], [0.0, 0.5]]]
    """
    resets = address[:, :, :, None] * reset_weights[:, :, None, :]
    return memory * jnp.prod(1 - resets, axis=1)


def erase_rows(
    memory: jax.Array, address: jax.Array, reset_row_weights: jax.Array
) -> jax.Array:
    """Erases rows of a memory, each of its words as a whole.

    Args:
      memory: `[batch, memory_size, word_size]`.
      address: `[batch, num_writes, memory_size]`.
      reset_row_weights: `[batch, num_writes]`, 1 where all is erased.

    Returns:
      The memory, `[batch, memory_size, word_size]`.

    >>> address = jnp.array([[[0.0, 1.0]]])
    >>> erase_rows(jnp.ones([1, 2, 2]), address, jnp.array([[0.5]])).tolist()
    [[[1.0, 1.0], [0.5, 0.5]]]
    """
    resets = address * reset_row_weights[:, :, None]
    return memory * jnp.prod(1 - resets, axis=1)[:, :, None]


def erase_and_write(
    memory: jax.Array, address: jax.Array, reset_weights: jax.Array, values: jax.Array
) -> jax.Array:
    """Erases parts of the words in rows of a memory, then adds words there.

    Args:
      memory: `[batch, memory_size, word_size]`.
      address: `[batch, num_writes, memory_size]`.
      reset_weights: `[batch, num_writes, word_size]`, 1 where all is erased.
      values: `[batch, num_writes, word_size]`.

    Returns:
      The memory, `[batch, memory_size, word_size]`.

    >>> address, ones = jnp.array([[[0.0, 1.0]]]), jnp.ones([1, 1, 2])
    >>> erase_and_write(jnp.ones([1, 2, 2]), address, ones, 4 * ones).tolist()
    [[[1.0, 1.0], [4.0, 4.0]]]
    """
    return additive_write(erase(memory, address, reset_weights), address, values)
