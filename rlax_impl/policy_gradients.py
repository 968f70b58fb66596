"""Losses whose gradients improve a policy: policy gradients and their relatives."""

import jax
import jax.numpy as jnp

from .arguments import expects
from .discrete_distributions import softmax
from .gradients import stop_gradient_if

Array = jax.Array


@expects(a_t="float[D]", dqda_t="float[D]")
def dpg_loss(
    a_t: Array,
    dqda_t: Array,
    dqda_clipping: float | Array | None = None,
    use_stop_gradient: bool | Array = True,
) -> Array:
    """Computes the loss of the deterministic policy gradient.

    Args:
      a_t: continuous action that the policy put out, `[size]`.
      dqda_t: gradient of the action value with respect to the action, `[size]`.
      dqda_clipping: upper bound of the Euclidean norm of `dqda_t`. Default None: no
        bound.
      use_stop_gradient: whether the target, `a_t + dqda_t`, is a constant. Default
        True.

    Returns:
      Loss for each element of the action, `[size]`; its gradient with respect to
      `a_t` is `-dqda_t`.

    Silver et al., "Deterministic policy gradient algorithms", 2014,
    http://proceedings.mlr.press/v32/silver14.pdf.

    >>> a_t, dqda_t = jnp.array([0.0, 0.0]), jnp.array([3.0, 4.0])
    >>> print(dpg_loss(a_t, dqda_t))
    [4.5 8. ]
    >>> print(jax.grad(lambda a: jnp.sum(dpg_loss(a, dqda_t, 1.0)))(a_t))
    [-0.6 -0.8]
    """
    if dqda_clipping is not None:
        dqda_t = _clip_norm(dqda_t, dqda_clipping)
    target_t = stop_gradient_if(use_stop_gradient, dqda_t + a_t)
    return 0.5 * jnp.square(target_t - a_t)


@expects(logits_t="float[T, A]", a_t="int[T]", adv_t="float[T]", w_t="float[T]")
def policy_gradient_loss(
    logits_t: Array,
    a_t: Array,
    adv_t: Array,
    w_t: Array,
    use_stop_gradient: bool | Array = True,
) -> Array:
    """Computes the loss of the policy gradient: log likelihood times advantage.

    Args:
      logits_t: unnormalised log probabilities, `[time, num_actions]`.
      a_t: actions sampled from them, `[time]`.
      adv_t: observed or estimated advantages of the actions, `[time]`.
      w_t: weight of each step, `[time]`.
      use_stop_gradient: whether the advantages are constants. Default True.

    Returns:
      `-mean_t(w_t adv_t log pi(a_t))`, a scalar.

    Williams, "Simple statistical gradient-following algorithms for connectionist
    reinforcement learning", 1992.

    >>> logits_t, a_t = jnp.zeros([1, 2]), jnp.array([0])
    >>> loss = lambda x: policy_gradient_loss(x, a_t, jnp.array([2.0]), jnp.ones(1))
    >>> print(jax.grad(loss)(logits_t))
    [[-1.  1.]]
    """
    log_pi_a_t = softmax().logprob(a_t, logits_t)
    adv_t = stop_gradient_if(use_stop_gradient, adv_t)
    return jnp.mean(-log_pi_a_t * adv_t * w_t)


@expects(logits_t="float[T, A]", w_t="float[T]")
def entropy_loss(logits_t: Array, w_t: Array) -> Array:
    """Computes the loss that keeps a policy from becoming deterministic.

    Args:
      logits_t: unnormalised log probabilities, `[time, num_actions]`.
      w_t: weight of each step, `[time]`.

    Returns:
      `-mean_t(w_t entropy_t)`, a scalar in nats.

    Williams and Peng, "Function optimization using connectionist reinforcement
    learning algorithms", 1991.

    >>> print(entropy_loss(jnp.zeros([3, 2]), jnp.ones(3)))
    -0.6931472
    """
    return -jnp.mean(softmax().entropy(logits_t) * w_t)


@expects(logits_t="float[T, A]", q_t="float[T, A]")
def qpg_loss(
    logits_t: Array, q_t: Array, use_stop_gradient: bool | Array = True
) -> Array:
    """Computes the loss of the policy gradient over all actions, from their values.

    Args:
      logits_t: unnormalised log probabilities, `[time, num_actions]`.
      q_t: action values, `[time, num_actions]`; constants in any case.
      use_stop_gradient: whether the advantages, which also depend on the policy, are
        constants. Default True.

    Returns:
      `-mean_t(sum_a pi_t(a) adv_t(a))`, a scalar, where
      `adv_t(a) = q_t(a) - sum_b pi_t(b) q_t(b)`.

    Srinivasan et al., "Actor-critic policy optimization in partially observable
    multiagent environments", 2018, https://arxiv.org/abs/1810.09026.

    >>> logits_t, q_t = jnp.zeros([1, 2]), jnp.array([[1.0, 3.0]])
    >>> print(jax.grad(qpg_loss)(logits_t, q_t))
    [[ 0.5 -0.5]]
    """
    pi_t, adv_t = _policy_and_advantages(logits_t, q_t, True)
    adv_t = stop_gradient_if(use_stop_gradient, adv_t)
    return -jnp.mean(jnp.sum(pi_t * adv_t, axis=1))


