"""Dtypes of two kinds put together, whatever `jax_numpy_dtype_promotion` forbids."""

from typing import Any

import jax
import jax.numpy as jnp


def promoted_dtype(*values: Any) -> Any:
    """Returns the dtype in which JAX computes with all of the values.

    That setting is about the programs of users: where a layer is defined to compute in
    another dtype, it says so by this.

    Args:
      *values: Arrays or dtypes.

    Example:
      >>> import jax
      >>> with jax.numpy_dtype_promotion("strict"):
      ...     promoted_dtype(jnp.bfloat16, jnp.float32)
      dtype('float32')
    """
    with jax.numpy_dtype_promotion("standard"):
        return jnp.result_type(*values)


def promoted(*arrays: jax.Array) -> list[jax.Array]:
    """Casts arrays to the dtype in which JAX computes with all of them.

    Example:
      >>> [x.dtype for x in promoted(jnp.ones([], bool), jnp.ones([], jnp.bfloat16))]
      [dtype(bfloat16), dtype(bfloat16)]
    """
    dtype = promoted_dtype(*arrays)
    return [jnp.asarray(array, dtype) for array in arrays]
