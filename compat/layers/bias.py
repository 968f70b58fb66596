"""Biases."""

from collections.abc import Sequence
from typing import Any

import jax
from jax import lax

from ..core.checks import check_minimum_rank
from ..core.dtypes import as_array
from ..core.module import Module
from ..core.once import once
from ..core.typing import ArrayLike, Initializer
from ..core.variable import Variable
from ..initializers import Zeros


class Bias(Module):
    """Adds a bias along chosen axes.

    Args:
      output_size: the shape of the inputs without the batch, if it is to be checked.
      bias_dims: the axes along which the bias differs; by default all but the batch,
        and `[]` for a single number.
      b_init: the initial bias, default zeros.
      name: of the module, default "bias".

    Attributes:
      input_size: the shape of the inputs without the batch, once called.
      b: the bias, once called; from the first of `bias_dims` on it has all axes of the
        inputs, of size 1 where it is the same.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> x = jnp.ones([1, 2, 3, 4])
    >>> for dims in (None, [], [-1], [1]):
    ...     bias = snt.Bias(bias_dims=dims)
    ...     y = bias(x)
    ...     print(bias.b.shape)
    (2, 3, 4)
    ()
    (4,)
    (2, 1, 1)
    """

    def __init__(
        self,
        output_size: Sequence[int] | None = None,
        bias_dims: Sequence[int] | None = None,
        b_init: Initializer | None = None,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self.output_size = output_size
        self.bias_dims = bias_dims
        self.b_init = Zeros() if b_init is None else b_init

    @once
    def _initialize(self, inputs: jax.Array) -> None:
        self.input_size = inputs.shape[1:]
        if self.output_size is not None and self.input_size != _sizes(self.output_size):
            raise ValueError(
                f"Input shape must be {(-1, *_sizes(self.output_size))} not "
                f"{inputs.shape}."
            )
        shape, dtype = _bias_shape(inputs.shape, self.bias_dims), inputs.dtype
        self.b = Variable(lambda: self.b_init(shape, dtype), name="b")

    def __call__(
        self, inputs: ArrayLike, multiplier: ArrayLike | None = None
    ) -> jax.Array:
        """Adds the bias.

        Args:
          inputs: `[batch, ...]`; the bias gets its dtype.
          multiplier: what the bias is multiplied by before, such as -1 to take away
            what another call has added; broadcastable.

        Returns:
          An array of the shape of the inputs.

        Raises:
          ValueError: if the inputs have fewer than two axes, another shape than
            `output_size`, or one that the bias does not fit; or if `bias_dims` names
            the batch or an axis that is not there.
        """
        inputs = as_array(inputs)
        check_minimum_rank(inputs, 2, self)
        self._initialize(inputs)
        b = as_array(self.b)
        if any(
            size not in (1, there)
            for size, there in zip(b.shape[::-1], inputs.shape[::-1])
        ):
            raise ValueError(
                f"The bias of {self!r} has shape {b.shape}, as fits its first inputs, "
                f"which cannot be added to inputs of shape {inputs.shape}."
            )
        factor: Any = multiplier
        added = b if factor is None else b * factor
        if 0 < added.ndim < inputs.ndim:  # as jax_numpy_rank_promotion may ask for
            added = lax.broadcast_to_rank(added, inputs.ndim)
        return inputs + added


def _sizes(output_size: Any) -> tuple[int, ...]:
    if isinstance(output_size, int):
        return (output_size,)
    return tuple(int(size) for size in output_size)


def _bias_shape(
    input_shape: tuple[int, ...], bias_dims: Sequence[int] | None
) -> tuple[int, ...]:
    """Returns the input's sizes along some axes, and 1 elsewhere behind the first."""
    if bias_dims is None:
        return input_shape[1:]
    rank = len(input_shape)
    axes = {dim % rank if dim < 0 else dim for dim in bias_dims}
    if 0 in axes:
        raise ValueError(
            f"Cannot apply bias across the minibatch dimension: bias_dims={bias_dims}."
        )
    if max(axes, default=0) >= rank:
        raise ValueError(
            f"Dimension {max(axes)} (bias_dims={tuple(bias_dims)}) out of range for "
            f"input of rank {rank}."
        )
    shape = [size if axis in axes else 1 for axis, size in enumerate(input_shape)]
    while shape and shape[0] == 1:
        shape.pop(0)
    return tuple(shape)
