"""Controllers: the recurrent cores that use a memory."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import jax
import jax.numpy as jnp

from ...core.dtypes import as_dtype
from ...core.typing import ArrayLike, DTypeLike
from ...layers.linear import Linear
from ...recurrent.deep_rnn import DeepRNN, deep_rnn_with_skip_connections
from ...recurrent.gru import GRU
from ...recurrent.lstm import LSTM
from ...recurrent.rnn_core import RNNCore

T = TypeVar("T")


class FeedForward(RNNCore):
    """A linear layer as a recurrent core: its state stays as it is.

    Args:
      hidden_size: the size of the outputs.
      activation: applied to the outputs; None applies nothing.
      dtype: that of the state.
      name: the module's name.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> core = snt.nets.dnc.control.FeedForward(4)
    >>> core(jnp.ones([2, 3]), core.initial_state(batch_size=2))[0].shape
    (2, 4)
    """

    def __init__(
        self,
        hidden_size: int,
        activation: Callable[[jax.Array], jax.Array] | None = jnp.tanh,
        dtype: DTypeLike = jnp.float32,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self.linear = Linear(hidden_size)
        self.dtype = as_dtype(dtype)
        self._activation = activation

    def __call__(self, inputs: ArrayLike, prev_state: T) -> tuple[jax.Array, T]:
        """Does one step.

        Args:
          inputs: `[batch, input_size]`.
          prev_state: anything.

        Returns:
          `[batch, hidden_size]`, and `prev_state`.
        """
        outputs = self.linear(inputs)
        if self._activation is not None:
            outputs = self._activation(outputs)
        return outputs, prev_state

    def initial_state(self, batch_size: int) -> jax.Array:  # type: ignore[override]
        """Returns zeros, `[batch_size, 1]`."""
        return jnp.zeros([batch_size, 1], self.dtype)


_CONTROLLERS: dict[str, type[RNNCore]] = {
    "LSTM": LSTM,
    "GRU": GRU,
    "FeedForward": FeedForward,
}


def get_controller_ctor(controller_name: str) -> type[RNNCore]:
    """Returns the class of a controller.

    Args:
      controller_name: "LSTM", "GRU" or "FeedForward".

    Raises:
      AttributeError: if it is none of these.

    >>> get_controller_ctor("GRU").__name__
    'GRU'
    """
    if controller_name not in _CONTROLLERS:
        raise AttributeError(
            f"There is no controller {controller_name!r}, but {sorted(_CONTROLLERS)}."
        )
    return _CONTROLLERS[controller_name]


def deep_core(
    control_name: str,
    control_config: Mapping[str, Any],
    num_layers: int = 1,
    skip_connections: bool = True,
    name: str | None = None,
) -> RNNCore:
    """Makes a chain of controllers.

    Args:
      control_name: which, see `get_controller_ctor`.
      control_config: arguments of each.
      num_layers: how many there are.
      skip_connections: whether each sees the inputs of the chain too.
      name: the module's name.

    >>> import jax.numpy as jnp
    >>> core = deep_core("LSTM", {"hidden_size": 4}, num_layers=2)
    >>> core(jnp.ones([1, 3]), core.initial_state(1))[0].shape
    (1, 8)
    """
    constructor = get_controller_ctor(control_name)
    cores = [
        constructor(name=f"{control_name}_{i}", **control_config)
        for i in range(num_layers)
    ]
    if skip_connections:
        return deep_rnn_with_skip_connections(cores, name=name)  # type: ignore[arg-type]
    return DeepRNN(cores, name=name)
