"""Retrace for discrete actions."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from ...haiku_impl.numerics import ties
from ...rlax_impl.arguments import expects
from ..core.dtypes import as_array
from .base_ops import LossOutput, half_squared
from .indexing_ops import batched_index
from .sequence_ops import scan_discounted_sum

Array = jax.Array
Numeric = Array | float


class RetraceCoreExtra(NamedTuple):
    """Weights of the actions taken, and targets, each `[time, batch]`."""

    retrace_weights: Array
    target: Array


@expects(
    lambda_="number[]",
    qs="float[T, B, A]",
    targnet_qs="float[T, B, A]",
    actions="int[T, B]",
    rewards="float[T, B]",
    pcontinues="float[T, B]",
    target_policy_probs="float[T, B, A]",
    behaviour_policy_probs="float[T, B]",
)
def retrace(
    lambda_: Numeric,
    qs: Array,
    targnet_qs: Array,
    actions: Array,
    rewards: Array,
    pcontinues: Array,
    target_policy_probs: Array,
    behaviour_policy_probs: Array,
    stop_targnet_gradients: bool = True,
    name: str | None = None,
) -> LossOutput:
    """Computes the Retrace loss of sequences of T transitions.

    Args:
      lambda_: mixing parameter, a scalar.
      qs: action values to learn `[T+1, batch, actions]`.
      targnet_qs: action values of a target network `[T+1, batch, actions]`.
      actions: actions that were taken `[T+1, batch]`.
      rewards: `[T+1, batch]`; the last one is not used.
      pcontinues: discounts `[T+1, batch]`; the last one is not used.
      target_policy_probs: probabilities of the actions under the policy to learn
        `[T+1, batch, actions]`.
      behaviour_policy_probs: probabilities of the actions that were taken, under the
        policy that took them, `[T+1, batch]`.
      stop_targnet_gradients: whether the targets are constants to the gradient.
        Default True.
      name: ignored.

    Returns:
      `LossOutput(loss, None)`; the loss is `[T, batch]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Munos et al., "Safe and Efficient Off-Policy Reinforcement Learning", 2016,
    https://arxiv.org/abs/1606.02647

    >>> q, ones = jnp.ones([3, 1, 2]), jnp.ones([3, 1])
    >>> actions = jnp.zeros([3, 1], jnp.int32)
    >>> retrace(1.0, q, q, actions, ones, ones, q / 2, ones / 2).loss[:, 0]
    Array([2. , 0.5], dtype=float32)
    """
    qs, targnet_qs, actions = map(as_array, (qs, targnet_qs, actions))
    rewards, pcontinues = as_array(rewards), as_array(pcontinues)
    loss, _ = retrace_core(
        lambda_,
        qs[:-1],
        actions[:-1],
        rewards[:-1],
        pcontinues[:-1],
        as_array(target_policy_probs)[1:],
        as_array(behaviour_policy_probs)[1:],
        targnet_qs[1:],
        actions[1:],
        stop_targnet_gradients,
    )
    return LossOutput(loss, None)


@expects(
    lambda_="number[]",
    q_tm1="float[T, B, A]",
    a_tm1="int[T, B]",
    r_t="float[T, B]",
    pcont_t="float[T, B]",
    target_policy_t="float[T, B, A]",
    behaviour_policy_t="float[T, B]",
    targnet_q_t="float[T, B, A]",
    a_t="int[T, B]",
)
def retrace_core(
    lambda_: Numeric,
    q_tm1: Array,
    a_tm1: Array,
    r_t: Array,
    pcont_t: Array,
    target_policy_t: Array,
    behaviour_policy_t: Array,
    targnet_q_t: Array,
    a_t: Array,
    stop_targnet_gradients: bool = True,
    name: str | None = None,
) -> LossOutput:
    """Computes the Retrace loss from what is at hand before and after each transition.

    Args:
      lambda_: mixing parameter, a scalar.
      q_tm1: action values to learn, before `[time, batch, actions]`.
      a_tm1: actions that were taken, before `[time, batch]`.
      r_t: rewards `[time, batch]`.
      pcont_t: discounts `[time, batch]`.
      target_policy_t: probabilities of the actions under the policy to learn, after
        `[time, batch, actions]`.
      behaviour_policy_t: probabilities of the actions `a_t` under the policy that took
        them, positive, `[time, batch]`.
      targnet_q_t: action values of a target network, after `[time, batch, actions]`.
      a_t: actions that were taken, after `[time, batch]`.
      stop_targnet_gradients: whether the targets are constants to the gradient.
        Default True.
      name: ignored.

    Returns:
      `LossOutput(loss, RetraceCoreExtra(retrace_weights, target))`, each
      `[time, batch]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Munos et al., "Safe and Efficient Off-Policy Reinforcement Learning", 2016,
    https://arxiv.org/abs/1606.02647

    >>> q, ones = jnp.ones([2, 1, 2]), jnp.ones([2, 1])
    >>> actions = jnp.zeros([2, 1], jnp.int32)
    >>> retrace_core(
    ...     1.0, q, actions, ones, ones, q / 2, ones / 2, q, actions).extra.target
    Array([[3.],
           [2.]], dtype=float32)
    """
    q_tm1, a_tm1, r_t, pcont_t, a_t = map(as_array, (q_tm1, a_tm1, r_t, pcont_t, a_t))
    target_policy_t, targnet_q_t = as_array(target_policy_t), as_array(targnet_q_t)
    ratios = batched_index(target_policy_t, a_t) / as_array(behaviour_policy_t)
    weights = ties.minimum(1.0, ratios) * as_array(lambda_)
    value = batched_index(targnet_q_t, a_t)
    expected = jnp.sum(target_policy_t * targnet_q_t, axis=2)
    target = scan_discounted_sum(
        r_t + pcont_t * (expected - weights * value),
        pcont_t * weights,
        value[-1],
        reverse=True,
    )
    if stop_targnet_gradients:
        target = jax.lax.stop_gradient(target)
    error = target - batched_index(q_tm1, a_tm1)
    return LossOutput(half_squared(error), RetraceCoreExtra(weights, target))
