"""Convolutional LSTMs."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ...haiku_impl.numerics.layout import broadcastable_shape
from ...haiku_impl.numerics.linear import add_bias
from ...haiku_impl.numerics.recurrence import SONNET_GATES, lstm_update
from ..core.dtypes import as_array, as_dtype
from ..core.once import once
from ..core.typing import ArrayLike, DTypeLike, Initializer
from ..core.variable import Variable
from ..initializers import Zeros
from ..layers.conv import ConvND
from .lstm import LSTMState, gate_bias
from .rnn_core import RNNCore, check_dtype


class _ConvNDLSTM(RNNCore):
    """An LSTM whose states are images and whose matrices are convolutions."""

    def __init__(
        self,
        num_spatial_dims: int,
        sizes: tuple[Sequence[int], int, int | Sequence[int]],
        data_format: str,
        inits: tuple[Any, Any, Any],
        forget_bias: float,
        dtype: DTypeLike,
        name: str | None,
    ):
        input_shape, output_channels, kernel_shape = sizes
        w_i_init, w_h_init, b_init = inits
        super().__init__(name)
        self._num_spatial_dims = num_spatial_dims
        self._input_shape = list(input_shape)
        self._channel_index = 1 if data_format.startswith("NC") else -1
        self._output_channels = output_channels
        self._b_init = b_init or Zeros()
        self._forget_bias = forget_bias
        self._dtype = as_dtype(dtype)
        self._input_to_hidden, self._hidden_to_hidden = (
            ConvND(
                num_spatial_dims,
                output_channels=4 * output_channels,
                kernel_shape=kernel_shape,
                padding="SAME",
                with_bias=False,
                w_init=w_init,
                data_format=data_format,
                name=conv_name,
            )
            for w_init, conv_name in (
                (w_i_init, "input_to_hidden"),
                (w_h_init, "hidden_to_hidden"),
            )
        )

    @property
    def input_to_hidden(self) -> Variable:
        """The kernel of inputs, `[*window, input_channels, 4 * output_channels]`."""
        return self._input_to_hidden.w

    @property
    def hidden_to_hidden(self) -> Variable:
        """The kernel of states, `[*window, output_channels, 4 * output_channels]`."""
        return self._hidden_to_hidden.w

    @once
    def _initialize(self, inputs: Any) -> None:
        check_dtype(inputs, self._dtype)
        self.b = gate_bias(
            self._b_init, self._output_channels, self._forget_bias, self._dtype
        )

    def __call__(
        self, inputs: ArrayLike, prev_state: LSTMState
    ) -> tuple[jax.Array, LSTMState]:
        """Does one step.

        Args:
          inputs: `[batch, *input_shape]`.
          prev_state: an `LSTMState`.

        Returns:
          The hidden state, `[batch, *spatial, output_channels]` or as the data format
          has it, and the next state.

        Raises:
          TypeError: if the inputs have another dtype than the variables.
        """
        inputs = as_array(inputs)
        self._initialize(inputs)
        gates = self._input_to_hidden(inputs) + self._hidden_to_hidden(
            prev_state.hidden
        )
        b = as_array(self.b)
        shape = broadcastable_shape(b.size, self._channel_index, self._num_spatial_dims)
        gates = add_bias(gates, b.reshape(shape))
        hidden, cell = lstm_update(
            gates, prev_state.cell, order=SONNET_GATES, axis=self._channel_index
        )
        return hidden, LSTMState(hidden, cell)

    def initial_state(self, batch_size: int) -> LSTMState:  # type: ignore[override]
        """Returns a state of zeros."""
        shape = [batch_size, *self._input_shape]
        shape[self._channel_index] = self._output_channels
        return LSTMState(jnp.zeros(shape, self._dtype), jnp.zeros(shape, self._dtype))


class Conv1DLSTM(_ConvNDLSTM):
    """A convolutional LSTM over sequences, after Shi et al., 2015.

    It is `LSTM` with convolutions, padded to the inputs' size, in place of matrix
    products.

    Args:
      input_shape: the shape of the inputs without the batch's axis.
      output_channels: the number of channels of the states.
      kernel_shape: the size of the window, one int or one for each spatial axis.
      data_format: where the channels are, "NWC" or "NCW".
      w_i_init: the initializer of the inputs' kernel, by default that of `Conv1D`.
      w_h_init: the initializer of the states' kernel, likewise.
      b_init: the initializer of the bias, by default zeros.
      forget_bias: added to the initial value of the forget gate's bias.
      dtype: that of inputs, states and variables.
      name: the module's name.

    Attributes:
      b: the bias, `[4 * output_channels]`.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> core = snt.Conv1DLSTM([5, 3], output_channels=4, kernel_shape=3)
    >>> core(jnp.ones([1, 5, 3]), core.initial_state(batch_size=1))[0].shape
    (1, 5, 4)
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        output_channels: int,
        kernel_shape: int | Sequence[int],
        data_format: str = "NWC",
        w_i_init: Initializer | None = None,
        w_h_init: Initializer | None = None,
        b_init: Initializer | None = None,
        forget_bias: float = 1.0,
        dtype: DTypeLike = jnp.float32,
        name: str | None = None,
    ):
        sizes = (input_shape, output_channels, kernel_shape)
        inits = (w_i_init, w_h_init, b_init)
        super().__init__(1, sizes, data_format, inits, forget_bias, dtype, name)


