"""Long short-term memory: the core, and the module for whole sequences."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ...haiku_impl.numerics.linear import add_bias
from ...haiku_impl.numerics.recurrence import SONNET_GATES, lstm_sequence, lstm_update
from ..core.checks import check_rank, check_same_dtype
from ..core.dtypes import as_array, as_dtype
from ..core.once import once
from ..core.typing import ArrayLike, DTypeLike, Initializer
from ..core.variable import Variable
from ..initializers import TruncatedNormal, Zeros
from .rnn_core import RNNCore, UnrolledRNN, check_dtype


class LSTMState(NamedTuple):
    """The state of an LSTM.

    Attributes:
      hidden: `[batch, hidden_size]`, or `[batch, projection_size]`.
      cell: `[batch, hidden_size]`.
    """

    hidden: jax.Array
    cell: jax.Array


class LSTM(RNNCore):
    """A long short-term memory, after Zaremba et al., 2014.

    With `i, f, g, o = x w_i + h w_h + b` it is `c' = sigmoid(f) c + sigmoid(i) tanh(g)`
    and `h' = sigmoid(o) tanh(c')`.

    Args:
      hidden_size: the size of the cell's state.
      projection_size: the size to which the hidden state is projected (Sak et al.,
        2014); None projects nothing.
      projection_init: the initializer of the projection, by default a truncated normal
        of standard deviation `1 / sqrt(hidden_size)`.
      w_i_init: the initializer of the inputs' weights, likewise by `input_size`.
      w_h_init: the initializer of the state's weights, likewise by its size.
      b_init: the initializer of the bias, by default zeros.
      forget_bias: added to the initial value of the forget gate's bias (Jozefowicz et
        al., 2015), and nowhere else.
      dtype: that of inputs, states and variables.
      name: the module's name.

    Attributes:
      b: the bias, `[4 * hidden_size]`.
      projection: the projection, `[hidden_size, projection_size]`, or None.

    Raises:
      ValueError: if there is a `projection_init` without a projection.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> core = snt.LSTM(4)
    >>> outputs, state = core(jnp.ones([2, 3]), core.initial_state(batch_size=2))
    >>> outputs.shape, state.cell.shape, core.b.numpy().tolist()[:8]
    ((2, 4), (2, 4), [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0])
    """

    def __init__(
        self,
        hidden_size: int,
        projection_size: int | None = None,
        projection_init: Initializer | None = None,
        w_i_init: Initializer | None = None,
        w_h_init: Initializer | None = None,
        b_init: Initializer | None = None,
        forget_bias: float = 1.0,
        dtype: DTypeLike = jnp.float32,
        name: str | None = None,
    ):
        super().__init__(name)
        if projection_size is None and projection_init is not None:
            raise ValueError("Without a projection_size, projection_init must be None.")
        self._hidden_size = hidden_size
        self._projection_size = projection_size
        self._eff_hidden_size = projection_size or hidden_size
        self._projection_init = projection_init
        self._w_i_init = w_i_init
        self._w_h_init = w_h_init
        self._b_init = b_init or Zeros()
        self._forget_bias = forget_bias
        self._dtype = as_dtype(dtype)

    @property
    def input_to_hidden(self) -> Variable:
        """The weights of inputs, `[input_size, 4 * hidden_size]`."""
        return self._w_i

    @property
    def hidden_to_hidden(self) -> Variable:
        """The weights of the hidden state, `[hidden size, 4 * hidden_size]`."""
        return self._w_h

    @once
    def _initialize(self, inputs: Any) -> None:
        check_rank(inputs, 2, self)
        check_dtype(inputs, self._dtype)
        size, hidden, dtype = self._hidden_size, self._eff_hidden_size, self._dtype
        self._w_i = _weights("w_i", self._w_i_init, inputs.shape[1], 4 * size, dtype)
        self._w_h = _weights("w_h", self._w_h_init, hidden, 4 * size, dtype)
        self.b = gate_bias(self._b_init, size, self._forget_bias, dtype)
        self.projection = None
        if self._projection_size is not None:
            self.projection = _weights(
                "projection", self._projection_init, size, self._projection_size, dtype
            )

    def __call__(
        self, inputs: ArrayLike, prev_state: LSTMState
    ) -> tuple[jax.Array, LSTMState]:
        """Does one step.

        Args:
          inputs: `[batch, input_size]`.
          prev_state: an `LSTMState`.

        Returns:
          The hidden state, and the next state.

        Raises:
          ValueError: on the first call, if the inputs have another rank.
          TypeError: if they have another dtype than the variables.
        """
        inputs = as_array(inputs)
        self._initialize(inputs)
        w_i, w_h = as_array(self._w_i), as_array(self._w_h)
        check_same_dtype(inputs, w_i, self)
        gates = jnp.matmul(inputs, w_i) + jnp.matmul(prev_state.hidden, w_h)
        gates = add_bias(gates, as_array(self.b))
        hidden, cell = lstm_update(gates, prev_state.cell, order=SONNET_GATES)
        if self.projection is not None:
            hidden = jnp.matmul(hidden, as_array(self.projection))
        return hidden, LSTMState(hidden, cell)

    def initial_state(self, batch_size: int) -> LSTMState:  # type: ignore[override]
        """Returns a state of zeros."""
        return LSTMState(
            hidden=jnp.zeros([batch_size, self._eff_hidden_size], self._dtype),
            cell=jnp.zeros([batch_size, self._hidden_size], self._dtype),
        )


class UnrolledLSTM(UnrolledRNN):
    """An LSTM for whole sequences: the inputs of all steps meet their weights at once.

    Its numbers are those of `dynamic_unroll` with an `LSTM`, up to rounding.

    Args:
      hidden_size: as for `LSTM`.
      w_i_init: as for `LSTM`.
      w_h_init: as for `LSTM`.
      b_init: as for `LSTM`.
      forget_bias: as for `LSTM`.
      dtype: as for `LSTM`.
      name: the module's name.

    Attributes:
      b: the bias, `[4 * hidden_size]`.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> lstm = snt.UnrolledLSTM(4)
    >>> outputs, state = lstm(jnp.ones([5, 2, 3]), lstm.initial_state(batch_size=2))
    >>> outputs.shape, state.cell.shape
    ((5, 2, 4), (2, 4))
    """

    def __init__(
        self,
        hidden_size: int,
        w_i_init: Initializer | None = None,
        w_h_init: Initializer | None = None,
        b_init: Initializer | None = None,
        forget_bias: float = 1.0,
        dtype: DTypeLike = jnp.float32,
        name: str | None = None,
    ):
        super().__init__(name)
        self._hidden_size = hidden_size
        self._w_i_init = w_i_init
        self._w_h_init = w_h_init
        self._b_init = b_init or Zeros()
        self._forget_bias = forget_bias
        self._dtype = as_dtype(dtype)

    @property
    def input_to_hidden(self) -> Variable:
        """The weights of inputs, `[input_size, 4 * hidden_size]`."""
        return self._w_i

    @property
    def hidden_to_hidden(self) -> Variable:
        """The weights of the hidden state, `[hidden_size, 4 * hidden_size]`."""
        return self._w_h

    @once
    def _initialize(self, input_sequence: Any) -> None:
        check_rank(input_sequence, 3, self)
        check_dtype(input_sequence, self._dtype)
        size, dtype = self._hidden_size, self._dtype
        input_size = input_sequence.shape[2]
        self._w_i = _weights("w_i", self._w_i_init, input_size, 4 * size, dtype)
        self._w_h = _weights("w_h", self._w_h_init, size, 4 * size, dtype)
        self.b = gate_bias(self._b_init, size, self._forget_bias, dtype)

    def __call__(
        self, input_sequence: ArrayLike, initial_state: LSTMState
    ) -> tuple[jax.Array, LSTMState]:
        """Does all steps of a sequence.

        Args:
          input_sequence: `[time, batch, input_size]`.
          initial_state: an `LSTMState`.

        Returns:
          The hidden states, `[time, batch, hidden_size]`, and the last state.

        Raises:
          ValueError: on the first call, if the inputs have another rank.
          TypeError: if they have another dtype than the variables.
        """
        input_sequence = as_array(input_sequence)
        self._initialize(input_sequence)
        w_i, w_h, b = as_array(self._w_i), as_array(self._w_h), as_array(self.b)
        check_same_dtype(input_sequence, w_i, self)
        state: Any = tuple(initial_state)
        outputs, (hidden, cell) = lstm_sequence(
            input_sequence, state, w_i, w_h, b, order=SONNET_GATES
        )
        return outputs, LSTMState(hidden, cell)

    def initial_state(self, batch_size: int) -> LSTMState:  # type: ignore[override]
        """Returns a state of zeros."""
        shape = [batch_size, self._hidden_size]
        return LSTMState(jnp.zeros(shape, self._dtype), jnp.zeros(shape, self._dtype))


def _weights(name: str, init: Any, inputs: int, outputs: int, dtype: Any) -> Variable:
    init = init or TruncatedNormal(stddev=1.0 / np.sqrt(inputs))
    return Variable(lambda: init([inputs, outputs], dtype), name=name)


def gate_bias(init: Any, size: int, forget_bias: Any, dtype: Any) -> Variable:
    """Makes the bias of an LSTM's gates, `[4 * size]`.

    Args:
      init: an initializer.
      size: that of one gate.
      forget_bias: added to the forget gate's part.
      dtype: that of the bias.
    """
    return Variable(
        lambda: init([4 * size], dtype).at[size : 2 * size].add(forget_bias), name="b"
    )
