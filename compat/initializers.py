"""`snt.initializers`: initial values of variables, equal in law to TensorFlow's.

Each is a function of a shape and a dtype. Random ones draw a key from the default
generator, or inside a pure function from its own; with a `seed` they draw none and
give the same values at each call.
"""

import abc
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..haiku_impl.numerics.initialization import (
    MODES,
    TRUNCATED_STDDEV,
    connected_units,
)
from ..haiku_impl.numerics.promotion import promoted_dtype
from .core.dtypes import floating_dtype, numeric_dtype
from .core.typing import DTypeLike, Scalar
from .random import next_key

__all__ = [
    "Initializer",
    "Zeros",
    "Ones",
    "Constant",
    "Identity",
    "RandomUniform",
    "RandomNormal",
    "TruncatedNormal",
    "VarianceScaling",
    "Orthogonal",
]


class Initializer(abc.ABC):
    """The base class of initial values.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> class Ramp(snt.initializers.Initializer):
    ...     def __call__(self, shape, dtype):
    ...         return jnp.broadcast_to(jnp.arange(shape[-1], dtype=dtype), shape)
    >>> Ramp()([2, 3], "float32").tolist()
    [[0.0, 1.0, 2.0], [0.0, 1.0, 2.0]]
    """

    @abc.abstractmethod
    def __call__(self, shape: Sequence[int], dtype: DTypeLike) -> jax.Array:
        """Returns an array.

        Args:
          shape: a sequence of ints.
          dtype: a dtype of JAX, NumPy or TensorFlow, or its name.
        """


class Zeros(Initializer):
    """Fills an array with zeros.

    >>> from sonnax import compat as snt
    >>> snt.initializers.Zeros()([2], "float32").tolist()
    [0.0, 0.0]
    """

    def __call__(self, shape: Sequence[int], dtype: DTypeLike) -> jax.Array:
        return jnp.zeros(_sizes(shape), numeric_dtype(dtype))


class Ones(Initializer):
    """Fills an array with ones.

    >>> from sonnax import compat as snt
    >>> snt.initializers.Ones()([2], "float32").tolist()
    [1.0, 1.0]
    """

    def __call__(self, shape: Sequence[int], dtype: DTypeLike) -> jax.Array:
        return jnp.ones(_sizes(shape), numeric_dtype(dtype))


class Constant(Initializer):
    """Fills an array with one number.

    Args:
      value: a number.

    Raises:
      TypeError: if `value` is not a scalar, or when called, if it is no number of
        the dtype asked for.

    >>> from sonnax import compat as snt
    >>> snt.initializers.Constant(3)([2], "float32").tolist()
    [3.0, 3.0]
    """

    def __init__(self, value: float | int):
        if not np.isscalar(value):
            raise TypeError(
                f"Constant takes a scalar, not {value!r} of type {type(value)}. For an "
                "array pass a function of a shape and a dtype that returns it."
            )
        self.value = value

    def __call__(self, shape: Sequence[int], dtype: DTypeLike) -> jax.Array:
        dtype = numeric_dtype(dtype)
        return jnp.full(_sizes(shape), _number(self.value, dtype), dtype)


class RandomUniform(Initializer):
    """Draws from a uniform distribution over `[minval, maxval)`.

    Args:
      minval: the lower limit, a number or an array `[]`, default 0.
      maxval: the upper limit, likewise, default 1.
      seed: an int with which every call gives the same values; None for new ones.

    >>> from sonnax import compat as snt
    >>> x = snt.initializers.RandomUniform(2, 3)([100], "float32")
    >>> bool((2 <= x).all() and (x < 3).all())
    True
    """

    def __init__(self, minval: Scalar = 0, maxval: Scalar = 1, seed: int | None = None):
        self.minval: Any = minval
        self.maxval: Any = maxval
        self.seed = seed

    def __call__(self, shape: Sequence[int], dtype: DTypeLike) -> jax.Array:
        dtype = numeric_dtype(dtype)
        key = _key(self.seed)
        if jnp.issubdtype(dtype, jnp.integer):
            sizes = _sizes(shape)
            return jax.random.randint(key, sizes, self.minval, self.maxval, dtype)

        def draw(sizes: tuple[int, ...]) -> jax.Array:
            return jax.random.uniform(key, sizes, dtype)

        return _shaped(draw, shape, self.minval, self.maxval - self.minval)


