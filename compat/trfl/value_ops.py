"""Learning the values of states."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from ...rlax_impl.arguments import expects
from ..core.dtypes import as_array
from .base_ops import LossOutput, half_squared
from .sequence_ops import multistep_forward_view, scan_discounted_sum

Array = jax.Array
Numeric = Array | float


class TDExtra(NamedTuple):
    """Targets and errors, each `[batch]`."""

    target: Array
    td_error: Array


class TDLambdaExtra(NamedTuple):
    """Errors and returns, each `[time, batch]`."""

    temporal_differences: Array
    discounted_returns: Array


@expects(v_tm1="float[B]", r_t="float[B]", pcont_t="float[B]", v_t="float[B]")
def td_learning(
    v_tm1: Array, r_t: Array, pcont_t: Array, v_t: Array, name: str = "TDLearning"
) -> LossOutput:
    """Computes the TD(0) loss, half of `(r + γ v_t - v_tm1)²`.

    Args:
      v_tm1: values of the states that were left, `[batch]`.
      r_t: rewards `[batch]`.
      pcont_t: discounts `[batch]`.
      v_t: values of the states that were reached, `[batch]`.
      name: ignored.

    Returns:
      `LossOutput(loss, TDExtra(target, td_error))`, each `[batch]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Sutton, "Learning to Predict by the Methods of Temporal Differences", 1988,
    https://link.springer.com/article/10.1023/A:1022633531479

    >>> ones = jnp.ones(1)
    >>> td_learning(ones, 2 * ones, 0.5 * ones, 4 * ones).extra.td_error
    Array([3.], dtype=float32)
    """
    v_tm1, r_t, pcont_t, v_t = map(as_array, (v_tm1, r_t, pcont_t, v_t))
    target = jax.lax.stop_gradient(r_t + pcont_t * v_t)
    error = target - v_tm1
    return LossOutput(half_squared(error), TDExtra(target, error))


@expects(
    rewards="float[T, B]",
    pcontinues="float[T, B]",
    values="float[T, B]",
    bootstrap_value="float[B]",
)
def generalized_lambda_returns(
    rewards: Array,
    pcontinues: Array,
    values: Array,
    bootstrap_value: Array,
    lambda_: Numeric = 1,
    name: str = "generalized_lambda_returns",
) -> Array:
    """Computes λ-returns of trajectories, or pieces of them.

    Args:
      rewards: `[time, batch]`.
      pcontinues: discounts `[time, batch]`.
      values: values of the states at the start of each step `[time, batch]`.
      bootstrap_value: values of the states after the last step `[batch]`.
      lambda_: mixing parameter, a scalar or `[time, batch]`. Default 1.
      name: ignored.

    Returns:
      Returns `[time, batch]`, constants to the gradient.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Schulman et al., "High-Dimensional Continuous Control Using Generalized Advantage
    Estimation", 2015, https://arxiv.org/abs/1506.02438

    >>> ones = jnp.ones([2, 1])
    >>> generalized_lambda_returns(ones, 0.5 * ones, ones, 2 * ones[0])[:, 0]
    Array([2., 2.], dtype=float32)
    """
    if isinstance(lambda_, (int, float)) and lambda_ == 1:
        return scan_discounted_sum(
            rewards, pcontinues, bootstrap_value, reverse=True, back_prop=False
        )
    following = jnp.concatenate([values[1:], bootstrap_value[None, :]])
    return multistep_forward_view(
        rewards, pcontinues, following, lambda_, back_prop=False
    )


@expects(
    state_values="float[T, B]",
    rewards="float[T, B]",
    pcontinues="float[T, B]",
    bootstrap_value="float[B]",
)
def td_lambda(
    state_values: Array,
    rewards: Array,
    pcontinues: Array,
    bootstrap_value: Array,
    lambda_: Numeric = 1,
    name: str = "BaselineLoss",
) -> LossOutput:
    """Computes the TD(λ) loss of a baseline, summed over time.

    Args:
      state_values: values of the states at the start of each step `[time, batch]`;
        all of the gradient flows to them.
      rewards: `[time, batch]`.
      pcontinues: discounts `[time, batch]`.
      bootstrap_value: values of the states after the last step `[batch]`.
      lambda_: mixing parameter, a scalar or `[time, batch]`. Default 1.
      name: ignored.

    Returns:
      `LossOutput(loss, TDLambdaExtra(temporal_differences, discounted_returns))`: the
      loss `[batch]`, the others `[time, batch]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Schulman et al., "High-Dimensional Continuous Control Using Generalized Advantage
    Estimation", 2015, https://arxiv.org/abs/1506.02438

    >>> ones = jnp.ones([2, 1])
    >>> td_lambda(ones, ones, 0.5 * ones, 2 * ones[0]).loss
    Array([1.], dtype=float32)
    """
    returns = generalized_lambda_returns(
        rewards, pcontinues, state_values, bootstrap_value, lambda_
    )
    errors = returns - as_array(state_values)
    loss = jnp.sum(half_squared(errors), axis=0)
    return LossOutput(loss, TDLambdaExtra(errors, returns))


@expects(v_tm1="float[B]", r_t="float[B]", pcont_t="float[B]", q_t="float[B, A]")
def qv_max(
    v_tm1: Array, r_t: Array, pcont_t: Array, q_t: Array, name: str = "QVMAX"
) -> LossOutput:
    """Computes the QVMAX loss, half of `(r + γ max q_t - v_tm1)²`.

    Args:
      v_tm1: values of the states that were left, `[batch]`.
      r_t: rewards `[batch]`.
      pcont_t: discounts `[batch]`.
      q_t: action values in the states that were reached, `[batch, actions]`.
      name: ignored.

    Returns:
      `LossOutput(loss, TDExtra(target, td_error))`, each `[batch]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Wiering and van Hasselt, "The QV Family Compared to Other Reinforcement Learning
    Algorithms", 2009, https://ieeexplore.ieee.org/document/4927532

    >>> ones = jnp.ones(1)
    >>> qv_max(ones, ones, 0.5 * ones, jnp.array([[4.0, 6.0]])).extra.target
    Array([4.], dtype=float32)
    """
    return td_learning(v_tm1, r_t, pcont_t, jnp.max(q_t, axis=1), name)
