"""Cores made of other cores: stacked, reset, or nothing at all."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ..core.typing import PyTree
from .cores import RNNCore


class IdentityCore(RNNCore):
    """A core that returns its inputs and has no state.

    Args:
      name: Name of the module.

    Example:
      >>> from sonnax import haiku_impl as hk
      >>> hk.transform(lambda x: hk.IdentityCore()(x, ())).apply({}, None, 7)
      (7, ())
    """

    def __call__(self, inputs: PyTree, state: PyTree) -> tuple[Any, Any]:
        """Returns the inputs and the state."""
        return inputs, state

    def initial_state(self, batch_size: int | None) -> tuple[()]:
        """Returns an empty tuple."""
        return ()


class ResetCore(RNNCore):
    """Starts a core's state afresh where it is told to, as at the start of an episode.

    Args:
      core: The core.
      name: Name of the module.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> def step(x, reset, state):
      ...     return hk.ResetCore(hk.VanillaRNN(1))((x, reset), state)
      >>> f = hk.transform(step)
      >>> args = jnp.zeros([2, 1]), jnp.array([True, False]), jnp.ones([2, 1])
      >>> params = f.init(jax.random.PRNGKey(1), *args)
      >>> params = jax.tree.map(jnp.ones_like, params)
      >>> f.apply(params, None, *args)[1].tolist()
      [[2.0], [3.0]]
    """

    def __init__(self, core: RNNCore, name: str | None = None):
        super().__init__(name=name)
        self.core = core

    def __call__(self, inputs: PyTree, state: PyTree) -> tuple[Any, Any]:
        """Runs one step of the core.

        Args:
          inputs: The core's inputs, and where to reset: booleans of a shape with which
            the state's shapes begin, or a tree of them like the state.
          state: The state before the step.

        Returns:
          The core's output and the state after the step.

        Raises:
          ValueError: The booleans do not fit the state.
        """
        inputs, should_reset = jax.tree.map(jnp.asarray, inputs)
        state = jax.tree.map(jnp.asarray, state)
        if jax.tree_util.treedef_is_leaf(jax.tree.structure(should_reset)):
            should_reset = jax.tree.map(lambda _, reset=should_reset: reset, state)

        batch_size = None
        if self._is_batched(state):
            batch_size = jax.tree.leaves(inputs)[0].shape[0]

        def reset(reset, old, new):
            return jnp.where(_expanded(reset, old), new.astype(old.dtype), old)

        initial_state = self.initial_state(batch_size)
        state = jax.tree.map(reset, should_reset, state, initial_state)
        return self.core(inputs, state)

    def initial_state(self, batch_size: int | None) -> Any:
        """Returns the core's initial state."""
        return self.core.initial_state(batch_size)

    def _is_batched(self, state: Any) -> bool:
        leaves = jax.tree.leaves(state)
        batched = jax.tree.leaves(self.initial_state(batch_size=1)) if leaves else []
        return bool(leaves) and all(
            b.shape[1:] == s.shape[1:] for b, s in zip(batched, leaves)
        )


def _expanded(should_reset: jax.Array, state: jax.Array) -> jax.Array:
    rank = should_reset.ndim
    if should_reset.shape != state.shape[:rank]:
        raise ValueError(
            f"should_reset signal shape {should_reset.shape} is not compatible with "
            f"state shape {state.shape}: the latter must begin with the former."
        )
    return should_reset.reshape(should_reset.shape + (1,) * (state.ndim - rank))


class _DeepRNN(RNNCore):
    """Runs layers one after the other in each step; some of them are cores."""

    def __init__(
        self, layers: Sequence[Any], skip_connections: bool, name: str | None = None
    ):
        super().__init__(name=name)
        self.layers = layers
        self.skip_connections = skip_connections
        if skip_connections:
            others = [layer for layer in layers if not isinstance(layer, RNNCore)]
            if others:
                raise ValueError(
                    "skip_connections requires for all layers to be `hk.RNNCore`s. "
                    f"These are not: {others}"
                )

    def __call__(self, inputs: PyTree, state: PyTree) -> tuple[Any, Any]:
        """Runs one step of every layer.

        Args:
          inputs: The inputs of the first layer.
          state: A tuple of the cores' states.

        Returns:
          The output of the last layer, or of all of them, and the next states.
        """
        states = iter(state)
        next_states, outputs = [], []
        current = inputs
        for index, layer in enumerate(self.layers):
            if self.skip_connections and index > 0:
                current = jax.tree.map(
                    _concatenated, inputs, current, is_leaf=lambda x: x is None
                )
            if not isinstance(layer, RNNCore):
                current = layer(current)
                continue
            current, next_state = layer(current, next(states))
            next_states.append(next_state)
            outputs.append(current)
        if self.skip_connections:
            current = jax.tree.map(_concatenated, *outputs)
        return current, tuple(next_states)

    def initial_state(self, batch_size: int | None) -> tuple[Any, ...]:
        """Returns a tuple of the cores' initial states."""
        cores = (layer for layer in self.layers if isinstance(layer, RNNCore))
        return tuple(core.initial_state(batch_size) for core in cores)


def _concatenated(*arrays: Any) -> jax.Array | None:
    return None if arrays[0] is None else jnp.concatenate(arrays, axis=-1)


class DeepRNN(_DeepRNN):
    """A core that runs layers one after the other in each step.

    Args:
      layers: Cores and other callables; each takes the output of the one before.
      name: Name of the module.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> def step(x):
      ...     core = hk.DeepRNN([hk.LSTM(4), jax.nn.relu, hk.GRU(5)])
      ...     return core(x, core.initial_state(batch_size=2))
      >>> f = hk.transform(step)
      >>> x = jnp.ones([2, 3])
      >>> output, state = f.apply(f.init(jax.random.PRNGKey(0), x), None, x)
      >>> output.shape, len(state)
      ((2, 5), 2)
    """

    def __init__(self, layers: Sequence[Any], name: str | None = None):
        super().__init__(layers, skip_connections=False, name=name)


def deep_rnn_with_skip_connections(
    layers: Sequence[RNNCore], name: str | None = None
) -> RNNCore:
    """Returns a core of cores that all see the inputs and all reach the output.

    Every core after the first takes the inputs and the output of the core before it,
    and the output is that of all cores, concatenated along the last axis (Graves,
    2013).

    Args:
      layers: The cores.
      name: Name of the module.

    Returns:
      A core whose state is a tuple of the cores' states.

    Raises:
      ValueError: A layer is no core.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> def step(x):
      ...     core = hk.deep_rnn_with_skip_connections([hk.LSTM(4), hk.GRU(5)])
      ...     return core(x, core.initial_state(batch_size=2))
      >>> f = hk.transform(step)
      >>> x = jnp.ones([2, 3])
      >>> output, state = f.apply(f.init(jax.random.PRNGKey(0), x), None, x)
      >>> output.shape
      (2, 9)
    """
    return _DeepRNN(layers, skip_connections=True, name=name)
