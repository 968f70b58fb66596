"""Dtypes, given as JAX, NumPy or TensorFlow spell them."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...haiku_impl.core.cells import Cell, read
from .typing import DTypeLike


def as_dtype(dtype: DTypeLike) -> np.dtype:
    """Returns the NumPy dtype of a JAX, NumPy or TensorFlow dtype.

    Args:
      dtype: `jnp.float32`, `np.dtype("float32")`, `"float32"`, or an object such as
        `tf.float32` that has a `name`; TensorFlow is not imported.

    Raises:
      TypeError: if it is none of these.

    >>> as_dtype("float32"), as_dtype(jnp.bfloat16)
    (dtype('float32'), dtype(bfloat16))
    """
    found: Any = dtype
    if type(dtype).__module__.startswith("tensorflow"):
        found = found.name
    try:
        return jnp.dtype(found)
    except TypeError:
        raise TypeError(
            f"{dtype!r} is no dtype that sonnax knows: pass one of jnp's or NumPy's, "
            "or its name, such as 'float32'."
        ) from None


def as_array(value: Any, dtype: DTypeLike | None = None) -> jax.Array:
    """Returns a JAX array of `value`, with TensorFlow's default dtypes.

    Args:
      value: an array, a Variable, a number, or nested lists of numbers.
      dtype: the dtype of the result, narrowed to 32 bits unless jax_enable_x64 is
        set. By default an array keeps its own; Python's floats become float32 and
        its ints int32, as in TensorFlow.
    """
    if isinstance(value, Cell):
        value = read(value)
    # Most often there is nothing to do, and jnp takes its time to find that out.
    if isinstance(value, jax.Array) and (dtype is None or value.dtype == dtype):
        return value
    if dtype is not None:
        # Silently, as JAX narrows its own defaults.
        return jnp.asarray(value, jax.dtypes.canonicalize_dtype(as_dtype(dtype)))
    leaves = jax.tree.leaves(value)
    if leaves and not any(hasattr(leaf, "dtype") for leaf in leaves):
        dtype = {"f": jnp.float32, "i": jnp.int32}.get(np.result_type(*leaves).kind)
    return jnp.asarray(value, dtype)


def floating_dtype(dtype: Any) -> np.dtype:
    """Returns a dtype of floating point numbers, or refuses it."""
    dtype = as_dtype(dtype)
    if not jnp.issubdtype(dtype, jnp.floating):
        raise ValueError(f"Expected a floating point type, got {dtype}.")
    return dtype


def numeric_dtype(dtype: Any) -> np.dtype:
    """Returns a dtype of real numbers, integers or not, or refuses it."""
    dtype = as_dtype(dtype)
    if not jnp.issubdtype(dtype, jnp.floating) and not jnp.issubdtype(
        dtype, jnp.integer
    ):
        raise ValueError(f"Expected a floating point or integer type, got {dtype}.")
    return dtype
