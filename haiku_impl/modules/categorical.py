"""Functions of categories: one-hot vectors and samples."""

import jax
import jax.numpy as jnp

from ..core.typing import DTypeLike
from ..numerics import embedding


def one_hot(
    x: jax.Array, num_classes: int, dtype: DTypeLike = jnp.float32
) -> jax.Array:
    """Returns vectors with a one at the given position and zeros elsewhere.

    Deprecated in favour of `jax.nn.one_hot`.

    Args:
      x: Integers of any shape; outside [0, num_classes) gives zeros only.
      num_classes: The length of the vectors.
      dtype: Of the result, default float32.

    Returns:
      `[*x.shape, num_classes]`.

    Example:
      >>> import jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> hk.one_hot(jnp.array([1]), 3).tolist()
      [[0.0, 1.0, 0.0]]
    """
    return embedding.one_hot(x, num_classes, dtype)


def multinomial(rng: jax.Array, logits: jax.Array, num_samples: int) -> jax.Array:
    """Draws categories.

    Deprecated in favour of `jax.random.categorical`.

    Args:
      rng: A JAX random key.
      logits: `[..., categories]`, log-probabilities up to a constant.
      num_samples: How many to draw from each.

    Returns:
      Integers, `[..., num_samples]`.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> hk.multinomial(jax.random.PRNGKey(0), jnp.array([-1e9, 0.0]), 3).tolist()
      [1, 1, 1]
    """
    # A single sample is drawn without a leading axis, which gives other numbers.
    if num_samples == 1:
        return jax.random.categorical(rng, logits)[..., None]
    shape = (num_samples, *logits.shape[:-1])
    return jnp.moveaxis(jax.random.categorical(rng, logits, shape=shape), 0, -1)
