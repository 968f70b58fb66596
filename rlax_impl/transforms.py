"""Element-wise transforms of values, and two-hot encodings of scalars."""

import jax
import jax.numpy as jnp

from .arguments import expects
from .indexing import one_hot

Array = jax.Array


@expects(x="float[...]")
def identity(x: Array) -> Array:
    """Returns its input, a floating-point array of any shape.

    >>> identity(jnp.array(2.0))
    Array(2., dtype=float32, weak_type=True)
    """
    return x


@expects(x="float[...]")
def sigmoid(x: Array) -> Array:
    """Computes `1 / (1 + exp(-x))` for an array of any shape.

    >>> print(sigmoid(jnp.array(0.0)))
    0.5
    """
    return jax.nn.sigmoid(x)


@expects(x="float[...]")
def logit(x: Array) -> Array:
    """Computes `log(x / (1 - x))`, the inverse of `sigmoid`, for `x` in (0, 1).

    >>> print(logit(jnp.array([0.5, 0.25])))
    [-0.        -1.0986123]
    """
    return -jnp.log(1.0 / x - 1.0)


@expects(x="float[...]")
def signed_logp1(x: Array) -> Array:
    """Computes `sign(x) log(|x| + 1)`.

    >>> print(signed_logp1(jnp.array([-1.0, 0.0])))
    [-0.6931472  0.       ]
    """
    return jnp.sign(x) * jnp.log1p(jnp.abs(x))


@expects(x="float[...]")
def signed_expm1(x: Array) -> Array:
    """Computes `sign(x) (exp(|x|) - 1)`, the inverse of `signed_logp1`.

    >>> print(signed_expm1(signed_logp1(jnp.array([-3.0, 0.0]))))
    [-3.  0.]
    """
    return jnp.sign(x) * jnp.expm1(jnp.abs(x))


@expects(x="float[...]")
def signed_hyperbolic(x: Array, eps: float = 1e-3) -> Array:
    """Computes `sign(x) (sqrt(|x| + 1) - 1) + eps x`.

    Args:
      x: array of any shape.
      eps: slope of the linear term, which makes the inverse Lipschitz. Default 1e-3.

    Pohlen et al., "Observe and Look Further: Achieving Consistent Performance on
    Atari", 2018, https://arxiv.org/abs/1805.11593

    >>> print(signed_hyperbolic(jnp.array([-3.0, 8.0]), eps=0.0))
    [-1.  2.]
    """
    return jnp.sign(x) * (jnp.sqrt(jnp.abs(x) + 1) - 1) + eps * x


@expects(x="float[...]")
def signed_parabolic(x: Array, eps: float = 1e-3) -> Array:
    """Computes the inverse of `signed_hyperbolic` of the same `eps`.

    Args:
      x: array of any shape.
      eps: positive slope of the linear term. Default 1e-3.

    Pohlen et al., "Observe and Look Further: Achieving Consistent Performance on
    Atari", 2018, https://arxiv.org/abs/1805.11593

    >>> x = jnp.array([-3.0, 8.0])
    >>> print(jnp.allclose(signed_parabolic(signed_hyperbolic(x)), x, atol=1e-2))
    True
    """
    root = jnp.sqrt(1 + 4 * eps * (eps + 1 + jnp.abs(x))) / 2 / eps - 1 / 2 / eps
    return jnp.sign(x) * (root**2 - 1)


@expects(x="float[...]")
def hyperbolic_sin(x: Array) -> Array:
    """Computes `sinh(x)`.

    >>> print(hyperbolic_sin(jnp.array(0.0)))
    0.0
    """
    return jnp.sinh(x)


@expects(x="float[...]")
def hyperbolic_arcsin(x: Array) -> Array:
    """Computes `arcsinh(x)`, the inverse of `hyperbolic_sin`.

    >>> print(hyperbolic_arcsin(jnp.array(0.0)))
    0.0
    """
    return jnp.arcsinh(x)


