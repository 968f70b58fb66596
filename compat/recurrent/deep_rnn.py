"""Recurrent cores one after the other, with and without connections around them."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ..core.typing import PyTree
from .rnn_core import RNNCore


class _LegacyDeepRNN(RNNCore):
    """A chain of cores, of which each may see the inputs of the chain as well."""

    def __init__(
        self,
        layers: Sequence[Callable[..., Any]] | None,
        skip_connections: bool,
        concat_final_output_if_skip: bool = True,
        name: str | None = None,
    ):
        super().__init__(name)
        self._layers = layers if layers is not None else []
        self._skip_connections = skip_connections
        self._concat_final_output_if_skip = concat_final_output_if_skip

    def __call__(self, inputs: PyTree, prev_state: PyTree) -> tuple[Any, Any]:
        """Does one step.

        Args:
          inputs: a tree of arrays `[batch, ...]`.
          prev_state: a tuple of the cores' states.

        Returns:
          Outputs, a tree of arrays `[batch, ...]`, and a tuple of the next states.
        """
        current = inputs
        outputs, next_states = [], []
        states = iter(prev_state)
        for number, layer in enumerate(self._layers):
            if self._skip_connections and number > 0:
                current = jax.tree.map(_concat, inputs, current)
            if isinstance(layer, RNNCore):
                current, next_state = layer(current, next(states))
                next_states.append(next_state)
            else:
                current = layer(current)
            outputs.append(current)
        if self._skip_connections and self._concat_final_output_if_skip:
            current = jax.tree.map(_concat, *outputs)
        return current, tuple(next_states)

    def initial_state(self, batch_size: int, **kwargs: Any) -> tuple[Any, ...]:
        """Returns the initial states of the cores, in order.

        Args:
          batch_size: how many sequences there are.
          **kwargs: passed to the cores' `initial_state`.
        """
        return tuple(
            layer.initial_state(batch_size, **kwargs)
            for layer in self._layers
            if isinstance(layer, RNNCore)
        )


def _concat(*arrays: Any) -> jax.Array:
    return jnp.concatenate(arrays, axis=-1)


class DeepRNN(_LegacyDeepRNN):
    """A chain of recurrent cores and other functions.

    Its state is a tuple of the states of those layers that are cores.

    Args:
      layers: cores, which take inputs and a state, and functions, which take inputs.
      name: the module's name.

    >>> import jax, jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> core = snt.DeepRNN([snt.LSTM(4), jax.nn.relu, snt.GRU(2)])
    >>> outputs, state = core(jnp.ones([1, 3]), core.initial_state(batch_size=1))
    >>> outputs.shape, len(state)
    ((1, 2), 2)
    """

    def __init__(
        self, layers: Sequence[Callable[..., Any]] | None, name: str | None = None
    ):
        super().__init__(layers, skip_connections=False, name=name)


class _ResidualWrapper(RNNCore):
    """Adds the inputs of a core to its outputs."""

    def __init__(self, base_core: RNNCore):
        super().__init__(name=f"{base_core.name}_residual")
        self._base_core = base_core

    def __call__(self, inputs: Any, prev_state: Any) -> tuple[Any, Any]:
        outputs, next_state = self._base_core(inputs, prev_state)
        return jax.tree.map(jnp.add, inputs, outputs), next_state

    def initial_state(self, batch_size: int, **kwargs: Any) -> Any:
        return self._base_core.initial_state(batch_size, **kwargs)


def deep_rnn_with_skip_connections(
    layers: Sequence[RNNCore],
    concat_final_output: bool = True,
    name: str = "deep_rnn_with_skip_connections",
) -> RNNCore:
    """Makes a chain of cores in which each also sees the inputs of the chain.

    Args:
      layers: the cores; from the second on, each takes the chain's inputs and the
        outputs of the one before, concatenated along the last axis.
      concat_final_output: whether the outputs are those of all cores, concatenated
        likewise, or those of the last.
      name: the module's name.

    Raises:
      ValueError: if a layer is no RNNCore.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> core = snt.deep_rnn_with_skip_connections([snt.GRU(4), snt.GRU(2)])
    >>> core(jnp.ones([1, 3]), core.initial_state(batch_size=1))[0].shape
    (1, 6)
    """
    _check_cores("deep_rnn_with_skip_connections", layers)
    return _LegacyDeepRNN(
        layers,
        skip_connections=True,
        concat_final_output_if_skip=concat_final_output,
        name=name,
    )


def deep_rnn_with_residual_connections(
    layers: Sequence[RNNCore], name: str = "deep_rnn_with_residual_connections"
) -> RNNCore:
    """Makes a chain of cores, to the outputs of each of which its inputs are added.

    Args:
      layers: the cores, whose outputs have the shapes of their inputs.
      name: the module's name.

    Raises:
      ValueError: if a layer is no RNNCore.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> core = snt.deep_rnn_with_residual_connections([snt.GRU(3), snt.GRU(3)])
    >>> core(jnp.ones([1, 3]), core.initial_state(batch_size=1))[0].shape
    (1, 3)
    """
    _check_cores("deep_rnn_with_residual_connections", layers)
    wrapped = [_ResidualWrapper(layer) for layer in layers]
    return _LegacyDeepRNN(wrapped, skip_connections=False, name=name)


def _check_cores(function: str, layers: Sequence[Any]) -> None:
    others = [layer for layer in layers if not isinstance(layer, RNNCore)]
    if others:
        raise ValueError(
            f"{function} needs its layers to be instances of RNNCore; these are not: "
            f"{others}. snt.DeepRNN takes other functions too."
        )
