"""Element-wise losses."""

import jax
import jax.numpy as jnp

from .arguments import check, expects

Array = jax.Array
Numeric = Array | float


@expects(predictions="float[...]", targets="float[...]")
def l2_loss(predictions: Array, targets: Array | None = None) -> Array:
    """Computes half of the squared difference.

    Args:
      predictions: array `[...]`.
      targets: array that broadcasts with the predictions. Default None: zeros, which
        makes this a regularizer.

    Returns:
      Losses `[...]`.

    Raises:
      ArgumentError: an argument is not of a floating type.

    >>> l2_loss(jnp.array([1.0, 4.0]), jnp.array([1.0, 1.0]))
    Array([0. , 4.5], dtype=float32)
    """
    errors = predictions if targets is None else predictions - targets
    return 0.5 * errors**2


@expects(x="float[...]")
def huber_loss(x: Array, delta: float = 1.0) -> Array:
    """Computes a loss that is quadratic up to `delta` and linear beyond it.

    Args:
      x: errors `[...]`.
      delta: positive threshold, and the greatest slope. Default 1.

    Returns:
      Losses `[...]`.

    Raises:
      ArgumentError: the argument is not of a floating type.

    Huber, "Robust Estimation of a Location Parameter", 1964,
    https://projecteuclid.org/download/pdf_1/euclid.aoms/1177703732

    >>> huber_loss(jnp.array([0.5, -3.0]))
    Array([0.125, 2.5  ], dtype=float32)
    """
    magnitude = jnp.abs(x)
    inner = jnp.minimum(magnitude, delta)
    return 0.5 * inner**2 + delta * (magnitude - inner)


@expects(predictions="float[...]", targets="float[...]")
def likelihood(predictions: Array, targets: Array) -> Array:
    """Computes the likelihood of Bernoulli probabilities, `p**y (1 - p)**(1 - y)`.

    Args:
      predictions: probabilities `[...]` of ones.
      targets: outcomes `[...]`, zeros and ones, or probabilities of ones.

    Returns:
      Likelihoods `[...]`.

    Raises:
      ArgumentError: an argument is not of a floating type.

    >>> print(likelihood(jnp.array([0.25, 1.0]), jnp.array([0.0, 1.0])))
    [0.75 1.  ]
    """
    values = predictions**targets * (1.0 - predictions) ** (1.0 - targets)
    # 0**0 is NaN on some accelerators.
    certain = (targets == predictions) & ((targets == 0) | (targets == 1))
    return jnp.where(certain, 1, values)


@expects(predictions="float[...]", targets="float[...]")
def log_loss(predictions: Array, targets: Array) -> Array:
    """Computes the negative logarithm of `likelihood`.

    Args:
      predictions: probabilities `[...]` of ones.
      targets: outcomes `[...]`, zeros and ones, or probabilities of ones.

    Returns:
      Losses `[...]`.

    Raises:
      ArgumentError: an argument is not of a floating type.

    >>> print(log_loss(jnp.array([0.5]), jnp.array([1.0])))
    [0.6931472]
    """
    return -jnp.log(likelihood(predictions, targets))


def expectile_loss(predictions: Array, targets: Array, expectile: Numeric) -> Array:
    """Computes squared errors, weighted by the sign of the error.

    Args:
      predictions: array `[...]`.
      targets: array of the same shape.
      expectile: in [0, 1]; weight of a prediction below its target. One above its
        target weighs `1 - expectile`.

    Returns:
      Losses `[...]`.

    Raises:
      ArgumentError: the shapes differ.

    Kostrikov et al., "Offline Reinforcement Learning with Implicit Q-Learning", 2021,
    https://arxiv.org/abs/2110.06169, section 4.1

    >>> print(expectile_loss(jnp.zeros(2), jnp.array([-2.0, 2.0]), 0.75))
    [1. 3.]
    """
    check(
        jnp.shape(predictions) == jnp.shape(targets),
        "expectile_loss",
        f"predictions have shape {jnp.shape(predictions)} and targets "
        f"{jnp.shape(targets)}. Give both the same shape.",
    )
    errors = targets - predictions
    return jnp.abs(expectile - (errors < 0)) * errors**2
