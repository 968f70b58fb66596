"""Gaussian distributions over continuous actions, as named tuples of functions."""

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from .arguments import ArgumentError, expects

Array = jax.Array
Scale = float | Array

HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


class ContinuousDistribution(NamedTuple):
    """The functions of a distribution over vectors of `size` numbers.

    The parameters (`mu`, `sigma`) are arguments of the functions, not part of the
    distribution.

    Attributes:
      sample: `(key, mu, sigma) -> actions`, `[..., size]`.
      prob: `(actions, mu, sigma) -> density`, `[...]`.
      logprob: `(actions, mu, sigma) -> log density`, `[...]`.
      entropy: `(mu, sigma) -> entropy` in nats, `[...]`.
      kl_to_standard_normal: `(mu, sigma) -> KL(this || N(0, 1))` in nats, `[...]`.
      kl: `(mu_0, sigma_0, mu_1, sigma_1) -> KL(0 || 1)` in nats, `[...]`.
    """

    sample: Callable[..., Array]
    prob: Callable[..., Array]
    logprob: Callable[..., Array]
    entropy: Callable[..., Array]
    kl_to_standard_normal: Callable[..., Array]
    kl: Callable[..., Array]


class BoundedSpec(Protocol):
    """What is read of the specification of an action: the bounds of its range."""

    minimum: np.ndarray | float
    maximum: np.ndarray | float


def gaussian_diagonal(sigma: Scale | None = None) -> ContinuousDistribution:
    """Makes the normal distribution with a diagonal covariance matrix.

    Args:
      sigma: standard deviation, a scalar or an array that broadcasts against `mu`.
        Without it each function has to be given its own.

    Returns:
      Functions of `mu`, `[..., size]`, and `sigma`, which goes before the one given
      here.

    Raises:
      ArgumentError: from the functions, if no sigma was given at all.

    >>> policy = gaussian_diagonal(sigma=1.0)
    >>> print(policy.logprob(jnp.zeros(2), mu=jnp.zeros(2)))
    -1.837877
    >>> print(policy.kl(jnp.zeros(2), 1.0, jnp.ones(2), 1.0))
    1.0
    """

    def spread(mu: Array, sigma: Scale | None) -> Array:
        if sigma is None:
            raise ArgumentError(
                "gaussian_diagonal: argument 'sigma' is None. Give it there, or to the "
                "function that you call."
            )
        return jnp.ones_like(mu) * sigma

    @expects(mu="number[..., D]")
    def gaussian_sample(key: Array, mu: Array, sigma: Scale | None = sigma) -> Array:
        return _sample(key, mu, spread(mu, sigma))

    @expects(sample="number[..., D]", mu="number[..., D]")
    def gaussian_logprob(
        sample: Array, mu: Array, sigma: Scale | None = sigma
    ) -> Array:
        return _log_density(sample, mu, spread(mu, sigma))

    def gaussian_prob(sample: Array, mu: Array, sigma: Scale | None = sigma) -> Array:
        return jnp.exp(gaussian_logprob(sample, mu, sigma))

    @expects(mu="number[..., D]")
    def gaussian_entropy(mu: Array, sigma: Scale | None = sigma) -> Array:
        return _entropy(spread(mu, sigma))

    @expects(mu="number[..., D]")
    def gaussian_kl_to_standard_normal(mu: Array, sigma: Scale | None = sigma) -> Array:
        return multivariate_normal_kl_divergence(
            mu, spread(mu, sigma), jnp.zeros_like(mu), jnp.ones_like(mu)
        )

    def gaussian_kl(mu_0: Array, sigma_0: Scale, mu_1: Array, sigma_1: Scale) -> Array:
        return multivariate_normal_kl_divergence(
            mu_0, spread(mu_0, sigma_0), mu_1, spread(mu_1, sigma_1)
        )

    return ContinuousDistribution(
        gaussian_sample,
        gaussian_prob,
        gaussian_logprob,
        gaussian_entropy,
        gaussian_kl_to_standard_normal,
        gaussian_kl,
    )


