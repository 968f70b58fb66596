"""The simple recurrent core."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ...haiku_impl.numerics.recurrence import vanilla_update
from ..core.dtypes import as_array, as_dtype
from ..core.once import once
from ..core.typing import ArrayLike, DTypeLike, Initializer
from ..core.variable import Variable
from ..initializers import Zeros
from ..layers.linear import Linear
from .rnn_core import RNNCore, check_dtype


class VanillaRNN(RNNCore):
    """A simple recurrent core, after Elman, 1990: `h' = activation(x w_i + h w_h + b)`.

    Args:
      hidden_size: the size of the state.
      activation: applied to the sum.
      w_i_init: the initializer of `w_i`, by default that of `Linear`.
      w_h_init: the initializer of `w_h`, likewise.
      b_init: the initializer of the bias, by default zeros.
      dtype: that of inputs, states and variables.
      name: the module's name.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> core = snt.VanillaRNN(4)
    >>> outputs, state = core(jnp.ones([2, 3]), core.initial_state(batch_size=2))
    >>> outputs.shape, core.input_to_hidden.shape, core.hidden_to_hidden.shape
    ((2, 4), (3, 4), (4, 4))
    """

    def __init__(
        self,
        hidden_size: int,
        activation: Callable[[jax.Array], jax.Array] = jnp.tanh,
        w_i_init: Initializer | None = None,
        w_h_init: Initializer | None = None,
        b_init: Initializer | None = None,
        dtype: DTypeLike = jnp.float32,
        name: str | None = None,
    ):
        super().__init__(name)
        self._hidden_size = hidden_size
        self._activation = activation
        self._b_init = b_init or Zeros()
        self._dtype = as_dtype(dtype)
        self._input_to_hidden = Linear(
            hidden_size, with_bias=False, w_init=w_i_init, name="input_to_hidden"
        )
        self._hidden_to_hidden = Linear(
            hidden_size, with_bias=False, w_init=w_h_init, name="hidden_to_hidden"
        )

    @property
    def input_to_hidden(self) -> Variable:
        """The weights of inputs, `[input_size, hidden_size]`."""
        return self._input_to_hidden.w

    @property
    def hidden_to_hidden(self) -> Variable:
        """The weights of the state, `[hidden_size, hidden_size]`."""
        return self._hidden_to_hidden.w

    @once
    def _initialize(self, inputs: Any) -> None:
        check_dtype(inputs, self._dtype)
        self._b = Variable(
            lambda: self._b_init([self._hidden_size], self._dtype), name="b"
        )

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
          TypeError: if the inputs have another dtype than the variables.
        """
        inputs = as_array(inputs)
        self._initialize(inputs)
        outputs = vanilla_update(
            self._input_to_hidden(inputs),
            self._hidden_to_hidden(prev_state),
            as_array(self._b),
            self._activation,
        )
        return outputs, outputs

    def initial_state(self, batch_size: int) -> jax.Array:  # type: ignore[override]
        """Returns zeros, `[batch_size, hidden_size]`."""
        return jnp.zeros([batch_size, self._hidden_size], self._dtype)
