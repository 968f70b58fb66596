"""Policy gradients for any actions, of policies that are distributions.

A distribution is an object with methods `log_prob(actions)` and `entropy()` and
attributes `batch_shape` and `event_shape`: one of ours (`policy_ops.Categorical`), of
distrax, or of TensorFlow Probability on JAX.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp

from ...haiku_impl.core.typing import PyTree
from ...rlax_impl.arguments import check, expects
from .advantage_actor_critic import ActorCriticExtra as SequenceA2CExtra
from .advantage_actor_critic import sequence_loss
from .base_ops import LossOutput

Array = jax.Array
Numeric = Array | float

__all__ = [
    "Distribution",
    "PolicyEntropyExtra",
    "SequenceA2CExtra",
    "policy_entropy_loss",
    "policy_gradient",
    "policy_gradient_loss",
    "sequence_a2c_loss",
]


class PolicyEntropyExtra(NamedTuple):
    """Entropies of policies, `[...]`, in nats."""

    entropy: Array


class Distribution(Protocol):
    """What the functions below need of a policy."""

    batch_shape: Any
    event_shape: Any

    def log_prob(self, actions: Array) -> Array: ...

    def entropy(self) -> Array: ...


def _is_distribution(value: Any) -> bool:
    return hasattr(value, "log_prob")


def policy_gradient(
    policies: Distribution,
    actions: Array,
    action_values: Array,
    policy_vars: PyTree = None,
    name: str = "policy_gradient",
) -> Array:
    """Computes policy gradient losses, `-log π(a) q`.

    Args:
      policies: a distribution of batch shape `[...]`; all of the gradient flows to its
        parameters.
      actions: actions that were taken, `[..., *event_shape]`.
      action_values: estimates of their values `[...]`.
      policy_vars: ignored.
      name: ignored.

    Returns:
      Losses `[...]`.

    Raises:
      ArgumentError: the shape of the values is not the batch shape.

    >>> from sonnax.compat import trfl
    >>> policy = trfl.epsilon_greedy(jnp.zeros([1, 2]), epsilon=1.0)
    >>> print(policy_gradient(policy, jnp.array([0]), jnp.ones(1)))
    [0.6931472]
    """
    log_probs = policies.log_prob(jax.lax.stop_gradient(jnp.asarray(actions)))
    action_values = jax.lax.stop_gradient(jnp.asarray(action_values))
    check(
        log_probs.shape == action_values.shape,
        "policy_gradient",
        f"action_values have shape {list(action_values.shape)}, but the policies' log "
        f"probabilities {list(log_probs.shape)}. Give one value for each action.",
    )
    return -log_probs * action_values


def policy_gradient_loss(
    policies: Any,
    actions: PyTree,
    action_values: Array,
    policy_vars: PyTree = None,
    name: str = "policy_gradient_loss",
) -> Array:
    """Computes policy gradient losses, summed over time.

    Args:
      policies: a distribution of batch shape `[time, batch]`, or a tree of such, one
        for each dimension of the action.
      actions: actions that were taken `[time, batch, *event_shape]`, or a tree of as
        many.
      action_values: estimates of their values `[time, batch]`.
      policy_vars: ignored.
      name: ignored.

    Returns:
      Losses `[batch]`.

    Raises:
      ArgumentError: the numbers of policies and actions differ, or shapes do.

    >>> from sonnax.compat import trfl
    >>> policy = trfl.epsilon_greedy(jnp.zeros([2, 1, 2]), epsilon=1.0)
    >>> print(policy_gradient_loss(policy, jnp.zeros([2, 1], int), jnp.ones([2, 1])))
    [1.3862944]
    """
    distributions = jax.tree.leaves(policies, is_leaf=_is_distribution)
    taken = jax.tree.leaves(actions)
    check(
        len(distributions) == len(taken),
        "policy_gradient_loss",
        f"there are {len(distributions)} policies, but {len(taken)} actions.",
    )
    for policy, action in zip(distributions, taken):
        batch, event = tuple(policy.batch_shape), tuple(policy.event_shape)
        check(
            len(batch) == 2 and tuple(action.shape) == batch + event,
            "policy_gradient_loss",
            f"a policy of batch shape {list(batch)} and event shape {list(event)} has "
            f"actions of shape {list(action.shape)}. The batch shape must be [time, "
            "batch], and actions have it followed by the event shape.",
        )
    losses = [
        policy_gradient(policy, action, action_values)
        for policy, action in zip(distributions, taken)
    ]
    return jnp.sum(functools.reduce(jnp.add, losses), axis=0)


def policy_entropy_loss(
    policies: Any,
    policy_vars: PyTree = None,
    scale_op: Callable[[Any], Numeric] | None = None,
    name: str = "policy_entropy_loss",
) -> LossOutput:
    """Computes the negative entropy of policies.

    Args:
      policies: a distribution of batch shape `[...]`, or a tree of such, one for each
        dimension of the action; their entropies are added up.
      policy_vars: ignored.
      scale_op: function of `policies` to a scalar that scales the loss. Default None:
        it is not scaled.
      name: ignored.

    Returns:
      `LossOutput(loss, PolicyEntropyExtra(entropy))`, each `[...]`.

    >>> from sonnax.compat import trfl
    >>> policy = trfl.epsilon_greedy(jnp.zeros([1, 2]), epsilon=1.0)
    >>> print(policy_entropy_loss(policy).loss)
    [-0.6931472]
    """
    distributions = jax.tree.leaves(policies, is_leaf=_is_distribution)
    entropy = functools.reduce(jnp.add, [p.entropy() for p in distributions])
    scale = 1.0 if scale_op is None else scale_op(policies)
    return LossOutput(-scale * entropy, PolicyEntropyExtra(entropy))


@expects(
    baseline_values="float[T, B]",
    rewards="float[T, B]",
    pcontinues="float[T, B]",
    bootstrap_value="float[B]",
)
def sequence_a2c_loss(
    policies: Any,
    baseline_values: Array,
    actions: PyTree,
    rewards: Array,
    pcontinues: Array,
    bootstrap_value: Array,
    policy_vars: PyTree = None,
    lambda_: Numeric = 1,
    entropy_cost: Numeric | None = None,
    baseline_cost: Numeric = 1,
    entropy_scale_op: Callable[[Any], Numeric] | None = None,
    name: str = "SequenceA2CLoss",
) -> LossOutput:
    """Computes the loss of an advantage actor-critic with any actions.

    Args:
      policies: a distribution of batch shape `[time, batch]`, or a tree of such.
      baseline_values: values of the states at the start of each step `[time, batch]`.
      actions: actions that were taken `[time, batch, *event_shape]`, or a tree of such.
      rewards: `[time, batch]`.
      pcontinues: discounts `[time, batch]`.
      bootstrap_value: values of the states after the last step `[batch]`.
      policy_vars: ignored.
      lambda_: mixing parameter, a scalar or `[time, batch]`. Default 1.
      entropy_cost: weight of the negative entropy. Default None: it is not computed.
      baseline_cost: weight of the baseline's loss. Default 1.
      entropy_scale_op: as `scale_op` of `policy_entropy_loss`. Default None.
      name: ignored.

    Returns:
      `LossOutput(loss, SequenceA2CExtra(...))`; the loss is `[batch]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Mnih et al., "Asynchronous Methods for Deep Reinforcement Learning", 2016,
    https://arxiv.org/abs/1602.01783

    >>> from sonnax.compat import trfl
    >>> policy = trfl.epsilon_greedy(jnp.zeros([2, 1, 2]), epsilon=1.0)
    >>> ones = jnp.ones([2, 1])
    >>> loss, extra = sequence_a2c_loss(
    ...     policy, ones, jnp.zeros([2, 1], int), ones, 0.5 * ones, 2 * ones[0])
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
        lambda advantages: policy_gradient_loss(policies, actions, advantages),
        lambda: policy_entropy_loss(policies, scale_op=entropy_scale_op),
    )
