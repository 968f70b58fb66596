"""Dropout."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ...haiku_impl.numerics.dropout import inverted_dropout
from ..core.dtypes import as_array
from ..core.module import Module
from ..core.typing import ArrayLike, BoolLike, Scalar
from ..random import next_key
from ..transforms.control_flow import cond


class Dropout(Module):
    """Omits units at random in training, and scales the others up.

    From Srivastava et al., 2014; the scaling, by `1 / (1 - rate)`, is in training.

    Args:
      rate: the probability that a unit is dropped, in [0, 1): a number, an array `[]`
        or a variable.
      noise_shape: the shape of the random mask, broadcastable to the inputs; None, or
        None in a place of it, stands for the size of the inputs.
      seed: an int that is folded into the random keys, None for none; calls differ
        in any case.
      name: of the module, default "dropout".

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> dropout = snt.Dropout(0.5)
    >>> sorted(set(dropout(jnp.ones([100]), is_training=True).tolist()))
    [0.0, 2.0]
    >>> dropout(jnp.ones([2]), is_training=False).tolist()
    [1.0, 1.0]
    """

    def __init__(
        self,
        rate: Scalar,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self._rate = rate
        self._noise_shape = noise_shape
        self._seed = seed

    def __call__(self, x: ArrayLike, is_training: BoolLike) -> jax.Array:
        """Drops units.

        Args:
          x: floating, of any shape.
          is_training: whether to do so; a bool, or an array `[]`, which may be traced.

        Returns:
          An array of the shape of `x`.

        Raises:
          ValueError: if the rate is a number outside [0, 1) or no number, if `x` is
            not floating, or if `noise_shape` does not fit it.
        """
        x = as_array(x)
        if isinstance(is_training, jax.core.Tracer):
            return cond(is_training, lambda: self(x, True), lambda: x)
        if not is_training:
            return x
        rate = self._checked_rate()
        if not jnp.issubdtype(x.dtype, jnp.floating):
            raise ValueError(f"Dropout scales floating point values, not {x.dtype}.")
        if isinstance(rate, float) and rate == 0:
            return x
        key = next_key()
        if self._seed is not None:
            key = jax.random.fold_in(key, self._seed)
        return inverted_dropout(key, rate, x, self._mask_shape(x))

    def _checked_rate(self) -> Any:
        rate = self._rate
        if isinstance(rate, int | float):
            if not 0 <= rate < 1:
                raise ValueError(
                    "`rate` must be a scalar tensor or a float in the range [0, 1), "
                    f"got {rate}."
                )
            return float(rate)
        if not hasattr(rate, "dtype"):
            raise ValueError(f"`rate` must be a scalar or scalar tensor, got {rate!r}.")
        return as_array(rate)

    def _mask_shape(self, x: jax.Array) -> tuple[int, ...]:
        if self._noise_shape is None:
            return x.shape
        shape = tuple(self._noise_shape)
        if len(shape) == x.ndim:
            shape = tuple(x.shape[i] if n is None else n for i, n in enumerate(shape))
        if len(shape) > x.ndim or any(
            n not in (1, there) for n, there in zip(shape[::-1], x.shape[::-1])
        ):
            raise ValueError(
                f"noise_shape={self._noise_shape} cannot be broadcast to inputs of "
                f"shape {x.shape}."
            )
        return shape  # type: ignore[return-value]
