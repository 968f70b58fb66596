"""Stochastic gradient descent."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from ..core.indexed_slices import IndexedSlices
from ..core.module import Optimizer
from ..core.typing import Scalar
from ..core.variable import Variable
from .updates import cast, checked_pairs


class SGD(Optimizer):
    """Stochastic gradient descent: `parameter -= learning_rate * update`.

    Args:
      learning_rate: a float, or a scalar Variable that can change.
      name: the module's name.

    >>> from sonnax import compat as snt
    >>> import jax.numpy as jnp
    >>> w = snt.Variable([1.0, 2.0])
    >>> snt.optimizers.SGD(0.5).apply([jnp.array([2.0, 0.0])], [w])
    >>> w.numpy().tolist()
    [0.0, 2.0]
    """

    def __init__(self, learning_rate: Scalar, name: str | None = None):
        super().__init__(name)
        self.learning_rate = learning_rate

    def apply(self, updates: Sequence[Any], parameters: Sequence[Variable]) -> None:
        """Changes each parameter by its update.

        Args:
          updates: gradients: arrays, `IndexedSlices`, or None for a parameter that is
            to stay as it is.
          parameters: as many variables, of the same dtypes.

        Raises:
          ValueError: if the lengths or a dtype differ, or there is nothing to update.
          TypeError: if a parameter is no Variable, or an update no array.
        """
        for _, update, parameter in checked_pairs(updates, parameters):
            rate = cast(self.learning_rate, update.dtype)
            if isinstance(update, IndexedSlices):
                # Rows for one place add up; there is no need to find them first.
                delta = jnp.asarray(update.values) * rate
                parameter.scatter_sub(IndexedSlices(delta, update.indices))
            else:
                parameter.assign_sub(jnp.asarray(update) * rate)
