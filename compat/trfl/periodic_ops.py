"""Doing something at every n-th call."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ...rlax_impl.arguments import ArgumentError, check
from ..core.variable import Variable
from ..transforms.control_flow import cond


def periodically(
    body: Callable[[], Any],
    period: float | jax.Array | None,
    counter: Variable | None = None,
    name: str = "periodically",
) -> Any:
    """Calls a function at every n-th call.

    Args:
      body: function of no arguments. Its result is dropped, unless the period is 1.
      period: calls from one time to the next, a number that is cut to an integer, or
        an array `[]`, such as an argument of `snt.jit`. 0 or None: it is never called.
      counter: integer Variable `[]` that counts the calls, and is set to 1 at each
        time. Start it at the period or above to begin with the first call. TRFL hides
        one in TensorFlow's graph; here, there must be one if the period is above 1.
      name: ignored.

    Returns:
      What the body returns if the period is 1, None for a period of 0 or None, else
      the new count.

    Raises:
      TypeError: `body` is no function.
      ArgumentError: the period is negative, or there is no counter.

    >>> from sonnax import compat as snt
    >>> counter = snt.Variable(3, trainable=False)
    >>> for step in range(5):
    ...     _ = periodically(lambda: print("step", step), 3, counter)
    step 0
    step 3
    """
    if not callable(body):
        raise TypeError(f"body must be a function, but is a {type(body).__name__}.")
    if period is None:
        return None
    if isinstance(period, (int, float)):
        message = f"period must not be negative, but is {period}."
        check(period >= 0, "periodically", message)
        if period == 0:
            return None
        if period == 1:
            return body()
    if counter is None:
        raise ArgumentError(
            f"periodically: a period of {period} calls needs a counter that outlives "
            "the call. Make one before the first, counter = snt.Variable(period, "
            "trainable=False), and pass it every time."
        )

    def call() -> jax.Array:
        body()
        return counter.assign(1)

    def count() -> jax.Array:
        return counter.assign_add(1)

    due = counter.value() >= jnp.asarray(period).astype(int)
    if isinstance(due, jax.core.Tracer):
        return cond(due, call, count)
    return call() if due else count()
