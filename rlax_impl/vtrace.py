"""V-trace: returns and advantages that are corrected for another policy's data.

All functions take one sequence; `jax.vmap` maps them over a batch. The importance
ratios `rho_tm1` are π/μ of the actions that were taken.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from .arguments import expects
from .gradients import hold_target_if

Array = jax.Array
Numeric = Array | float

SEQUENCES = {
    "v_tm1": "float[T]",
    "v_t": "float[T]",
    "r_t": "float[T]",
    "discount_t": "float[T]",
    "rho_tm1": "float[T]",
    "lambda_": "float[] | float[T]",
    "sample_mask": "bool[T]",
}


class VTraceOutput(NamedTuple):
    """What an actor-critic learns from, each `[T]`.

    Attributes:
      errors: V-trace errors, targets less `v_tm1`.
      pg_advantage: advantages of the actions taken, for the policy gradient.
      q_estimate: estimated values of the actions taken.
    """

    errors: Array
    pg_advantage: Array
    q_estimate: Array


@expects(**SEQUENCES)
def vtrace(
    v_tm1: Array,
    v_t: Array,
    r_t: Array,
    discount_t: Array,
    rho_tm1: Array,
    lambda_: Numeric = 1.0,
    clip_rho_threshold: float = 1.0,
    stop_target_gradients: bool = True,
    sample_mask: Array | None = None,
) -> Array:
    """Computes V-trace errors.

        error_t = min(ρ_clip, ρ_t) δ_t + γ_{t+1} λ_{t+1} min(1, ρ_t) error_{t+1},
        δ_t = r_{t+1} + γ_{t+1} v_{t+1} - v_t

    Args:
      v_tm1: state values at the start of each step `[T]`.
      v_t: state values at its end `[T]`.
      r_t: rewards `[T]`.
      discount_t: discounts `[T]`.
      rho_tm1: importance ratios `[T]`.
      lambda_: mixing parameter, a scalar or `[T]`. Default 1.
      clip_rho_threshold: upper bound of the ratio in front of δ. Default 1.
      stop_target_gradients: whether the targets, errors plus `v_tm1`, are constants
        to the gradient. Default True.
      sample_mask: booleans `[T]`; a step that is False passes on the error of the
        step that follows. Default None: all are True.

    Returns:
      Errors `[T]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Espeholt et al., "IMPALA: Scalable Distributed Deep-RL with Importance Weighted
    Actor-Learner Architectures", 2018, https://arxiv.org/abs/1802.01561

    >>> ones = jnp.ones(2)
    >>> vtrace(0 * ones, 0 * ones, ones, 0.5 * ones, jnp.array([0.5, 3.0]))
    Array([0.75, 1.  ], dtype=float32)
    """
    return _errors(
        v_tm1,
        v_t,
        r_t,
        discount_t,
        jnp.minimum(clip_rho_threshold, rho_tm1),
        jnp.minimum(1.0, rho_tm1) * lambda_,
        stop_target_gradients,
        sample_mask,
    )


@expects(**SEQUENCES)
def leaky_vtrace(
    v_tm1: Array,
    v_t: Array,
    r_t: Array,
    discount_t: Array,
    rho_tm1: Array,
    alpha_: Numeric = 1.0,
    lambda_: Numeric = 1.0,
    clip_rho_threshold: float = 1.0,
    stop_target_gradients: bool = True,
    sample_mask: Array | None = None,
) -> Array:
    """Computes V-trace errors whose ratios are clipped in part.

    Args:
      v_tm1: state values at the start of each step `[T]`.
      v_t: state values at its end `[T]`.
      r_t: rewards `[T]`.
      discount_t: discounts `[T]`.
      rho_tm1: importance ratios `[T]`.
      alpha_: weight of the clipped ratio against the ratio itself; 1, the default, is
        V-trace, 0 importance sampling.
      lambda_: mixing parameter, a scalar or `[T]`. Default 1.
      clip_rho_threshold: upper bound of the clipped ratio in front of δ. Default 1.
      stop_target_gradients: whether the targets, errors plus `v_tm1`, are constants
        to the gradient. Default True.
      sample_mask: booleans `[T]`; a step that is False passes on the error of the
        step that follows. Default None: all are True.

    Returns:
      Errors `[T]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Zahavy et al., "A Self-Tuning Actor-Critic Algorithm", 2020,
    https://arxiv.org/abs/2002.12928

    >>> ones = jnp.ones(2)
    >>> leaky_vtrace(
    ...     0 * ones, 0 * ones, ones, 0.5 * ones, jnp.array([0.5, 3.0]), alpha_=0.5)
    Array([1., 2.], dtype=float32)
    """
    return _errors(
        v_tm1,
        v_t,
        r_t,
        discount_t,
        _leak(rho_tm1, alpha_, clip_rho_threshold),
        _leak(rho_tm1, alpha_, 1.0) * lambda_,
        stop_target_gradients,
        sample_mask,
    )


@expects(**SEQUENCES)
def vtrace_td_error_and_advantage(
    v_tm1: Array,
    v_t: Array,
    r_t: Array,
    discount_t: Array,
    rho_tm1: Array,
    lambda_: Numeric = 1.0,
    clip_rho_threshold: float = 1.0,
    clip_pg_rho_threshold: float = 1.0,
    stop_target_gradients: bool = True,
    sample_mask: Array | None = None,
) -> VTraceOutput:
    """Computes what an actor-critic such as IMPALA learns from.

    Args:
      v_tm1: state values at the start of each step `[T]`.
      v_t: state values at its end `[T]`.
      r_t: rewards `[T]`.
      discount_t: discounts `[T]`.
      rho_tm1: importance ratios `[T]`.
      lambda_: mixing parameter, a scalar or `[T]`. Default 1.
      clip_rho_threshold: upper bound of the ratio in front of δ. Default 1.
      clip_pg_rho_threshold: upper bound of the ratio in front of the advantage.
        Default 1.
      stop_target_gradients: whether the targets, errors plus `v_tm1`, are constants
        to the gradient. Default True.
      sample_mask: as of `vtrace`.

    Returns:
      `VTraceOutput(errors, pg_advantage, q_estimate)`, each `[T]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Espeholt et al., "IMPALA: Scalable Distributed Deep-RL with Importance Weighted
    Actor-Learner Architectures", 2018, https://arxiv.org/abs/1802.01561

    >>> ones = jnp.ones(2)
    >>> out = vtrace_td_error_and_advantage(
    ...     0 * ones, 0 * ones, ones, 0.5 * ones, jnp.array([0.5, 3.0]))
    >>> out.q_estimate
    Array([1.5, 1. ], dtype=float32)
    """
    steps = (v_tm1, v_t, r_t, discount_t)
    options = (clip_rho_threshold, stop_target_gradients, sample_mask)
    errors = vtrace(*steps, rho_tm1, lambda_, *options)
    pg_rho = jnp.minimum(clip_pg_rho_threshold, rho_tm1)
    return _with_advantages(errors, *steps, lambda_, pg_rho)


@expects(**SEQUENCES)
def leaky_vtrace_td_error_and_advantage(
    v_tm1: Array,
    v_t: Array,
    r_t: Array,
    discount_t: Array,
    rho_tm1: Array,
    alpha: Numeric = 1.0,
    lambda_: Numeric = 1.0,
    clip_rho_threshold: float = 1.0,
    clip_pg_rho_threshold: float = 1.0,
    stop_target_gradients: bool = True,
    sample_mask: Array | None = None,
) -> VTraceOutput:
    """Computes what an actor-critic learns from, with ratios that are clipped in part.

    Args:
      v_tm1: state values at the start of each step `[T]`.
      v_t: state values at its end `[T]`.
      r_t: rewards `[T]`.
      discount_t: discounts `[T]`.
      rho_tm1: importance ratios `[T]`.
      alpha: weight of the clipped ratio against the ratio itself, in the errors and
        in the advantage. Default 1: V-trace.
      lambda_: mixing parameter, a scalar or `[T]`. Default 1.
      clip_rho_threshold: upper bound of the clipped ratio in front of δ. Default 1.
      clip_pg_rho_threshold: upper bound of that in front of the advantage. Default 1.
      stop_target_gradients: whether the targets, errors plus `v_tm1`, are constants
        to the gradient. Default True.
      sample_mask: as of `leaky_vtrace`.

    Returns:
      `VTraceOutput(errors, pg_advantage, q_estimate)`, each `[T]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Zahavy et al., "A Self-Tuning Actor-Critic Algorithm", 2020,
    https://arxiv.org/abs/2002.12928

    >>> ones = jnp.ones(2)
    >>> out = leaky_vtrace_td_error_and_advantage(
    ...     0 * ones, 0 * ones, ones, 0.5 * ones, jnp.array([0.5, 3.0]), alpha=0.5)
    >>> out.pg_advantage
    Array([1., 2.], dtype=float32)
    """
    steps = (v_tm1, v_t, r_t, discount_t)
    options = (clip_rho_threshold, stop_target_gradients, sample_mask)
    errors = leaky_vtrace(*steps, rho_tm1, alpha, lambda_, *options)
    pg_rho = _leak(rho_tm1, alpha, clip_pg_rho_threshold)
    return _with_advantages(errors, *steps, lambda_, pg_rho)


def _leak(rho: Array, alpha: Numeric, threshold: float) -> Array:
    return (1 - alpha) * rho + alpha * jnp.minimum(threshold, rho)


def _errors(
    v_tm1: Array,
    v_t: Array,
    r_t: Array,
    discount_t: Array,
    rho: Array,
    c: Array,
    stop_target_gradients: bool,
    sample_mask: Array | None,
) -> Array:
    deltas = rho * (r_t + discount_t * v_t - v_tm1)
    sequences = [deltas, discount_t * c]
    if sample_mask is not None:
        sequences.append(sample_mask)

    def body(following, elements):
        delta, decay, *learnable = elements
        error = delta + decay * following
        if learnable:
            error = jnp.where(learnable[0], error, following)
        return error, error

    last = jnp.zeros((), jnp.result_type(*sequences[:2]))
    _, errors = jax.lax.scan(body, last, sequences, reverse=True)
    return hold_target_if(stop_target_gradients, errors, v_tm1)


def _with_advantages(
    errors: Array,
    v_tm1: Array,
    v_t: Array,
    r_t: Array,
    discount_t: Array,
    lambda_: Numeric,
    pg_rho: Array,
) -> VTraceOutput:
    mix = lambda_ if jnp.ndim(lambda_) == 0 else jnp.asarray(lambda_)[:-1]
    following = mix * (errors + v_tm1)[1:] + (1 - mix) * v_tm1[1:]
    q_estimate = r_t + discount_t * jnp.concatenate([following, v_t[-1:]])
    return VTraceOutput(errors, pg_rho * (q_estimate - v_tm1), q_estimate)
