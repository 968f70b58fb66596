"""Adam."""

import functools
from collections.abc import Sequence
from typing import Any

from ...haiku_impl.numerics.optimization import adam_update
from ..core.module import Optimizer
from ..core.once import once
from ..core.typing import Scalar
from ..core.variable import Variable
from .updates import apply_rule, cast, checked_pairs, zero_slots


class Adam(Optimizer):
    """Adam, algorithm 1 of Kingma and Ba, 2014.

    Args:
      learning_rate: a float, or a scalar Variable that can change (alpha).
      beta1: the decay of the average of updates, likewise.
      beta2: the decay of the average of their squares, likewise.
      epsilon: added to the denominator, outside the root, likewise.
      name: the module's name.

    Attributes:
      step: how many updates there were; int64 where JAX has it enabled, else int32.
      m: the averages of updates, one Variable for each parameter.
      v: the averages of their squares.

    >>> from sonnax import compat as snt
    >>> import jax.numpy as jnp
    >>> w, optimizer = snt.Variable(1.0, name="w"), snt.optimizers.Adam(0.25)
    >>> optimizer.apply([jnp.array(4.0)], [w])
    >>> float(w), [v.name for v in optimizer.variables]
    (0.75, ['adam/m/w:0', 'adam/t:0', 'adam/v/w:0'])
    """

    def __init__(
        self,
        learning_rate: Scalar = 0.001,
        beta1: Scalar = 0.9,
        beta2: Scalar = 0.999,
        epsilon: Scalar = 1e-8,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self.learning_rate, self.epsilon = learning_rate, epsilon
        self.beta1: Any = beta1
        self.beta2: Any = beta2
        self.step = Variable(0, trainable=False, name="t", dtype="int64")
        self.m: list[Variable] = []
        self.v: list[Variable] = []

    @once
    def _initialize(self, parameters: Sequence[Variable]) -> None:
        self.m = zero_slots(parameters, "m")
        self.v = zero_slots(parameters, "v")

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
        self.step.assign_add(1)
        for number, update, parameter in pairs:
            rule = functools.partial(
                adam_update,
                step=cast(self.step, update.dtype),
                learning_rate=cast(self.learning_rate, update.dtype),
                beta1=cast(self.beta1, update.dtype),
                beta2=cast(self.beta2, update.dtype),
                epsilon=cast(self.epsilon, update.dtype),
            )
            slots = [self.m[number], self.v[number]]
            apply_rule(rule, update, parameter, slots)
