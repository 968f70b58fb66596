"""Learning categorical distributions of returns."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from ...rlax_impl.arguments import expects
from ..core.dtypes import as_array
from .base_ops import LossOutput
from .distribution_ops import l2_project
from .indexing_ops import at_actions

Array = jax.Array

ACTION_VALUES = {
    "atoms_tm1": "float[N]",
    "logits_q_tm1": "float[B, A, N]",
    "a_tm1": "int[B]",
    "r_t": "float[B]",
    "pcont_t": "float[B]",
    "atoms_t": "float[N]",
    "logits_q_t": "float[B, A, N]",
}


class Extra(NamedTuple):
    """Probabilities that the predictions are regressed to, `[batch, atoms]`."""

    target: Array


def _cross_entropy(logits: Array, target: Array) -> LossOutput:
    target = jax.lax.stop_gradient(target)
    loss = -jnp.sum(target * jax.nn.log_softmax(logits), axis=-1)
    return LossOutput(loss, Extra(target))


def _backed_up(atoms: Array, r_t: Array, pcont_t: Array) -> Array:
    rewards, discounts = jnp.asarray(r_t), jnp.asarray(pcont_t)
    return rewards[:, None] + discounts[:, None] * jnp.asarray(atoms)[None, :]


def _target(
    atoms_tm1: Array,
    r_t: Array,
    pcont_t: Array,
    atoms_t: Array,
    logits_q_t: Array,
    selector: Array,
) -> Array:
    best = jnp.argmax(as_array(selector), axis=1)
    logits = jnp.take_along_axis(as_array(logits_q_t), best[:, None, None], axis=1)
    probs = jax.nn.softmax(logits[:, 0])
    return l2_project(_backed_up(atoms_t, r_t, pcont_t), probs, as_array(atoms_tm1))


@expects(**ACTION_VALUES)
def categorical_dist_qlearning(
    atoms_tm1: Array,
    logits_q_tm1: Array,
    a_tm1: Array,
    r_t: Array,
    pcont_t: Array,
    atoms_t: Array,
    logits_q_t: Array,
    name: str = "CategoricalDistQLearning",
) -> LossOutput:
    """Computes the Q-learning loss of categorical distributions.

    Args:
      atoms_tm1: atoms in the states that were left, `[atoms]`.
      logits_q_tm1: their logits `[batch, actions, atoms]`.
      a_tm1: actions that were taken there, `[batch]`.
      r_t: rewards `[batch]`.
      pcont_t: discounts `[batch]`.
      atoms_t: atoms in the states that were reached, `[atoms]`.
      logits_q_t: their logits `[batch, actions, atoms]`.
      name: ignored.

    Returns:
      `LossOutput(loss, Extra(target))`: the cross entropy `[batch]`, and the projected
      target `[batch, atoms]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Bellemare, Dabney and Munos, "A Distributional Perspective on Reinforcement
    Learning", 2017, https://arxiv.org/abs/1707.06887

    >>> atoms, logits, ones = jnp.array([0.0, 1.0]), jnp.zeros([1, 3, 2]), jnp.ones(1)
    >>> categorical_dist_qlearning(
    ...     atoms, logits, jnp.array([0]), 0 * ones, ones, atoms, logits).extra.target
    Array([[0.5, 0.5]], dtype=float32)
    """
    means = jnp.sum(jax.nn.softmax(as_array(logits_q_t)) * as_array(atoms_t), axis=2)
    target = _target(atoms_tm1, r_t, pcont_t, atoms_t, logits_q_t, means)
    taken = at_actions(
        *(as_array(logits_q_tm1), as_array(a_tm1)),
        *("categorical_dist_qlearning", "a_tm1"),
    )
    return _cross_entropy(taken, target)


@expects(**ACTION_VALUES, q_t_selector="float[B, A]")
def categorical_dist_double_qlearning(
    atoms_tm1: Array,
    logits_q_tm1: Array,
    a_tm1: Array,
    r_t: Array,
    pcont_t: Array,
    atoms_t: Array,
    logits_q_t: Array,
    q_t_selector: Array,
    name: str = "CategoricalDistDoubleQLearning",
) -> LossOutput:
    """Computes the double Q-learning loss of categorical distributions.

    Args:
      atoms_tm1: atoms in the states that were left, `[atoms]`.
      logits_q_tm1: their logits `[batch, actions, atoms]`.
      a_tm1: actions that were taken there, `[batch]`.
      r_t: rewards `[batch]`.
      pcont_t: discounts `[batch]`.
      atoms_t: atoms in the states that were reached, `[atoms]`.
      logits_q_t: their logits `[batch, actions, atoms]`.
      q_t_selector: action values there, `[batch, actions]`, which choose the action.
      name: ignored.

    Returns:
      `LossOutput(loss, Extra(target))`: the cross entropy `[batch]`, and the projected
      target `[batch, atoms]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Hessel et al., "Rainbow: Combining Improvements in Deep Reinforcement Learning",
    2017, https://arxiv.org/abs/1710.02298

    >>> atoms, logits, ones = jnp.array([0.0, 1.0]), jnp.zeros([1, 3, 2]), jnp.ones(1)
    >>> categorical_dist_double_qlearning(
    ...     atoms, logits, jnp.array([0]), 0 * ones, ones, atoms, logits,
    ...     jnp.zeros([1, 3])).extra.target
    Array([[0.5, 0.5]], dtype=float32)
    """
    target = _target(atoms_tm1, r_t, pcont_t, atoms_t, logits_q_t, q_t_selector)
    taken = at_actions(
        *(as_array(logits_q_tm1), as_array(a_tm1)),
        *("categorical_dist_double_qlearning", "a_tm1"),
    )
    return _cross_entropy(taken, target)


@expects(
    atoms_tm1="float[N]",
    logits_v_tm1="float[B, N]",
    r_t="float[B]",
    pcont_t="float[B]",
    atoms_t="float[N]",
    logits_v_t="float[B, N]",
)
def categorical_dist_td_learning(
    atoms_tm1: Array,
    logits_v_tm1: Array,
    r_t: Array,
    pcont_t: Array,
    atoms_t: Array,
    logits_v_t: Array,
    name: str = "CategoricalDistTDLearning",
) -> LossOutput:
    """Computes the TD loss of categorical distributions.

    Args:
      atoms_tm1: atoms in the states that were left, `[atoms]`.
      logits_v_tm1: their logits `[batch, atoms]`.
      r_t: rewards `[batch]`.
      pcont_t: discounts `[batch]`.
      atoms_t: atoms in the states that were reached, `[atoms]`.
      logits_v_t: their logits `[batch, atoms]`.
      name: ignored.

    Returns:
      `LossOutput(loss, Extra(target))`: the cross entropy `[batch]`, and the projected
      target `[batch, atoms]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Bellemare, Dabney and Munos, "A Distributional Perspective on Reinforcement
    Learning", 2017, https://arxiv.org/abs/1707.06887

    >>> atoms, logits, ones = jnp.array([0.0, 1.0]), jnp.zeros([1, 2]), jnp.ones(1)
    >>> categorical_dist_td_learning(
    ...     atoms, logits, ones, 0 * ones, atoms, logits).extra.target
    Array([[0., 1.]], dtype=float32)
    """
    probs = jax.nn.softmax(jnp.asarray(logits_v_t))
    target = l2_project(_backed_up(atoms_t, r_t, pcont_t), probs, atoms_tm1)
    return _cross_entropy(jnp.asarray(logits_v_tm1), target)
