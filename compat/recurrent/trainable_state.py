"""Initial states of recurrent cores that are learned."""

from typing import Any

import jax
import jax.numpy as jnp

from ..core.dtypes import as_array
from ..core.module import Module
from ..core.typing import PyTree
from ..core.variable import Variable
from .rnn_core import RNNCore


class TrainableState(Module):
    """The initial state of a recurrent core as variables, one for all sequences.

    Args:
      initial_values: a tree of arrays without the batch's axis.
      mask: a tree of bools of the same structure, which parts are trainable; None is
        all of them.
      name: the module's name.

    Raises:
      ValueError: if `mask` has another structure.

    >>> from sonnax import compat as snt
    >>> state = snt.TrainableState.for_core(snt.LSTM(hidden_size=4))
    >>> state(batch_size=2).hidden.shape, [v.name for v in state.variables]
    ((2, 4), ['trainable_state/hidden:0', 'trainable_state/cell:0'])
    """

    @classmethod
    def for_core(
        cls, core: RNNCore, mask: PyTree | None = None, name: str | None = None
    ) -> "TrainableState":
        """Makes a trainable state that starts as the initial state of a core.

        Args:
          core: the core.
          mask: as for the constructor.
          name: the module's name.
        """
        one = core.initial_state(batch_size=1)
        return cls(jax.tree.map(lambda s: jnp.squeeze(s, axis=0), one), mask, name)

    def __init__(
        self,
        initial_values: PyTree,
        mask: PyTree | None = None,
        name: str | None = None,
    ):
        super().__init__(name)
        structure: Any = jax.tree.structure(initial_values)
        paths_and_values = jax.tree.leaves_with_path(initial_values)
        trainable = [True] * len(paths_and_values)
        if mask is not None:
            trainable, mask_structure = jax.tree.flatten(mask)
            if mask_structure != structure:
                raise ValueError(
                    "The mask of a TrainableState must have the structure of the "
                    f"initial values, {structure}, and has {mask_structure}."
                )
        template = [
            Variable(
                as_array(value)[None],
                trainable=bool(is_trainable),
                name=jax.tree_util.keystr(path, simple=True, separator="/") or "state",
            )
            for (path, value), is_trainable in zip(paths_and_values, trainable)
        ]
        self._template = jax.tree.unflatten(structure, template)

    def __call__(self, batch_size: int) -> Any:
        """Returns the state for a batch, a tree of arrays `[batch_size, ...]`."""
        return jax.tree.map(
            lambda s: jnp.broadcast_to(s, (batch_size, *s.shape[1:])), self._template
        )
