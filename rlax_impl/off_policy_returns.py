"""Returns of one policy from the data of another, as Retrace and its kin define them.

All functions take one sequence; `jax.vmap` maps them over a batch.
"""

import jax
import jax.numpy as jnp

from .arguments import expects
from .gradients import stop_gradient_if
from .indexing import batched_index

Array = jax.Array


@expects(
    q_t="float[T, A]",
    a_t="int[T]",
    r_t="float[T]",
    discount_t="float[T]",
    c_t="float[T]",
    pi_t="float[T, A]",
)
def general_off_policy_returns_from_action_values(
    q_t: Array,
    a_t: Array,
    r_t: Array,
    discount_t: Array,
    c_t: Array,
    pi_t: Array,
    stop_target_gradients: bool = False,
) -> Array:
    """Computes the returns of a policy π from data of another, given action values.

        G_t = r_{t+1} + γ_{t+1} (E_π[q_{t+1}] - c_{t+1} q_{t+1}(a_{t+1})
                                 + c_{t+1} G_{t+1})

    The weights `c_t` make the algorithm: `π/μ` is importance sampling, λ is Q(λ) of
    Harutyunyan et al., `π` tree backup, `λ min(1, π/μ)` Retrace.

    Args:
      q_t: action values under π `[T, actions]`.
      a_t: actions taken `[T]`; the last one is not used.
      r_t: rewards `[T]`.
      discount_t: discounts `[T]`.
      c_t: weights of the actions taken `[T]`; the last one is not used.
      pi_t: probabilities of the actions under π `[T, actions]`.
      stop_target_gradients: whether the returns are constants to the gradient.
        Default False.

    Returns:
      Returns `[T]`, for the times 0 to T-1.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Munos et al., "Safe and Efficient Off-Policy Reinforcement Learning", 2016,
    https://arxiv.org/abs/1606.02647

    >>> q_t = jnp.array([[1.0, 3.0], [2.0, 4.0]])
    >>> general_off_policy_returns_from_action_values(
    ...     q_t, jnp.array([1, 0]), jnp.ones(2), jnp.ones(2), jnp.ones(2),
    ...     pi_t=jnp.full([2, 2], 0.5))
    Array([4., 4.], dtype=float32)
    """
    return general_off_policy_returns_from_q_and_v(
        batched_index(q_t[:-1], a_t[:-1]),
        jnp.sum(pi_t * q_t, axis=-1),
        r_t,
        discount_t,
        c_t[:-1],
        stop_target_gradients,
    )


@expects(
    q_t="float[T-1]",
    v_t="float[T]",
    r_t="float[T]",
    discount_t="float[T]",
    c_t="float[T-1]",
)
def general_off_policy_returns_from_q_and_v(
    q_t: Array,
    v_t: Array,
    r_t: Array,
    discount_t: Array,
    c_t: Array,
    stop_target_gradients: bool = False,
) -> Array:
    """Computes the returns of a policy π from data of another, given both values.

    The recursion of `general_off_policy_returns_from_action_values`, with the expected
    value `v_t` in the place of `E_π[q_t]`.

    Args:
      q_t: values of the actions taken, at the times 1 to T-1, `[T-1]`.
      v_t: expected values under π at the times 1 to T, `[T]`.
      r_t: rewards `[T]`.
      discount_t: discounts `[T]`.
      c_t: weights of the actions taken `[T-1]`.
      stop_target_gradients: whether the returns are constants to the gradient.
        Default False.

    Returns:
      Returns `[T]`, for the times 0 to T-1.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Munos et al., "Safe and Efficient Off-Policy Reinforcement Learning", 2016,
    https://arxiv.org/abs/1606.02647

    >>> general_off_policy_returns_from_q_and_v(
    ...     jnp.zeros(1), jnp.ones(2), jnp.ones(2), jnp.ones(2), jnp.ones(1))
    Array([4., 2.], dtype=float32)
    """
    dtype = jnp.result_type(q_t, v_t, r_t, discount_t, c_t)
    last = (r_t[-1] + discount_t[-1] * v_t[-1]).astype(dtype)

    def body(value, elements):
        r, discount, c, v, q = elements
        value = r + discount * (v - c * q + c * value)
        return value, value

    sequences = (r_t[:-1], discount_t[:-1], c_t, v_t[:-1], q_t)
    _, returns = jax.lax.scan(body, last, sequences, reverse=True)
    return stop_gradient_if(stop_target_gradients, jnp.append(returns, last))
