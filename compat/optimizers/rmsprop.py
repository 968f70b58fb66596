"""RMSProp."""

import functools
from collections.abc import Sequence
from typing import Any

from ...haiku_impl.numerics.optimization import rmsprop_update
from ..core.module import Optimizer
from ..core.once import once
from ..core.typing import Scalar
from ..core.variable import Variable
from .updates import apply_rule, cast, checked_pairs, zero_slots


class RMSProp(Optimizer):
    """RMSProp, after Tieleman and Hinton, 2012 (lecture 6.5), with plain momentum.

    Args:
      learning_rate: a float, or a scalar Variable that can change.
      decay: of the averages, likewise.
      momentum: how much of earlier steps is kept, likewise.
      epsilon: added to the variance, inside the root, likewise.
      centered: whether updates are divided by the root of their estimated variance,
        in place of their second moment; it takes one average more.
      name: the module's name.

    Attributes:
      mom: the sums of steps, one Variable for each parameter.
      ms: the averages of the updates' squares.
      mg: the averages of the updates, empty if not centered.

    >>> from sonnax import compat as snt
    >>> import jax.numpy as jnp
    >>> w = snt.Variable(1.0, name="w")
    >>> optimizer = snt.optimizers.RMSProp(0.25, decay=0.75)
    >>> optimizer.apply([jnp.array(4.0)], [w])
    >>> float(w), [v.name for v in optimizer.variables]
    (0.5, ['rms_prop/momentum/w:0', 'rms_prop/rms/w:0'])
    """

    def __init__(
        self,
        learning_rate: Scalar,
        decay: Scalar = 0.9,
        momentum: Scalar = 0.0,
        epsilon: Scalar = 1e-10,
        centered: bool = False,
        name: str | None = None,
    ):
        super().__init__(name)
        self.learning_rate, self.epsilon = learning_rate, epsilon
        self.decay, self.momentum = decay, momentum
        self.centered = centered
        self.mom: list[Variable] = []
        self.ms: list[Variable] = []
        self.mg: list[Variable] = []

    @once
    def _initialize(self, parameters: Sequence[Variable]) -> None:
        self.mom = zero_slots(parameters, "momentum")
        self.ms = zero_slots(parameters, "rms")
        if self.centered:
            self.mg = zero_slots(parameters, "mg")

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
                _step_and_averages,
                learning_rate=cast(self.learning_rate, update.dtype),
                decay=cast(self.decay, update.dtype),
                momentum=cast(self.momentum, update.dtype),
                epsilon=cast(self.epsilon, update.dtype),
            )
            slots = [self.mom[number], self.ms[number]]
            if self.centered:
                slots.append(self.mg[number])
            apply_rule(rule, update, parameter, slots)


def _step_and_averages(*args: Any, **kwargs: Any) -> tuple[Any, ...]:
    """Names the new `mom` twice: it is the step, and a slot."""
    mom, *averages = rmsprop_update(*args, **kwargs)
    return mom, mom, *averages
