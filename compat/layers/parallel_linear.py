"""Several linear maps at once."""

import jax

from ...haiku_impl.numerics.linear import batched_linear
from ..core.checks import check_biases, check_rank, check_same_dtype, check_size
from ..core.dtypes import as_array
from ..core.module import Module
from ..core.once import once
from ..core.typing import ArrayLike, Initializer
from ..core.variable import Variable
from ..initializers import Zeros, fan_in_initializer


class ParallelLinears(Module):
    """Applies as many linear maps as there are batches, each to its own.

    Args:
      output_size: the size of the last axis of the result.
      with_bias: whether there are biases, default True.
      w_init: initial weights, by default from a truncated normal with stddev
        `1 / sqrt(input_size)` (Ioffe and Szegedy, 2015).
      b_init: the initial biases, default zeros.
      name: of the module, default "parallel_linears".

    Attributes:
      input_size: the size of the last axis of the inputs, once called.
      w: weights `[linears, input_size, output_size]`, once called.
      b: biases `[linears, 1, output_size]`, once called.

    Raises:
      ValueError: if `b_init` is given without biases.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> linears = snt.ParallelLinears(3)
    >>> linears(jnp.ones([4, 2, 5])).shape, linears.w.shape
    ((4, 2, 3), (4, 5, 3))
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
        check_biases(with_bias, b_init)
        self.output_size = output_size
        self.with_bias = with_bias
        self.w_init = w_init
        if with_bias:
            self.b_init = Zeros() if b_init is None else b_init

    @once
    def _initialize(self, inputs: jax.Array) -> None:
        count, _, self.input_size = inputs.shape
        dtype = inputs.dtype
        if self.w_init is None:
            self.w_init = fan_in_initializer(self.input_size)
        w_init, shape = self.w_init, (count, self.input_size, self.output_size)
        self.w = Variable(lambda: w_init(shape, dtype), name="w")
        if self.with_bias:
            biases = (count, 1, self.output_size)
            self.b = Variable(lambda: self.b_init(biases, dtype), name="b")

    def __call__(self, inputs: ArrayLike) -> jax.Array:
        """Applies the maps.

        Args:
          inputs: `[linears, batch, input_size]`, floating; the variables get its
            dtype.

        Returns:
          `[linears, batch, output_size]`.

        Raises:
          ValueError: if the inputs have another rank, or other sizes than before, or
            are not floating.
          TypeError: if they have another dtype than before.
        """
        inputs = as_array(inputs)
        check_rank(inputs, 3, self)
        self._initialize(inputs)
        w = as_array(self.w)
        check_size(inputs, 0, w.shape[0], self)
        check_size(inputs, 2, self.input_size, self)
        check_same_dtype(inputs, w, self)
        return batched_linear(inputs, w, as_array(self.b) if self.with_bias else None)
