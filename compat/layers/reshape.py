"""Changing the shape of all but the leading axes."""

import math
from collections.abc import Sequence

import jax

from ..core.dtypes import as_array
from ..core.module import Module, no_name_scope
from ..core.once import once
from ..core.typing import ArrayLike


class Reshape(Module):
    """Reshapes all axes but the first ones.

    Args:
      output_shape: the shape of the other axes; one size may be -1, which stands for
        what is left.
      preserve_dims: how many leading axes stay as they are, default 1 (the batch).
      name: of the module, default "reshape".

    Raises:
      ValueError: if `preserve_dims` is not positive.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> reshape = snt.Reshape([-1, 4])
    >>> y = reshape(jnp.ones([2, 3, 8]))
    >>> y.shape, reshape.reversed()(y).shape
    ((2, 6, 4), (2, 3, 8))
    """

    def __init__(
        self,
        output_shape: Sequence[int],
        preserve_dims: int = 1,
        name: str | None = None,
    ):
        super().__init__(name=name)
        if preserve_dims <= 0:
            raise ValueError(
                f"Argument preserve_dims should be >= 1, got {preserve_dims}."
            )
        self._output_shape = output_shape
        self._preserve_dims = preserve_dims

    @once
    def _initialize(self, inputs: jax.Array) -> None:
        self._input_shape = inputs.shape

    def __call__(self, inputs: ArrayLike) -> jax.Array:
        """Reshapes an array.

        Args:
          inputs: `[*preserved, ...]`.

        Returns:
          `[*preserved, *output_shape]`.

        Raises:
          ValueError: if the inputs have too few axes, or another number of elements.
        """
        inputs = as_array(inputs)
        if inputs.ndim < self._preserve_dims:
            raise ValueError(
                f"Input tensor has {inputs.ndim} dimensions, should have at least as "
                f"many as preserve_dims={self._preserve_dims}."
            )
        self._initialize(inputs)
        preserved = inputs.shape[: self._preserve_dims]
        rest = inputs.shape[self._preserve_dims :]
        return inputs.reshape(*preserved, *self._resolve(rest))

    def _resolve(self, rest: tuple[int, ...]) -> list[int]:
        """Returns the output shape with the size for which -1 stands."""
        shape = [int(size) for size in self._output_shape]
        size = math.prod(rest)
        if shape.count(-1) == 1:
            known = -math.prod(shape)
            shape[shape.index(-1)] = size // known if known else 0
        if math.prod(shape) != size or min(shape, default=0) < 0:
            raise ValueError(
                f"Cannot reshape axes of shape {rest} to {tuple(self._output_shape)}: "
                f"they have {size} elements. At most one size can be -1."
            )
        return shape

    @no_name_scope
    def reversed(self, name: str | None = None) -> "Reshape":
        """Returns a module that undoes this one.

        Args:
          name: of that module, default this one's with `_reversed` behind.

        Raises:
          AttributeError: if this one has not been called yet.
        """
        if not hasattr(self, "_input_shape"):
            raise AttributeError(
                f"{self!r} does not know its input shape yet: call it before "
                "reversed()."
            )
        return Reshape(
            self._input_shape[self._preserve_dims :],
            self._preserve_dims,
            name=name or f"{self.name}_reversed",
        )


class Flatten(Reshape):
    """Makes one axis of all but the first ones.

    Args:
      preserve_dims: how many leading axes stay as they are, default 1 (the batch).
      name: of the module, default "flatten".

    Raises:
      ValueError: if `preserve_dims` is not positive.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> snt.Flatten()(jnp.ones([2, 3, 4])).shape
    (2, 12)
    """

    def __init__(self, preserve_dims: int = 1, name: str | None = None):
        super().__init__((-1,), preserve_dims, name)


def reshape(
    inputs: ArrayLike,
    output_shape: Sequence[int],
    preserve_dims: int = 1,
    name: str | None = None,
) -> jax.Array:
    """Reshapes all axes of an array but the first ones, as `Reshape` does.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> snt.reshape(jnp.ones([2, 6]), [3, 2]).shape
    (2, 3, 2)
    """
    return Reshape(output_shape, preserve_dims, name)(inputs)


def flatten(inputs: ArrayLike, name: str = "flatten") -> jax.Array:
    """Makes one axis of all axes of an array but the first, as `Flatten` does.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> snt.flatten(jnp.ones([2, 3, 4])).shape
    (2, 12)
    """
    return Flatten(name=name)(inputs)
