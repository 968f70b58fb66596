"""Exponential moving averages that start at zero and are corrected for it.

The correction is that of Kingma and Ba, 2014 (Adam), section 3. Haiku and Sonnet
order the arithmetic differently, which shows in the last digits.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from .tracing import traced_once


def update_average(
    hidden: jax.Array,
    value: jax.Array,
    counter: jax.Array,
    decay: Any,
    *,
    zero_debias: bool = True,
    warming_up: bool = False,
) -> tuple[jax.Array, jax.Array]:
    """Advances an average by `hidden * decay + value * (1 - decay)`, as Haiku does.

    Args:
      hidden: The average so far, starting from zeros; the shape of `value`.
      value: The new value.
      counter: int32, how many values there are with this one.
      decay: Cast to the dtype of `value` first.
      zero_debias: Whether to divide by `1 - decay^counter`.
      warming_up: Whether the average is just `value` while `counter` <= 0.

    Returns:
      The new `hidden` and the average to use.

    Example:
      >>> import jax.numpy as jnp
      >>> hidden, average = update_average(
      ...     jnp.array(0.0), jnp.array(8.0), jnp.array(1), 0.75)
      >>> hidden.item(), average.item()
      (2.0, 8.0)
    """
    decay = lax.convert_element_type(decay, value.dtype)
    if warming_up:
        decay = lax.select(counter <= 0, lax.full_like(decay, 0), decay)
    one = jnp.ones([], value.dtype)
    hidden = hidden * decay + value * (one - decay)
    if zero_debias:
        return hidden, hidden / (one - lax.pow(decay, counter))
    return hidden, hidden


@traced_once(3)
def update_average_by_difference(
    hidden: jax.Array, value: jax.Array, counter: jax.Array, decay: Any
) -> tuple[jax.Array, jax.Array]:
    """Advances an average by `hidden - (hidden - value) * (1 - decay)`, as Sonnet does.

    `1 - decay` is taken before it is cast to the dtype of `value`, `decay^counter`
    after: the first average of 1.0 at decay 0.999 is 1.0000129 in float32.

    Args:
      hidden: The average so far, starting from zeros; the shape of `value`.
      value: The new value.
      counter: An integer, how many values there are with this one.
      decay: A Python float, or a scalar array.

    Returns:
      The new `hidden` and the average to use.

    Example:
      >>> import jax.numpy as jnp
      >>> hidden, average = update_average_by_difference(
      ...     jnp.array(0.0), jnp.array(8.0), jnp.array(1), 0.75)
      >>> hidden.item(), average.item()
      (2.0, 8.0)
    """
    steps = counter.astype(value.dtype)
    hidden = hidden - (hidden - value) * (1 - decay)
    return hidden, hidden / (1.0 - jnp.power(decay, steps))
