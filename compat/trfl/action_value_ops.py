"""Learning the values of discrete actions.

A loss is half of the squared error between a target, which is a constant to the
gradient, and the value of the action that was taken.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from ...rlax_impl.arguments import ArgumentError, expects
from .base_ops import LossOutput, assert_arg_bounded, half_squared
from .indexing_ops import batched_index
from .sequence_ops import multistep_forward_view

Array = jax.Array
Numeric = Array | float

TRANSITIONS = {
    "q_tm1": "float[B, A]",
    "a_tm1": "int[B]",
    "r_t": "float[B]",
    "pcont_t": "float[B]",
}
SEQUENCES = {
    "q_tm1": "float[T, B, A]",
    "a_tm1": "int[T, B]",
    "r_t": "float[T, B]",
    "pcont_t": "float[T, B]",
    "q_t": "float[T, B, A]",
    "lambda_": "number[] | number[T, B]",
}


class QExtra(NamedTuple):
    """Targets and errors, each `[batch]` or `[time, batch]`."""

    target: Array
    td_error: Array


class DoubleQExtra(NamedTuple):
    """Targets, errors, and the actions that were chosen, each `[batch]`."""

    target: Array
    td_error: Array
    best_action: Array


def _regress(q_tm1: Array, a_tm1: Array, target: Array) -> LossOutput:
    target = jax.lax.stop_gradient(target)
    error = target - batched_index(q_tm1, a_tm1)
    return LossOutput(half_squared(error), QExtra(target, error))


@expects(**TRANSITIONS, q_t="float[B, A]")
def qlearning(
    q_tm1: Array,
    a_tm1: Array,
    r_t: Array,
    pcont_t: Array,
    q_t: Array,
    name: str = "QLearning",
) -> LossOutput:
    """Computes the Q-learning loss, with the target `r + γ max q_t`.

    Args:
      q_tm1: action values in the states that were left, `[batch, actions]`.
      a_tm1: actions that were taken there, `[batch]`.
      r_t: rewards `[batch]`.
      pcont_t: discounts `[batch]`.
      q_t: action values in the states that were reached, `[batch, actions]`.
      name: ignored.

    Returns:
      `LossOutput(loss, QExtra(target, td_error))`, each `[batch]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Watkins and Dayan, "Q-learning", 1992,
    https://link.springer.com/article/10.1007/BF00992698

    >>> q, ones = jnp.array([[1.0, 2.0]]), jnp.ones(1)
    >>> qlearning(q, jnp.array([0]), ones, ones, q).loss
    Array([2.], dtype=float32)
    """
    return _regress(q_tm1, a_tm1, r_t + pcont_t * jnp.max(q_t, axis=1))


@expects(**TRANSITIONS, q_t_value="float[B, A]", q_t_selector="float[B, A]")
def double_qlearning(
    q_tm1: Array,
    a_tm1: Array,
    r_t: Array,
    pcont_t: Array,
    q_t_value: Array,
    q_t_selector: Array,
    name: str = "DoubleQLearning",
) -> LossOutput:
    """Computes the double Q-learning loss, `r + γ q_t_value[argmax q_t_selector]`.

    Args:
      q_tm1: action values in the states that were left, `[batch, actions]`.
      a_tm1: actions that were taken there, `[batch]`.
      r_t: rewards `[batch]`.
      pcont_t: discounts `[batch]`.
      q_t_value: action values in the states that were reached, `[batch, actions]`,
        which value the action.
      q_t_selector: action values there, `[batch, actions]`, which choose it.
      name: ignored.

    Returns:
      `LossOutput(loss, DoubleQExtra(target, td_error, best_action))`, each `[batch]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Van Hasselt, "Double Q-learning", 2010,
    https://papers.nips.cc/paper/3964-double-q-learning.pdf

    >>> q, ones = jnp.array([[1.0, 2.0]]), jnp.ones(1)
    >>> double_qlearning(q, jnp.array([0]), ones, ones, q, -q).extra.best_action
    Array([0], dtype=int32)
    """
    best_action = jnp.argmax(q_t_selector, axis=1).astype(jnp.int32)
    target = r_t + pcont_t * batched_index(q_t_value, best_action)
    loss, extra = _regress(q_tm1, a_tm1, target)
    return LossOutput(loss, DoubleQExtra(extra.target, extra.td_error, best_action))


@expects(**TRANSITIONS, q_t="float[B, A]")
def persistent_qlearning(
    q_tm1: Array,
    a_tm1: Array,
    r_t: Array,
    pcont_t: Array,
    q_t: Array,
    action_gap_scale: float = 0.5,
    name: str = "PersistentQLearning",
) -> LossOutput:
    """Computes the loss of Q-learning that favours the action taken before.

    Args:
      q_tm1: action values in the states that were left, `[batch, actions]`.
      a_tm1: actions that were taken there, `[batch]`.
      r_t: rewards `[batch]`.
      pcont_t: discounts `[batch]`.
      q_t: action values in the states that were reached, `[batch, actions]`.
      action_gap_scale: in [0, 1]; weight of `q_t[a_tm1]` against `max q_t`.
        Default 0.5.
      name: ignored.

    Returns:
      `LossOutput(loss, QExtra(target, td_error))`, each `[batch]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type, or the scale is
        out of its range.

    Bellemare et al., "Increasing the Action Gap: New Operators for Reinforcement
    Learning", 2015, https://arxiv.org/abs/1512.04860

    >>> q, ones = jnp.array([[1.0, 2.0]]), jnp.ones(1)
    >>> persistent_qlearning(q, jnp.array([0]), ones, ones, q).extra.target
    Array([2.5], dtype=float32)
    """
    assert_arg_bounded(
        action_gap_scale, 0, 1, "persistent_qlearning", "action_gap_scale"
    )
    best, same = jnp.max(q_t, axis=1), batched_index(q_t, a_tm1)
    value = (1 - action_gap_scale) * best + action_gap_scale * same
    return _regress(q_tm1, a_tm1, r_t + pcont_t * value)


@expects(**TRANSITIONS, q_t="float[B, A]", a_t="int[B]")
def sarsa(
    q_tm1: Array,
    a_tm1: Array,
    r_t: Array,
    pcont_t: Array,
    q_t: Array,
    a_t: Array,
    name: str = "Sarsa",
) -> LossOutput:
    """Computes the SARSA loss, with the target `r + γ q_t[a_t]`.

    Args:
      q_tm1: action values in the states that were left, `[batch, actions]`.
      a_tm1: actions that were taken there, `[batch]`.
      r_t: rewards `[batch]`.
      pcont_t: discounts `[batch]`.
      q_t: action values in the states that were reached, `[batch, actions]`.
      a_t: actions that were taken there, `[batch]`.
      name: ignored.

    Returns:
      `LossOutput(loss, QExtra(target, td_error))`, each `[batch]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Rummery and Niranjan, "On-line Q-learning Using Connectionist Systems", 1994.

    >>> q, ones = jnp.array([[1.0, 2.0]]), jnp.ones(1)
    >>> sarsa(q, jnp.array([0]), ones, ones, q, jnp.array([1])).loss
    Array([2.], dtype=float32)
    """
    return _regress(q_tm1, a_tm1, r_t + pcont_t * batched_index(q_t, a_t))


@expects(**TRANSITIONS, q_t="float[B, A]", probs_a_t="float[B, A]")
def sarse(
    q_tm1: Array,
    a_tm1: Array,
    r_t: Array,
    pcont_t: Array,
    q_t: Array,
    probs_a_t: Array,
    debug: bool = False,
    name: str = "Sarse",
) -> LossOutput:
    """Computes the expected SARSA loss, with the target `r + γ E[q_t]`.

    Args:
      q_tm1: action values in the states that were left, `[batch, actions]`.
      a_tm1: actions that were taken there, `[batch]`.
      r_t: rewards `[batch]`.
      pcont_t: discounts `[batch]`.
      q_t: action values in the states that were reached, `[batch, actions]`.
      probs_a_t: probabilities of the actions there, `[batch, actions]`.
      debug: whether to check that the probabilities sum to 1; they can't be checked
        while a function is traced. Default False.
      name: ignored.

    Returns:
      `LossOutput(loss, QExtra(target, td_error))`, each `[batch]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type, or probabilities
        were checked and don't sum to 1.

    Van Seijen et al., "A Theoretical and Empirical Analysis of Expected Sarsa", 2009,
    http://www.cs.ox.ac.uk/people/shimon.whiteson/pubs/vanseijenadprl09.pdf

    >>> q, ones = jnp.array([[1.0, 2.0]]), jnp.ones(1)
    >>> sarse(q, jnp.array([0]), ones, ones, q, jnp.array([[0.5, 0.5]])).extra.target
    Array([2.5], dtype=float32)
    """
    totals = jnp.sum(jnp.asarray(probs_a_t), axis=1)
    if debug and not isinstance(totals, jax.core.Tracer):
        wrong = jnp.abs(totals - 1.0) >= 1e-6
        if jnp.any(wrong):
            raise ArgumentError(
                "sarse: argument 'probs_a_t' must sum to 1 in every row, but rows "
                f"{jnp.flatnonzero(wrong).tolist()} sum to {totals[wrong].tolist()}."
            )
    expected = jnp.sum(jnp.multiply(q_t, probs_a_t), axis=1)
    return _regress(q_tm1, a_tm1, r_t + pcont_t * expected)


@expects(**SEQUENCES)
def qlambda(
    q_tm1: Array,
    a_tm1: Array,
    r_t: Array,
    pcont_t: Array,
    q_t: Array,
    lambda_: Numeric,
    name: str = "GeneralizedQLambda",
) -> LossOutput:
    """Computes Peng's or Watkins' Q(λ) loss.

    Args:
      q_tm1: action values at the start of each step `[time, batch, actions]`.
      a_tm1: actions taken there `[time, batch]`.
      r_t: rewards `[time, batch]`.
      pcont_t: discounts `[time, batch]`.
      q_t: action values at the end of each step `[time, batch, actions]`.
      lambda_: mixing parameter: a scalar for Peng's Q(λ), `[time, batch]` for Watkins',
        which is zero after an action that was not the best.
      name: ignored.

    Returns:
      `LossOutput(loss, QExtra(target, td_error))`, each `[time, batch]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Peng and Williams, "Incremental Multi-Step Q-Learning", 1994,
    https://link.springer.com/article/10.1007/BF00114731

    >>> q, ones = jnp.array([[[1.0, 2.0]]]), jnp.ones([1, 1])
    >>> qlambda(q, jnp.array([[0]]), ones, ones, q, 0.9).extra.target
    Array([[3.]], dtype=float32)
    """
    best = jnp.max(q_t, axis=2)
    return _regress(q_tm1, a_tm1, multistep_forward_view(r_t, pcont_t, best, lambda_))


@expects(**SEQUENCES, a_t="int[T, B]")
def sarsa_lambda(
    q_tm1: Array,
    a_tm1: Array,
    r_t: Array,
    pcont_t: Array,
    q_t: Array,
    a_t: Array,
    lambda_: Numeric,
    name: str = "SarsaLambda",
) -> LossOutput:
    """Computes the SARSA(λ) loss.

    Args:
      q_tm1: action values at the start of each step `[time, batch, actions]`.
      a_tm1: actions taken there `[time, batch]`.
      r_t: rewards `[time, batch]`.
      pcont_t: discounts `[time, batch]`.
      q_t: action values at the end of each step `[time, batch, actions]`.
      a_t: actions taken there `[time, batch]`.
      lambda_: mixing parameter, a scalar or `[time, batch]`.
      name: ignored.

    Returns:
      `LossOutput(loss, QExtra(target, td_error))`, each `[time, batch]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Sutton and Barto, "Reinforcement Learning: An Introduction", chapter 12,
    http://incompleteideas.net/book/the-book-2nd.html

    >>> q, ones, action = jnp.array([[[1.0, 2.0]]]), jnp.ones([1, 1]), jnp.array([[0]])
    >>> sarsa_lambda(q, action, ones, ones, q, action, 0.9).extra.target
    Array([[2.]], dtype=float32)
    """
    taken = batched_index(q_t, a_t)
    return _regress(q_tm1, a_tm1, multistep_forward_view(r_t, pcont_t, taken, lambda_))


@expects(**TRANSITIONS, v_t="float[B]")
def qv_learning(
    q_tm1: Array,
    a_tm1: Array,
    r_t: Array,
    pcont_t: Array,
    v_t: Array,
    name: str = "QVLearning",
) -> LossOutput:
    """Computes the QV-learning loss, with the target `r + γ v_t`.

    Args:
      q_tm1: action values in the states that were left, `[batch, actions]`.
      a_tm1: actions that were taken there, `[batch]`.
      r_t: rewards `[batch]`.
      pcont_t: discounts `[batch]`.
      v_t: values of the states that were reached, `[batch]`.
      name: ignored.

    Returns:
      `LossOutput(loss, QExtra(target, td_error))`, each `[batch]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Wiering and van Hasselt, "Two Novel On-policy Reinforcement Learning Algorithms
    Based on TD(λ)-methods", 2007, https://ieeexplore.ieee.org/abstract/document/4220845

    >>> q, ones = jnp.array([[1.0, 2.0]]), jnp.ones(1)
    >>> qv_learning(q, jnp.array([0]), ones, ones, 2 * ones).loss
    Array([2.], dtype=float32)
    """
    return _regress(q_tm1, a_tm1, r_t + pcont_t * v_t)
