"""Copying the variables of one network to another."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ...rlax_impl.arguments import ArgumentError
from ..core.variable import Variable
from .periodic_ops import periodically

Array = jax.Array


def update_target_variables(
    target_variables: Sequence[Variable],
    source_variables: Sequence[Variable],
    tau: float | Array | Variable = 1.0,
    use_locking: bool = False,
    name: str = "update_target_variables",
) -> None:
    """Moves variables towards others: `(1 - tau) target + tau source`.

    Args:
      target_variables: Variables to assign to.
      source_variables: Variables or arrays, as many and of the same shapes.
      tau: a float in (0, 1], or an array or Variable `[]`; 1, the default, copies,
        whatever the target holds, NaN too.
      use_locking: ignored.
      name: ignored.

    Raises:
      TypeError: `tau` is neither a float nor an array, or not 1 for a target of
        integers, which can't be mixed.
      ArgumentError: it is out of its range, or the variables differ in number or shape.

    >>> from sonnax import compat as snt
    >>> target, source = snt.Variable(0.0), snt.Variable(8.0)
    >>> update_target_variables([target], [source], tau=0.25)
    >>> print(target.numpy())
    2.0
    """
    if isinstance(tau, Variable):
        tau = tau.value()
    if not isinstance(tau, (float, jax.Array)):
        raise TypeError(f"tau must be a float or an array, but is {tau!r}.")
    if isinstance(tau, float) and not 0.0 < tau <= 1.0:
        raise ArgumentError(
            f"update_target_variables: tau must lie in (0, 1], not {tau}."
        )
    targets, sources = list(target_variables), list(source_variables)
    shapes = [[tuple(v.shape) for v in variables] for variables in (targets, sources)]
    if shapes[0] != shapes[1]:
        raise ArgumentError(
            "update_target_variables: the variables must be as many and of the same "
            f"shapes, but are {len(targets)} and {len(sources)} of shapes {shapes[0]} "
            f"and {shapes[1]}. Has each network been called once?"
        )
    for target, source in zip(targets, sources):
        value = source.value() if isinstance(source, Variable) else source
        target.assign(_moved(target, value, tau))


def _moved(target: Variable, value: Array, tau: float | Array) -> Array:
    copied = tau == 1.0
    if not isinstance(copied, jax.core.Tracer) and copied:
        return value
    if not jnp.issubdtype(target.dtype, jnp.inexact):
        raise TypeError(
            f"update_target_variables: {target.name} is {target.dtype}, which can't be "
            f"mixed with tau {tau}. Copy it, with tau=1.0, or leave it out."
        )
    kept = jnp.asarray(1.0 - tau, target.dtype) * target.value()
    return jnp.where(copied, value, jnp.asarray(tau, target.dtype) * value + kept)


def periodic_target_update(
    target_variables: Sequence[Variable],
    source_variables: Sequence[Variable],
    update_period: float | Array | None,
    tau: float | Array | Variable = 1.0,
    use_locking: bool = False,
    counter: Variable | None = None,
    name: str = "periodic_target_update",
) -> Any:
    """Moves variables towards others at every n-th call.

    Args:
      target_variables: Variables to assign to.
      source_variables: Variables or arrays, as many and of the same shapes.
      update_period: calls from one update to the next. 0 or None: there is none.
      tau: as of `update_target_variables`. Default 1: a copy.
      use_locking: ignored.
      counter: integer Variable `[]` that counts the calls, see `periodically`.
      name: ignored.

    Returns:
      What `periodically` returns.

    Raises:
      ArgumentError: as of `update_target_variables` and `periodically`.

    >>> from sonnax import compat as snt
    >>> target, source = snt.Variable(0.0), snt.Variable(8.0)
    >>> counter = snt.Variable(1, trainable=False)
    >>> for _ in range(3):
    ...     _ = periodic_target_update([target], [source], 2, counter=counter)
    ...     print(target.numpy())
    0.0
    8.0
    8.0
    """

    def update() -> None:
        update_target_variables(target_variables, source_variables, tau)

    return periodically(update, update_period, counter)
