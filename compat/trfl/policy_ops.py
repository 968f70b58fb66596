"""Policies over discrete actions."""

from typing import Any

import jax
import jax.numpy as jnp

from ...rlax_impl.arguments import check
from .. import random
from ..core.dtypes import as_array
from .indexing_ops import at_actions

Array = jax.Array
Numeric = Array | float


class Categorical:
    """A categorical distribution, with the methods of TensorFlow Probability's.

    Args:
      probs: probabilities `[..., actions]`; they are taken as they are.
      dtype: of the samples. Default int32.

    >>> policy = Categorical(jnp.array([0.0, 1.0]))
    >>> print(policy.sample(), policy.mode(), policy.prob(1))
    1 1 1.0
    """

    def __init__(self, probs: Array, dtype: Any = jnp.int32):
        self.probs = as_array(probs)
        self.logits = jnp.log(self.probs)
        self.dtype = dtype

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Shape of the batch, `[...]`."""
        return self.probs.shape[:-1]

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of an action: empty."""
        return ()

    def sample(self, sample_shape: Any = (), seed: Any = None) -> Array:
        """Draws actions.

        Args:
          sample_shape: number or shape of independent draws. Default: one.
          seed: a random key, or an integer. Default None: the next key of
            `snt.random`.

        Returns:
          Actions `[*sample_shape, ...]`.
        """
        shape = (sample_shape,) if isinstance(sample_shape, int) else (*sample_shape,)
        key = seed
        if seed is None:
            key = random.next_key()
        elif jnp.ndim(seed) == 0 and jnp.issubdtype(jnp.result_type(seed), jnp.integer):
            key = jax.random.key(seed)
        shape += self.batch_shape
        actions = jax.random.categorical(key, self.logits, shape=shape)
        return actions.astype(self.dtype)

    def log_prob(self, actions: Array) -> Array:
        """Computes the logarithms of the probabilities of actions `[...]`.

        Raises:
          ArgumentError: an action is out of range; where they are traced, it has NaN.
        """
        log_probs = jax.nn.log_softmax(self.logits)
        actions = jnp.asarray(actions)
        shape = jnp.broadcast_shapes(actions.shape, self.batch_shape)
        log_probs = jnp.broadcast_to(log_probs, (*shape, log_probs.shape[-1]))
        actions = jnp.broadcast_to(actions, shape)
        return at_actions(log_probs, actions, "Categorical.log_prob", "actions")

    def prob(self, actions: Array) -> Array:
        """Computes the probabilities of actions `[...]`."""
        return jnp.exp(self.log_prob(actions))

    def entropy(self) -> Array:
        """Computes the entropies `[...]`, in nats."""
        log_probs = jax.nn.log_softmax(self.logits)
        return -jnp.sum(
            jnp.where(self.probs > 0, jnp.exp(log_probs) * log_probs, 0), axis=-1
        )

    def mode(self) -> Array:
        """Returns the most probable actions `[...]`, the first among equals."""
        return jnp.argmax(self.probs, axis=-1).astype(self.dtype)

    def probs_parameter(self) -> Array:
        """Returns the probabilities `[..., actions]`."""
        return self.probs

    def logits_parameter(self) -> Array:
        """Returns the logarithms of the probabilities `[..., actions]`."""
        return self.logits


def epsilon_greedy(
    action_values: Array, epsilon: Numeric, legal_actions_mask: Array | None = None
) -> Categorical:
    """Makes the policy that is greedy but for a part of the time.

    Args:
      action_values: array `[..., actions]`.
      epsilon: probability of an action drawn at random, a scalar.
      legal_actions_mask: zeros and ones `[..., actions]`; the random action is drawn
        from the ones. The greedy one is not restricted. Default None: all.

    Returns:
      A `Categorical` of batch shape `[...]`, which breaks ties at random, with
      probabilities of the type of the values.

    Raises:
      ArgumentError: the values are not floating.

    >>> print(epsilon_greedy(jnp.array([1.0, 3.0, 3.0]), 0.6).probs.round(1))
    [0.2 0.4 0.4]
    """
    values = as_array(action_values)
    check(
        jnp.issubdtype(values.dtype, jnp.floating),
        "epsilon_greedy",
        f"action_values must be floating, but are {values.dtype}. Convert them, for "
        "example with jnp.asarray(action_values, float).",
    )
    epsilon = jnp.asarray(epsilon, values.dtype)
    legal = jnp.ones_like(values)
    if legal_actions_mask is not None:
        legal = as_array(legal_actions_mask, values.dtype)
    best = values == jnp.max(values, axis=-1, keepdims=True)
    random_part, greedy_part = _uniform(legal), _uniform(best.astype(values.dtype))
    return Categorical(epsilon * random_part + (1 - epsilon) * greedy_part)


def _uniform(mask: Array) -> Array:
    return mask / jnp.sum(mask, axis=-1, keepdims=True)
