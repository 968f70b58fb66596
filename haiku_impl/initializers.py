"""Initial values of parameters: callables of a shape and a dtype.

Random ones draw exactly one key from the transformed function that is running.
"""

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .core.random import next_rng_key
from .core.typing import ArrayLike, DTypeLike, Initializer
from .numerics.initialization import MODES, TRUNCATED_STDDEV, connected_units
from .numerics.promotion import promoted_dtype

__all__ = [
    "Constant",
    "Identity",
    "Initializer",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "UniformScaling",
    "VarianceScaling",
]

_DISTRIBUTIONS = ("normal", "truncated_normal", "uniform")


class Constant:
    """Fills an array with a constant.

    Args:
      constant: A scalar, or an array that broadcasts to the shape asked for.

    Example:
      >>> import jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> hk.initializers.Constant(3)([2], jnp.float32).tolist()
      [3.0, 3.0]
    """

    def __init__(self, constant: float | int | complex | np.ndarray | jax.Array):
        self.constant = constant

    def __call__(self, shape: Sequence[int], dtype: DTypeLike) -> jax.Array:
        return jnp.broadcast_to(jnp.asarray(self.constant), shape).astype(dtype)


class RandomNormal:
    """Draws from a normal distribution.

    Args:
      stddev: The standard deviation, default 1.
      mean: The mean, default 0.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> draw = hk.transform(lambda: hk.initializers.RandomNormal()([2], jnp.float32))
      >>> draw.apply({}, jax.random.PRNGKey(0)).shape
      (2,)
    """

    def __init__(self, stddev: ArrayLike = 1.0, mean: ArrayLike = 0.0):
        self.stddev = stddev
        self.mean = mean

    def __call__(self, shape: Sequence[int], dtype: DTypeLike) -> jax.Array:
        mean = lax.convert_element_type(self.mean, dtype)
        stddev = lax.convert_element_type(self.stddev, dtype)
        return mean + stddev * jax.random.normal(next_rng_key(), shape, dtype)


class TruncatedNormal:
    """Draws from a normal distribution, without its tails.

    Args:
      stddev: The standard deviation before the tails are cut, default 1.
      mean: The mean, default 0.
      lower: Where the lower tail is cut, in units of `stddev`, default -2.
      upper: Where the upper tail is cut, default 2.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> init = hk.initializers.TruncatedNormal(stddev=0.1)
      >>> draw = hk.transform(lambda: init([100], jnp.float32))
      >>> bool(jnp.all(jnp.abs(draw.apply({}, jax.random.PRNGKey(0))) <= 0.2))
      True
    """

    def __init__(
        self,
        stddev: float | jax.Array = 1.0,
        mean: float | complex | jax.Array = 0.0,
        lower: float | jax.Array = -2.0,
        upper: float | jax.Array = 2.0,
    ):
        self.stddev = stddev
        self.mean = mean
        self.lower = lower
        self.upper = upper

    def __call__(self, shape: Sequence[int], dtype: DTypeLike) -> jax.Array:
        real = jnp.finfo(dtype).dtype
        mean = lax.convert_element_type(self.mean, dtype)
        stddev = lax.convert_element_type(self.stddev, real)

        def draw(shape):
            return jax.random.truncated_normal(
                next_rng_key(), self.lower, self.upper, shape, real
            )

        if jnp.issubdtype(dtype, jnp.complexfloating):
            parts = draw((2, *shape))
            return stddev * (parts[0] + 1j * parts[1]) + mean
        return stddev * draw(shape) + mean


class RandomUniform:
    """Draws from a uniform distribution.

    Args:
      minval: The lower limit, default 0.
      maxval: The upper limit, default 1.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> draw = hk.transform(lambda: hk.initializers.RandomUniform()([2], jnp.float32))
      >>> draw.apply({}, jax.random.PRNGKey(0)).shape
      (2,)
    """

    def __init__(self, minval: ArrayLike = 0.0, maxval: ArrayLike = 1.0):
        self.minval = minval
        self.maxval = maxval

    def __call__(self, shape: Sequence[int], dtype: DTypeLike) -> jax.Array:
        return jax.random.uniform(
            next_rng_key(), shape, dtype, self.minval, self.maxval
        )


class VarianceScaling:
    """Draws with a variance of `scale` over the number of connected units.

    It covers the usual initialisers: LeCun's is the default, Glorot's is
    `VarianceScaling(1.0, "fan_avg", ...)`, He's is `VarianceScaling(2.0, ...)`, with
    "truncated_normal" or "uniform".

    Args:
      scale: What the variance is multiplied by, default 1.
      mode: Which units count: "fan_in" (default), "fan_out" or their mean, "fan_avg".
      distribution: "truncated_normal" (default), "normal" or "uniform".
      fan_in_axes: The axes that count as inputs, for weights with three and more
        dimensions; by default all but the last.

    Raises:
      ValueError: One of the arguments is none of these.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> he_uniform = hk.initializers.VarianceScaling(2.0, "fan_in", "uniform")
      >>> draw = hk.transform(lambda: he_uniform([4, 3], jnp.float32))
      >>> draw.apply({}, jax.random.PRNGKey(0)).shape
      (4, 3)
    """

    def __init__(
        self,
        scale: float | jax.Array = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        fan_in_axes: Sequence[int] | None = None,
    ):
        if scale < 0.0:
            raise ValueError(f"`scale` must be a positive float, got {scale}.")
        if mode not in MODES:
            raise ValueError(
                f"Invalid `mode` argument: {mode!r}, must be one of {list(MODES)}."
            )
        distribution = distribution.lower()
        if distribution not in _DISTRIBUTIONS:
            raise ValueError(
                f"Invalid `distribution` argument: {distribution!r}, must be one of "
                f"{list(_DISTRIBUTIONS)}."
            )
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.fan_in_axes = fan_in_axes

    def __call__(self, shape: Sequence[int], dtype: DTypeLike) -> jax.Array:
        units = connected_units(shape, self.mode, self.fan_in_axes)
        variance = self.scale / max(1.0, units)
        if self.distribution == "uniform":
            limit = np.sqrt(3.0 * variance)
            return RandomUniform(-limit, limit)(shape, dtype)
        stddev = np.sqrt(variance)
        if self.distribution == "normal":
            return RandomNormal(stddev)(shape, dtype)
        stddev = stddev / np.asarray(TRUNCATED_STDDEV, dtype=dtype)
        return TruncatedNormal(stddev)(shape, dtype)


