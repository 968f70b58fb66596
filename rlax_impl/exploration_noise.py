"""Noise on actions and on policies, for exploration."""

import jax
import jax.numpy as jnp

from .arguments import expects

Array = jax.Array


@expects(action="float[...]")
def add_gaussian_noise(key: Array, action: Array, stddev: float | Array) -> Array:
    """Adds independent normal noise to an action.

    Args:
      key: random key.
      action: continuous action `[...]`.
      stddev: standard deviation of the noise.

    Returns:
      The noisy action, `[...]`.

    >>> print(add_gaussian_noise(jax.random.key(0), jnp.array([1.0, 2.0]), stddev=0.0))
    [1. 2.]
    """
    return action + jax.random.normal(key, action.shape) * stddev


@expects(action="float[D]", noise_tm1="float[D]")
def add_ornstein_uhlenbeck_noise(
    key: Array,
    action: Array,
    noise_tm1: Array,
    damping: float | Array,
    stddev: float | Array,
) -> Array:
    """Adds noise that is correlated in time to an action.

    Args:
      key: random key.
      action: continuous action `[size]`.
      noise_tm1: noise of the step before, `[size]`; that of this step is the noisy
        action minus the action.
      damping: what part of the noise is forgotten in a step, from 0 to 1.
      stddev: standard deviation of what is added to the noise in a step.

    Returns:
      `action + (1 - damping) * noise_tm1 + stddev * N(0, 1)`, `[size]`.

    Uhlenbeck and Ornstein, "On the theory of the Brownian motion", 1930.

    >>> key, action, noise_tm1 = jax.random.key(0), jnp.array([1.0]), jnp.array([0.5])
    >>> print(add_ornstein_uhlenbeck_noise(key, action, noise_tm1, 0.2, 0.0))
    [1.4]
    """
    fresh = jax.random.normal(key, action.shape) * stddev
    return action + ((1.0 - damping) * noise_tm1 + fresh)


@expects(
    prior="number[B, A] | bool[B, A]",
    dirichlet_alpha="float[] | float[1] | float[A]",
    dirichlet_fraction="float[...]",
)
def add_dirichlet_noise(
    key: Array,
    prior: Array,
    dirichlet_alpha: float | Array,
    dirichlet_fraction: float | Array,
) -> Array:
    """Mixes the prior policy at the root of a tree search with random policies.

    Args:
      key: random key.
      prior: probabilities `[batch, num_actions]`.
      dirichlet_alpha: concentration of the symmetric Dirichlet distribution that the
        random policies are drawn from, a scalar or `[1]`, or one for each action.
        AlphaZero has 0.3 for chess, 0.15 for shogi and 0.03 for Go; MuZero has 0.25
        for Atari.
      dirichlet_fraction: weight of the random policies, from 0 to 1; a scalar, or
        what broadcasts against the prior.

    Returns:
      `(1 - fraction) * prior + fraction * noise`, `[batch, num_actions]`.

    Silver et al., "Mastering the game of Go without human knowledge", 2017,
    https://discovery.ucl.ac.uk/id/eprint/10045895/, and "A general reinforcement
    learning algorithm", 2018, https://arxiv.org/abs/1712.01815.

    >>> prior = jnp.array([[0.25, 0.75]])
    >>> noisy = add_dirichlet_noise(jax.random.key(0), prior, 0.3, 0.25)
    >>> print(jnp.sum(noisy), jnp.all(noisy >= 0.75 * prior))
    1.0 True
    """
    batch_size, num_actions = prior.shape
    alpha = jnp.full((num_actions,), dirichlet_alpha)
    noise = jax.random.dirichlet(key, alpha, (batch_size,))
    return (1 - dirichlet_fraction) * prior + dirichlet_fraction * noise
