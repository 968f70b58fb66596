"""Discounted sums and returns along the time axis."""

import jax
import jax.numpy as jnp

from ..core.dtypes import as_array

Array = jax.Array
Numeric = Array | float


def scan_discounted_sum(
    sequence: Array,
    decay: Array,
    initial_value: Array,
    reverse: bool = False,
    sequence_lengths: Array | None = None,
    back_prop: bool = True,
    name: str = "scan_discounted_sum",
) -> Array:
    """Computes cumulative sums that decay from step to step.

        sum[t] = sequence[t] + decay[t] sum[t-1]

    Args:
      sequence: values `[time, batch, ...]`.
      decay: factors `[time, batch, ...]`.
      initial_value: what comes before the first step, `[batch, ...]`.
      reverse: whether to run from the last step to the first. Default False.
      sequence_lengths: steps of each sequence that count, `[batch]`; the result is
        zero beyond them. Default None: all.
      back_prop: whether gradients flow through the result. Default True.
      name: ignored.

    Returns:
      Sums `[time, batch, ...]`.

    >>> ones = jnp.ones([3, 1])
    >>> scan_discounted_sum(ones, 0.5 * ones, jnp.zeros(1), reverse=True)[:, 0]
    Array([1.75, 1.5 , 1.  ], dtype=float32)
    """
    sequence, decay = as_array(sequence), as_array(decay)
    initial_value = as_array(initial_value)
    dtype = jnp.result_type(sequence, decay, initial_value)
    counted = None
    if sequence_lengths is not None:
        steps = jnp.arange(sequence.shape[0])[:, None]
        counted = steps < as_array(sequence_lengths)[None, :]
        # What does not count passes on the value, whichever side it comes from.
        sequence = jnp.where(_like(counted, sequence), sequence, 0)
        decay = jnp.where(_like(counted, decay), decay, 1)

    def body(total, elements):
        value, factor = elements
        total = value + factor * total
        return total, total

    _, summed = jax.lax.scan(
        body, initial_value.astype(dtype), (sequence, decay), reverse=reverse
    )
    if counted is not None:
        summed = jnp.where(_like(counted, summed), summed, 0)
    return summed if back_prop else jax.lax.stop_gradient(summed)


def _like(mask: Array, array: Array) -> Array:
    return jnp.reshape(mask, mask.shape + (1,) * (array.ndim - mask.ndim))


def multistep_forward_view(
    rewards: Array,
    pcontinues: Array,
    state_values: Array,
    lambda_: Numeric,
    back_prop: bool = True,
    sequence_lengths: Array | None = None,
    name: str = "multistep_forward_view_op",
) -> Array:
    """Computes λ-returns.

        G[t] = r[t] + γ[t] (λ[t] G[t+1] + (1 - λ[t]) v[t]),  G[T] = v[T-1]

    Args:
      rewards: `[time, batch]`.
      pcontinues: discounts γ `[time, batch]`.
      state_values: values of the states that follow `[time, batch]`.
      lambda_: mixing parameter, a scalar or `[time, batch]`.
      back_prop: whether gradients flow through the result. Default True.
      sequence_lengths: steps of each sequence that count, `[batch]`. Default None:
        all. The value that follows a shorter sequence is that of the last row.
      name: ignored.

    Returns:
      Returns `[time, batch]`.

    Sutton and Barto, "Reinforcement Learning: An Introduction", chapter 12,
    http://incompleteideas.net/book/the-book-2nd.html

    >>> ones = jnp.ones([2, 1])
    >>> multistep_forward_view(ones, 0.5 * ones, 2 * ones, 1.0)[:, 0]
    Array([2., 2.], dtype=float32)
    """
    rewards, pcontinues = as_array(rewards), as_array(pcontinues)
    state_values, lambda_ = as_array(state_values), jnp.asarray(lambda_)
    return scan_discounted_sum(
        rewards + pcontinues * state_values * (1 - lambda_),
        pcontinues * lambda_,
        state_values[-1],
        reverse=True,
        sequence_lengths=sequence_lengths,
        back_prop=back_prop,
    )
