"""Exponential moving averages."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ...haiku_impl.numerics.moving_average import update_average_by_difference
from ..core.dtypes import as_array
from ..core.once import once
from ..core.typing import ArrayLike, Scalar
from ..core.variable import Variable
from .metrics import Metric, counter, zeros_like


class ExponentialMovingAverage(Metric):
    """Averages values with weights that decay, corrected for its start at zero.

    With `hidden` starting at zero, the n-th value makes it
    `hidden - (hidden - value) * (1 - decay)`, and the average is
    `hidden / (1 - decay^n)` (Kingma and Ba, 2014, section 3). No gradient flows
    through the average to the values.

    Args:
      decay: near 1 for a long memory, near 0 for a short one; a number, an array
        `[]` or a variable.
      name: of the module, default "exponential_moving_average".

    Attributes:
      average: the average so far, of the shape of the values; None before the first.

    >>> from sonnax import compat as snt
    >>> ema = snt.ExponentialMovingAverage(0.5)
    >>> float(ema(3.0)), float(ema(6.0))
    (3.0, 5.0)
    """

    def __init__(self, decay: Scalar, name: str | None = None):
        super().__init__(name=name)
        self._decay = decay
        self._counter = counter("counter")
        self._hidden: Variable | None = None
        self.average: Variable | None = None

    @once
    def initialize(self, value: ArrayLike) -> None:
        # Only its shape and dtype count, and NumPy's are not worth a transfer.
        value = value if isinstance(value, np.ndarray) else as_array(value)
        self._hidden = zeros_like(value, "hidden")
        self.average = zeros_like(value, "average")

    def update(self, value: ArrayLike) -> None:
        """Takes in a value.

        Args:
          value: floating, of the shape of those before.

        Raises:
          TypeError: if it is not floating.
        """
        value = lax.stop_gradient(as_array(value))
        if not jnp.issubdtype(value.dtype, jnp.floating):
            raise TypeError(f"{self!r} averages floating values, not {value.dtype}.")
        self.initialize(value)
        hidden, average = self._variables()
        count = self._counter.assign_add(1)
        decay = self._decay if isinstance(self._decay, float) else as_array(self._decay)
        new_hidden, new_average = update_average_by_difference(
            hidden.value(), value, count, decay
        )
        hidden.assign(new_hidden)
        average.assign(new_average)

    @property
    def value(self) -> jax.Array:
        """The average so far, of the shape of the values; zeros after `initialize`."""
        return as_array(self._variables()[1])

    def reset(self) -> None:
        """Forgets all values."""
        for variable in (self._counter, *self._variables()):
            variable.assign(jnp.zeros(variable.shape, variable.dtype))

    def _variables(self) -> tuple[Variable, Variable]:
        if self._hidden is None or self.average is None:
            raise AttributeError(
                f"{self!r} has no value yet: call it with one first, or initialize it "
                "with one like those to come."
            )
        return self._hidden, self.average
