"""Learning the distribution of returns: categorical and quantile-valued.

All functions take one transition; `jax.vmap` maps them over a batch. They return
losses, not errors. Targets are constants to the gradient unless
`stop_target_gradients` is False.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from .arguments import expects
from .discrete_distributions import categorical_cross_entropy
from .gradients import stop_gradient_if
from .losses import huber_loss

Array = jax.Array
Numeric = Array | float
Clip = Callable[[Array, Numeric, Numeric], Array]
Index = Array | int

CATEGORICAL_ACTION_VALUES = {
    "q_atoms_tm1": "float[K]",
    "q_logits_tm1": "float[_, K]",
    "a_tm1": "int[]",
    "r_t": "float[]",
    "discount_t": "float[]",
    "q_atoms_t": "float[L]",
    "q_logits_t": "float[_, L]",
}
QUANTILE_ACTION_VALUES = {
    "dist_q_tm1": "float[N, _]",
    "tau_q_tm1": "float[N]",
    "a_tm1": "int[]",
    "r_t": "float[]",
    "discount_t": "float[]",
}


@expects(z_p="float[K]", probs="float[K]", z_q="float[_]")
def categorical_l2_project(z_p: Array, probs: Array, z_q: Array) -> Array:
    """Moves a categorical distribution to other atoms, nearest in the Cramér distance.

    Args:
      z_p: atoms of the distribution `[K]`.
      probs: their probabilities `[K]`.
      z_q: ascending atoms to move them to, `[L]`. What lies outside of their range
        goes to the nearest end.

    Returns:
      Probabilities of the atoms `z_q`, `[L]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Bellemare, Dabney and Munos, "A Distributional Perspective on Reinforcement
    Learning", 2017, https://arxiv.org/abs/1707.06887

    >>> categorical_l2_project(
    ...     jnp.array([0.5, 3.0]), jnp.array([0.4, 0.6]), jnp.array([0.0, 1.0, 2.0]))
    Array([0.2, 0.2, 0.6], dtype=float32)
    """
    return project(z_p, probs, z_q, jnp.clip)


def project(z_p: Array, probs: Array, z_q: Array, clip: Clip) -> Array:
    """Projects as above, with a `clip` that decides on the gradient at ties."""
    z_q = jnp.asarray(z_q)
    above, below = jnp.roll(z_q, -1) - z_q, z_q - jnp.roll(z_q, 1)
    # The ends have no neighbour, equal atoms no distance: nothing is shared there.
    above = jnp.where(above > 0, 1.0 / above, 0)[:, None]
    below = jnp.where(below > 0, 1.0 / below, 0)[:, None]
    offsets = clip(z_p, z_q[0], z_q[-1])[None, :] - z_q[:, None]
    distances = jnp.where(offsets >= 0, offsets * above, -offsets * below)
    shares = clip(1.0 - distances, 0.0, 1.0)
    # A product of matrices runs twice as fast as the sum; accelerators round it
    # unless they are told not to.
    return jnp.matmul(shares, probs, precision=jax.lax.Precision.HIGHEST)


@expects(
    v_atoms_tm1="float[K]",
    v_logits_tm1="float[K]",
    r_t="float[]",
    discount_t="float[]",
    v_atoms_t="float[L]",
    v_logits_t="float[L]",
)
def categorical_td_learning(
    v_atoms_tm1: Array,
    v_logits_tm1: Array,
    r_t: Numeric,
    discount_t: Numeric,
    v_atoms_t: Array,
    v_logits_t: Array,
    stop_target_gradients: bool = True,
) -> Array:
    """Computes the TD loss of a categorical distribution of the state value.

    Args:
      v_atoms_tm1: atoms in the state that was left, `[K]`.
      v_logits_tm1: their logits `[K]`.
      r_t: reward.
      discount_t: discount.
      v_atoms_t: atoms in the state that was reached, `[L]`.
      v_logits_t: their logits `[L]`.
      stop_target_gradients: whether the target is a constant to the gradient.
        Default True.

    Returns:
      The cross entropy with the projected target, a scalar.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Bellemare, Dabney and Munos, "A Distributional Perspective on Reinforcement
    Learning", 2017, https://arxiv.org/abs/1707.06887

    >>> atoms, logits = jnp.array([0.0, 1.0]), jnp.zeros(2)
    >>> print(categorical_td_learning(atoms, logits, 0.0, 0.5, atoms, logits))
    0.6931472
    """
    target = categorical_l2_project(
        r_t + discount_t * v_atoms_t, jax.nn.softmax(v_logits_t), v_atoms_tm1
    )
    target = stop_gradient_if(stop_target_gradients, target)
    return categorical_cross_entropy(target, v_logits_tm1)


@expects(**CATEGORICAL_ACTION_VALUES)
def categorical_q_learning(
    q_atoms_tm1: Array,
    q_logits_tm1: Array,
    a_tm1: Index,
    r_t: Numeric,
    discount_t: Numeric,
    q_atoms_t: Array,
    q_logits_t: Array,
    stop_target_gradients: bool = True,
) -> Array:
    """Computes the Q-learning loss of categorical distributions of action values.

    Args:
      q_atoms_tm1: atoms in the state that was left, `[K]`.
      q_logits_tm1: their logits for each action `[actions, K]`.
      a_tm1: action that was taken there.
      r_t: reward.
      discount_t: discount.
      q_atoms_t: atoms in the state that was reached, `[L]`.
      q_logits_t: their logits for each action `[actions, L]`.
      stop_target_gradients: whether the target is a constant to the gradient.
        Default True.

    Returns:
      The cross entropy with the projected target, a scalar.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Bellemare, Dabney and Munos, "A Distributional Perspective on Reinforcement
    Learning", 2017, https://arxiv.org/abs/1707.06887

    >>> atoms, logits = jnp.array([0.0, 1.0]), jnp.zeros([3, 2])
    >>> print(categorical_q_learning(atoms, logits, 0, 0.0, 0.5, atoms, logits))
    0.6931472
    """
    probs = jax.nn.softmax(q_logits_t)
    best = jnp.argmax(jnp.sum(probs * q_atoms_t[None, :], axis=1))
    target = categorical_l2_project(
        r_t + discount_t * q_atoms_t, probs[best], q_atoms_tm1
    )
    target = stop_gradient_if(stop_target_gradients, target)
    return categorical_cross_entropy(target, jnp.asarray(q_logits_tm1)[a_tm1])


@expects(**CATEGORICAL_ACTION_VALUES, q_t_selector="float[_]")
def categorical_double_q_learning(
    q_atoms_tm1: Array,
    q_logits_tm1: Array,
    a_tm1: Index,
    r_t: Numeric,
    discount_t: Numeric,
    q_atoms_t: Array,
    q_logits_t: Array,
    q_t_selector: Array,
    stop_target_gradients: bool = True,
) -> Array:
    """Computes the double Q-learning loss of categorical distributions.

    Args:
      q_atoms_tm1: atoms in the state that was left, `[K]`.
      q_logits_tm1: their logits for each action `[actions, K]`.
      a_tm1: action that was taken there.
      r_t: reward.
      discount_t: discount.
      q_atoms_t: atoms in the state that was reached, `[L]`.
      q_logits_t: their logits for each action `[actions, L]`.
      q_t_selector: action values there, `[actions]`, which choose the action.
      stop_target_gradients: whether the target is a constant to the gradient.
        Default True.

    Returns:
      The cross entropy with the projected target, a scalar.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Bellemare, Dabney and Munos, "A Distributional Perspective on Reinforcement
    Learning", 2017, https://arxiv.org/abs/1707.06887; van Hasselt, "Double
    Q-learning", 2010, https://papers.nips.cc/paper/3964-double-q-learning.pdf

    >>> atoms, logits = jnp.array([0.0, 1.0]), jnp.zeros([3, 2])
    >>> print(categorical_double_q_learning(
    ...     atoms, logits, 0, 0.0, 0.5, atoms, logits, jnp.zeros(3)))
    0.6931472
    """
    logits = jnp.asarray(q_logits_t)[jnp.argmax(q_t_selector)]
    target = categorical_l2_project(
        r_t + discount_t * q_atoms_t, jax.nn.softmax(logits), q_atoms_tm1
    )
    target = stop_gradient_if(stop_target_gradients, target)
    return categorical_cross_entropy(target, jnp.asarray(q_logits_tm1)[a_tm1])


@expects(dist_src="float[N]", tau_src="float[N]", dist_target="float[_]")
def quantile_regression_loss(
    dist_src: Array,
    tau_src: Array,
    dist_target: Array,
    huber_param: float = 0.0,
    stop_target_gradients: bool = True,
) -> Array:
    """Computes the quantile regression loss between two sets of quantile values.

    Args:
      dist_src: predicted values of the quantiles `[N]`.
      tau_src: their probabilities, in [0, 1], `[N]`.
      dist_target: samples of the target distribution `[M]`.
      huber_param: threshold of a Huber loss; 0, the default, for the absolute error.
      stop_target_gradients: kept for the signature; the sign of an error, the only
        thing it would hold constant, has no gradient.

    Returns:
      The loss, summed over the quantiles and averaged over the samples, a scalar.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Dabney et al., "Distributional Reinforcement Learning with Quantile Regression",
    2017, https://arxiv.org/abs/1710.10044

    >>> print(quantile_regression_loss(
    ...     jnp.zeros(2), jnp.array([0.25, 0.75]), jnp.array([-2.0, 2.0])))
    2.0
    """
    errors = dist_target[None, :] - dist_src[:, None]
    # In float32, so that the losses of bfloat16 values are summed in float32.
    weights = jnp.abs(tau_src[:, None] - (errors < 0).astype(jnp.float32))
    losses = huber_loss(errors, huber_param) if huber_param > 0 else jnp.abs(errors)
    return jnp.sum(jnp.mean(losses * weights, axis=-1))


@expects(
    **QUANTILE_ACTION_VALUES, dist_q_t_selector="float[_, _]", dist_q_t="float[_, _]"
)
def quantile_q_learning(
    dist_q_tm1: Array,
    tau_q_tm1: Array,
    a_tm1: Index,
    r_t: Numeric,
    discount_t: Numeric,
    dist_q_t_selector: Array,
    dist_q_t: Array,
    huber_param: float = 0.0,
    stop_target_gradients: bool = True,
) -> Array:
    """Computes the Q-learning loss of quantile values.

    Args:
      dist_q_tm1: quantile values in the state that was left, `[N, actions]`.
      tau_q_tm1: their probabilities `[N]`.
      a_tm1: action that was taken there.
      r_t: reward.
      discount_t: discount.
      dist_q_t_selector: quantile values in the state that was reached, whose means
        choose the action, `[M, actions]`.
      dist_q_t: quantile values there, which make the target, `[L, actions]`.
      huber_param: as of `quantile_regression_loss`. Default 0.
      stop_target_gradients: whether the target is a constant to the gradient.
        Default True.

    Returns:
      The loss, a scalar.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Dabney et al., "Distributional Reinforcement Learning with Quantile Regression",
    2017, https://arxiv.org/abs/1710.10044

    >>> zeros, tau = jnp.zeros([2, 3]), jnp.array([0.25, 0.75])
    >>> print(quantile_q_learning(zeros, tau, 0, 2.0, 0.9, zeros, zeros))
    2.0
    """
    a_t = jnp.argmax(jnp.mean(dist_q_t_selector, axis=0))
    target = r_t + discount_t * jnp.asarray(dist_q_t)[:, a_t]
    return quantile_regression_loss(
        jnp.asarray(dist_q_tm1)[:, a_tm1],
        tau_q_tm1,
        stop_gradient_if(stop_target_gradients, target),
        huber_param,
    )


@expects(**QUANTILE_ACTION_VALUES, dist_q_t="float[_, A]", probs_a_t="float[A]")
def quantile_expected_sarsa(
    dist_q_tm1: Array,
    tau_q_tm1: Array,
    a_tm1: Index,
    r_t: Numeric,
    discount_t: Numeric,
    dist_q_t: Array,
    probs_a_t: Array,
    huber_param: float = 0.0,
    stop_target_gradients: bool = True,
) -> Array:
    """Computes the expected SARSA loss of quantile values.

    Args:
      dist_q_tm1: quantile values in the state that was left, `[N, actions]`.
      tau_q_tm1: their probabilities `[N]`.
      a_tm1: action that was taken there.
      r_t: reward.
      discount_t: discount.
      dist_q_t: quantile values in the state that was reached, `[M, actions]`.
      probs_a_t: probabilities of the actions there `[actions]`.
      huber_param: as of `quantile_regression_loss`. Default 0.
      stop_target_gradients: whether the target and the probabilities are constants to
        the gradient. Default True.

    Returns:
      The loss, averaged over the actions, a scalar.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Dabney et al., "Distributional Reinforcement Learning with Quantile Regression",
    2017, https://arxiv.org/abs/1710.10044

    >>> zeros, tau = jnp.zeros([2, 2]), jnp.array([0.25, 0.75])
    >>> probs = jnp.array([0.5, 0.5])
    >>> print(quantile_expected_sarsa(zeros, tau, 0, 2.0, 0.9, zeros, probs))
    2.0
    """
    prediction = jnp.asarray(dist_q_tm1)[:, a_tm1]
    target = stop_gradient_if(stop_target_gradients, r_t + discount_t * dist_q_t)
    losses = jax.vmap(
        lambda samples: quantile_regression_loss(
            prediction, tau_q_tm1, samples, huber_param
        ),
        in_axes=1,
    )(target)
    return jnp.dot(losses, stop_gradient_if(stop_target_gradients, probs_a_t))