class UniformScaling:
    """Draws uniformly, with a variance of `scale^2` over the number of inputs.

    Args:
      scale: What the limits are multiplied by, default 1.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> init = hk.initializers.UniformScaling()
      >>> draw = hk.transform(lambda: init([3, 5], jnp.float32))
      >>> bool(jnp.all(jnp.abs(draw.apply({}, jax.random.PRNGKey(0))) <= 1))
      True
    """

    def __init__(self, scale: ArrayLike = 1.0):
        self.scale = scale

    def __call__(self, shape: Sequence[int], dtype: DTypeLike) -> jax.Array:
        limit = np.sqrt(3 / np.prod(shape[:-1])) * self.scale
        return RandomUniform(-limit, limit)(shape, dtype)


class Orthogonal:
    """Draws an orthogonal matrix, uniformly (Saxe et al., 2013).

    All axes but `axis` are flattened. Of the rows and columns, the fewer ones are
    orthonormal.

    Args:
      scale: What the matrix is multiplied by, default 1.
      axis: The axis that holds the outputs, default the last.

    Raises:
      ValueError: On calling, if the shape has fewer than two dimensions.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> init = hk.initializers.Orthogonal()
      >>> w = hk.transform(lambda: init([3, 3], jnp.float32)).apply(
      ...     {}, jax.random.PRNGKey(0))
      >>> bool(jnp.allclose(w @ w.T, jnp.eye(3), atol=1e-6))
      True
    """

    def __init__(self, scale: ArrayLike = 1.0, axis: int = -1):
        self.scale = scale
        self.axis = axis

    def __call__(self, shape: Sequence[int], dtype: DTypeLike) -> jax.Array:
        _check_matrix("Orthogonal", shape)
        outputs = shape[self.axis]
        inputs = math.prod(shape) // outputs
        tall = (max(outputs, inputs), min(outputs, inputs))
        drawn = jax.random.normal(next_rng_key(), tall, dtype)
        # There is no QR in half precision.
        q, r = jnp.linalg.qr(drawn.astype(promoted_dtype(dtype, jnp.float32)))
        # QR is unique, and Q uniformly distributed, once R's diagonal is positive.
        q *= jnp.expand_dims(jnp.sign(jnp.diag(r)), 0)
        rows = q.T if outputs < inputs else q
        rest = [int(size) for size in np.delete(shape, self.axis)]
        w = jnp.moveaxis(jnp.reshape(rows, (outputs, *rest)), 0, self.axis)
        return lax.convert_element_type(self.scale, dtype) * w.astype(dtype)


class Identity:
    """Gives an identity matrix, or a batch of them.

    Args:
      gain: What it is multiplied by, default 1.

    Raises:
      ValueError: On calling, if the shape has fewer than two dimensions.

    Example:
      >>> import jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> hk.initializers.Identity(gain=2)([2, 2], jnp.float32).tolist()
      [[2.0, 0.0], [0.0, 2.0]]
    """

    def __init__(self, gain: float | np.ndarray | jax.Array = 1.0):
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: DTypeLike) -> jax.Array:
        _check_matrix("Identity", shape)
        eye = jnp.eye(shape[-2], shape[-1], dtype=dtype)
        if len(shape) > 2:
            eye = jnp.broadcast_to(eye, tuple(shape))
        return lax.convert_element_type(self.gain, dtype) * eye


def scaled_by_fan_in(shape: Sequence[int], dtype: Any) -> jax.Array:
    """Draws from a truncated normal with stddev `1 / sqrt(fan in)`.

    The default of dense and convolutional weights (Ioffe and Szegedy, 2015).

    Args:
      shape: `[*window, in, out]`.
      dtype: A floating dtype.

    Returns:
      The weights.
    """
    return TruncatedNormal(1.0 / np.sqrt(np.prod(shape[:-1])))(shape, dtype)


def scaled_by_fan_in_of_transpose(shape: Sequence[int], dtype: Any) -> jax.Array:
    """Draws as `scaled_by_fan_in` for weights of shape `[*window, out, in]`."""
    fan_in = np.prod((*shape[:-2], shape[-1]))
    return TruncatedNormal(1.0 / np.sqrt(fan_in))(shape, dtype)


def _check_matrix(name: str, shape: Sequence[int]) -> None:
    if len(shape) < 2:
        raise ValueError(
            f"{name} initializer requires at least a 2D shape, got {tuple(shape)}."
        )
