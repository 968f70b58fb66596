"""Temporal difference errors against multistep returns.

All functions take one sequence of transitions; `jax.vmap` maps them over a batch.
Targets are constants to the gradient unless `stop_target_gradients` is False.
"""

import jax
import jax.numpy as jnp

from .arguments import expects
from .gradients import stop_gradient_if
from .indexing import batched_index
from .multistep import lambda_returns
from .off_policy_returns import (
    general_off_policy_returns_from_action_values,
    general_off_policy_returns_from_q_and_v,
)

Array = jax.Array
Numeric = Array | float

ACTION_VALUES = {
    "q_tm1": "float[T, _]",
    "a_tm1": "int[T]",
    "r_t": "float[T]",
    "discount_t": "float[T]",
    "lambda_": "float[] | float[T]",
}
RETRACE = {
    "q_tm1": "float[T, _]",
    "q_t": "float[T, A]",
    "a_tm1": "int[T]",
    "a_t": "int[T]",
    "r_t": "float[T]",
    "discount_t": "float[T]",
    "pi_t": "float[T, A]",
    "mu_t": "float[T]",
}


@expects(
    v_tm1="float[T]",
    r_t="float[T]",
    discount_t="float[T]",
    v_t="float[T]",
    lambda_="float[] | float[T]",
)
def td_lambda(
    v_tm1: Array,
    r_t: Array,
    discount_t: Array,
    v_t: Array,
    lambda_: Numeric,
    stop_target_gradients: bool = True,
) -> Array:
    """Computes TD(λ) errors, the λ-returns less the state values.

    Args:
      v_tm1: state values at the start of each step `[T]`.
      r_t: rewards `[T]`.
      discount_t: discounts `[T]`.
      v_t: state values at the end of each step `[T]`.
      lambda_: mixing parameter, a scalar or `[T]`.
      stop_target_gradients: whether the targets are constants to the gradient.
        Default True.

    Returns:
      Errors `[T]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Sutton and Barto, "Reinforcement Learning: An Introduction", chapter 12,
    http://incompleteideas.net/book/the-book-2nd.html

    >>> ones = jnp.ones(2)
    >>> td_lambda(ones, ones, 0.5 * ones, 2 * ones, 1.0)
    Array([1., 1.], dtype=float32)
    """
    target = lambda_returns(r_t, discount_t, v_t, lambda_)
    return stop_gradient_if(stop_target_gradients, target) - v_tm1


@expects(**ACTION_VALUES, q_t="float[T, _]", a_t="int[T]")
def sarsa_lambda(
    q_tm1: Array,
    a_tm1: Array,
    r_t: Array,
    discount_t: Array,
    q_t: Array,
    a_t: Array,
    lambda_: Numeric,
    stop_target_gradients: bool = True,
) -> Array:
    """Computes SARSA(λ) errors, which bootstrap from the actions taken.

    Args:
      q_tm1: action values at the start of each step `[T, actions]`.
      a_tm1: actions taken there `[T]`.
      r_t: rewards `[T]`.
      discount_t: discounts `[T]`.
      q_t: action values at the end of each step `[T, actions]`.
      a_t: actions taken there `[T]`.
      lambda_: mixing parameter, a scalar or `[T]`.
      stop_target_gradients: whether the targets are constants to the gradient.
        Default True.

    Returns:
      Errors `[T]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Sutton and Barto, "Reinforcement Learning: An Introduction", chapter 12,
    http://incompleteideas.net/book/the-book-2nd.html

    >>> q, ones = jnp.array([[1.0, 2.0], [3.0, 4.0]]), jnp.ones(2)
    >>> actions = jnp.array([0, 1])
    >>> sarsa_lambda(q, actions, ones, 0.5 * ones, q, actions, 0.0)
    Array([ 0.5, -1. ], dtype=float32)
    """
    v_t = batched_index(q_t, a_t)
    target = lambda_returns(r_t, discount_t, v_t, lambda_)
    error = stop_gradient_if(stop_target_gradients, target)
    return error - batched_index(q_tm1, a_tm1)


