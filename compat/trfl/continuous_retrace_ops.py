"""Retrace for continuous actions."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from ...haiku_impl.numerics import ties
from ...rlax_impl.arguments import expects
from ..core.dtypes import as_array
from .sequence_ops import scan_discounted_sum

Array = jax.Array
Numeric = Array | float


class QTraceReturns(NamedTuple):
    """Targets, and what they were made of: constants, each `[time, batch]`.

    Attributes:
      qs: Retrace targets.
      importance_weights: π/μ of the actions taken.
      log_importance_weights: their logarithms.
      truncated_importance_weights: weights of the actions of the steps that follow.
      deltas: one-step errors.
      vs_minus_q_xs: targets less action values.
    """

    qs: Array
    importance_weights: Array
    log_importance_weights: Array
    truncated_importance_weights: Array
    deltas: Array
    vs_minus_q_xs: Array


@expects(
    behaviour_action_log_probs="float[T, B]",
    target_action_log_probs="float[T, B]",
    discounts="float[T, B]",
    rewards="float[T, B]",
    q_values="float[T, B]",
    values="float[T, B]",
    bootstrap_value="float[B]",
)
def retrace_from_action_log_probs(
    behaviour_action_log_probs: Array,
    target_action_log_probs: Array,
    discounts: Array,
    rewards: Array,
    q_values: Array,
    values: Array,
    bootstrap_value: Array,
    lambda_: Numeric = 1.0,
    name: str = "retrace_from_action_log_probs",
) -> QTraceReturns:
    """Computes Retrace targets from log probabilities of actions.

    Args:
      behaviour_action_log_probs: of the actions under the policy that took them,
        `[time, batch]`.
      target_action_log_probs: of the actions under the policy to learn,
        `[time, batch]`.
      discounts: `[time, batch]`.
      rewards: `[time, batch]`.
      q_values: values of the actions `[time, batch]`.
      values: values of the states they were taken in `[time, batch]`.
      bootstrap_value: values of the states after the last step `[batch]`.
      lambda_: mixing parameter, a scalar or `[time, batch]`. Default 1.
      name: ignored.

    Returns:
      `QTraceReturns`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Munos et al., "Safe and Efficient Off-Policy Reinforcement Learning", 2016,
    https://arxiv.org/abs/1606.02647

    >>> ones = jnp.ones([2, 1])
    >>> zeros = 0 * ones
    >>> returns = retrace_from_action_log_probs(
    ...     zeros, zeros, 0.5 * ones, ones, zeros, zeros, zeros[0])
    >>> print(returns.qs[:, 0])
    [1.5 1. ]
    """
    log_rhos = as_array(target_action_log_probs) - as_array(behaviour_action_log_probs)
    return retrace_from_importance_weights(
        log_rhos, discounts, rewards, q_values, values, bootstrap_value, lambda_
    )


@expects(
    log_rhos="float[T, B]",
    discounts="float[T, B]",
    rewards="float[T, B]",
    q_values="float[T, B]",
    values="float[T, B]",
    bootstrap_value="float[B]",
)
def retrace_from_importance_weights(
    log_rhos: Array,
    discounts: Array,
    rewards: Array,
    q_values: Array,
    values: Array,
    bootstrap_value: Array,
    lambda_: Numeric = 1.0,
    name: str = "retrace_from_importance_weights",
) -> QTraceReturns:
    """Computes Retrace targets from importance weights.

    Args:
      log_rhos: logarithms of π/μ of the actions taken `[time, batch]`.
      discounts: `[time, batch]`.
      rewards: `[time, batch]`.
      q_values: values of the actions `[time, batch]`.
      values: values of the states they were taken in `[time, batch]`.
      bootstrap_value: values of the states after the last step `[batch]`.
      lambda_: mixing parameter, a scalar or `[time, batch]`. Default 1.
      name: ignored.

    Returns:
      `QTraceReturns`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Munos et al., "Safe and Efficient Off-Policy Reinforcement Learning", 2016,
    https://arxiv.org/abs/1606.02647

    >>> ones = jnp.ones([2, 1])
    >>> zeros = 0 * ones
    >>> returns = retrace_from_importance_weights(
    ...     zeros, 0.5 * ones, ones, zeros, zeros, zeros[0])
    >>> print(returns.qs[:, 0])
    [1.5 1. ]
    """
    log_rhos, discounts, rewards = map(as_array, (log_rhos, discounts, rewards))
    q_values, values = as_array(q_values), as_array(values)
    bootstrap_value, lambda_ = as_array(bootstrap_value), as_array(lambda_)
    rhos = jnp.exp(log_rhos)
    # A step is weighted by the action that follows it; the last one by nothing.
    following = ties.minimum(1.0, rhos)[1:]
    weights = jnp.concatenate([following, jnp.ones_like(rhos[-1:])]) * lambda_
    next_values = jnp.concatenate([values[1:], bootstrap_value[None]])
    deltas = rewards + discounts * next_values - q_values
    errors = scan_discounted_sum(
        deltas, discounts * weights, jnp.zeros_like(bootstrap_value), reverse=True
    )
    return jax.lax.stop_gradient(
        QTraceReturns(errors + q_values, rhos, log_rhos, weights, deltas, errors)
    )
