"""Temporal difference errors of single steps.

All functions take one transition; `jax.vmap` maps them over a batch. The error is
the target less the prediction. Targets are constants to the gradient unless
`stop_target_gradients` is False.
"""

import jax
import jax.numpy as jnp

from .arguments import expects
from .gradients import stop_gradient_if

Array = jax.Array
Numeric = Array | float
Index = Array | int

STATE_VALUES = {
    "v_tm1": "float[]",
    "r_t": "float[]",
    "discount_t": "float[]",
    "v_t": "float[]",
}
ACTION_VALUES = {
    "q_tm1": "float[_]",
    "a_tm1": "int[]",
    "r_t": "float[]",
    "discount_t": "float[]",
}


def _pick(values: Array, action: Index) -> Array:
    return jnp.asarray(values)[action]


@expects(**STATE_VALUES)
def td_learning(
    v_tm1: Numeric,
    r_t: Numeric,
    discount_t: Numeric,
    v_t: Numeric,
    stop_target_gradients: bool = True,
) -> Array:
    """Computes the TD(0) error, `r + γ v_t - v_tm1`.

    Args:
      v_tm1: value of the state that was left, a scalar.
      r_t: reward.
      discount_t: discount.
      v_t: value of the state that was reached.
      stop_target_gradients: whether the target is a constant to the gradient.
        Default True.

    Returns:
      The error, a scalar.

    Raises:
      ArgumentError: an argument has the wrong rank or type.

    Sutton, "Learning to Predict by the Methods of Temporal Differences", 1988,
    https://link.springer.com/article/10.1023/A:1022633531479

    >>> print(td_learning(1.0, 2.0, 0.5, 4.0))
    3.0
    """
    target = r_t + discount_t * v_t
    return stop_gradient_if(stop_target_gradients, target) - v_tm1


@expects(**ACTION_VALUES, q_t="float[_]", a_t="int[]")
def sarsa(
    q_tm1: Array,
    a_tm1: Index,
    r_t: Numeric,
    discount_t: Numeric,
    q_t: Array,
    a_t: Index,
    stop_target_gradients: bool = True,
) -> Array:
    """Computes the SARSA error, `r + γ q_t[a_t] - q_tm1[a_tm1]`.

    Args:
      q_tm1: action values in the state that was left, `[actions]`.
      a_tm1: action that was taken there.
      r_t: reward.
      discount_t: discount.
      q_t: action values in the state that was reached, `[actions]`.
      a_t: action that was taken there.
      stop_target_gradients: whether the target is a constant to the gradient.
        Default True.

    Returns:
      The error, a scalar.

    Raises:
      ArgumentError: an argument has the wrong rank or type.

    Rummery and Niranjan, "On-line Q-learning Using Connectionist Systems", 1994.

    >>> print(sarsa(jnp.array([1.0, 2.0]), 0, 1.0, 0.5, jnp.array([4.0, 6.0]), 1))
    3.0
    """
    target = r_t + discount_t * _pick(q_t, a_t)
    return stop_gradient_if(stop_target_gradients, target) - _pick(q_tm1, a_tm1)


@expects(**ACTION_VALUES, q_t="float[A]", probs_a_t="float[A]")
def expected_sarsa(
    q_tm1: Array,
    a_tm1: Index,
    r_t: Numeric,
    discount_t: Numeric,
    q_t: Array,
    probs_a_t: Array,
    stop_target_gradients: bool = True,
) -> Array:
    """Computes the expected SARSA error, `r + γ E_π[q_t] - q_tm1[a_tm1]`.

    Args:
      q_tm1: action values in the state that was left, `[actions]`.
      a_tm1: action that was taken there.
      r_t: reward.
      discount_t: discount.
      q_t: action values in the state that was reached, `[actions]`.
      probs_a_t: probabilities of the actions there, `[actions]`.
      stop_target_gradients: whether the target is a constant to the gradient.
        Default True.

    Returns:
      The error, a scalar.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Van Seijen et al., "A Theoretical and Empirical Analysis of Expected Sarsa", 2009,
    http://www.cs.ox.ac.uk/people/shimon.whiteson/pubs/vanseijenadprl09.pdf

    >>> q = jnp.array([4.0, 8.0])
    >>> print(expected_sarsa(q, 0, 1.0, 0.5, q, jnp.array([0.5, 0.5])))
    0.0
    """
    target = r_t + discount_t * jnp.dot(q_t, probs_a_t)
    return stop_gradient_if(stop_target_gradients, target) - _pick(q_tm1, a_tm1)


@expects(**ACTION_VALUES, q_t="float[_]")
def q_learning(
    q_tm1: Array,
    a_tm1: Index,
    r_t: Numeric,
    discount_t: Numeric,
    q_t: Array,
    stop_target_gradients: bool = True,
) -> Array:
    """Computes the Q-learning error, `r + γ max q_t - q_tm1[a_tm1]`.

    Args:
      q_tm1: action values in the state that was left, `[actions]`.
      a_tm1: action that was taken there.
      r_t: reward.
      discount_t: discount.
      q_t: action values in the state that was reached, `[actions]`.
      stop_target_gradients: whether the target is a constant to the gradient.
        Default True.

    Returns:
      The error, a scalar.

    Raises:
      ArgumentError: an argument has the wrong rank or type.

    Watkins and Dayan, "Q-learning", 1992,
    https://link.springer.com/article/10.1007/BF00992698

    >>> print(q_learning(jnp.array([1.0, 2.0]), 0, 1.0, 0.5, jnp.array([4.0, 6.0])))
    3.0
    """
    target = r_t + discount_t * jnp.max(q_t)
    return stop_gradient_if(stop_target_gradients, target) - _pick(q_tm1, a_tm1)


