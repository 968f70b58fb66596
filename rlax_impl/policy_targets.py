"""Targets for a policy, made of actions and their weights, and their distillation."""

import functools
from typing import Protocol

import jax
import jax.numpy as jnp

from .arguments import check
from .gradients import stop_gradient_if
from .records import Record, record

Array = jax.Array


class Distribution(Protocol):
    """What is asked of a distribution; those of distrax and of TFP have it."""

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Shape of one draw, without the axes of an event."""

    def sample(self, *, seed: Array, sample_shape: tuple[int, ...]) -> Array:
        """Draws `[*sample_shape, *batch_shape, *event_shape]`."""

    def log_prob(self, value: Array) -> Array:
        """Gives the log density of each event, `[..., *batch_shape]`."""


@record
class PolicyTarget(Record):
    """Actions, and how much a policy should be drawn to each.

    Attributes:
      actions: `[num_targets, ...]`; need not be all there are.
      weights: probabilities, possibly importance weighted, of the shape that
        `log_prob(actions)` has.
    """

    actions: Array
    weights: Array


def constant_policy_targets(
    distribution: Distribution,
    rng_key: Array,
    num_samples: int,
    weights_scale: float | Array = 1.0,
) -> PolicyTarget:
    """Draws actions from a distribution and gives all of them the same weight.

    Where the distribution is uniform, distilling these targets pulls the policy to
    the uniform one, the stronger the larger `weights_scale` is.

    Args:
      distribution: to draw from: any object with `sample`, `log_prob` and
        `batch_shape`, as those of distrax.
      rng_key: random key.
      num_samples: how many actions to draw.
      weights_scale: the weight. Default 1.

    Returns:
      `PolicyTarget` with actions `[num_samples, *batch_shape, ...]` and weights
      `[num_samples, *batch_shape]`.

    >>> class Coin:
    ...     batch_shape = ()
    ...     def sample(self, *, seed, sample_shape):
    ...         return jax.random.bernoulli(seed, 0.5, sample_shape).astype(int)
    ...     def log_prob(self, value):
    ...         return jnp.full(value.shape, jnp.log(0.5))
    >>> print(constant_policy_targets(Coin(), jax.random.key(0), 3, 0.5).weights)
    [0.5 0.5 0.5]
    """
    shape = (num_samples,)
    return PolicyTarget(
        actions=distribution.sample(seed=rng_key, sample_shape=shape),
        weights=weights_scale * jnp.ones(shape + tuple(distribution.batch_shape)),
    )


zero_policy_targets = functools.partial(constant_policy_targets, weights_scale=0.0)


def sampled_policy_distillation_loss(
    distribution: Distribution,
    policy_targets: PolicyTarget,
    stop_target_gradients: bool | Array = True,
) -> Array:
    """Computes the cross entropy of a policy relative to sampled targets.

    Args:
      distribution: the policy: any object with `log_prob`, as those of distrax.
      policy_targets: actions `[num_targets, ...]` and their weights.
      stop_target_gradients: whether actions and weights are constants. Default True.

    Returns:
      `-mean(weights * log_prob(actions))` over samples and batch, a scalar. An
      impossible action counts with the lowest finite log probability.

    Raises:
      ArgumentError: the weights have another shape than the log probabilities.

    >>> class Coin:
    ...     def log_prob(self, value):
    ...         return jnp.full(value.shape, jnp.log(0.5))
    >>> targets = PolicyTarget(actions=jnp.array([0, 1]), weights=jnp.ones(2))
    >>> print(sampled_policy_distillation_loss(Coin(), targets))
    0.6931472
    """
    weights = stop_gradient_if(stop_target_gradients, policy_targets.weights)
    actions = stop_gradient_if(stop_target_gradients, policy_targets.actions)
    log_probs = distribution.log_prob(actions)
    check(
        jnp.shape(weights) == log_probs.shape,
        "sampled_policy_distillation_loss",
        f"the weights of 'policy_targets' have shape {list(jnp.shape(weights))}, but "
        f"log_prob(actions) has {list(log_probs.shape)}. Give each action one weight.",
    )
    # 0 * -inf would be NaN.
    lowest = jnp.finfo(log_probs.dtype).min
    return -jnp.mean(weights * jnp.maximum(log_probs, lowest))
