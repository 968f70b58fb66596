"""V-trace."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from ... import rlax_impl
from ...rlax_impl.arguments import ArgumentError, check, expects
from ..core.dtypes import as_array
from .indexing_ops import at_actions

Array = jax.Array


class VTraceReturns(NamedTuple):
    """Targets of the values, and advantages: constants, each `[time, batch]`."""

    vs: Array
    pg_advantages: Array


class VTraceFromLogitsReturns(NamedTuple):
    """V-trace returns, and what they were made of, each `[time, batch]`.

    Attributes:
      vs: targets of the values, constants.
      pg_advantages: advantages, constants.
      log_rhos: logarithms of the importance weights.
      behaviour_action_log_probs: of the actions under the policy that took them.
      target_action_log_probs: of the actions under the policy to learn.
    """

    vs: Array
    pg_advantages: Array
    log_rhos: Array
    behaviour_action_log_probs: Array
    target_action_log_probs: Array


@expects(policy_logits="float[T, B, _]", actions="int[T, B]")
def log_probs_from_logits_and_actions(policy_logits: Array, actions: Array) -> Array:
    """Computes the log probabilities of actions.

    Args:
      policy_logits: array `[time, batch, actions]`.
      actions: actions `[time, batch]`.

    Returns:
      Log probabilities `[time, batch]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    >>> print(log_probs_from_logits_and_actions(jnp.zeros([1, 1, 2]), jnp.array([[0]])))
    [[-0.6931472]]
    """
    log_probs = jax.nn.log_softmax(as_array(policy_logits))
    return at_actions(
        log_probs, as_array(actions), "log_probs_from_logits_and_actions", "actions"
    )


@expects(
    behaviour_policy_logits="float[T, B, A]",
    target_policy_logits="float[T, B, A]",
    actions="int[T, B]",
    discounts="float[T, B]",
    rewards="float[T, B]",
    values="float[T, B]",
    bootstrap_value="float[B]",
)
def vtrace_from_logits(
    behaviour_policy_logits: Array,
    target_policy_logits: Array,
    actions: Array,
    discounts: Array,
    rewards: Array,
    values: Array,
    bootstrap_value: Array,
    clip_rho_threshold: float | None = 1.0,
    clip_pg_rho_threshold: float | None = 1.0,
    name: str = "vtrace_from_logits",
) -> VTraceFromLogitsReturns:
    """Computes V-trace returns of softmax policies.

    Args:
      behaviour_policy_logits: of the policy that took the actions,
        `[time, batch, actions]`.
      target_policy_logits: of the policy to learn, `[time, batch, actions]`.
      actions: actions that were taken `[time, batch]`.
      discounts: `[time, batch]`.
      rewards: `[time, batch]`.
      values: values of the states at the start of each step `[time, batch]`.
      bootstrap_value: values of the states after the last step `[batch]`.
      clip_rho_threshold: upper bound of the weights in the targets; None for none.
        Default 1.
      clip_pg_rho_threshold: upper bound of the weights in the advantages; None for
        none. Default 1.
      name: ignored.

    Returns:
      `VTraceFromLogitsReturns`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Espeholt et al., "IMPALA: Scalable Distributed Deep-RL with Importance Weighted
    Actor-Learner Architectures", 2018, https://arxiv.org/abs/1802.01561

    >>> logits, ones = jnp.zeros([2, 1, 3]), jnp.ones([2, 1])
    >>> out = vtrace_from_logits(
    ...     logits, logits, jnp.array([[0], [2]]), 0.5 * ones, ones, ones, 2 * ones[0])
    >>> print(out.vs[:, 0])
    [2. 2.]
    """
    target = log_probs_from_logits_and_actions(target_policy_logits, actions)
    behaviour = log_probs_from_logits_and_actions(behaviour_policy_logits, actions)
    log_rhos = target - behaviour
    returns = vtrace_from_importance_weights(
        log_rhos,
        discounts,
        rewards,
        values,
        bootstrap_value,
        clip_rho_threshold,
        clip_pg_rho_threshold,
    )
    return VTraceFromLogitsReturns(*returns, log_rhos, behaviour, target)


def vtrace_from_importance_weights(
    log_rhos: Array,
    discounts: Array,
    rewards: Array,
    values: Array,
    bootstrap_value: Array,
    clip_rho_threshold: float | None = 1.0,
    clip_pg_rho_threshold: float | None = 1.0,
    name: str = "vtrace_from_importance_weights",
) -> VTraceReturns:
    """Computes V-trace returns from importance weights.

    Args:
      log_rhos: logarithms of π/μ of the actions taken `[time, ...]`.
      discounts: `[time, ...]`.
      rewards: `[time, ...]`.
      values: values of the states at the start of each step `[time, ...]`.
      bootstrap_value: values of the states after the last step `[...]`.
      clip_rho_threshold: upper bound of the weights in the targets; None for none.
        Default 1.
      clip_pg_rho_threshold: upper bound of the weights in the advantages; None for
        none. Default 1.
      name: ignored.

    Returns:
      `VTraceReturns`.

    Raises:
      ArgumentError: the shapes differ.

    Espeholt et al., "IMPALA: Scalable Distributed Deep-RL with Importance Weighted
    Actor-Learner Architectures", 2018, https://arxiv.org/abs/1802.01561

    >>> ones = jnp.ones([2, 1])
    >>> out = vtrace_from_importance_weights(
    ...     0 * ones, 0.5 * ones, ones, ones, 2 * ones[0])
    >>> print(out.pg_advantages[:, 0])
    [1. 1.]
    """
    log_rhos, discounts, rewards = map(as_array, (log_rhos, discounts, rewards))
    values, bootstrap_value = as_array(values), as_array(bootstrap_value)
    shapes = [list(x.shape) for x in (log_rhos, discounts, rewards, values)]
    check(
        all(shape == shapes[0] for shape in shapes)
        and list(bootstrap_value.shape) == shapes[0][1:],
        "vtrace_from_importance_weights",
        "log_rhos, discounts, rewards and values must have one shape [time, ...] and "
        f"bootstrap_value [...], but they have {shapes} and "
        f"{list(bootstrap_value.shape)}.",
    )
    for argument, bound in (
        ("clip_rho_threshold", clip_rho_threshold),
        ("clip_pg_rho_threshold", clip_pg_rho_threshold),
    ):
        if bound is not None and jnp.ndim(bound) != 0:
            raise ArgumentError(
                f"vtrace_from_importance_weights: {argument} must be a number or None, "
                f"but has shape {list(jnp.shape(bound))}."
            )
    rho_bound = jnp.inf if clip_rho_threshold is None else clip_rho_threshold
    pg_rho_bound = jnp.inf if clip_pg_rho_threshold is None else clip_pg_rho_threshold

    def returns(rhos, discounts, rewards, values, following):
        out = rlax_impl.vtrace_td_error_and_advantage(
            values, following, rewards, discounts, rhos, 1.0, rho_bound, pg_rho_bound
        )
        return VTraceReturns(out.errors + values, out.pg_advantage)

    for _ in bootstrap_value.shape:
        returns = jax.vmap(returns, in_axes=-1, out_axes=-1)
    following = jnp.concatenate([values[1:], bootstrap_value[None]])
    return jax.lax.stop_gradient(
        returns(jnp.exp(log_rhos), discounts, rewards, values, following)
    )
