"""Convolutional LSTMs."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from ..modules.conv import ConvND
from ..numerics.recurrence import HAIKU_GATES, lstm_update
from .cores import FORGET_BIAS, LSTMState, RNNCore, zeros_with_batch


class ConvNDLSTM(RNNCore):
    """An LSTM whose products are convolutions (Shi et al., 2015).

    Args:
      num_spatial_dims: The number of spatial dimensions.
      input_shape: The spatial shape of the inputs.
      output_channels: The number of channels of the states.
      kernel_shape: The size of the windows, one number or one for each dimension.
      name: Name of the module.
    """

    def __init__(
        self,
        num_spatial_dims: int,
        input_shape: Sequence[int],
        output_channels: int,
        kernel_shape: int | Sequence[int],
        name: str | None = None,
    ):
        super().__init__(name=name)
        self.num_spatial_dims = num_spatial_dims
        self.kernel_shape = kernel_shape
        self.output_channels = output_channels
        self.input_shape = tuple(input_shape)

    def __call__(
        self, inputs: jax.Array, state: LSTMState
    ) -> tuple[jax.Array, LSTMState]:
        """Runs one step.

        Args:
          inputs: `[batch, *input_shape, channels]`, with or without the batch.
          state: The state before it.

        Returns:
          The hidden state, and the whole state.
        """
        n, channels = self.num_spatial_dims, 4 * self.output_channels
        from_input, from_hidden = (
            ConvND(n, channels, self.kernel_shape, name=f"{source}_to_hidden")
            for source in ("input", "hidden")
        )
        hidden, cell = lstm_update(
            from_input(inputs) + from_hidden(state.hidden),
            jnp.asarray(state.cell),
            order=HAIKU_GATES,
            forget_bias=FORGET_BIAS,
        )
        return hidden, LSTMState(hidden, cell)

    def initial_state(self, batch_size: int | None) -> LSTMState:
        """Returns zeros, `[batch, *input_shape, output_channels]` each."""
        zeros = zeros_with_batch(batch_size, *self.input_shape, self.output_channels)
        return LSTMState(zeros, zeros)


class Conv1DLSTM(ConvNDLSTM):
    """An LSTM on sequences; `ConvNDLSTM` explains the arguments.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> def step(x):
      ...     core = hk.Conv1DLSTM(x.shape[1:-1], output_channels=2, kernel_shape=3)
      ...     return core(x, core.initial_state(batch_size=1))
      >>> f = hk.transform(step)
      >>> x = jnp.ones([1, 5, 3])
      >>> output, state = f.apply(f.init(jax.random.PRNGKey(0), x), None, x)
      >>> output.shape
      (1, 5, 2)
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        output_channels: int,
        kernel_shape: int | Sequence[int],
        name: str | None = None,
    ):
        super().__init__(1, input_shape, output_channels, kernel_shape, name)


class Conv2DLSTM(ConvNDLSTM):
    """An LSTM on images; `ConvNDLSTM` explains the arguments.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> def step(x):
      ...     core = hk.Conv2DLSTM(x.shape[1:-1], output_channels=2, kernel_shape=3)
      ...     return core(x, core.initial_state(batch_size=1))
      >>> f = hk.transform(step)
      >>> x = jnp.ones([1, 5, 5, 3])
      >>> output, state = f.apply(f.init(jax.random.PRNGKey(0), x), None, x)
      >>> output.shape
      (1, 5, 5, 2)
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        output_channels: int,
        kernel_shape: int | Sequence[int],
        name: str | None = None,
    ):
        super().__init__(2, input_shape, output_channels, kernel_shape, name)


class Conv3DLSTM(ConvNDLSTM):
    """An LSTM on volumes; `ConvNDLSTM` explains the arguments.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> def step(x):
      ...     core = hk.Conv3DLSTM(x.shape[1:-1], output_channels=2, kernel_shape=2)
      ...     return core(x, core.initial_state(batch_size=1))
      >>> f = hk.transform(step)
      >>> x = jnp.ones([1, 3, 3, 3, 1])
      >>> output, state = f.apply(f.init(jax.random.PRNGKey(0), x), None, x)
      >>> output.shape
      (1, 3, 3, 3, 2)
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        output_channels: int,
        kernel_shape: int | Sequence[int],
        name: str | None = None,
    ):
        super().__init__(3, input_shape, output_channels, kernel_shape, name)