@expects(x="float[...]")
def power(x: Array, p: float) -> Array:
    """Computes `sign(x) ((|x| / sqrt(p) + 1) ** p - 1) / sqrt(p)`.

    Args:
      x: array of any shape.
      p: positive exponent; that of the inverse is `1 / p`.

    >>> x = jnp.array([-3.0, 8.0])
    >>> print(jnp.allclose(power(power(x, 0.3), 1 / 0.3), x))
    True
    """
    scale = jnp.sqrt(p)
    return jnp.sign(x) * (jnp.power(jnp.abs(x) / scale + 1.0, p) - 1) / scale


def transform_to_2hot(
    scalar: Array, min_value: float, max_value: float, num_bins: int
) -> Array:
    """Encodes scalars as weights of the two nearest of evenly spaced bins.

    Args:
      scalar: array `[...]`; clipped to the range of the bins.
      min_value: the first bin.
      max_value: the last bin.
      num_bins: number of bins.

    Returns:
      Weights `[..., num_bins]` that sum to 1.

    >>> print(jnp.abs(transform_to_2hot(jnp.array(1.5), 0.0, 2.0, 3)).round(1))
    [0.  0.5 0.5]
    """
    scalar = jnp.clip(scalar, min_value, max_value)
    spread, last = max_value - min_value, num_bins - 1
    position = (scalar - min_value) / spread * last
    lower, upper = jnp.floor(position), jnp.ceil(position)
    lower_value = lower / last * spread + min_value
    upper_value = upper / last * spread + min_value
    # On a bin both values agree; the constant then leaves all weight to the upper one.
    lower_weight = (upper_value - scalar) / (upper_value - lower_value + 1e-5)
    return (
        one_hot(lower, num_bins, scalar.dtype) * lower_weight[..., None]
        + one_hot(upper, num_bins, scalar.dtype) * (1 - lower_weight)[..., None]
    )


def transform_from_2hot(
    probs: Array, min_value: float, max_value: float, num_bins: int
) -> Array:
    """Computes the mean of distributions over evenly spaced bins.

    Args:
      probs: probabilities `[..., num_bins]`.
      min_value: the first bin.
      max_value: the last bin.
      num_bins: number of bins.

    Returns:
      Means `[...]`.

    >>> print(transform_from_2hot(jnp.array([0.0, 0.75, 0.25]), 0.0, 2.0, 3))
    1.25
    """
    bins = jnp.linspace(min_value, max_value, num_bins).astype(probs.dtype)
    return transform_from_2hot_nonlinear(probs, bins)


def transform_to_2hot_nonlinear(scalar: Array, bins: Array) -> Array:
    """Encodes scalars as weights of the two nearest of any ascending bins.

    Args:
      scalar: array `[...]`; clipped to the range of the bins.
      bins: ascending values `[num_bins]`.

    Returns:
      Weights `[..., num_bins]` that sum to 1.

    >>> print(transform_to_2hot_nonlinear(jnp.array(2.5), jnp.array([0.0, 1.0, 4.0])))
    [0.  0.5 0.5]
    """
    num_bins = bins.shape[0]
    scalar = jnp.clip(scalar, bins[0], bins[-1])
    ascending = bins.reshape((1,) * jnp.ndim(scalar) + (num_bins,))
    upper = jnp.argmax(scalar[..., None] <= ascending, axis=-1)
    # The first bin has none below it: index -1 reads the last, and encodes as zeros.
    lower_weight = (bins[upper] - scalar) / (bins[upper] - bins[upper - 1])
    return (
        one_hot(upper - 1, num_bins, lower_weight.dtype) * lower_weight[..., None]
        + one_hot(upper, num_bins, lower_weight.dtype) * (1 - lower_weight)[..., None]
    )


def transform_from_2hot_nonlinear(probs: Array, bins: Array) -> Array:
    """Computes the mean of distributions over any bins.

    Args:
      probs: probabilities `[..., num_bins]`.
      bins: values `[num_bins]`.

    Returns:
      Means `[...]`.

    >>> print(transform_from_2hot_nonlinear(
    ...     jnp.array([0.0, 0.5, 0.5]), jnp.array([0.0, 1.0, 4.0])))
    2.5
    """
    return jnp.sum(probs * bins.reshape((1,) * (probs.ndim - 1) + (-1,)), axis=-1)
