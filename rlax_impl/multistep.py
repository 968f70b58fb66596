"""Returns over several steps, bootstrapped where a sequence ends.

All functions take one sequence; `jax.vmap` maps them over a batch. A suffix `_t`
marks what is produced at the end of a step (times 1 to T), `_tm1` what is at hand
at its start (times 0 to T-1). The discount is 0 where an episode ends.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from .arguments import expects
from .gradients import hold_target_if, stop_gradient_if

Array = jax.Array
Numeric = Array | float


def _backwards(step: Callable[..., Array], last: Array, sequences: Any) -> Array:
    """Runs `value = step(value, *elements)` from the end; gives all values, `[T]`."""

    def body(value, elements):
        value = step(value, *elements)
        return value, value

    return jax.lax.scan(body, last, sequences, reverse=True)[1]


def _is_one(lambda_: Numeric) -> bool:
    return isinstance(lambda_, (int, float)) and lambda_ == 1


@expects(
    r_t="float[T]",
    discount_t="float[T]",
    v_t="float[T]",
    lambda_="float[] | float[T]",
)
def lambda_returns(
    r_t: Array,
    discount_t: Array,
    v_t: Array,
    lambda_: Numeric = 1.0,
    stop_target_gradients: bool = False,
) -> Array:
    """Computes the λ-return of every step of a sequence.

        G_t = r_{t+1} + γ_{t+1} [(1 - λ_{t+1}) v_{t+1} + λ_{t+1} G_{t+1}]

    With `v_t` the state values under the policy this is the target of TD(λ), with the
    values of the best actions that of Q(λ), with those of the actions taken that of
    Sarsa(λ). A λ that varies corrects for data of another policy: `λ ρ_t` is
    per-decision importance sampling, `min(1, ρ_t)` is V-trace.

    Args:
      r_t: rewards `[T]`.
      discount_t: discounts γ `[T]`.
      v_t: values to bootstrap from `[T]`; the last one stands for all that follows.
      lambda_: mixing parameter, a scalar or `[T]`. Default 1: one long return.
      stop_target_gradients: whether the returns are constants to the gradient.
        Default False.

    Returns:
      Returns `[T]`, for the times 0 to T-1.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Sutton and Barto, "Reinforcement Learning: An Introduction", chapter 12,
    http://incompleteideas.net/book/the-book-2nd.html

    >>> lambda_returns(jnp.ones(3), jnp.array([0.5, 0.5, 0.0]), jnp.zeros(3))
    Array([1.75, 1.5 , 1.  ], dtype=float32)
    """
    dtype = jnp.result_type(r_t, discount_t, v_t, lambda_)
    last = v_t[-1].astype(dtype)

    def step(value, r, discount, *rest):
        if _is_one(lambda_):
            return r + discount * value
        v, mix = rest if len(rest) == 2 else (*rest, lambda_)
        return r + discount * ((1 - mix) * v + mix * value)

    sequences: list[Any] = [r_t, discount_t]
    if not _is_one(lambda_):
        sequences += [v_t] if jnp.ndim(lambda_) == 0 else [v_t, lambda_]
    returns = _backwards(step, last, sequences)
    return stop_gradient_if(stop_target_gradients, returns)


@expects(
    r_t="float[T]",
    discount_t="float[T]",
    v_t="float[T]",
    lambda_t="float[] | float[T]",
)
def n_step_bootstrapped_returns(
    r_t: Array,
    discount_t: Array,
    v_t: Array,
    n: int,
    lambda_t: Numeric = 1.0,
    stop_target_gradients: bool = False,
) -> Array:
    """Computes returns over `n` steps, or fewer where the sequence ends before.

    The recursion of `lambda_returns`, `n` times for each time: with λ = 1 the sum of
    `n` discounted rewards and the value of the state that follows.

    Args:
      r_t: rewards `[T]`.
      discount_t: discounts `[T]`.
      v_t: state or action values to bootstrap from `[T]`.
      n: positive number of steps.
      lambda_t: mixing parameter, a scalar or `[T]`. Default 1.
      stop_target_gradients: whether the returns are constants to the gradient.
        Default False.

    Returns:
      Returns `[T]`, for the times 0 to T-1.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Sutton and Barto, "Reinforcement Learning: An Introduction", chapter 7,
    http://incompleteideas.net/book/the-book-2nd.html

    >>> n_step_bootstrapped_returns(jnp.ones(4), jnp.ones(4), 10 * jnp.ones(4), n=2)
    Array([12., 12., 12., 11.], dtype=float32)
    """
    r_t, discount_t, v_t = map(jnp.asarray, (r_t, discount_t, v_t))
    length = r_t.shape[0]
    # Beyond the end there is nothing to add: a step there changes no return.
    steps = min(n, length)
    # RLax pads with floats of the default type, which widens what is narrower.
    dtype = jnp.result_type(r_t, discount_t, v_t, lambda_t, jnp.result_type(float))
    lambda_t = jnp.broadcast_to(lambda_t, discount_t.shape)

    def windows(sequence: Array, beyond: Numeric) -> list[Array]:
        padding = jnp.broadcast_to(beyond, (steps - 1,)).astype(dtype)
        padded = jnp.concatenate([sequence.astype(dtype), padding])
        return [padded[i : i + length] for i in range(steps)]

    v_windows = windows(v_t, v_t[-1])
    returns = v_windows[-1]
    for r, discount, mix, v in zip(
        reversed(windows(r_t, 0.0)),
        reversed(windows(discount_t, 1.0)),
        reversed(windows(lambda_t, 1.0)),
        reversed(v_windows),
    ):
        returns = r + discount * ((1.0 - mix) * v + mix * returns)
    return stop_gradient_if(stop_target_gradients, returns)


@expects(r_t="float[T]", discount_t="float[T]", v_t="float[] | float[1] | float[T]")
def discounted_returns(
    r_t: Array,
    discount_t: Array,
    v_t: Numeric,
    stop_target_gradients: bool = False,
) -> Array:
    """Computes the discounted sum of all rewards that follow each step.

        G_t = r_{t+1} + γ_{t+1} G_{t+1}

    Args:
      r_t: rewards `[T]`.
      discount_t: discounts `[T]`.
      v_t: value of the state after the last reward: a scalar, `[1]`, or `[T]`, of
        which the last element counts.
      stop_target_gradients: whether the returns are constants to the gradient.
        Default False.

    Returns:
      Returns `[T]`, for the times 0 to T-1.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Sutton and Barto, "Reinforcement Learning: An Introduction", chapter 3,
    http://incompleteideas.net/book/the-book-2nd.html

    >>> discounted_returns(jnp.ones(3), 0.5 * jnp.ones(3), 8.0)
    Array([2.75, 3.5 , 5.  ], dtype=float32)
    """
    v_t = jnp.broadcast_to(v_t, discount_t.shape).astype(
        jnp.result_type(v_t, discount_t)
    )
    return lambda_returns(
        r_t, discount_t, v_t, stop_target_gradients=stop_target_gradients
    )


@expects(
    r_t="float[T]",
    discount_t="float[T]",
    rho_tm1="float[T]",
    lambda_="number[] | number[T]",
    values="float[T+1]",
)
def importance_corrected_td_errors(
    r_t: Array,
    discount_t: Array,
    rho_tm1: Array,
    lambda_: Numeric,
    values: Array,
    stop_target_gradients: bool = False,
) -> Array:
    """Computes λ-return errors with per-decision importance sampling.

        error_t = ρ_t Δ_t,    Δ_t = δ_t + γ_{t+1} ρ_{t+1} λ_{t+1} Δ_{t+1},
        δ_t = r_{t+1} + γ_{t+1} v_{t+1} - v_t

    Args:
      r_t: rewards `[T]`.
      discount_t: discounts `[T]`.
      rho_tm1: importance ratios π/μ of the actions taken at the times 0 to T-1, `[T]`.
      lambda_: mixing parameter, a scalar or `[T]`.
      values: state values under π at the times 0 to T, `[T+1]`.
      stop_target_gradients: whether the targets, errors plus values, are constants
        to the gradient. Default False.

    Returns:
      Errors `[T]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Sutton et al., "A new Q(λ) with interim forward view and Monte Carlo equivalence",
    2014, http://proceedings.mlr.press/v32/sutton14.html

    >>> ones = jnp.ones(2)
    >>> importance_corrected_td_errors(ones, 0.5 * ones, 2 * ones, 1.0, jnp.zeros(3))
    Array([4., 2.], dtype=float32)
    """
    v_tm1 = values[:-1]
    deltas = r_t + discount_t * values[1:] - v_tm1
    # No action was taken at time T: its ratio meets a return of zero.
    # It is a default float, as in RLax, which widens what is narrower.
    rho_t = jnp.append(rho_tm1[1:], jnp.ones(1))
    lambda_ = jnp.ones_like(discount_t) * lambda_
    errors = rho_tm1 * _decayed_sums(deltas, discount_t * rho_t * lambda_)
    return hold_target_if(stop_target_gradients, errors, v_tm1)


@expects(
    r_t="float[T]",
    discount_t="float[T]",
    lambda_="number[] | number[T]",
    values="float[T+1]",
)
def truncated_generalized_advantage_estimation(
    r_t: Array,
    discount_t: Array,
    lambda_: Numeric,
    values: Array,
    stop_target_gradients: bool = False,
) -> Array:
    """Computes generalized advantage estimates, truncated where the sequence ends.

        A_t = δ_t + γ_{t+1} λ_{t+1} A_{t+1},  δ_t = r_{t+1} + γ_{t+1} v_{t+1} - v_t

    Args:
      r_t: rewards `[T]`.
      discount_t: discounts `[T]`.
      lambda_: mixing parameter, a scalar or `[T]`.
      values: state values at the times 0 to T, `[T+1]`.
      stop_target_gradients: whether the advantages are constants to the gradient.
        Default False.

    Returns:
      Advantages `[T]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Schulman et al., "Proximal Policy Optimization Algorithms", 2017,
    https://arxiv.org/abs/1707.06347, equation 11 (whose `r_t` is our `r_{t+1}`).

    >>> truncated_generalized_advantage_estimation(
    ...     jnp.ones(2), 0.5 * jnp.ones(2), 1.0, jnp.zeros(3))
    Array([1.5, 1. ], dtype=float32)
    """
    deltas = r_t + discount_t * values[1:] - values[:-1]
    # A number is rounded as the discounts are, as in RLax.
    lambda_ = jnp.ones_like(discount_t) * lambda_
    advantages = _decayed_sums(deltas, discount_t * lambda_)
    return stop_gradient_if(stop_target_gradients, advantages)


def _decayed_sums(deltas: Array, decays: Array) -> Array:
    """Computes `sum_t = delta_t + decay_t sum_{t+1}`, from zero."""
    dtype = jnp.result_type(deltas, decays)
    return _backwards(
        lambda total, delta, decay: delta + decay * total,
        jnp.zeros((), dtype),
        (deltas, decays),
    )