@expects(**ACTION_VALUES, q_t="float[T, _]")
def q_lambda(
    q_tm1: Array,
    a_tm1: Array,
    r_t: Array,
    discount_t: Array,
    q_t: Array,
    lambda_: Numeric,
    stop_target_gradients: bool = True,
) -> Array:
    """Computes Q(λ) errors, which bootstrap from the best actions.

    Args:
      q_tm1: action values at the start of each step `[T, actions]`.
      a_tm1: actions taken there `[T]`.
      r_t: rewards `[T]`.
      discount_t: discounts `[T]`.
      q_t: action values at the end of each step `[T, actions]`.
      lambda_: mixing parameter: a scalar for Peng's Q(λ), `[T]` for Watkins', which is
        zero after an action that was not the best.
      stop_target_gradients: whether the targets are constants to the gradient.
        Default True.

    Returns:
      Errors `[T]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Peng and Williams, "Incremental Multi-Step Q-Learning", 1994,
    https://link.springer.com/article/10.1007/BF00114731

    >>> q, ones = jnp.array([[1.0, 2.0], [3.0, 4.0]]), jnp.ones(2)
    >>> q_lambda(q, jnp.array([0, 1]), ones, 0.5 * ones, q, 0.0)
    Array([ 1., -1.], dtype=float32)
    """
    target = lambda_returns(r_t, discount_t, jnp.max(q_t, axis=-1), lambda_)
    error = stop_gradient_if(stop_target_gradients, target)
    return error - batched_index(q_tm1, a_tm1)


@expects(**RETRACE)
def retrace(
    q_tm1: Array,
    q_t: Array,
    a_tm1: Array,
    a_t: Array,
    r_t: Array,
    discount_t: Array,
    pi_t: Array,
    mu_t: Array,
    lambda_: Numeric,
    eps: float = 1e-8,
    stop_target_gradients: bool = True,
) -> Array:
    """Computes Retrace errors.

    Args:
      q_tm1: action values at the start of each step `[T, actions]`.
      q_t: action values at the end of each step `[T, actions]`.
      a_tm1: actions taken at the start `[T]`.
      a_t: actions taken at the end `[T]`.
      r_t: rewards `[T]`.
      discount_t: discounts `[T]`.
      pi_t: probabilities of the actions under the target policy, `[T, actions]`.
      mu_t: probabilities of the actions taken under the behaviour policy, `[T]`.
      lambda_: mixing parameter, a scalar or `[T]`.
      eps: added to `mu_t`. Default 1e-8.
      stop_target_gradients: whether the targets are constants to the gradient.
        Default True.

    Returns:
      Errors `[T]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Munos et al., "Safe and Efficient Off-Policy Reinforcement Learning", 2016,
    https://arxiv.org/abs/1606.02647

    >>> q, ones = jnp.array([[1.0, 2.0], [3.0, 4.0]]), jnp.ones(2)
    >>> actions, pi = jnp.array([0, 1]), jnp.full([2, 2], 0.5)
    >>> retrace(q, q, actions, actions, ones, 0.5 * ones, pi, ones, 1.0)
    Array([ 1.1875, -1.25  ], dtype=float32)
    """
    c_t = jnp.minimum(1.0, batched_index(pi_t, a_t) / (mu_t + eps)) * lambda_
    target = general_off_policy_returns_from_action_values(
        q_t, a_t, r_t, discount_t, c_t, pi_t
    )
    error = stop_gradient_if(stop_target_gradients, target)
    return error - batched_index(q_tm1, a_tm1)


@expects(
    q_tm1="float[T]",
    q_t="float[T-1]",
    v_t="float[T]",
    r_t="float[T]",
    discount_t="float[T]",
    log_rhos="float[T-1]",
    lambda_="number[] | number[T-1]",
)
def retrace_continuous(
    q_tm1: Array,
    q_t: Array,
    v_t: Array,
    r_t: Array,
    discount_t: Array,
    log_rhos: Array,
    lambda_: Numeric,
    stop_target_gradients: bool = True,
) -> Array:
    """Computes Retrace errors from the values and ratios of continuous actions.

    Args:
      q_tm1: values of the actions taken, at the times 0 to T-1, `[T]`.
      q_t: values of the actions taken, at the times 1 to T-1, `[T-1]`.
      v_t: values under the target policy at the times 1 to T, `[T]`.
      r_t: rewards `[T]`.
      discount_t: discounts `[T]`.
      log_rhos: logarithms of the importance ratios at the times 1 to T-1, `[T-1]`.
      lambda_: mixing parameter, a scalar or `[T-1]`.
      stop_target_gradients: whether the targets are constants to the gradient.
        Default True.

    Returns:
      Errors `[T]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Munos et al., "Safe and Efficient Off-Policy Reinforcement Learning", 2016,
    https://arxiv.org/abs/1606.02647

    >>> ones = jnp.ones(2)
    >>> retrace_continuous(
    ...     ones, 3 * ones[1:], 2 * ones, ones, 0.5 * ones, jnp.zeros(1), 1.0)
    Array([0.5, 1. ], dtype=float32)
    """
    c_t = jnp.minimum(1.0, jnp.exp(log_rhos)) * lambda_
    target = general_off_policy_returns_from_q_and_v(q_t, v_t, r_t, discount_t, c_t)
    return stop_gradient_if(stop_target_gradients, target) - q_tm1
