"""Linear maps."""

import jax

from ...haiku_impl.numerics.linear import linear
from ..core.checks import check_biases, check_minimum_rank, check_same_dtype, check_size
from ..core.dtypes import as_array
from ..core.module import Module
from ..core.once import once
from ..core.typing import ArrayLike, Initializer
from ..core.variable import Variable
from ..initializers import Zeros, fan_in_initializer


class Linear(Module):
    """Computes `x @ w + b` over the last axis.

    Args:
      output_size: the size of the last axis of the result.
      with_bias: whether there is a bias, default True.
      w_init: initial weights, by default from a truncated normal with stddev
        `1 / sqrt(input_size)` (Ioffe and Szegedy, 2015).
      b_init: the initial bias, default zeros.
      name: of the module, default "linear".

    Attributes:
      input_size: the size of the last axis of the inputs, once called.
      w: weights `[input_size, output_size]`, once called.
      b: the bias `[output_size]`, once called.

    Raises:
      ValueError: if `b_init` is given without a bias.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> linear = snt.Linear(3)
    >>> linear(jnp.ones([2, 5])).shape, [v.name for v in linear.variables]
    ((2, 3), ['linear/b:0', 'linear/w:0'])
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
        self.input_size = inputs.shape[-1]
        if self.w_init is None:
            self.w_init = fan_in_initializer(self.input_size)
        w_init, dtype = self.w_init, inputs.dtype
        shape = (self.input_size, self.output_size)
        self.w = Variable(lambda: w_init(shape, dtype), name="w")
        if self.with_bias:
            self.b = Variable(lambda: self.b_init(shape[1:], dtype), name="b")

    def __call__(self, inputs: ArrayLike) -> jax.Array:
        """Applies the map.

        Args:
          inputs: `[batch, ..., input_size]`, floating; the variables get its dtype.

        Returns:
          `[batch, ..., output_size]`.

        Raises:
          ValueError: if the inputs have fewer than two axes, or another size than
            before, or are not floating.
          TypeError: if they have another dtype than before.
        """
        inputs = as_array(inputs)
        check_minimum_rank(inputs, 2, self)
        self._initialize(inputs)
        check_size(inputs, -1, self.input_size, self)
        w = as_array(self.w)
        check_same_dtype(inputs, w, self)
        return linear(inputs, w, as_array(self.b) if self.with_bias else None)