@expects(logits_t="float[T, A]", q_t="float[T, A]")
def rm_loss(
    logits_t: Array, q_t: Array, use_stop_gradient: bool | Array = True
) -> Array:
    """Computes the loss of the regret-matching policy gradient.

    As `qpg_loss`, with the negative advantages cut off: only what one regrets not
    having done counts.

    Args:
      logits_t: unnormalised log probabilities, `[time, num_actions]`.
      q_t: action values, `[time, num_actions]`; constants in any case.
      use_stop_gradient: whether the regrets, which also depend on the policy, are
        constants. Default True.

    Returns:
      `-mean_t(sum_a pi_t(a) max(adv_t(a), 0))`, a scalar.

    Srinivasan et al., 2018, https://arxiv.org/abs/1810.09026.

    >>> print(rm_loss(jnp.zeros([1, 2]), jnp.array([[1.0, 3.0]])))
    -0.5
    """
    pi_t, adv_t = _policy_and_advantages(logits_t, q_t, True)
    regret_t = stop_gradient_if(use_stop_gradient, jax.nn.relu(adv_t))
    return -jnp.mean(jnp.sum(pi_t * regret_t, axis=1))


@expects(logits_t="float[T, A]", q_t="float[T, A]")
def rpg_loss(
    logits_t: Array, q_t: Array, use_stop_gradient: bool | Array = True
) -> Array:
    """Computes the loss of the regret policy gradient: the total regret.

    Args:
      logits_t: unnormalised log probabilities, `[time, num_actions]`.
      q_t: action values, `[time, num_actions]`.
      use_stop_gradient: whether the action values are constants. Default True.

    Returns:
      `mean_t(sum_a max(adv_t(a), 0))`, a scalar; its gradient reaches the policy
      through the baseline in `adv_t`.

    Srinivasan et al., 2018, https://arxiv.org/abs/1810.09026.

    >>> print(rpg_loss(jnp.zeros([1, 2]), jnp.array([[1.0, 3.0]])))
    1.0
    """
    _, adv_t = _policy_and_advantages(logits_t, q_t, use_stop_gradient)
    return jnp.mean(jnp.sum(jax.nn.relu(adv_t), axis=1))


@expects(prob_ratios_t="float[T]", adv_t="float[T]")
def clipped_surrogate_pg_loss(
    prob_ratios_t: Array,
    adv_t: Array,
    epsilon: float | Array,
    use_stop_gradient: bool | Array = True,
) -> Array:
    """Computes the clipped surrogate objective of PPO, as a loss.

    Args:
      prob_ratios_t: `pi(a_t) / pi_old(a_t)` for the actions taken, `[time]`.
      adv_t: observed or estimated advantages of the actions, `[time]`.
      epsilon: how far a ratio may be from 1 before its gradient is cut off.
      use_stop_gradient: whether the advantages are constants. Default True.

    Returns:
      `-mean_t(min(ratio_t adv_t, clip(ratio_t, 1 - epsilon, 1 + epsilon) adv_t))`, a
      scalar.

    Schulman et al., "Proximal policy optimization algorithms", 2017,
    https://arxiv.org/abs/1707.06347, equation 7.

    >>> print(clipped_surrogate_pg_loss(jnp.array([2.0]), jnp.array([1.0]), 0.2))
    -1.2
    """
    adv_t = stop_gradient_if(use_stop_gradient, adv_t)
    clipped_t = jnp.clip(prob_ratios_t, 1.0 - epsilon, 1.0 + epsilon)
    return -jnp.mean(jnp.fmin(prob_ratios_t * adv_t, clipped_t * adv_t))


def _policy_and_advantages(
    logits_t: Array, q_t: Array, use_stop_gradient: bool | Array
) -> tuple[Array, Array]:
    pi_t = jax.nn.softmax(logits_t, axis=1)
    q_t = stop_gradient_if(use_stop_gradient, q_t)
    return pi_t, q_t - jnp.sum(pi_t * q_t, axis=1, keepdims=True)


def _clip_norm(x: Array, max_norm: float | Array) -> Array:
    squared = jnp.vdot(x, x)
    # The square root has no gradient at 0, and NaN would leak through the maximum.
    norm = jnp.where(squared > 0, jnp.sqrt(jnp.where(squared > 0, squared, 1.0)), 0.0)
    return x * max_norm / jnp.maximum(norm, max_norm)