@expects(**ACTION_VALUES, q_t_value="float[_]", q_t_selector="float[_]")
def double_q_learning(
    q_tm1: Array,
    a_tm1: Index,
    r_t: Numeric,
    discount_t: Numeric,
    q_t_value: Array,
    q_t_selector: Array,
    stop_target_gradients: bool = True,
) -> Array:
    """Computes the double Q-learning error.

    Args:
      q_tm1: action values in the state that was left, `[actions]`.
      a_tm1: action that was taken there.
      r_t: reward.
      discount_t: discount.
      q_t_value: action values in the state that was reached, `[actions]`, which value
        the action.
      q_t_selector: action values there, `[actions]`, which choose it.
      stop_target_gradients: whether the target is a constant to the gradient.
        Default True.

    Returns:
      The error, a scalar.

    Raises:
      ArgumentError: an argument has the wrong rank or type.

    Van Hasselt, "Double Q-learning", 2010,
    https://papers.nips.cc/paper/3964-double-q-learning.pdf

    >>> q_tm1, q_t = jnp.array([1.0, 2.0]), jnp.array([4.0, 6.0])
    >>> print(double_q_learning(q_tm1, 0, 1.0, 0.5, q_t, jnp.array([1.0, 0.0])))
    2.0
    """
    target = r_t + discount_t * _pick(q_t_value, jnp.argmax(q_t_selector))
    return stop_gradient_if(stop_target_gradients, target) - _pick(q_tm1, a_tm1)


@expects(**ACTION_VALUES, q_t="float[_]")
def persistent_q_learning(
    q_tm1: Array,
    a_tm1: Index,
    r_t: Numeric,
    discount_t: Numeric,
    q_t: Array,
    action_gap_scale: Numeric,
    stop_target_gradients: bool = True,
) -> Array:
    """Computes the error of Q-learning that favours the action taken before.

    Args:
      q_tm1: action values in the state that was left, `[actions]`.
      a_tm1: action that was taken there.
      r_t: reward.
      discount_t: discount.
      q_t: action values in the state that was reached, `[actions]`.
      action_gap_scale: in [0, 1]; weight of `q_t[a_tm1]` against `max q_t`.
      stop_target_gradients: whether the target is a constant to the gradient.
        Default True.

    Returns:
      The error, a scalar.

    Raises:
      ArgumentError: an argument has the wrong rank or type.

    Bellemare et al., "Increasing the Action Gap: New Operators for Reinforcement
    Learning", 2015, https://arxiv.org/abs/1512.04860

    >>> q_tm1, q_t = jnp.array([1.0, 2.0]), jnp.array([4.0, 6.0])
    >>> print(persistent_q_learning(q_tm1, 0, 1.0, 0.5, q_t, action_gap_scale=0.5))
    2.5
    """
    value = (1.0 - action_gap_scale) * jnp.max(q_t)
    target = r_t + discount_t * (value + action_gap_scale * _pick(q_t, a_tm1))
    return stop_gradient_if(stop_target_gradients, target) - _pick(q_tm1, a_tm1)


@expects(**ACTION_VALUES, v_t="float[]")
def qv_learning(
    q_tm1: Array,
    a_tm1: Index,
    r_t: Numeric,
    discount_t: Numeric,
    v_t: Numeric,
    stop_target_gradients: bool = True,
) -> Array:
    """Computes the QV-learning error, `r + γ v_t - q_tm1[a_tm1]`.

    Args:
      q_tm1: action values in the state that was left, `[actions]`.
      a_tm1: action that was taken there.
      r_t: reward.
      discount_t: discount.
      v_t: value of the state that was reached.
      stop_target_gradients: whether the target is a constant to the gradient.
        Default True.

    Returns:
      The error, a scalar.

    Raises:
      ArgumentError: an argument has the wrong rank or type.

    Wiering and van Hasselt, "Two Novel On-policy Reinforcement Learning Algorithms
    Based on TD(λ)-methods", 2007, https://ieeexplore.ieee.org/abstract/document/4220845

    >>> print(qv_learning(jnp.array([1.0, 2.0]), 0, 1.0, 0.5, 4.0))
    2.0
    """
    target = r_t + discount_t * v_t
    return stop_gradient_if(stop_target_gradients, target) - _pick(q_tm1, a_tm1)


@expects(v_tm1="float[]", r_t="float[]", discount_t="float[]", q_t="float[_]")
def qv_max(
    v_tm1: Numeric,
    r_t: Numeric,
    discount_t: Numeric,
    q_t: Array,
    stop_target_gradients: bool = True,
) -> Array:
    """Computes the QVMAX error, `r + γ max q_t - v_tm1`.

    Args:
      v_tm1: value of the state that was left, a scalar.
      r_t: reward.
      discount_t: discount.
      q_t: action values in the state that was reached, `[actions]`.
      stop_target_gradients: whether the target is a constant to the gradient.
        Default True.

    Returns:
      The error, a scalar.

    Raises:
      ArgumentError: an argument has the wrong rank or type.

    Wiering and van Hasselt, "The QV Family Compared to Other Reinforcement Learning
    Algorithms", 2009, https://ieeexplore.ieee.org/document/4927532

    >>> print(qv_max(1.0, 1.0, 0.5, jnp.array([4.0, 6.0])))
    3.0
    """
    target = r_t + discount_t * jnp.max(q_t)
    return stop_gradient_if(stop_target_gradients, target) - v_tm1
