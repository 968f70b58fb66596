"""The gated recurrent unit."""

from typing import Any

import jax
import jax.numpy as jnp

from ...haiku_impl.numerics.recurrence import gru_update
from ..core.checks import check_rank, check_same_dtype
from ..core.dtypes import as_array, as_dtype
from ..core.once import once
from ..core.typing import ArrayLike, DTypeLike, Initializer
from ..core.variable import Variable
from ..initializers import VarianceScaling, Zeros
from .rnn_core import RNNCore, check_dtype


class GRU(RNNCore):
    """A gated recurrent unit, after Chung et al., 2014.

    With gates in the order update `z`, reset `r`, candidate `a`:
    `z, r = sigmoid(x w_i + h w_h + b)`, `a = tanh(x w_i + (r h) w_h + b)` and
    `h' = (1 - z) h + z a`.

    Args:
      hidden_size: the size of the state.
      w_i_init: the initializer of the inputs' weights, by default Glorot's uniform.
      w_h_init: the initializer of the state's weights, likewise.
      b_init: the initializer of the bias, by default zeros.
      dtype: that of inputs, states and variables.
      name: the module's name.

    Attributes:
      b: the bias, `[3 * hidden_size]`.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> core = snt.GRU(4)
    >>> outputs, state = core(jnp.ones([2, 3]), core.initial_state(batch_size=2))
    >>> outputs.shape, core.input_to_hidden.shape, core.hidden_to_hidden.shape
    ((2, 4), (3, 12), (4, 12))
    """

    def __init__(
        self,
        hidden_size: int,
        w_i_init: Initializer | None = None,
        w_h_init: Initializer | None = None,
        b_init: Initializer | None = None,
        dtype: DTypeLike = jnp.float32,
        name: str | None = None,
    ):
        super().__init__(name)
        self._hidden_size = hidden_size
        glorot_uniform = VarianceScaling(mode="fan_avg", distribution="uniform")
        self._w_i_init = w_i_init or glorot_uniform
        self._w_h_init = w_h_init or glorot_uniform
        self._b_init = b_init or Zeros()
        self._dtype = as_dtype(dtype)

    @property
    def input_to_hidden(self) -> Variable:
        """The weights of inputs, `[input_size, 3 * hidden_size]`."""
        return self._w_i

    @property
    def hidden_to_hidden(self) -> Variable:
        """The weights of the state, `[hidden_size, 3 * hidden_size]`."""
        return self._w_h

    @once
    def _initialize(self, inputs: Any) -> None:
        check_rank(inputs, 2, self)
        check_dtype(inputs, self._dtype)
        input_size, size, dtype = inputs.shape[1], self._hidden_size, self._dtype
        self._w_i = Variable(
            lambda: self._w_i_init([input_size, 3 * size], dtype), name="w_i"
        )
        self._w_h = Variable(
            lambda: self._w_h_init([size, 3 * size], dtype), name="w_h"
        )
        self.b = Variable(lambda: self._b_init([3 * size], dtype), name="b")

    def __call__(
        self, inputs: ArrayLike, prev_state: ArrayLike
    ) -> tuple[jax.Array, jax.Array]:
        """Does one step.

        Args:
          inputs: `[batch, input_size]`.
          prev_state: `[batch, hidden_size]`.

        Returns:
          The next state twice: as outputs, and as state.

        Raises:
          ValueError: on the first call, if the inputs have another rank.
          TypeError: if they have another dtype than the variables.
        """
        inputs = as_array(inputs)
        self._initialize(inputs)
        w_i, w_h, b = as_array(self._w_i), as_array(self._w_h), as_array(self.b)
        check_same_dtype(inputs, w_i, self)
        state: Any = prev_state
        next_state = gru_update(inputs, state, w_i, w_h, b)
        return next_state, next_state

    def initial_state(self, batch_size: int) -> jax.Array:  # type: ignore[override]
        """Returns zeros, `[batch_size, hidden_size]`."""
        return jnp.zeros([batch_size, self._hidden_size], self._dtype)
