"""`snt.regularizers`: penalties on the size of variables."""

import abc
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ..haiku_impl.numerics import ties
from .core.dtypes import as_array
from .core.typing import Scalar

__all__ = ["L1", "L2", "OffDiagonalOrthogonal", "Regularizer"]


class Regularizer(abc.ABC):
    """The base class of penalties."""

    @abc.abstractmethod
    def __call__(self, tensors: Sequence[Any]) -> jax.Array:
        """Returns the penalty for all arrays together.

        Args:
          tensors: arrays or variables of one dtype.
        """


class _Scaled(Regularizer):
    """A sum of penalties on single arrays, multiplied by a factor."""

    _repr_name: str

    def __init__(self, scale: Scalar):
        """Keeps the factor.

        Args:
          scale: a number of at least 0, an array `[]`, or a variable.

        Raises:
          ValueError: if it is negative.
        """
        factor: Any = scale
        if factor < 0:
            raise ValueError(f"scale must be >= 0, got {scale}.")
        self.scale = factor

    @abc.abstractmethod
    def _penalty(self, x: jax.Array) -> jax.Array:
        """Returns the penalty on one array."""

    def __call__(self, tensors: Sequence[Any]) -> jax.Array:
        if not tensors:
            return jnp.zeros_like(as_array(self.scale))
        penalties = [self._penalty(as_array(x)) for x in tensors]
        if len({penalty.dtype for penalty in penalties}) > 1:
            raise TypeError(
                f"{self!r} adds up penalties on arrays of one dtype, got "
                f"{[str(penalty.dtype) for penalty in penalties]}."
            )
        return self.scale * sum(penalties[1:], penalties[0])

    def __repr__(self) -> str:
        return f"{self._repr_name}(scale={self.scale})"


class L1(_Scaled):
    """Sums the absolute values of all elements.

    Args:
      scale: what the sum is multiplied by, at least 0.

    Raises:
      ValueError: if `scale` is negative.
      TypeError: when called, if the arrays differ in dtype.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> float(snt.regularizers.L1(0.5)([jnp.array([1.0, -2.0])]))
    1.5
    """

    _repr_name = "L1"

    def _penalty(self, x: jax.Array) -> jax.Array:
        return jnp.sum(ties.absolute(x))


class L2(_Scaled):
    """Sums the squares of all elements.

    Args:
      scale: what the sum is multiplied by, at least 0.

    Raises:
      ValueError: if `scale` is negative.
      TypeError: when called, if the arrays differ in dtype.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> float(snt.regularizers.L2(0.5)([jnp.array([1.0, -2.0])]))
    2.5
    """

    _repr_name = "L2"

    def _penalty(self, x: jax.Array) -> jax.Array:
        return jnp.sum(jnp.square(x))


class OffDiagonalOrthogonal(_Scaled):
    """Sums the squared products of different columns, which orthogonal ones lack.

    All axes but the last are flattened (Brock et al., 2018).

    Args:
      scale: what the sum is multiplied by, at least 0.

    Raises:
      ValueError: if `scale` is negative, or when called, if an array has fewer than
        two axes.
      TypeError: when called, if the arrays differ in dtype.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> penalty = snt.regularizers.OffDiagonalOrthogonal(0.5)
    >>> float(penalty([jnp.array([[1.0, 2.0]])]))
    4.0
    """

    _repr_name = "Orthogonal"

    def _penalty(self, x: jax.Array) -> jax.Array:
        if x.ndim < 2:
            raise ValueError(f"Shape {x.shape} must have rank at least 2.")
        w = x.reshape(-1, x.shape[-1])
        squares = jnp.square(w.T @ w)
        return jnp.sum(squares) - jnp.trace(squares)
