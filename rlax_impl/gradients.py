"""Stopping and clipping what flows back through a value."""

from typing import TypeVar

import jax
import jax.numpy as jnp

from .arguments import ArgumentError

Array = jax.Array
Tree = TypeVar("Tree")


def stop_gradient_if(stop: bool | Array, value: Array | float) -> Array:
    """Stops the gradient of a value where `stop` is true.

    Args:
      stop: a Python boolean, which is decided while tracing, or a boolean scalar.
      value: array of any shape.

    Returns:
      The value.

    >>> jax.grad(lambda x: stop_gradient_if(True, x) * x)(3.0)
    Array(3., dtype=float32, weak_type=True)
    """
    value = jnp.asarray(value)
    if stop is False:
        return value
    stopped = jax.lax.stop_gradient(value)
    return stopped if stop is True else jax.lax.select(stop, stopped, value)


def hold_target_if(stop: bool | Array, error: Array, prediction: Array) -> Array:
    """Makes the target `error + prediction` a constant where `stop` is true.

    Args:
      stop: a Python boolean, which is decided while tracing, or a boolean scalar.
      error: target less prediction, of any shape.
      prediction: array of the same shape.

    Returns:
      The error, through which the gradient flows to the prediction alone.

    >>> jax.grad(lambda v: hold_target_if(True, 0.5 * v, v))(3.0)
    Array(-1., dtype=float32, weak_type=True)
    """
    if stop is False:
        return error
    held = jax.lax.stop_gradient(error + prediction) - prediction
    return held if stop is True else jax.lax.select(stop, held, error)


@jax.custom_vjp
def clip_gradient(x: Tree, gradient_min: float, gradient_max: float) -> Tree:
    """Returns its input, and clips the gradient that flows back through it.

    Args:
      x: array of any shape, or a tree of such, of a floating type.
      gradient_min: lower bound of each element of the gradient.
      gradient_max: upper bound.

    Returns:
      `x`.

    Raises:
      ArgumentError: a leaf of `x` is not of a floating type.

    Mnih et al., "Human-level control through deep reinforcement learning", 2015,
    https://www.nature.com/articles/nature14236: the gradient of
    `0.5 * clip_gradient(x, -1, 1) ** 2` is that of `huber_loss(x)`.

    >>> jax.grad(lambda x: 5.0 * clip_gradient(x, -1.0, 1.0))(2.0)
    Array(1., dtype=float32, weak_type=True)
    """
    for leaf in jax.tree.leaves(x):
        if not jnp.issubdtype(jnp.result_type(leaf), jnp.floating):
            raise ArgumentError(
                "clip_gradient: argument 'x' must hold floating-point numbers, but "
                f"has a leaf of {jnp.result_type(leaf)}. Convert it first."
            )
    return x


def _clip_gradient_forward(x, gradient_min, gradient_max):
    return clip_gradient(x, gradient_min, gradient_max), (gradient_min, gradient_max)


def _clip_gradient_backward(bounds, gradient):
    clipped = jax.tree.map(lambda g: jnp.clip(g, *bounds), gradient)
    return clipped, *jax.tree.map(jnp.zeros_like, bounds)


clip_gradient.defvjp(_clip_gradient_forward, _clip_gradient_backward)
