"""Metrics: modules that accumulate values."""

import abc

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..core.dtypes import as_array
from ..core.module import Module
from ..core.once import once
from ..core.typing import ArrayLike
from ..core.variable import Variable


class Metric(Module):
    """The base class of metrics: calling one updates it and returns its value."""

    @abc.abstractmethod
    def initialize(self, value: jax.Array) -> None:
        """Creates variables that depend on the values; only its first call does so.

        Args:
          value: like the values that `update` will be given.
        """

    @abc.abstractmethod
    def update(self, value: ArrayLike) -> None:
        """Takes in a value."""

    @property
    @abc.abstractmethod
    def value(self) -> jax.Array:
        """What has been accumulated."""

    @abc.abstractmethod
    def reset(self) -> None:
        """Forgets all values."""

    def __call__(self, value: ArrayLike) -> jax.Array:
        """Takes in a value, and returns what has been accumulated."""
        self.update(value)
        return self.value


class Sum(Metric):
    """Sums values, element by element.

    No gradient flows through the sum to earlier values.

    Args:
      name: of the module, default "sum".

    Attributes:
      sum: the sum so far, of the shape of the values; None before the first.

    >>> from sonnax import compat as snt
    >>> total = snt.Sum()
    >>> float(total(2.0)), float(total(3.0))
    (2.0, 5.0)
    """

    def __init__(self, name: str | None = None):
        super().__init__(name=name)
        self.sum: Variable | None = None

    @once
    def initialize(self, value: ArrayLike) -> None:
        self.sum = zeros_like(as_array(value), name="sum")

    def update(self, value: ArrayLike) -> None:
        value = as_array(value)
        self.initialize(value)
        _initialized(self, self.sum).assign_add(lax.stop_gradient(value))

    @property
    def value(self) -> jax.Array:
        return as_array(_initialized(self, self.sum))

    def reset(self) -> None:
        total = _initialized(self, self.sum)
        total.assign(jnp.zeros(total.shape, total.dtype))


class Mean(Metric):
    """Averages values, element by element.

    No gradient flows through the mean to earlier values.

    Args:
      name: of the module, default "mean".

    Attributes:
      sum: the sum so far, of the shape of the values; None before the first.
      count: how many there were, int64 (int32 where JAX has no 64 bits).

    >>> from sonnax import compat as snt
    >>> mean = snt.Mean()
    >>> float(mean(2.0)), float(mean(3.0))
    (2.0, 2.5)
    """

    def __init__(self, name: str | None = None):
        super().__init__(name=name)
        self.sum: Variable | None = None
        self.count = counter("count")

    @once
    def initialize(self, value: ArrayLike) -> None:
        self.sum = zeros_like(as_array(value), name="sum")

    def update(self, value: ArrayLike) -> None:
        value = as_array(value)
        self.initialize(value)
        _initialized(self, self.sum).assign_add(lax.stop_gradient(value))
        self.count.assign_add(1)

    @property
    def value(self) -> jax.Array:
        total = as_array(_initialized(self, self.sum))
        return total / as_array(self.count).astype(total.dtype)

    def reset(self) -> None:
        total = _initialized(self, self.sum)
        total.assign(jnp.zeros(total.shape, total.dtype))
        self.count.assign(0)


def zeros_like(value: jax.Array | np.ndarray, name: str) -> Variable:
    """Returns a variable of zeros, of the shape and dtype of an array."""
    shape, dtype = value.shape, jax.dtypes.canonicalize_dtype(value.dtype)
    return Variable(lambda: jnp.zeros(shape, dtype), trainable=False, name=name)


def counter(name: str) -> Variable:
    """Returns a variable that counts from zero in the widest int there is."""
    return Variable(0, trainable=False, name=name, dtype="int64")


def _initialized(metric: Metric, variable: Variable | None) -> Variable:
    if variable is None:
        raise AttributeError(
            f"{metric!r} has no value yet: call it with one first, or initialize it "
            "with one like those to come."
        )
    return variable
