"""Minimum, maximum, clip and absolute value with TensorFlow's gradients at ties.

Where two values are equal JAX gives each half of the gradient; TensorFlow gives the
first all of it. At 0 the slope of JAX's `abs` is 1, that of TensorFlow's 0. Values are
the same in both, NaN included. What else has a corner, `relu` and `max` of an axis, has
one gradient in the two libraries.
"""

import jax
import jax.numpy as jnp

Array = jax.Array
Numeric = Array | float


def minimum(x: Numeric, y: Numeric) -> Array:
    """Returns the smaller of two values; of equal ones, the first has the gradient.

    Args:
      x: array `[...]`.
      y: array that broadcasts against it.

    Returns:
      Array of their common shape and type.

    >>> jax.grad(minimum)(1.0, 1.0), jax.grad(minimum, argnums=1)(1.0, 1.0)
    (Array(1., dtype=float32, weak_type=True), Array(0., dtype=float32, weak_type=True))
    """
    return _minimum(*_of_one_type(x, y))


def maximum(x: Numeric, y: Numeric) -> Array:
    """Returns the larger of two values; of equal ones, the first has the gradient.

    Args:
      x: array `[...]`.
      y: array that broadcasts against it.

    Returns:
      Array of their common shape and type.

    >>> jax.grad(maximum)(1.0, 1.0), jax.grad(maximum, argnums=1)(1.0, 1.0)
    (Array(1., dtype=float32, weak_type=True), Array(0., dtype=float32, weak_type=True))
    """
    return _maximum(*_of_one_type(x, y))


def clip(x: Numeric, low: Numeric, high: Numeric) -> Array:
    """Clips values to a range; one that is just at its edge keeps all of its gradient.

    Args:
      x: array `[...]`.
      low: lower bound, broadcastable to `x`; it wins where it is above the upper one.
      high: upper bound.

    Returns:
      Array `[...]`.

    >>> jax.grad(clip)(1.0, 0.0, 1.0)
    Array(1., dtype=float32, weak_type=True)
    """
    return maximum(minimum(x, high), low)


def absolute(x: Array) -> Array:
    """Returns absolute values, whose gradient at 0 is 0.

    Args:
      x: array `[...]`.

    Returns:
      Array `[...]`.

    >>> jax.grad(absolute)(0.0)
    Array(0., dtype=float32, weak_type=True)
    """
    return x * jax.lax.stop_gradient(jnp.sign(x))


def _of_one_type(x: Numeric, y: Numeric) -> tuple[Array, Array]:
    dtype = jnp.result_type(x, y)
    return jnp.asarray(x, dtype), jnp.asarray(y, dtype)


@jax.custom_jvp
def _minimum(x: Array, y: Array) -> Array:
    return jnp.minimum(x, y)


@_minimum.defjvp
def _minimum_jvp(primals, tangents):
    x, y = primals
    return jnp.minimum(x, y), jnp.where(x <= y, *tangents)


@jax.custom_jvp
def _maximum(x: Array, y: Array) -> Array:
    return jnp.maximum(x, y)


@_maximum.defjvp
def _maximum_jvp(primals, tangents):
    x, y = primals
    return jnp.maximum(x, y), jnp.where(x >= y, *tangents)
