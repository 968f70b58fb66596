"""Policy gradients for discrete actions."""

import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from ...haiku_impl.core.typing import PyTree
from ...rlax_impl.arguments import check, expects
from ..core.dtypes import as_array
from .advantage_actor_critic import (
    ActorCriticExtra as SequenceAdvantageActorCriticExtra,
)
from .advantage_actor_critic import sequence_loss
from .base_ops import LossOutput
from .indexing_ops import at_actions

Array = jax.Array
Numeric = Array | float

__all__ = [
    "DiscretePolicyEntropyExtra",
    "SequenceAdvantageActorCriticExtra",
    "discrete_policy_entropy_loss",
    "discrete_policy_gradient",
    "discrete_policy_gradient_loss",
    "sequence_advantage_actor_critic_loss",
]


class DiscretePolicyEntropyExtra(NamedTuple):
    """Entropies of policies, `[...]`, in nats."""

    entropy: Array


def discrete_policy_entropy_loss(
    policy_logits: PyTree,
    normalise: bool = False,
    name: str = "discrete_policy_entropy_loss",
) -> LossOutput:
    """Computes the negative entropy of policies.

    Args:
      policy_logits: array `[..., actions]`, or a tree of such, one for each dimension
        of the action; their entropies are added up.
      normalise: whether to divide by the greatest entropy, so that the loss lies in
        [-1, 0]. Default False.
      name: ignored.

    Returns:
      `LossOutput(loss, DiscretePolicyEntropyExtra(entropy))`, each `[...]`.

    >>> print(discrete_policy_entropy_loss(jnp.zeros([1, 4]), normalise=True).loss)
    [-1.]
    """
    logits = [jnp.asarray(leaf) for leaf in jax.tree.leaves(policy_logits)]
    log_probs = [jax.nn.log_softmax(leaf) for leaf in logits]
    entropy = functools.reduce(
        jnp.add,
        [-jnp.sum(jax.nn.softmax(x) * y, axis=-1) for x, y in zip(logits, log_probs)],
    )
    greatest = sum(math.log(leaf.shape[-1]) for leaf in logits) if normalise else 1.0
    return LossOutput(-entropy / greatest, DiscretePolicyEntropyExtra(entropy))


@expects(policy_logits="float[..., _]", actions="int[...]", action_values="number[...]")
def discrete_policy_gradient(
    policy_logits: Array,
    actions: Array,
    action_values: Array,
    name: str = "discrete_policy_gradient",
) -> Array:
    """Computes policy gradient losses, `-log π(a) q`.

    Args:
      policy_logits: array `[..., actions]`; all of the gradient flows to it.
      actions: actions that were taken `[...]`.
      action_values: estimates of their values `[...]`.
      name: ignored.

    Returns:
      Losses `[...]`.

    Raises:
      ArgumentError: an argument has the wrong shape or type.

    Sutton et al., "Policy Gradient Methods for Reinforcement Learning with Function
    Approximation", 1999.

    >>> print(discrete_policy_gradient(jnp.zeros([1, 2]), jnp.array([0]), jnp.ones(1)))
    [0.6931472]
    """
    shapes = [tuple(x.shape) for x in (policy_logits, actions, action_values)]
    check(
        shapes[0][:-1] == shapes[1] == shapes[2],
        "discrete_policy_gradient",
        "policy_logits, actions and action_values must have shapes [..., actions], "
        f"[...] and [...], but have {[list(shape) for shape in shapes]}.",
    )
    log_probs = jax.nn.log_softmax(as_array(policy_logits))
    taken = at_actions(
        log_probs, as_array(actions), "discrete_policy_gradient", "actions"
    )
    return -taken * jax.lax.stop_gradient(as_array(action_values))


def discrete_policy_gradient_loss(
    policy_logits: PyTree,
    actions: PyTree,
    action_values: Array,
    name: str = "discrete_policy_gradient_loss",
) -> Array:
    """Computes policy gradient losses, summed over time.

    Args:
      policy_logits: array `[time, batch, actions]`, or a tree of such, one for each
        dimension of the action.
      actions: actions that were taken `[time, batch]`, or a tree of as many.
      action_values: estimates of their values `[time, batch]`.
      name: ignored.

    Returns:
      Losses `[batch]`.

    Raises:
      ArgumentError: the numbers of policies and actions differ, or an argument has the
        wrong rank, shape or type.

    >>> print(discrete_policy_gradient_loss(
    ...     jnp.zeros([2, 1, 2]), jnp.zeros([2, 1], jnp.int32), jnp.ones([2, 1])))
    [1.3862944]
    """
    logits, taken = jax.tree.leaves(policy_logits), jax.tree.leaves(actions)
    check(
        len(logits) == len(taken),
        "discrete_policy_gradient_loss",
        f"there are {len(logits)} policies, but {len(taken)} actions.",
    )
    losses = [_summed_over_time(x, a, action_values) for x, a in zip(logits, taken)]
    return functools.reduce(jnp.add, losses)


@expects(policy_logits="float[T, B, _]", actions="int[T, B]")
def _summed_over_time(
    policy_logits: Array, actions: Array, action_values: Array
) -> Array:
    losses = discrete_policy_gradient(policy_logits, actions, action_values)
    return jnp.sum(losses, axis=0)


@expects(
    baseline_values="float[T, B]",
    rewards="float[T, B]",
    pcontinues="float[T, B]",
    bootstrap_value="float[B]",
)
def sequence_advantage_actor_critic_loss(
    policy_logits: PyTree,
    baseline_values: Array,
    actions: PyTree,
    rewards: Array,
    pcontinues: Array,
    bootstrap_value: Array,
    lambda_: Numeric = 1,
    entropy_cost: Numeric | None = None,
    baseline_cost: Numeric = 1,
    normalise_entropy: bool = False,
    name: str = "SequenceAdvantageActorCriticLoss",
) -> LossOutput:
    """Computes the loss of an advantage actor-critic with discrete actions.

    Args:
      policy_logits: array `[time, batch, actions]`, or a tree of such.
      baseline_values: values of the states at the start of each step `[time, batch]`.
      actions: actions that were taken `[time, batch]`, or a tree of such.
      rewards: `[time, batch]`.
      pcontinues: discounts `[time, batch]`.
      bootstrap_value: values of the states after the last step `[batch]`.
      lambda_: mixing parameter, a scalar or `[time, batch]`. Default 1.
      entropy_cost: weight of the negative entropy. Default None: it is not computed.
      baseline_cost: weight of the baseline's loss. Default 1.
      normalise_entropy: as of `discrete_policy_entropy_loss`. Default False.
      name: ignored.

    Returns:
      `LossOutput(loss, SequenceAdvantageActorCriticExtra(...))`; the loss is `[batch]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Mnih et al., "Asynchronous Methods for Deep Reinforcement Learning", 2016,
    https://arxiv.org/abs/1602.01783

    >>> ones = jnp.ones([2, 1])
    >>> actions = jnp.zeros([2, 1], jnp.int32)
    >>> loss, extra = sequence_advantage_actor_critic_loss(
    ...     jnp.zeros([2, 1, 2]), ones, actions, ones, 0.5 * ones, 2 * ones[0])
    >>> print(extra.advantages[:, 0])
    [1. 1.]
    """
    return sequence_loss(
        baseline_values,
        rewards,
        pcontinues,
        bootstrap_value,
        lambda_,
        baseline_cost,
        entropy_cost,
        lambda advantages: discrete_policy_gradient_loss(
            policy_logits, actions, advantages
        ),
        lambda: discrete_policy_entropy_loss(policy_logits, normalise_entropy),
    )
