"""The interfaces of recurrent modules, and the check that they share."""

import abc
from typing import Any

from ..core.module import Module
from ..core.typing import PyTree


class RNNCore(Module):
    """The base class of recurrent cores, which do one step at a time.

    A core is run over a sequence by `dynamic_unroll` or `static_unroll`.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> class Accumulate(snt.RNNCore):
    ...     def __call__(self, inputs, prev_state):
    ...         return prev_state + inputs, prev_state + inputs
    ...     def initial_state(self, batch_size):
    ...         return jnp.zeros([batch_size])
    >>> core = Accumulate()
    >>> outputs, _ = snt.dynamic_unroll(core, jnp.ones([3, 1]), core.initial_state(1))
    >>> outputs.tolist()
    [[1.0], [2.0], [3.0]]
    """

    @abc.abstractmethod
    def __call__(self, inputs: PyTree, prev_state: PyTree) -> tuple[Any, Any]:
        """Does one step.

        Args:
          inputs: a tree of arrays `[batch, ...]`.
          prev_state: the state before the step.

        Returns:
          Outputs, a tree of arrays `[batch, ...]`, and the next state, of the
          structure, shapes and dtypes of `prev_state`.
        """

    @abc.abstractmethod
    def initial_state(self, batch_size: int, **kwargs: Any) -> Any:
        """Returns the state before the first step.

        Args:
          batch_size: how many sequences there are.
          **kwargs: whatever the core defines.
        """


class UnrolledRNN(Module):
    """The base class of recurrent modules that take whole sequences."""

    @abc.abstractmethod
    def __call__(
        self, input_sequence: PyTree, initial_state: PyTree
    ) -> tuple[Any, Any]:
        """Does all steps of a sequence.

        Args:
          input_sequence: a tree of arrays `[time, batch, ...]`.
          initial_state: the state before the first step.

        Returns:
          Outputs, a tree of arrays `[time, batch, ...]`, and the state after the last
          step.
        """

    @abc.abstractmethod
    def initial_state(self, batch_size: int, **kwargs: Any) -> Any:
        """Returns the state before the first step.

        Args:
          batch_size: how many sequences there are.
          **kwargs: whatever the module defines.
        """


def check_dtype(inputs: Any, dtype: Any) -> None:
    """Raises TypeError if the dtype is not that of the module's variables."""
    if inputs.dtype != dtype:
        raise TypeError(
            f"inputs must have dtype {dtype}, got {inputs.dtype}: cast them, or make "
            f"the module with dtype={str(inputs.dtype)!r}."
        )
