"""Affine maps, and the addition of a bias along chosen axes."""

import jax
import jax.numpy as jnp
from jax import lax

from .tracing import inlined


def add_bias(x: jax.Array, b: jax.Array) -> jax.Array:
    """Adds a bias to the trailing axes of an array.

    The broadcast is explicit, so that it also holds where
    `jax_numpy_rank_promotion` forbids an implicit one.

    Args:
      x: `[..., *b.shape]`, or any shape that `b` broadcasts to.
      b: At most the rank of `x`.

    Returns:
      An array of the shape of `x`.

    Example:
      >>> import jax.numpy as jnp
      >>> add_bias(jnp.zeros([2, 2]), jnp.array([1.0, 2.0])).tolist()
      [[1.0, 2.0], [1.0, 2.0]]
    """
    if b.shape != x.shape:
        trailing = tuple(range(x.ndim - b.ndim, x.ndim))
        b = lax.broadcast_in_dim(b, x.shape, trailing)
    # As `+` between equal dtypes, and quicker to trace.
    return lax.add(x, b) if x.dtype == b.dtype else x + b


def linear(
    x: jax.Array,
    w: jax.Array,
    b: jax.Array | None = None,
    *,
    precision: lax.PrecisionLike = None,
) -> jax.Array:
    """Computes `x @ w + b` over the last axis of the inputs.

    Args:
      x: `[..., inputs]`.
      w: `[inputs, outputs]`.
      b: `[outputs]`, or None for no bias.
      precision: Of the matrix product; None is the backend's default.

    Returns:
      `[..., outputs]`.

    Example:
      >>> import jax.numpy as jnp
      >>> linear(jnp.ones([1, 2]), jnp.ones([2, 3]), jnp.ones([3])).tolist()
      [[3.0, 3.0, 3.0]]
    """
    if b is None:
        return _product(x, w, precision)
    affine = _affine_traced_once if isinstance(w, jax.core.Tracer) else _affine
    return affine(x, w, b, precision)


def _product(x: jax.Array, w: jax.Array, precision: lax.PrecisionLike) -> jax.Array:
    if x.dtype != w.dtype:
        return jnp.dot(x, w, precision=precision)
    # As jnp.dot, and quicker to trace.
    return lax.dot_general(
        x,
        w,
        (((x.ndim - 1,), (0,)), ((), ())),
        precision=precision,
        preferred_element_type=x.dtype,
    )


def _affine(
    x: jax.Array, w: jax.Array, b: jax.Array, precision: lax.PrecisionLike
) -> jax.Array:
    return add_bias(_product(x, w, precision), b)


# A model has many layers of few shapes, and JAX keeps the equations of each shape.
_affine_traced_once = inlined(_affine, [3])


def batched_linear(
    x: jax.Array,
    w: jax.Array,
    b: jax.Array | None = None,
    *,
    precision: lax.PrecisionLike = None,
) -> jax.Array:
    """Computes `x[i] @ w[i] + b[i]` for each i.

    Args:
      x: `[maps, batch, inputs]`.
      w: `[maps, inputs, outputs]`.
      b: `[maps, 1, outputs]`, or None for no bias.
      precision: Of the matrix products; None is the backend's default.

    Returns:
      `[maps, batch, outputs]`.

    Example:
      >>> import jax.numpy as jnp
      >>> batched_linear(jnp.ones([2, 1, 3]), jnp.ones([2, 3, 1])).tolist()
      [[[3.0]], [[3.0]]]
    """
    out = jnp.matmul(x, w, precision=precision)
    return out if b is None else out + b
