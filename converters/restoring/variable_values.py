"""Giving variables the values of a checkpoint's tensors."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from ...compat.core.variable import Variable
from ...haiku_impl.core.cells import set_initial
from ..errors import MismatchError

__all__ = ["assign", "fitted"]


def fitted(value: np.ndarray, variable: Variable, path: str, key: str) -> np.ndarray:
    """Returns the value of the tensor `key` in the dtype of a variable.

    Raises:
      MismatchError: as `in_dtype` does.
    """
    result = in_dtype(value, variable.dtype, variable.name, path, key)
    if result.dtype.itemsize < value.dtype.itemsize:
        variable.declared_dtype = value.dtype
    return result


def in_dtype(
    value: np.ndarray, dtype: np.dtype, name: str, path: str, key: str
) -> np.ndarray:
    """Returns the value of the tensor `key` in the dtype of what is called `name`.

    JAX narrows 64 bits to 32 unless jax_enable_x64 is set. A tensor that loses nothing
    by it is narrowed, and one of fewer bits is widened; any other difference of dtypes
    is an error.

    Raises:
      MismatchError: the dtypes differ, or narrowing would change a value.
    """
    if value.dtype == dtype:
        return value
    if _is_widened(value.dtype, dtype):
        return value.astype(dtype)
    narrowed = jax.dtypes.canonicalize_dtype(value.dtype)
    if value.dtype == object or narrowed != dtype:
        raise MismatchError(
            f"its dtype is {value.dtype}, and that of {name!r} is {dtype}.",
            path=path,
            tensor=key,
        )
    result = value.astype(narrowed)
    if not np.array_equal(result.astype(value.dtype), value, equal_nan=True):
        raise MismatchError(
            f"its dtype is {value.dtype}, and values would change in {narrowed}: run "
            "jax.config.update('jax_enable_x64', True) first.",
            path=path,
            tensor=key,
        )
    return result


def _is_widened(narrow: np.dtype, wide: np.dtype) -> bool:
    """Returns whether numbers of one dtype are numbers of another of the same kind."""
    kinds = jnp.floating, jnp.integer, jnp.complexfloating
    return np.can_cast(narrow, wide, "safe") and any(
        jnp.issubdtype(narrow, kind) and jnp.issubdtype(wide, kind) for kind in kinds
    )


def assign(variable: Variable, value: np.ndarray) -> None:
    """Sets the value of a variable, in whatever function it was made.

    Where the variable was laid out over devices, it stays so.
    """
    with jax.ensure_compile_time_eval():
        set_initial(variable, _laid_out_like(variable._value, value))


def _laid_out_like(present: object, value: np.ndarray) -> jax.Array:
    if not isinstance(present, jax.Array) or not getattr(present, "committed", False):
        return jnp.asarray(value)
    # Each device takes its part, and of several processes each those of its own.
    return jax.make_array_from_callback(
        value.shape, present.sharding, lambda index: value[index]
    )