class Conv2DLSTM(_ConvNDLSTM):
    """A convolutional LSTM over images, after Shi et al., 2015.

    It is `LSTM` with convolutions, padded to the inputs' size, in place of matrix
    products.

    Args:
      input_shape: the shape of the inputs without the batch's axis.
      output_channels: the number of channels of the states.
      kernel_shape: the size of the window, one int or one for each spatial axis.
      data_format: where the channels are, "NHWC" or "NCHW".
      w_i_init: the initializer of the inputs' kernel, by default that of `Conv2D`.
      w_h_init: the initializer of the states' kernel, likewise.
      b_init: the initializer of the bias, by default zeros.
      forget_bias: added to the initial value of the forget gate's bias.
      dtype: that of inputs, states and variables.
      name: the module's name.

    Attributes:
      b: the bias, `[4 * output_channels]`.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> core = snt.Conv2DLSTM([5, 5, 3], output_channels=4, kernel_shape=3)
    >>> core(jnp.ones([1, 5, 5, 3]), core.initial_state(batch_size=1))[0].shape
    (1, 5, 5, 4)
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        output_channels: int,
        kernel_shape: int | Sequence[int],
        data_format: str = "NHWC",
        w_i_init: Initializer | None = None,
        w_h_init: Initializer | None = None,
        b_init: Initializer | None = None,
        forget_bias: float = 1.0,
        dtype: DTypeLike = jnp.float32,
        name: str | None = None,
    ):
        sizes = (input_shape, output_channels, kernel_shape)
        inits = (w_i_init, w_h_init, b_init)
        super().__init__(2, sizes, data_format, inits, forget_bias, dtype, name)


class Conv3DLSTM(_ConvNDLSTM):
    """A convolutional LSTM over volumes, after Shi et al., 2015.

    It is `LSTM` with convolutions, padded to the inputs' size, in place of matrix
    products.

    Args:
      input_shape: the shape of the inputs without the batch's axis.
      output_channels: the number of channels of the states.
      kernel_shape: the size of the window, one int or one for each spatial axis.
      data_format: where the channels are, "NDHWC" or "NCDHW".
      w_i_init: the initializer of the inputs' kernel, by default that of `Conv3D`.
      w_h_init: the initializer of the states' kernel, likewise.
      b_init: the initializer of the bias, by default zeros.
      forget_bias: added to the initial value of the forget gate's bias.
      dtype: that of inputs, states and variables.
      name: the module's name.

    Attributes:
      b: the bias, `[4 * output_channels]`.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> core = snt.Conv3DLSTM([5, 5, 5, 3], output_channels=4, kernel_shape=3)
    >>> core(jnp.ones([1, 5, 5, 5, 3]), core.initial_state(batch_size=1))[0].shape
    (1, 5, 5, 5, 4)
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        output_channels: int,
        kernel_shape: int | Sequence[int],
        data_format: str = "NDHWC",
        w_i_init: Initializer | None = None,
        w_h_init: Initializer | None = None,
        b_init: Initializer | None = None,
        forget_bias: float = 1.0,
        dtype: DTypeLike = jnp.float32,
        name: str | None = None,
    ):
        sizes = (input_shape, output_channels, kernel_shape)
        inits = (w_i_init, w_h_init, b_init)
        super().__init__(3, sizes, data_format, inits, forget_bias, dtype, name)