def squashed_gaussian(
    sigma_min: float | Array = -4, sigma_max: float | Array = 0.0
) -> ContinuousDistribution:
    """Makes a normal distribution that is squashed into the range of an action.

    The arguments of its functions are what a network puts out: the mean is
    `tanh(mu)`, and the logarithm of the standard deviation moves smoothly between the
    two bounds as `sigma` goes from minus to plus infinity. The draw is squashed by a
    tanh and, given an `action_spec`, scaled to `[minimum, maximum]`.

    Args:
      sigma_min: lower bound of the logarithm of the standard deviation. Default -4.
      sigma_max: upper bound. Default 0.

    Returns:
      Functions of `mu` and `sigma`, both `[..., size]`. `sample`, `prob` and `logprob`
      take as their last argument an `action_spec` (an object with `minimum` and
      `maximum`, scalars or `[size]`, or None for the range [-1, 1]); the density of an
      action on the edge of the range is NaN. `entropy` and the divergences are those
      of the normal distribution before it is squashed.

    Haarnoja et al., "Soft actor-critic", 2018, https://arxiv.org/abs/1801.01290,
    appendix C.

    >>> policy = squashed_gaussian()
    >>> mu, sigma = jnp.zeros(1), jnp.zeros(1)
    >>> print(policy.logprob(jnp.zeros(1), mu, sigma, None))
    1.0810615
    """

    def parameters(mu: Array, sigma: Scale) -> tuple[Array, Array]:
        log_sigma = sigma_min + 0.5 * (sigma_max - sigma_min) * (jnp.tanh(sigma) + 1.0)
        return jnp.tanh(mu), jnp.exp(log_sigma)

    @expects(mu="number[..., D]", sigma="number[..., D]")
    def squashed_gaussian_sample(
        key: Array, mu: Array, sigma: Array, action_spec: BoundedSpec | None
    ) -> Array:
        squashed = jnp.tanh(_sample(key, *parameters(mu, sigma)))
        if action_spec is None:
            return squashed
        scale = 0.5 * (action_spec.maximum - action_spec.minimum)
        return jnp.asarray(scale * (squashed + 1.0) + action_spec.minimum)

    @expects(sample="number[..., D]", mu="number[..., D]", sigma="number[..., D]")
    def squashed_gaussian_logprob(
        sample: Array, mu: Array, sigma: Array, action_spec: BoundedSpec | None
    ) -> Array:
        squashed, log_slope = sample, jnp.zeros_like(sample)
        if action_spec is not None:
            scale = 0.5 * (action_spec.maximum - action_spec.minimum)
            squashed = (sample - action_spec.minimum) * (1.0 / scale) - 1.0
            log_slope = jnp.log(jnp.abs(scale))
        draw = jnp.arctanh(squashed)
        # log(1 - tanh(x)^2), without the cancellation for large x.
        log_slope += 2 * (math.log(2) - draw - jax.nn.softplus(-2 * draw))
        return _log_density(draw, *parameters(mu, sigma)) - jnp.sum(log_slope, axis=-1)

    def squashed_gaussian_prob(
        sample: Array, mu: Array, sigma: Array, action_spec: BoundedSpec | None
    ) -> Array:
        return jnp.exp(squashed_gaussian_logprob(sample, mu, sigma, action_spec))

    @expects(mu="number[..., D]", sigma="number[..., D]")
    def squashed_gaussian_entropy(mu: Array, sigma: Array) -> Array:
        _, stddev = jnp.broadcast_arrays(*parameters(mu, sigma))
        return _entropy(stddev)

    @expects(mu="number[..., D]", sigma="number[..., D]")
    def squashed_gaussian_kl_to_standard_normal(mu: Array, sigma: Array) -> Array:
        return multivariate_normal_kl_divergence(
            *parameters(mu, sigma), jnp.zeros_like(mu), jnp.ones_like(mu)
        )

    @expects(mu_0="number[..., D]", mu_1="number[..., D]")
    def squashed_gaussian_kl(
        mu_0: Array, sigma_0: Scale, mu_1: Array, sigma_1: Scale
    ) -> Array:
        return multivariate_normal_kl_divergence(
            *parameters(mu_0, sigma_0), *parameters(mu_1, sigma_1)
        )

    return ContinuousDistribution(
        squashed_gaussian_sample,
        squashed_gaussian_prob,
        squashed_gaussian_logprob,
        squashed_gaussian_entropy,
        squashed_gaussian_kl_to_standard_normal,
        squashed_gaussian_kl,
    )


@expects(
    mu_0="number[..., D]",
    sigma_0="number[] | number[..., D]",
    mu_1="number[..., D]",
    sigma_1="number[] | number[..., D]",
)
def multivariate_normal_kl_divergence(
    mu_0: Array, sigma_0: Scale, mu_1: Array, sigma_1: Scale
) -> Array:
    """Computes the divergence of two normal distributions with diagonal covariance.

    Args:
      mu_0: mean of the first, `[..., size]`.
      sigma_0: standard deviation of the first, a scalar or `[..., size]`.
      mu_1: mean of the second, `[..., size]`.
      sigma_1: standard deviation of the second, a scalar or `[..., size]`.

    Returns:
      `KL(0 || 1)` in nats, `[...]`.

    >>> print(multivariate_normal_kl_divergence(jnp.ones(3), 1.0, jnp.zeros(3), 1.0))
    1.5
    """
    mu_0, sigma_0, mu_1, sigma_1 = map(_floating, (mu_0, sigma_0, mu_1, sigma_1))
    ratio = jnp.square(sigma_0 / sigma_1)
    distance = jnp.square((mu_1 - mu_0) / sigma_1)
    log_ratio = jnp.log(jnp.abs(sigma_1)) - jnp.log(jnp.abs(sigma_0))
    return jnp.sum(log_ratio + 0.5 * (ratio + distance - 1.0), axis=-1)


def _floating(parameter: Scale) -> Array:
    """Makes integers floats of the default type; what is floating keeps its type."""
    parameter = jnp.asarray(parameter)
    floating = jnp.issubdtype(parameter.dtype, jnp.floating)
    return parameter.astype(parameter.dtype if floating else jnp.result_type(float))


def _sample(key: Array, mean: Array, stddev: Array) -> Array:
    mean, stddev = _floating(mean), _floating(stddev)
    shape = jnp.broadcast_shapes(mean.shape, stddev.shape)
    noise = jax.random.normal(key, shape, jnp.result_type(mean, stddev))
    return stddev * noise + mean


def _log_density(sample: Array, mean: Array, stddev: Array) -> Array:
    mean, stddev = _floating(mean), _floating(stddev)
    standard = (sample - mean) / stddev
    log_scale = HALF_LOG_TWO_PI + jnp.log(jnp.abs(stddev))
    return jnp.sum(-0.5 * jnp.square(standard) - log_scale, axis=-1)


def _entropy(stddev: Array) -> Array:
    # RLax's constant is no weak number: it widens what is narrower than a float.
    log_stddev = jnp.log(jnp.abs(_floating(stddev)))
    wide = jnp.promote_types(log_stddev.dtype, jnp.result_type(float))
    return jnp.sum(0.5 + (HALF_LOG_TWO_PI + log_stddev.astype(wide)), axis=-1)
