"""Values that are learned in a transformed space.

Predictions are transformed values; targets are made by inverting them, computing a
return, and transforming that, with a pair `TxPair(apply, apply_inv)`.
"""

import jax
import jax.numpy as jnp

from .arguments import expects
from .indexing import batched_index
from .multistep import lambda_returns, n_step_bootstrapped_returns
from .off_policy_returns import general_off_policy_returns_from_action_values
from .sequence_value_learning import ACTION_VALUES, RETRACE
from .transform_pairs import IDENTITY_PAIR, TxPair

Array = jax.Array
Numeric = Array | float


def transformed_lambda_returns(
    tx_pair: TxPair,
    r_t: Array,
    discount_t: Array,
    v_t: Array,
    lambda_: Numeric = 1.0,
    stop_target_gradients: bool = False,
) -> Array:
    """Computes `lambda_returns` for transformed values.

    Args:
      tx_pair: transform of values and its inverse.
      r_t: rewards `[T]`.
      discount_t: discounts `[T]`.
      v_t: transformed values to bootstrap from `[T]`, or what `tx_pair` makes of them.
      lambda_: mixing parameter, a scalar or `[T]`. Default 1.
      stop_target_gradients: whether the returns are constants to the gradient.
        Default False.

    Returns:
      Transformed returns `[T]`, or what `tx_pair` makes of them.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Van Hasselt et al., "General non-linear Bellman equations", 2019,
    https://arxiv.org/abs/1907.03687

    >>> ones = jnp.ones(2)
    >>> transformed_lambda_returns(IDENTITY_PAIR, ones, 0.5 * ones, 2 * ones)
    Array([2., 2.], dtype=float32)
    """
    v_t = tx_pair.apply_inv(v_t)
    return tx_pair.apply(
        lambda_returns(r_t, discount_t, v_t, lambda_, stop_target_gradients)
    )


def transformed_n_step_returns(
    tx_pair: TxPair,
    r_t: Array,
    discount_t: Array,
    v_t: Array,
    n: int,
    lambda_t: Numeric = 1.0,
    stop_target_gradients: bool = False,
) -> Array:
    """Computes `n_step_bootstrapped_returns` for transformed values.

    Args:
      tx_pair: transform of values and its inverse.
      r_t: rewards `[T]`.
      discount_t: discounts `[T]`.
      v_t: transformed values to bootstrap from `[T]`, or what `tx_pair` makes of them.
      n: positive number of steps.
      lambda_t: mixing parameter, a scalar or `[T]`. Default 1.
      stop_target_gradients: whether the returns are constants to the gradient.
        Default False.

    Returns:
      Transformed returns `[T]`, or what `tx_pair` makes of them.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Van Hasselt et al., "General non-linear Bellman equations", 2019,
    https://arxiv.org/abs/1907.03687

    >>> ones = jnp.ones(3)
    >>> transformed_n_step_returns(IDENTITY_PAIR, ones, ones, 10 * ones, n=2)
    Array([12., 12., 11.], dtype=float32)
    """
    v_t = tx_pair.apply_inv(v_t)
    return tx_pair.apply(
        n_step_bootstrapped_returns(
            r_t, discount_t, v_t, n, lambda_t, stop_target_gradients
        )
    )


def transformed_general_off_policy_returns_from_action_values(
    tx_pair: TxPair,
    q_t: Array,
    a_t: Array,
    r_t: Array,
    discount_t: Array,
    c_t: Array,
    pi_t: Array,
    stop_target_gradients: bool = False,
) -> Array:
    """Computes off-policy returns for transformed action values.

    Args:
      tx_pair: transform of values and its inverse.
      q_t: transformed action values `[T, actions]`, or what `tx_pair` makes of them.
      a_t: actions taken `[T]`.
      r_t: rewards `[T]`.
      discount_t: discounts `[T]`.
      c_t: weights of the actions taken `[T]`.
      pi_t: probabilities of the actions under the target policy `[T, actions]`.
      stop_target_gradients: whether the returns are constants to the gradient.
        Default False.

    Returns:
      Transformed returns `[T]`, or what `tx_pair` makes of them.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Van Hasselt et al., "General non-linear Bellman equations", 2019,
    https://arxiv.org/abs/1907.03687

    >>> ones, values = jnp.ones(2), jnp.array([[1.0, 3.0], [2.0, 4.0]])
    >>> transformed_general_off_policy_returns_from_action_values(
    ...     IDENTITY_PAIR, values, jnp.array([1, 0]), ones, ones, ones,
    ...     jnp.full([2, 2], 0.5))
    Array([4., 4.], dtype=float32)
    """
    q_t = tx_pair.apply_inv(q_t)
    return tx_pair.apply(
        general_off_policy_returns_from_action_values(
            q_t, a_t, r_t, discount_t, c_t, pi_t, stop_target_gradients
        )
    )


