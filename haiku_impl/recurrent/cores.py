"""Recurrent cores: one step of a recurrent network, and its state."""

import abc
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ..core.module import Module
from ..core.parameters import get_parameter
from ..core.typing import Initializer, PyTree
from ..initializers import VarianceScaling
from ..modules.linear import Linear
from ..numerics.recurrence import HAIKU_GATES, gru_update, lstm_update, vanilla_update

# Added to the forget gate, so that a fresh network remembers (Jozefowicz et al., 2015).
FORGET_BIAS = 1


class RNNCore(Module):
    """The base class of recurrent cores.

    A core is called with the inputs of one step and the state before it, and gives
    the output and the state after it. `dynamic_unroll` and `static_unroll` call it
    for a whole sequence.
    """

    @abc.abstractmethod
    def __call__(self, inputs: PyTree, prev_state: PyTree) -> tuple[Any, Any]:
        """Runs one step.

        Args:
          inputs: An array or a tree of arrays.
          prev_state: The state before the step.

        Returns:
          The output, and the state after the step, of the shape of that before it.
        """

    @abc.abstractmethod
    def initial_state(self, batch_size: int | None) -> Any:
        """Returns the state before the first step.

        Args:
          batch_size: The size of the batch, or None for a state without a batch.
        """


def zeros_with_batch(batch_size: int | None, *shape: int) -> jax.Array:
    """Returns zeros of a shape, with a batch in front unless it is None."""
    return jnp.zeros(shape if batch_size is None else (batch_size, *shape))


