"""Reshaping with some dimensions preserved."""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp

from ..core.module import Module


class Reshape(Module):
    """Reshapes all dimensions but the leading ones.

    Args:
      output_shape: The shape that replaces the other dimensions; one -1 in it stands
        for what is left.
      preserve_dims: How many leading dimensions stay, default 1. A negative number
        is minus the number of trailing dimensions that are replaced.
      name: Name of the module.

    Raises:
      ValueError: `preserve_dims` is 0, or there are several -1.

    Example:
      >>> import jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform(lambda x: hk.Reshape([2, -1], preserve_dims=2)(x))
      >>> f.apply({}, None, jnp.ones([4, 3, 6])).shape
      (4, 3, 2, 3)
    """

    def __init__(
        self,
        output_shape: Sequence[int],
        preserve_dims: int = 1,
        name: str | None = None,
    ):
        super().__init__(name=name)
        if preserve_dims == 0:
            raise ValueError("Argument preserve_dims should be non-zero.")
        self.output_shape = tuple(output_shape)
        self.preserve_dims = preserve_dims
        if self.output_shape.count(-1) > 1:
            raise ValueError(
                f"-1 can only occur once in `output_shape`, got {self.output_shape}."
            )

    def __call__(self, inputs: jax.Array) -> jax.Array:
        """Reshapes an array.

        Args:
          inputs: Any shape; with at most `preserve_dims` dimensions it is returned as
            it is.

        Returns:
          `[*inputs.shape[:preserve_dims], *output_shape]`.
        """
        if inputs.ndim <= self.preserve_dims:
            return inputs
        kept = inputs.shape[: self.preserve_dims]
        total = math.prod(inputs.shape[self.preserve_dims :])
        known = math.prod(size for size in self.output_shape if size != -1)
        shape = [total // known if size == -1 else size for size in self.output_shape]
        return jnp.reshape(inputs, (*kept, *shape))


class Flatten(Reshape):
    """Merges all dimensions but the leading ones.

    Args:
      preserve_dims: How many leading dimensions stay, default 1. A negative number
        is minus the number of trailing dimensions that are merged.
      name: Name of the module.

    Raises:
      ValueError: `preserve_dims` is 0.

    Example:
      >>> import jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform(lambda x: hk.Flatten()(x))
      >>> f.apply({}, None, jnp.ones([3, 2, 4])).shape
      (3, 8)
    """

    def __init__(self, preserve_dims: int = 1, name: str | None = None):
        super().__init__((-1,), preserve_dims, name)
