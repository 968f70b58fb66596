"""Linear maps and biases."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax

from ..core.module import Module
from ..core.parameters import get_parameter
from ..core.typing import Initializer
from ..initializers import scaled_by_fan_in
from ..numerics.linear import add_bias, linear


class Linear(Module):
    """Computes `x @ w + b` over the last axis.

    Args:
      output_size: The size of the last axis of the result.
      with_bias: Whether to add a bias, default True.
      w_init: Initial weights, `[inputs, outputs]`; by default from a truncated
        normal with stddev `1 / sqrt(inputs)` (Ioffe and Szegedy, 2015).
      b_init: The initial bias, default zeros.
      name: Name of the module.

    Attributes:
      input_size: The size of the last axis of the inputs, once called.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform(lambda x: hk.Linear(3)(x))
      >>> params = f.init(jax.random.PRNGKey(0), jnp.ones([1, 2]))
      >>> jax.tree.map(jnp.shape, params)
      {'linear': {'b': (3,), 'w': (2, 3)}}
    """

    def __init__(
        self,
        output_size: int,
        with_bias: bool = True,
        w_init: Initializer | None = None,
        b_init: Initializer | None = None,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self.input_size: int | None = None
        self.output_size = output_size
        self.with_bias = with_bias
        self.w_init = w_init
        self.b_init = b_init or jnp.zeros

    def __call__(
        self, inputs: jax.Array, *, precision: lax.Precision | None = None
    ) -> jax.Array:
        """Applies the map.

        Args:
          inputs: `[..., inputs]`; the parameters get its dtype.
          precision: Of the matrix product; None is the backend's default.

        Returns:
          `[..., outputs]`.

        Raises:
          ValueError: The inputs are a scalar.
        """
        if not isinstance(inputs, jax.Array):  # jnp takes its time to find out
            inputs = jnp.asarray(inputs)
        shape, dtype = inputs.shape, inputs.dtype
        if not shape:
            raise ValueError("Input must not be scalar: a Linear needs an axis to map.")
        self.input_size = shape[-1]
        w = get_parameter(
            "w", (shape[-1], self.output_size), dtype, self.w_init or scaled_by_fan_in
        )
        b = None
        if self.with_bias:
            b = get_parameter("b", (self.output_size,), dtype, self.b_init)
        return linear(inputs, w, b, precision=precision)


class Bias(Module):
    """Adds a learned bias.

    Args:
      output_size: The shape of the inputs without the batch dimension, to be
        checked; None accepts any.
      bias_dims: The dimensions that have biases of their own, without the first.
        None is all of them, an empty sequence is a single scalar.
      b_init: The initial bias, default zeros.
      name: Name of the module.

    Attributes:
      bias_shape: The shape of the bias, once called.

    Example:
      >>> import jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform(lambda x: hk.Bias(bias_dims=[-1])(x))
      >>> f.init(None, jnp.ones([4, 2, 3]))["bias"]["b"].shape
      (3,)
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
        self.b_init = b_init or jnp.zeros
        self.bias_shape: tuple[int, ...] | None = None

    def __call__(
        self, inputs: jax.Array, multiplier: float | jax.Array | None = None
    ) -> jax.Array:
        """Adds the bias, or a multiple of it.

        Args:
          inputs: `[batch, ...]`.
          multiplier: What the bias is multiplied by first; -1 takes it away.

        Returns:
          An array of the shape of `inputs`.

        Raises:
          ValueError: The inputs have no dimension but the batch, or another shape
            than `output_size`, or not all of `bias_dims`.
        """
        if inputs.ndim < 2:
            raise ValueError(
                f"Input must have rank >= 2, got shape {inputs.shape}: the first "
                "dimension is the batch, and has no bias."
            )
        if self.output_size is not None and self.output_size != inputs.shape[1:]:
            raise ValueError(
                f"Input shape must be {(-1, *self.output_size)} not {inputs.shape}"
            )
        self.input_size = inputs.shape[1:]
        self.bias_shape = _bias_shape(inputs.shape, self.bias_dims)
        b = get_parameter("b", self.bias_shape, inputs.dtype, self.b_init)
        return add_bias(inputs, b if multiplier is None else b * multiplier)


def _bias_shape(
    input_shape: tuple[int, ...], bias_dims: Sequence[int] | None
) -> tuple[int, ...]:
    if bias_dims is None:
        return input_shape[1:]
    rank = len(input_shape)
    chosen = {dim % rank if dim < 0 else dim for dim in bias_dims}
    if 0 in chosen:
        raise ValueError("Cannot apply bias across the minibatch dimension.")
    for dim in chosen:
        if dim >= rank:
            raise ValueError(
                f"Dimension {dim} (bias_dims={tuple(bias_dims)}) out of range for "
                f"input of rank {rank}."
            )
    shape = [size if i in chosen else 1 for i, size in enumerate(input_shape)]
    # Leading ones are left out: the shape is that of older parameter files.
    while shape and shape[0] == 1:
        shape.pop(0)
    return tuple(shape)
