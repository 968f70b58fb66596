"""The loss that the actor-critics for discrete and for any actions share."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from .base_ops import LossOutput
from .value_ops import td_lambda

Array = jax.Array
Numeric = Array | float


class ActorCriticExtra(NamedTuple):
    """What an actor-critic loss consists of.

    Attributes:
      entropy: of the policy, summed over time `[batch]`; None without an entropy cost.
      entropy_loss: `[batch]`, times its cost; None without one.
      baseline_loss: `[batch]`, times its cost.
      policy_gradient_loss: `[batch]`.
      advantages: `[time, batch]`.
      discounted_returns: `[time, batch]`.
    """

    entropy: Array | None
    entropy_loss: Array | None
    baseline_loss: Array
    policy_gradient_loss: Array
    advantages: Array
    discounted_returns: Array


def sequence_loss(
    baseline_values: Array,
    rewards: Array,
    pcontinues: Array,
    bootstrap_value: Array,
    lambda_: Numeric,
    baseline_cost: Numeric,
    entropy_cost: Numeric | None,
    policy_gradient_loss: Callable[[Array], Array],
    policy_entropy_loss: Callable[[], LossOutput],
) -> LossOutput:
    """Adds up the losses of a policy, its baseline and its entropy, each `[batch]`."""
    baseline_loss, td = td_lambda(
        baseline_values, rewards, pcontinues, bootstrap_value, lambda_
    )
    baseline_loss = baseline_cost * baseline_loss
    policy_loss = policy_gradient_loss(td.temporal_differences)
    total = policy_loss + baseline_loss
    entropy = entropy_loss = None
    if entropy_cost is not None:
        losses, extra = policy_entropy_loss()
        entropy = jnp.sum(extra.entropy, axis=0)
        entropy_loss = entropy_cost * jnp.sum(losses, axis=0)
        total = total + entropy_loss
    return LossOutput(
        total,
        ActorCriticExtra(entropy, entropy_loss, baseline_loss, policy_loss, *td),
    )