class RandomNormal(Initializer):
    """Draws from a normal distribution.

    Args:
      mean: a number or an array `[]`, default 0.
      stddev: the standard deviation, likewise, default 1.
      seed: an int with which every call gives the same values; None for new ones.

    >>> from sonnax import compat as snt
    >>> snt.initializers.RandomNormal(stddev=0.1)([2, 3], "float32").shape
    (2, 3)
    """

    def __init__(
        self, mean: Scalar = 0.0, stddev: Scalar = 1.0, seed: int | None = None
    ):
        self.mean: Any = mean
        self.stddev: Any = stddev
        self.seed = seed

    def __call__(self, shape: Sequence[int], dtype: DTypeLike) -> jax.Array:
        dtype = floating_dtype(dtype)
        key = _key(self.seed)

        def draw(sizes: tuple[int, ...]) -> jax.Array:
            return jax.random.normal(key, sizes, dtype)

        return _shaped(draw, shape, self.mean, self.stddev)


class TruncatedNormal(Initializer):
    """Draws from a normal distribution whose tails beyond two deviations are cut.

    Args:
      mean: a number or an array `[]`, default 0.
      stddev: the standard deviation before the tails are cut, likewise, default 1.
      seed: an int with which every call gives the same values; None for new ones.

    >>> from sonnax import compat as snt
    >>> x = snt.initializers.TruncatedNormal(mean=1.0, stddev=0.1)([100], "float32")
    >>> bool((abs(x - 1) <= 0.2 + 1e-6).all())
    True
    """

    def __init__(
        self, mean: Scalar = 0.0, stddev: Scalar = 1.0, seed: int | None = None
    ):
        self.mean: Any = mean
        self.stddev: Any = stddev
        self.seed = seed

    def __call__(self, shape: Sequence[int], dtype: DTypeLike) -> jax.Array:
        dtype = floating_dtype(dtype)
        key = _key(self.seed)

        def draw(sizes: tuple[int, ...]) -> jax.Array:
            return jax.random.truncated_normal(key, -2.0, 2.0, sizes, dtype)

        return _shaped(draw, shape, self.mean, self.stddev)


class Identity(Initializer):
    """Gives an identity matrix, or for more than two axes a batch of them.

    Args:
      gain: what it is multiplied by, default 1.

    Raises:
      ValueError: when called, if the shape has fewer than two axes.
      TypeError: when called, if `gain` is no int for an integer dtype.

    >>> from sonnax import compat as snt
    >>> snt.initializers.Identity(gain=2)([2, 3], "float32").tolist()
    [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]
    """

    def __init__(self, gain: float = 1.0):
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: DTypeLike) -> jax.Array:
        shape, dtype = _matrix(self, shape), numeric_dtype(dtype)
        eye = jnp.eye(shape[-2], shape[-1], dtype=dtype)
        return jnp.broadcast_to(_number(self.gain, dtype) * eye, shape)


