"""What all optimizers share: their checks, their slots, and applying a rule."""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..core.indexed_slices import IndexedSlices, deduplicate
from ..core.naming import child_scope
from ..core.variable import Variable


def checked_pairs(
    updates: Sequence[Any], parameters: Sequence[Variable]
) -> Iterator[tuple[int, Any, Variable]]:
    """Checks what was passed to `apply`, and walks the parameters that have an update.

    Yields:
      The number of the parameter, its update, and the parameter.

    Raises:
      ValueError: if the lengths or a dtype differ, or there is nothing to update.
      TypeError: if a parameter is no Variable, or an update no array.
    """
    if len(updates) != len(parameters):
        raise ValueError(
            "`updates` and `parameters` must be the same length. There are "
            f"{len(updates)} updates and {len(parameters)} parameters."
        )
    if not parameters:
        raise ValueError("`parameters` cannot be empty.")
    pairs = [(i, u, p) for i, (u, p) in enumerate(zip(updates, parameters))]
    pairs = [pair for pair in pairs if pair[1] is not None]
    if not pairs:
        raise ValueError(
            "No updates provided for any parameter: all of them are None. Does the "
            "loss depend on the parameters?"
        )
    for number, update, parameter in pairs:
        if not isinstance(parameter, Variable):
            raise TypeError(
                f"Parameter {number} is not a snt.Variable but a {type(parameter)}: "
                "pass variables, such as net.trainable_variables."
            )
        if not hasattr(update, "dtype"):
            raise TypeError(
                f"The update of {parameter.name!r} is not an array but {update!r}."
            )
        if update.dtype != parameter.dtype:
            raise ValueError(
                f"DType of update {update!r} is not equal to that of parameter "
                f"{parameter!r}: they are {update.dtype} and {parameter.dtype}."
            )
    return iter(pairs)


def zero_slots(parameters: Sequence[Variable], scope: str) -> list[Variable]:
    """Makes a variable of zeros for each parameter, named `scope/parameter`."""
    with child_scope(scope):
        slots = [
            Variable(
                functools.partial(jnp.zeros, p.shape, p.dtype),
                trainable=False,
                name=p.name.split(":")[0],
            )
            for p in parameters
        ]
    for slot, parameter in zip(slots, parameters):
        slot.slot_of = parameter.token
    return slots


def cast(value: Any, dtype: Any) -> Any:
    """Casts a hyper-parameter as TensorFlow does: a Python float is float32 first.

    >>> float(cast(0.1, "float64")), float(cast(np.float64(0.1), "float64"))
    (0.10000000149011612, 0.1)
    """
    if isinstance(value, Variable):
        value = value.value()
    if isinstance(value, jax.Array):
        return value.astype(dtype)
    if not hasattr(value, "dtype"):
        value = np.float32(value)
    # NumPy's arithmetic costs no equations.
    return np.asarray(value).astype(dtype)


def apply_rule(
    rule: Callable[..., tuple[jax.Array, ...]],
    update: Any,
    parameter: Variable,
    slots: Sequence[Variable],
) -> None:
    """Changes a parameter and its slots, or those rows of them that have an update.

    Args:
      rule: `delta, *slots = rule(update, *slots)`, on arrays.
      update: an array, or an `IndexedSlices`.
      parameter: from which delta is subtracted.
      slots: variables of the parameter's shape.
    """
    if isinstance(update, IndexedSlices):
        update = deduplicate(update)
        rows = update.indices
        delta, *values = rule(
            update.values, *(slot.sparse_read(rows) for slot in slots)
        )
        parameter.scatter_sub(IndexedSlices(delta, rows))
        for slot, value in zip(slots, values):
            slot.scatter_update(IndexedSlices(value, rows))
    else:
        delta, *values = rule(jnp.asarray(update), *(slot.value() for slot in slots))
        parameter.assign_sub(delta)
        for slot, value in zip(slots, values):
            slot.assign(value)
