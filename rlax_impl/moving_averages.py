"""Exponential moving averages of the moments of trees of arrays."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from .records import Record, record

Array = jax.Array


@record
class EmaMoments(Record):
    """Estimates of a mean and a variance.

    Attributes:
      mean: tree of scalars.
      variance: tree of scalars, not negative.
    """

    mean: Any
    variance: Any


@record
class EmaState(Record):
    """Moving averages, biased towards the 0 that they began with.

    Attributes:
      mu: averages of the values, a tree of scalars.
      nu: averages of their squares, a tree of scalars.
      decay_product: product of all decays so far, a scalar.
    """

    mu: Any
    nu: Any
    decay_product: float | Array

    def debiased_moments(self) -> EmaMoments:
        """Estimates mean and variance, without the bias towards 0.

        The variance loses precision where the mean is large against it.

        Returns:
          `EmaMoments`; zeros before the first update.

        Kingma and Ba, "Adam", 2014, https://arxiv.org/abs/1412.6980, section 3.

        >>> moments = EmaState(mu=0.5, nu=2.5, decay_product=0.5).debiased_moments()
        >>> print(moments.mean, moments.variance)
        1.0 4.0
        """
        tiny = jnp.finfo(jnp.result_type(self.decay_product)).tiny
        debias = 1.0 / jnp.maximum(1 - self.decay_product, tiny)
        mean = jax.tree.map(lambda mu: mu * debias, self.mu)
        variance = jax.tree.map(
            lambda nu, m: jnp.maximum(0.0, nu * debias - jnp.square(m)), self.nu, mean
        )
        return EmaMoments(mean=mean, variance=variance)


def create_ema(
    decay: float | Array = 0.999, pmean_axis_name: str | None = None
) -> tuple[
    Callable[[Any], EmaState], Callable[[Any, EmaState], tuple[EmaMoments, EmaState]]
]:
    """Makes the functions that track the moments of the leaves of a tree.

    Args:
      decay: what remains of an average in a step. Default 0.999.
      pmean_axis_name: mapped axis to average the leaves over, too. Default None.

    Returns:
      `init_state(template_tree) -> state` and `update_moments(tree, state) ->
      (moments, state)`; a leaf is averaged over all of its axes.

    >>> init_state, update_moments = create_ema(decay=0.5)
    >>> state = init_state({"loss": jnp.zeros(2)})
    >>> moments, state = update_moments({"loss": jnp.array([1.0, 3.0])}, state)
    >>> print(moments.mean["loss"], moments.variance["loss"])
    2.0 1.0
    """

    def init_state(template_tree: Any) -> EmaState:
        zeros = jax.tree.map(lambda x: jnp.zeros_like(jnp.mean(x)), template_tree)
        return EmaState(mu=zeros, nu=zeros, decay_product=jnp.ones([], jnp.float32))

    def average(moment: Array, value: Array) -> Array:
        mean = jnp.mean(value)
        if pmean_axis_name is not None:
            mean = jax.lax.pmean(mean, pmean_axis_name)
        return decay * moment + (1 - decay) * mean

    def update_moments(tree: Any, state: EmaState) -> tuple[EmaMoments, EmaState]:
        state = EmaState(
            mu=jax.tree.map(average, state.mu, tree),
            nu=jax.tree.map(average, state.nu, jax.tree.map(jnp.square, tree)),
            decay_product=state.decay_product * decay,
        )
        return state.debiased_moments(), state

    return init_state, update_moments