class Orthogonal(Initializer):
    """Draws an orthogonal matrix, uniformly (Saxe et al., 2013).

    Of more than two axes all but the last are taken together. If there are fewer rows
    than columns the rows are orthonormal, else the columns.

    Args:
      gain: what the matrix is multiplied by, default 1.
      seed: an int with which every call gives the same values; None for new ones.

    Raises:
      ValueError: when called, if the shape has fewer than two axes.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> w = snt.initializers.Orthogonal()([3, 2], "float32")
    >>> bool(jnp.allclose(w.T @ w, jnp.eye(2), atol=1e-6))
    True
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None):
        self.gain = gain
        self.seed = seed

    def __call__(self, shape: Sequence[int], dtype: DTypeLike) -> jax.Array:
        shape, dtype = _matrix(self, shape), floating_dtype(dtype)
        rows, columns = math.prod(shape[:-1]), shape[-1]
        tall = (max(rows, columns), min(rows, columns))
        drawn = RandomNormal(seed=self.seed)(tall, dtype)
        # There is no QR in half precision.
        q, r = jnp.linalg.qr(drawn.astype(promoted_dtype(dtype, jnp.float32)))
        # Only with a positive diagonal of R is Q distributed uniformly.
        q = q * jnp.sign(jnp.diagonal(r))
        w = q.T if rows < columns else q
        return jnp.asarray(self.gain, dtype) * w.astype(dtype).reshape(shape)


class VarianceScaling(Initializer):
    """Draws with a variance of `scale` over the number of connected units.

    LeCun's initial values are the default, Glorot's have `mode="fan_avg"`, and He's
    `scale=2.0`. The deviation is that of the values after their tails are cut. For
    the weights of a transposed convolution "fan_in" and "fan_out" change places.

    Args:
      scale: a positive number, default 1.
      mode: which units count: "fan_in" (default), "fan_out", or their mean "fan_avg".
      distribution: "truncated_normal" (default), "normal" or "uniform".
      seed: an int with which every call gives the same values; None for new ones.

    Raises:
      ValueError: if an argument is none of these.

    >>> from sonnax import compat as snt
    >>> x = snt.initializers.VarianceScaling(3.0, distribution="uniform")(
    ...     [9, 50], "float32")
    >>> bool((abs(x) <= 1).all())
    True
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
    ):
        if scale <= 0:
            raise ValueError(f"`scale` must be a positive float, got {scale}.")
        if mode not in MODES:
            raise ValueError(
                f"Invalid `mode` argument: {mode!r} is none of {sorted(MODES)}."
            )
        distribution = distribution.lower()
        if distribution not in _DISTRIBUTIONS:
            raise ValueError(
                f"Invalid `distribution` argument: {distribution!r} is none of "
                f"{sorted(_DISTRIBUTIONS)}."
            )
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.seed = seed

    def __call__(self, shape: Sequence[int], dtype: DTypeLike) -> jax.Array:
        shape, dtype = _sizes(shape), floating_dtype(dtype)
        units = connected_units(shape, self.mode)
        stddev = math.sqrt(self.scale / max(1.0, units))
        return _DISTRIBUTIONS[self.distribution](stddev, self.seed)(shape, dtype)


def _uniform(stddev: float, seed: int | None) -> Initializer:
    limit = math.sqrt(3.0) * stddev
    return RandomUniform(-limit, limit, seed)


_DISTRIBUTIONS = {
    "normal": lambda stddev, seed: RandomNormal(0.0, stddev, seed),
    "truncated_normal": lambda stddev, seed: TruncatedNormal(
        0.0, stddev / TRUNCATED_STDDEV, seed
    ),
    "uniform": _uniform,
}


def fan_in_initializer(fan_in: int) -> Initializer:
    """Returns the default of weights: a truncated normal with stddev 1 / sqrt(fan_in).

    From Ioffe and Szegedy, 2015.
    """
    return TruncatedNormal(stddev=1.0 / math.sqrt(fan_in))


# Up to here sizes are rounded up to powers of two, of which there are few.
_LARGE = 2**16


def _shaped(
    draw: Callable[[tuple[int, ...]], jax.Array], shape: Any, shift: Any, scale: Any
) -> jax.Array:
    """Draws `draw(sizes) * scale + shift` of a shape.

    Outside compiled functions XLA compiles the draw for every size, in a second for
    those of several axes; so it has one axis, and few different lengths.
    """
    sizes = _sizes(shape)
    size = math.prod(sizes)
    length = size if size > _LARGE else 1 << max(size - 1, 0).bit_length()
    x = draw((length,))
    x = x * jnp.asarray(scale, x.dtype) + jnp.asarray(shift, x.dtype)
    return lax.slice(x, (0,), (size,)).reshape(sizes)


def _sizes(shape: Any) -> tuple[int, ...]:
    """Returns a shape as a tuple, for any kind of sequence of sizes, or one size."""
    if isinstance(shape, int | np.integer):
        return (int(shape),)
    return tuple(int(size) for size in shape)


def _matrix(initializer: Initializer, shape: Any) -> tuple[int, ...]:
    sizes = _sizes(shape)
    if len(sizes) < 2:
        raise ValueError(
            f"{type(initializer).__name__} fills arrays of two or more axes, not of "
            f"shape {sizes}."
        )
    return sizes


def _number(value: Any, dtype: np.dtype) -> jax.Array:
    """Returns a number in a dtype of its own kind, as TensorFlow converts it."""
    kinds: tuple[type, ...] = (int, np.integer)
    if not jnp.issubdtype(dtype, jnp.integer):
        kinds = (int, float, np.number, jax.Array)
    if not isinstance(value, kinds):
        raise TypeError(
            f"Cannot convert {value!r} to {dtype}: give a number of that kind."
        )
    return jnp.asarray(value, dtype)


def _key(seed: int | None) -> jax.Array:
    return next_key() if seed is None else jax.random.key(seed)