@expects(**ACTION_VALUES, q_t="float[T, _]")
def transformed_q_lambda(
    q_tm1: Array,
    a_tm1: Array,
    r_t: Array,
    discount_t: Array,
    q_t: Array,
    lambda_: Numeric,
    stop_target_gradients: bool = True,
    tx_pair: TxPair = IDENTITY_PAIR,
) -> Array:
    """Computes Q(λ) errors of transformed action values.

    Args:
      q_tm1: transformed action values at the start of each step `[T, actions]`.
      a_tm1: actions taken there `[T]`.
      r_t: rewards `[T]`.
      discount_t: discounts `[T]`.
      q_t: transformed action values at the end of each step `[T, actions]`.
      lambda_: mixing parameter, a scalar or `[T]`.
      stop_target_gradients: whether the targets are constants to the gradient.
        Default True.
      tx_pair: transform of values and its inverse. Default: none.

    Returns:
      Errors `[T]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Van Hasselt et al., "General non-linear Bellman equations", 2019,
    https://arxiv.org/abs/1907.03687

    >>> q, ones = jnp.array([[1.0, 2.0], [3.0, 4.0]]), jnp.ones(2)
    >>> transformed_q_lambda(q, jnp.array([0, 1]), ones, 0.5 * ones, q, 0.0)
    Array([ 1., -1.], dtype=float32)
    """
    target = transformed_lambda_returns(
        tx_pair,
        r_t,
        discount_t,
        jnp.max(q_t, axis=-1),
        lambda_,
        stop_target_gradients,
    )
    return target - batched_index(q_tm1, a_tm1)


@expects(**RETRACE)
def transformed_retrace(
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
    tx_pair: TxPair = IDENTITY_PAIR,
) -> Array:
    """Computes Retrace errors of transformed action values.

    Args:
      q_tm1: transformed action values at the start of each step `[T, actions]`.
      q_t: transformed action values at the end of each step `[T, actions]`.
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
      tx_pair: transform of values and its inverse. Default: none.

    Returns:
      Errors `[T]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Kapturowski et al., "Recurrent Experience Replay in Distributed Reinforcement
    Learning", 2019, https://openreview.net/pdf?id=r1lyTjAqYX

    >>> q, ones = jnp.array([[1.0, 2.0], [3.0, 4.0]]), jnp.ones(2)
    >>> actions, pi = jnp.array([0, 1]), jnp.full([2, 2], 0.5)
    >>> transformed_retrace(q, q, actions, actions, ones, 0.5 * ones, pi, ones, 1.0)
    Array([ 1.1875, -1.25  ], dtype=float32)
    """
    c_t = jnp.minimum(1.0, batched_index(pi_t, a_t) / (mu_t + eps)) * lambda_
    target = transformed_general_off_policy_returns_from_action_values(
        tx_pair, q_t, a_t, r_t, discount_t, c_t, pi_t, stop_target_gradients
    )
    return target - batched_index(q_tm1, a_tm1)


@expects(
    q_tm1="float[T, _]",
    a_tm1="int[T]",
    target_q_t="float[T, _]",
    a_t="int[T]",
    r_t="float[T]",
    discount_t="float[T]",
)
def transformed_n_step_q_learning(
    q_tm1: Array,
    a_tm1: Array,
    target_q_t: Array,
    a_t: Array,
    r_t: Array,
    discount_t: Array,
    n: int,
    stop_target_gradients: bool = True,
    tx_pair: TxPair = IDENTITY_PAIR,
) -> Array:
    """Computes n-step Q-learning errors of transformed action values.

    Args:
      q_tm1: transformed action values at the start of each step `[T, actions]`.
      a_tm1: actions taken there `[T]`.
      target_q_t: transformed action values at the end of each step `[T, actions]`.
      a_t: actions to bootstrap from `[T]`: the best of `target_q_t`, or for double
        Q-learning those of the learning network.
      r_t: rewards `[T]`.
      discount_t: discounts `[T]`.
      n: positive number of steps.
      stop_target_gradients: whether the targets are constants to the gradient.
        Default True.
      tx_pair: transform of values and its inverse. Default: none.

    Returns:
      Errors `[T]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Kapturowski et al., "Recurrent Experience Replay in Distributed Reinforcement
    Learning", 2019, https://openreview.net/pdf?id=r1lyTjAqYX

    >>> q, ones = jnp.array([[1.0, 2.0], [3.0, 4.0]]), jnp.ones(2)
    >>> actions = jnp.array([0, 1])
    >>> transformed_n_step_q_learning(q, actions, q, actions, ones, ones, n=2)
    Array([5., 1.], dtype=float32)
    """
    target = transformed_n_step_returns(
        tx_pair,
        r_t,
        discount_t,
        batched_index(target_q_t, a_t),
        n,
        stop_target_gradients=stop_target_gradients,
    )
    return target - batched_index(q_tm1, a_tm1)