class VanillaRNN(RNNCore):
    """A simple recurrent network: `h = relu(x @ w_i + b_i + h @ w_h + b_h)`.

    Args:
      hidden_size: The size of the state, which is the output too.
      double_bias: Whether there is a second bias, `b_h`, default True.
      name: Name of the module.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> def step(x):
      ...     core = hk.VanillaRNN(4)
      ...     return core(x, core.initial_state(batch_size=2))
      >>> f = hk.transform(step)
      >>> x = jnp.ones([2, 3])
      >>> output, state = f.apply(f.init(jax.random.PRNGKey(0), x), None, x)
      >>> output.shape
      (2, 4)
    """

    def __init__(
        self, hidden_size: int, double_bias: bool = True, name: str | None = None
    ):
        super().__init__(name=name)
        self.hidden_size = hidden_size
        self.double_bias = double_bias

    def __call__(
        self, inputs: jax.Array, prev_state: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """Runs one step.

        Args:
          inputs: `[batch, inputs]` or `[inputs]`.
          prev_state: `[batch, hidden_size]` or `[hidden_size]`.

        Returns:
          The next state, twice.
        """
        from_inputs = Linear(self.hidden_size)(inputs)
        from_hidden = Linear(self.hidden_size, self.double_bias)(prev_state)
        state = vanilla_update(from_inputs, from_hidden, None, jax.nn.relu)
        return state, state

    def initial_state(self, batch_size: int | None) -> jax.Array:
        """Returns zeros, `[batch, hidden_size]` or `[hidden_size]`."""
        return zeros_with_batch(batch_size, self.hidden_size)


class LSTMState(NamedTuple):
    """The state of an LSTM.

    Attributes:
      hidden: The hidden state, which is the output too.
      cell: The cell state.
    """

    hidden: jax.Array
    cell: jax.Array


class LSTM(RNNCore):
    """A long short-term memory, without peepholes (Zaremba et al., 2014).

    Its weights hold the gates in the order input, candidate, forget, output. 1 is
    added to the forget gate.

    Args:
      hidden_size: The size of the hidden state and of the cell state.
      name: Name of the module.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> def step(x):
      ...     core = hk.LSTM(4)
      ...     return core(x, core.initial_state(batch_size=2))
      >>> f = hk.transform(step)
      >>> x = jnp.ones([2, 3])
      >>> output, state = f.apply(f.init(jax.random.PRNGKey(0), x), None, x)
      >>> output.shape, state.cell.shape
      ((2, 4), (2, 4))
    """

    def __init__(self, hidden_size: int, name: str | None = None):
        super().__init__(name=name)
        self.hidden_size = hidden_size

    def __call__(
        self, inputs: jax.Array, prev_state: LSTMState
    ) -> tuple[jax.Array, LSTMState]:
        """Runs one step.

        Args:
          inputs: `[batch, inputs]` or `[inputs]`.
          prev_state: The state before it.

        Returns:
          The hidden state, and the whole state.

        Raises:
          ValueError: The inputs have another rank.
        """
        x = jnp.asarray(inputs)
        _check_rank("LSTM", x)
        x_and_h = jnp.concatenate([x, prev_state.hidden], axis=-1)
        gates = Linear(4 * self.hidden_size)(x_and_h)
        hidden, cell = lstm_update(
            gates, prev_state.cell, order=HAIKU_GATES, forget_bias=FORGET_BIAS
        )
        return hidden, LSTMState(hidden, cell)

    def initial_state(self, batch_size: int | None) -> LSTMState:
        """Returns zeros, `[batch, hidden_size]` or `[hidden_size]` each."""
        zeros = zeros_with_batch(batch_size, self.hidden_size)
        return LSTMState(zeros, zeros)


class GRU(RNNCore):
    """A gated recurrent unit (Chung et al., 2014); the state is the output too.

    Args:
      hidden_size: The size of the state.
      w_i_init: Initial weights of the inputs, `[inputs, 3 * hidden_size]`, default
        `VarianceScaling()`.
      w_h_init: Initial weights of the state, `[hidden_size, 3 * hidden_size]`, default
        `VarianceScaling()`.
      b_init: The initial bias, `[3 * hidden_size]`, default zeros.
      name: Name of the module.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> def step(x):
      ...     core = hk.GRU(4)
      ...     return core(x, core.initial_state(batch_size=2))
      >>> f = hk.transform(step)
      >>> x = jnp.ones([2, 3])
      >>> output, state = f.apply(f.init(jax.random.PRNGKey(0), x), None, x)
      >>> output.shape
      (2, 4)
    """

    def __init__(
        self,
        hidden_size: int,
        w_i_init: Initializer | None = None,
        w_h_init: Initializer | None = None,
        b_init: Initializer | None = None,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self.hidden_size = hidden_size
        self.w_i_init = w_i_init or VarianceScaling()
        self.w_h_init = w_h_init or VarianceScaling()
        self.b_init = b_init or jnp.zeros

    def __call__(
        self, inputs: jax.Array, state: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """Runs one step.

        Args:
          inputs: `[batch, inputs]` or `[inputs]`.
          state: `[batch, hidden_size]` or `[hidden_size]`.

        Returns:
          The next state, twice.

        Raises:
          ValueError: The inputs have another rank.
        """
        inputs, state = jnp.asarray(inputs), jnp.asarray(state)
        _check_rank("GRU", inputs)
        gates = 3 * self.hidden_size
        dtype = inputs.dtype
        w_i = get_parameter("w_i", [inputs.shape[-1], gates], dtype, self.w_i_init)
        w_h = get_parameter("w_h", [self.hidden_size, gates], dtype, self.w_h_init)
        b = get_parameter("b", [gates], dtype, self.b_init)
        state = gru_update(inputs, state, w_i, w_h, b)
        return state, state

    def initial_state(self, batch_size: int | None) -> jax.Array:
        """Returns zeros, `[batch, hidden_size]` or `[hidden_size]`."""
        return zeros_with_batch(batch_size, self.hidden_size)


def _check_rank(core: str, inputs: jax.Array) -> None:
    if inputs.ndim not in (1, 2):
        raise ValueError(
            f"{core} input must be rank-1 or rank-2, got shape {inputs.shape}: it is "
            "one step, [batch, inputs] or [inputs]. hk.dynamic_unroll runs a sequence."
        )
