"""Embedding what an agent observes."""

import jax
import jax.numpy as jnp

from .arguments import expects

Array = jax.Array


@expects(features="number[B, D]", action="number[B]", reward="number[B]")
def embed_oar(features: Array, action: Array, reward: Array, num_actions: int) -> Array:
    """Joins the features of an observation with the action and reward before it.

    Args:
      features: `[batch, size]`.
      action: integers `[batch]`.
      reward: `[batch]`.
      num_actions: size of the one-hot encoding of the action.

    Returns:
      Features, one-hot action and `tanh(reward)`, `[batch, size + num_actions + 1]`.

    >>> features, action, reward = jnp.array([[5.0]]), jnp.array([1]), jnp.array([0.0])
    >>> print(embed_oar(features, action, reward, num_actions=2))
    [[5. 0. 1. 0.]]
    """
    action_one_hot = jax.nn.one_hot(action, num_actions)
    return jnp.concatenate(
        [features, action_one_hot, jnp.tanh(reward)[:, None]], axis=-1
    )
