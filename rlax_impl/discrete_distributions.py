"""Distributions over a finite set of actions, as named tuples of functions."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from .arguments import ArgumentError, expects

Array = jax.Array

# Logits, preferences, weights; a mask too, of which True counts as 1.
VALUES = "number[..., A] | bool[..., A]"


class DiscreteDistribution(NamedTuple):
    """The functions of a distribution over the actions `0, ..., num_actions - 1`.

    The parameters of a distribution (logits or preferences, `[..., num_actions]`)
    are arguments of its functions, not part of it.

    Attributes:
      sample: `(key, parameters) -> actions`, integers `[...]`; -1 where the
        parameters describe no distribution (NaN, negative probabilities).
      probs: `(parameters) -> probabilities`, `[..., num_actions]`.
      logprob: `(actions, parameters) -> log probabilities`, `[...]`; minus infinity
        for an action outside of the range.
      entropy: `(parameters) -> entropy` in nats, `[...]`.
      kl: `(p_parameters, q_parameters) -> KL(p || q)` in nats, `[...]`; None for the
        greedy distributions, whose divergence is infinite for most parameters.
    """

    sample: Callable[..., Array]
    probs: Callable[..., Array]
    logprob: Callable[..., Array]
    entropy: Callable[..., Array]
    kl: Callable[..., Array] | None


def softmax(temperature: float | Array = 1.0) -> DiscreteDistribution:
    """Makes the Boltzmann distribution, `softmax(logits / temperature)`.

    Args:
      temperature: positive scalar; towards 0 the distribution becomes greedy, towards
        infinity uniform. Default 1.

    Returns:
      Functions of `logits`, `[..., num_actions]`.

    >>> logits = jnp.log(jnp.array([0.25, 0.75]))
    >>> print(f"{softmax().probs(logits)[0]:.2f}")
    0.25
    >>> print(f"{softmax(temperature=0.5).probs(logits)[0]:.2f}")
    0.10
    """

    @expects(logits=VALUES)
    def softmax_sample(key: Array, logits: Array) -> Array:
        log_probs = _log_softmax(logits / temperature)
        return _sample(key, jax.nn.softmax(log_probs), log_probs)

    @expects(logits=VALUES)
    def softmax_probs(logits: Array) -> Array:
        return jax.nn.softmax(_log_softmax(logits / temperature))

    @expects(sample="number[...]", logits=VALUES)
    def softmax_logprob(sample: Array, logits: Array) -> Array:
        return _log_prob(sample, _log_softmax(logits / temperature))

    @expects(logits=VALUES)
    def softmax_entropy(logits: Array) -> Array:
        return _entropy(_log_softmax(logits / temperature))

    def softmax_kl(p_logits: Array, q_logits: Array) -> Array:
        return categorical_kl_divergence(p_logits, q_logits, temperature)

    return DiscreteDistribution(
        softmax_sample, softmax_probs, softmax_logprob, softmax_entropy, softmax_kl
    )


def clipped_entropy_softmax(
    temperature: float | Array = 1.0, entropy_clip: float | Array = 1.0
) -> DiscreteDistribution:
    """Makes a softmax whose entropy is clipped, so that a bonus for it saturates.

    Args:
      temperature: as of `softmax`. Default 1.
      entropy_clip: upper bound of `entropy`, as a fraction of that of the uniform
        distribution, `log(num_actions)`; 1, the default, clips nothing.

    Returns:
      Functions of `logits`, `[..., num_actions]`; all but `entropy` and `kl` also
      take an `action_spec`, which they ignore.

    >>> print(clipped_entropy_softmax(entropy_clip=0.5).entropy(jnp.zeros(4)))
    0.6931472
    """
    plain = softmax(temperature)

    def sample(key: Array, logits: Array, action_spec: Any = None) -> Array:
        return plain.sample(key, logits)

    def probs(logits: Array, action_spec: Any = None) -> Array:
        return plain.probs(logits)

    def logprob(sample: Array, logits: Array, action_spec: Any = None) -> Array:
        return plain.logprob(sample, logits)

    def entropy(logits: Array) -> Array:
        bound = entropy_clip * math.log(logits.shape[-1])
        return jnp.minimum(plain.entropy(logits), bound)

    return DiscreteDistribution(sample, probs, logprob, entropy, plain.kl)


def greedy() -> DiscreteDistribution:
    """Makes the distribution that is uniform over the actions of highest preference.

    Returns:
      Functions of `preferences`, `[..., num_actions]`; no gradient flows through
      them, and `kl` is None.

    >>> print(greedy().probs(jnp.array([1.0, 3.0, 3.0])))
    [0.  0.5 0.5]
    """

    @expects(preferences=VALUES)
    def greedy_sample(key: Array, preferences: Array) -> Array:
        probs = _normalize(_greedy_probs(preferences))
        return _sample(key, probs, jnp.log(probs))

    @expects(preferences=VALUES)
    def greedy_probs(preferences: Array) -> Array:
        return _normalize(_greedy_probs(preferences))

    @expects(sample="number[...]", preferences=VALUES)
    def greedy_logprob(sample: Array, preferences: Array) -> Array:
        return _log_prob(sample, jnp.log(greedy_probs(preferences)))

    @expects(preferences=VALUES)
    def greedy_entropy(preferences: Array) -> Array:
        return _entropy(jnp.log(greedy_probs(preferences)))

    return DiscreteDistribution(
        greedy_sample, greedy_probs, greedy_logprob, greedy_entropy, None
    )


def epsilon_greedy(epsilon: float | Array | None = None) -> DiscreteDistribution:
    """Makes the greedy distribution mixed with the uniform one.

    Args:
      epsilon: weight of the uniform distribution, scalar in [0, 1]. Without it each
        function has to be given its own.

    Returns:
      Functions of `preferences`, `[..., num_actions]`, which also take an `epsilon`
      that goes before the one given here; `kl` is None.

    Raises:
      ArgumentError: from the functions, if no epsilon was given at all.

    >>> policy = epsilon_greedy(epsilon=0.5)
    >>> print(policy.probs(jnp.array([1.0, 3.0])))
    [0.25 0.75]
    >>> print(policy.probs(jnp.array([1.0, 3.0]), epsilon=0.0))
    [0. 1.]
    """

    @expects(preferences=VALUES)
    def epsilon_greedy_probs(
        preferences: Array, epsilon: float | Array | None = epsilon
    ) -> Array:
        if epsilon is None:
            raise ArgumentError(
                "epsilon_greedy: argument 'epsilon' is None. Give it there, or to the "
                "function that you call."
            )
        best = _greedy_probs(preferences)
        uniform = jnp.ones_like(best) / best.shape[-1]
        return _normalize((1 - epsilon) * best + epsilon * uniform)

    def epsilon_greedy_sample(
        key: Array, preferences: Array, epsilon: float | Array | None = epsilon
    ) -> Array:
        probs = epsilon_greedy_probs(preferences, epsilon)
        return _sample(key, probs, jnp.log(probs))

    @expects(sample="number[...]")
    def epsilon_greedy_logprob(
        sample: Array, preferences: Array, epsilon: float | Array | None = epsilon
    ) -> Array:
        return _log_prob(sample, jnp.log(epsilon_greedy_probs(preferences, epsilon)))

    def epsilon_greedy_entropy(
        preferences: Array, epsilon: float | Array | None = epsilon
    ) -> Array:
        return _entropy(jnp.log(epsilon_greedy_probs(preferences, epsilon)))

    return DiscreteDistribution(
        epsilon_greedy_sample,
        epsilon_greedy_probs,
        epsilon_greedy_logprob,
        epsilon_greedy_entropy,
        None,
    )


@expects(probs=VALUES)
def categorical_sample(key: Array, probs: Array) -> Array:
    """Draws actions with the given probabilities.

    Args:
      key: random key.
      probs: non-negative weights `[..., num_actions]`; need not sum to 1.

    Returns:
      Integers `[...]`; -1 where the weights are negative, infinite or NaN.

    >>> probs = jnp.array([[0.0, 1.0], [1.0, 0.0]])
    >>> print(categorical_sample(jax.random.key(0), probs))
    [1 0]
    """
    probs = _normalize(probs)
    return _sample(key, probs, jnp.log(probs))


@expects(pi_logits_t="number[..., A]", mu_logits_t="number[..., A]", a_t="number[...]")
def categorical_importance_sampling_ratios(
    pi_logits_t: Array, mu_logits_t: Array, a_t: Array
) -> Array:
    """Computes how much more likely the actions are under one policy than another.

    Args:
      pi_logits_t: logits of the target policy, `[..., num_actions]`.
      mu_logits_t: logits of the behaviour policy, `[..., num_actions]`.
      a_t: actions that the behaviour policy took, integers `[...]`.

    Returns:
      `pi(a_t) / mu(a_t)`, `[...]`.

    >>> pi, mu = jnp.log(jnp.array([0.75, 0.25])), jnp.log(jnp.array([0.5, 0.5]))
    >>> print(categorical_importance_sampling_ratios(pi, mu, jnp.array(0)))
    1.5
    """
    log_pi_a = _log_prob(a_t, _log_softmax(pi_logits_t))
    log_mu_a = _log_prob(a_t, _log_softmax(mu_logits_t))
    return jnp.exp(log_pi_a - log_mu_a)


@expects(labels=VALUES, logits="number[..., A]")
def categorical_cross_entropy(labels: Array, logits: Array) -> Array:
    """Computes the cross entropy of a softmax relative to label probabilities.

    Args:
      labels: non-negative weights `[..., num_classes]`, normalised to sum to 1.
      logits: unnormalised log probabilities `[..., num_classes]`.

    Returns:
      `-sum_i labels_i log softmax(logits)_i`, `[...]`, where `0 log 0` counts as 0.

    Goodfellow et al., "Deep Learning", 2016, section 3.13. The gradient with respect
    to a label of exactly 0 is finite here; in RLax it is NaN.

    >>> labels = jnp.array([1.0, 0.0])
    >>> print(categorical_cross_entropy(labels, jnp.log(jnp.array([0.5, 0.5]))))
    0.6931472
    """
    probs = _normalize(labels)
    log_q = jnp.where(probs == 0, 0.0, _log_softmax(logits))
    return -jnp.sum(probs * log_q, axis=-1)


@expects(p_logits=VALUES, q_logits=VALUES)
def categorical_kl_divergence(
    p_logits: Array, q_logits: Array, temperature: float | Array = 1.0
) -> Array:
    """Computes the Kullback-Leibler divergence of two softmax distributions.

    Args:
      p_logits: logits `[..., num_actions]`; minus infinity masks an action.
      q_logits: logits `[..., num_actions]`.
      temperature: positive scalar that divides both. Default 1.

    Returns:
      `KL(p || q)` in nats, `[...]`; infinite where `q` lacks an action that `p` has.

    >>> p, q = jnp.log(jnp.array([0.5, 0.5])), jnp.log(jnp.array([0.25, 0.75]))
    >>> print(f"{categorical_kl_divergence(p, q):.4f}")
    0.1438
    """
    log_p = _log_softmax(p_logits / temperature)
    log_q = _log_softmax(q_logits / temperature)
    return _expectation(log_p, log_p - log_q)


def _log_softmax(logits: Array) -> Array:
    return jax.nn.log_softmax(jnp.asarray(logits), axis=-1)


def _normalize(probs: Array) -> Array:
    probs = jnp.asarray(probs)
    return probs / jnp.sum(probs, axis=-1, keepdims=True)


def _greedy_probs(preferences: Array) -> Array:
    preferences = jnp.asarray(preferences)
    best = preferences == jnp.max(preferences, axis=-1, keepdims=True)
    return best / jnp.sum(best, axis=-1, keepdims=True)


def _sample(key: Array, probs: Array, log_probs: Array) -> Array:
    actions = jax.random.categorical(key, log_probs, axis=-1)
    valid = jnp.all(jnp.isfinite(probs) & (probs >= 0), axis=-1)
    return jnp.where(valid, actions, -1)


def _log_prob(actions: Array, log_probs: Array) -> Array:
    # A masked sum, unlike a gather, has no scatter for its gradient, and broadcasts.
    num_actions = log_probs.shape[-1]
    actions = jnp.asarray(actions)
    chosen = actions[..., None] == jnp.arange(num_actions)
    picked = jnp.sum(jnp.where(chosen, log_probs, 0.0), axis=-1)
    return jnp.where((actions < 0) | (actions > num_actions - 1), -jnp.inf, picked)


def _entropy(log_probs: Array) -> Array:
    return -_expectation(log_probs, log_probs)


def _expectation(log_probs: Array, values: Array) -> Array:
    # An impossible action counts nothing, even where its value is infinite.
    probs = jnp.exp(log_probs)
    return jnp.sum(jnp.where(probs == 0, 0.0, values) * probs, axis=-1)
