"""Dropout of a recurrent core's state."""

from typing import Any

import jax
import jax.numpy as jnp

from ...haiku_impl.numerics.dropout import dropout as drop
from ..random import next_key
from .lstm import LSTM, LSTMState
from .rnn_core import RNNCore


class _RecurrentDropoutWrapper(RNNCore):
    """Drops the same units of a core's state in every step of a sequence."""

    def __init__(self, base_core: RNNCore, rates: Any, seed: int | None = None):
        """Wraps a core.

        Args:
          base_core: the core.
          rates: a tree of the structure of the core's state, with the probability of
            dropping a unit, or None where none is to be dropped.
          seed: mixed into the random keys.
        """
        super().__init__(name=f"{base_core.name}_recurrent_dropout")
        self._base_core = base_core
        self._rates = rates
        self._seed = seed

    def __call__(self, inputs: Any, prev_state: Any) -> tuple[Any, Any]:
        prev_core_state, masks = prev_state
        dropped = jax.tree.map(
            lambda mask, s: s if mask is None else s * mask,
            masks,
            prev_core_state,
            is_leaf=_is_none,
        )
        outputs, next_core_state = self._base_core(inputs, dropped)
        return outputs, (next_core_state, masks)

    def initial_state(self, batch_size: int, **kwargs: Any) -> Any:
        core_state = self._base_core.initial_state(batch_size, **kwargs)

        def mask(rate: Any, state: Any) -> Any:
            if rate is None:
                return None
            key = next_key()
            if self._seed is not None:
                key = jax.random.fold_in(key, self._seed)
            return drop(key, rate, jnp.ones_like(state))

        masks = jax.tree.map(mask, self._rates, core_state, is_leaf=_is_none)
        return core_state, masks


def _is_none(leaf: Any) -> bool:
    return leaf is None


def lstm_with_recurrent_dropout(
    hidden_size: int, dropout: float = 0.5, seed: int | None = None, **kwargs: Any
) -> tuple[RNNCore, LSTM]:
    """Makes an LSTM with dropout of its hidden state, after Gal and Ghahramani, 2015.

    Which units are dropped is drawn in `initial_state`, and holds for the sequence.

    Args:
      hidden_size: the size of the LSTM's state.
      dropout: the probability that a unit is dropped.
      seed: mixed into the random keys, so that cores with different ones drop
        different units.
      **kwargs: further arguments of `LSTM`.

    Returns:
      A core for training, and one without dropout; they share variables.

    Raises:
      ValueError: if `dropout` is not in [0, 1).

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> train_core, test_core = snt.lstm_with_recurrent_dropout(4, dropout=0.5)
    >>> state, masks = train_core.initial_state(batch_size=2)
    >>> masks.hidden.shape, masks.cell
    ((2, 4), None)
    """
    if not 0 <= dropout < 1:
        raise ValueError(
            f"dropout is a probability in the range [0, 1), got {dropout}."
        )
    lstm = LSTM(hidden_size, **kwargs)
    rates = LSTMState(hidden=dropout, cell=None)  # type: ignore[arg-type]
    return _RecurrentDropoutWrapper(lstm, rates, seed), lstm
