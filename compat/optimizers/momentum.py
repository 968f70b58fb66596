"""Gradient descent with momentum."""

import functools
from collections.abc import Sequence
from typing import Any

from ...haiku_impl.numerics.optimization import momentum_update
from ..core.module import Optimizer
from ..core.once import once
from ..core.typing import Scalar
from ..core.variable import Variable
from .updates import apply_rule, cast, checked_pairs, zero_slots


class Momentum(Optimizer):
    """Gradient descent with momentum, after Sutskever et al., 2013.

    `accumulated = momentum * accumulated + update`, and
    `parameter -= learning_rate * accumulated`; Nesterov's looks one step ahead.

    Args:
      learning_rate: a float, or a scalar Variable that can change.
      momentum: how much of earlier updates is kept, likewise.
      use_nesterov: whether the momentum is Nesterov's.
      name: the module's name.

    Attributes:
      accumulated_momentum: one Variable for each parameter.

    >>> from sonnax import compat as snt
    >>> import jax.numpy as jnp
    >>> w, optimizer = snt.Variable(1.0, name="w"), snt.optimizers.Momentum(0.5, 0.5)
    >>> optimizer.apply([jnp.array(1.0)], [w]); optimizer.apply([jnp.array(1.0)], [w])
    >>> float(w), [v.name for v in optimizer.variables]
    (-0.25, ['momentum/accumulated_momentum/w:0'])
    """

    def __init__(
        self,
        learning_rate: Scalar,
        momentum: Scalar,
        use_nesterov: bool = False,
        name: str | None = None,
    ):
        super().__init__(name)
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.use_nesterov = use_nesterov
        self.accumulated_momentum: list[Variable] = []

    @once
    def _initialize(self, parameters: Sequence[Variable]) -> None:
        self.accumulated_momentum = zero_slots(parameters, "accumulated_momentum")

    def apply(self, updates: Sequence[Any], parameters: Sequence[Variable]) -> None:
        """Changes each parameter by its update.

        Args:
          updates: gradients: arrays, `IndexedSlices` (only their rows change), or None
            for a parameter that is to stay as it is.
          parameters: as many variables, of the same dtypes, in the same order in each
            call.

        Raises:
          ValueError: if the lengths or a dtype differ, or there is nothing to update.
          TypeError: if a parameter is no Variable, or an update no array.
        """
        pairs = checked_pairs(updates, parameters)
        self._initialize(parameters)
        for number, update, parameter in pairs:
            rule = functools.partial(
                momentum_update,
                learning_rate=cast(self.learning_rate, update.dtype),
                momentum=cast(self.momentum, update.dtype),
                nesterov=self.use_nesterov,
            )
            slots = [self.accumulated_momentum[number]]
            apply_rule(rule, update, parameter, slots)
