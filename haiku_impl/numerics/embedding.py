"""Rows of a table by number: one-hot vectors and embedding lookups."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax


def one_hot(ids: jax.Array, num_classes: int, dtype: Any = jnp.float32) -> jax.Array:
    """Returns vectors with a one at the given position and zeros elsewhere.

    Args:
      ids: Integers of any shape; outside [0, num_classes) gives zeros only.
      num_classes: The length of the vectors.
      dtype: Of the result, default float32.

    Returns:
      `[*ids.shape, num_classes]`.

    Example:
      >>> import jax.numpy as jnp
      >>> one_hot(jnp.array([1]), 3).tolist()
      [[0.0, 1.0, 0.0]]
    """
    return jax.nn.one_hot(ids, num_classes).astype(dtype)


def embedding_lookup(table: jax.Array, ids: jax.Array) -> jax.Array:
    """Gathers rows of a table.

    Args:
      table: `[vocabulary, size]`.
      ids: Integers of any shape. Out of range they are clamped to the last row.

    Returns:
      `[*ids.shape, size]`.

    Example:
      >>> import jax.numpy as jnp
      >>> embedding_lookup(jnp.arange(6.0).reshape(3, 2), jnp.array([2])).tolist()
      [[4.0, 5.0]]
    """
    return jnp.asarray(table)[(ids,)]


def one_hot_lookup(
    table: jax.Array, ids: jax.Array, precision: lax.PrecisionLike = None
) -> jax.Array:
    """Selects rows of a table by a product with one-hot vectors.

    Slower than a gather on a CPU, but a single matrix product on a TPU.

    Args:
      table: `[vocabulary, size]`.
      ids: Integers of any shape; out of range they give zeros.
      precision: Of the product; None is the backend's default.

    Returns:
      `[*ids.shape, size]`.

    Example:
      >>> import jax.numpy as jnp
      >>> one_hot_lookup(jnp.arange(6.0).reshape(3, 2), jnp.array([2])).tolist()
      [[4.0, 5.0]]
    """
    rows = jax.nn.one_hot(ids, table.shape[0])
    return jnp.dot(rows, table, precision=precision)
