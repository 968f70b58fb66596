"""Deterministic policy gradients."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from ...haiku_impl.numerics import ties
from ...rlax_impl.arguments import ArgumentError, check
from ..core.dtypes import as_array
from .base_ops import LossOutput

Array = jax.Array


class DPGExtra(NamedTuple):
    """What a loss was made of.

    Attributes:
      q_max: values of the actions `[batch]`.
      a_max: the actions `[batch, size]`.
      dqda: clipped gradients of the values `[batch, size]`.
    """

    q_max: Array
    a_max: Array
    dqda: Array


def dpg(
    q_max: Callable[[Array], Array],
    a_max: Array,
    dqda_clipping: float | None = None,
    clip_norm: bool = False,
    name: str = "DpgLearning",
) -> LossOutput:
    """Computes the loss that moves actions up the gradient of their values.

    TRFL takes the values themselves and looks for the gradient in TensorFlow's graph.
    JAX has no graph to look in: pass the function of the actions that gives them.

    Args:
      q_max: function of actions `[batch, size]` to their values `[batch]`.
      a_max: actions of the policy `[batch, size]`; all of the gradient flows to them.
      dqda_clipping: positive bound of each element of the gradient of the values, or
        of its norm. Default None: it is not clipped.
      clip_norm: whether to clip the norm. Default False.
      name: ignored.

    Returns:
      `LossOutput(loss, DPGExtra(q_max, a_max, dqda))`; the loss is `[batch]`.

    Raises:
      ArgumentError: `q_max` is no function, or the bound is not positive.

    Silver et al., "Deterministic Policy Gradient Algorithms", 2014,
    http://proceedings.mlr.press/v32/silver14.pdf

    >>> out = dpg(lambda a: jnp.sum(-(a**2), axis=-1), jnp.array([[1.0, -2.0]]))
    >>> out.extra.dqda
    Array([[-2.,  4.]], dtype=float32)
    """
    if not callable(q_max):
        raise ArgumentError(
            f"dpg: argument 'q_max' must be the function that gives the values of "
            f"actions, but is a {type(q_max).__name__}. Instead of dpg(critic(s, a), "
            "a), write dpg(lambda a: critic(s, a), a)."
        )
    check(
        dqda_clipping is None or dqda_clipping > 0,
        "dpg",
        f"dqda_clipping must be positive, but is {dqda_clipping}.",
    )
    a_max = as_array(a_max)
    values, pull_back = jax.vjp(q_max, a_max)
    (dqda,) = pull_back(jnp.ones_like(values))
    if dqda_clipping is not None and clip_norm:
        squared = jnp.sum(jnp.square(dqda), axis=-1, keepdims=True)
        # The root of zero has no slope: at a gradient of 0 the norm is a constant.
        positive = jnp.where(squared > 0, squared, 1.0)
        norm = jnp.where(squared > 0, jnp.sqrt(positive), squared)
        dqda = dqda * dqda_clipping / ties.maximum(norm, dqda_clipping)
    elif dqda_clipping is not None:
        dqda = ties.clip(dqda, -dqda_clipping, dqda_clipping)
    error = jax.lax.stop_gradient(dqda + a_max) - a_max
    loss = 0.5 * jnp.sum(jnp.square(error), axis=-1)
    return LossOutput(loss, DPGExtra(values, a_max, dqda))
