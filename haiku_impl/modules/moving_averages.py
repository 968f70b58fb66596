"""Moving averages of values and of whole parameter trees."""

import re
import warnings
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp

from ..core.module import Module
from ..core.parameters import get_state, set_state
from ..core.typing import DTypeLike, MutableParams
from ..data_structures import to_haiku_dict
from ..initializers import Constant
from ..numerics.moving_average import update_average


class ExponentialMovingAverage(Module):
    """Keeps a moving average of what it is called with, as state.

    Args:
      decay: How much of the average stays in a step; near 1 is slow.
      zero_debias: Whether to correct for the average's start at zero, default True
        (Kingma and Ba, 2014, section 3).
      warmup_length: For how many steps the average is just the last value, default
        0. It needs `zero_debias=False`.
      name: Name of the module.

    Raises:
      ValueError: `warmup_length` is negative, or comes with `zero_debias`.

    Example:
      >>> import jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform_with_state(lambda x: hk.ExponentialMovingAverage(0.5)(x))
      >>> params, state = f.init(None, jnp.array(0.0))
      >>> for x in [2.0, 8.0]:
      ...     average, state = f.apply(params, state, None, jnp.array(x))
      >>> average.item()
      6.0
    """

    def __init__(
        self,
        decay: float | jax.Array,
        zero_debias: bool = True,
        warmup_length: int = 0,
        name: str | None = None,
    ):
        super().__init__(name=name)
        if warmup_length < 0:
            raise ValueError(
                f"`warmup_length` is {warmup_length}, but should be non-negative."
            )
        if warmup_length and zero_debias:
            raise ValueError(
                f"`warmup_length` is {warmup_length}: an average that warms up does "
                "not start at zero, and needs no correction for it. Set "
                "zero_debias=False as well."
            )
        self.decay = decay
        self.zero_debias = zero_debias
        self.warmup_length = warmup_length

    def initialize(self, shape: Sequence[int], dtype: DTypeLike = jnp.float32) -> None:
        """Makes an average of zero, so that it can be read before the first call.

        Args:
          shape: Of the values. An array in its place is deprecated.
          dtype: Of the values, default float32.
        """
        if hasattr(shape, "shape"):
            warnings.warn(
                "Passing a value to ExponentialMovingAverage.initialize is deprecated: "
                "use initialize(value.shape, value.dtype).",
                DeprecationWarning,
                stacklevel=2,
            )
            shape, dtype = shape.shape, shape.dtype  # type: ignore[attr-defined]
        for name in ("hidden", "average"):
            get_state(name, shape, dtype, init=jnp.zeros)

    def __call__(
        self, value: float | jax.Array, update_stats: bool = True
    ) -> jax.Array:
        """Returns the average with one more value.

        Args:
          value: The same shape and dtype in every call.
          update_stats: Whether to keep the new average, default True.

        Returns:
          The average, of the shape of `value`.
        """
        value = jnp.asarray(value)
        start = Constant(-self.warmup_length)
        counter = get_state("counter", (), jnp.int32, init=start) + 1
        hidden, average = update_average(
            get_state("hidden", value.shape, value.dtype, init=jnp.zeros),
            value,
            counter,
            self.decay,
            zero_debias=self.zero_debias,
            warming_up=self.warmup_length > 0,
        )
        if update_stats:
            set_state("counter", counter)
            set_state("hidden", hidden)
            set_state("average", average)
        return average

    @property
    def average(self) -> jax.Array:
        """The average so far."""
        return get_state("average")


class EMAParamsTree(Module):
    """Keeps a moving average of every parameter of a tree.

    Args:
      decay: See `ExponentialMovingAverage`.
      zero_debias: See `ExponentialMovingAverage`.
      warmup_length: See `ExponentialMovingAverage`.
      ignore_regex: Parameters whose "module/name" it matches are returned as they
        are.
      name: Name of the module.

    Example:
      >>> import jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform_with_state(lambda params: hk.EMAParamsTree(0.9)(params))
      >>> params = {"linear": {"w": jnp.array(2.0)}}
      >>> _, state = f.init(None, params)
      >>> sorted(state)
      ['ema_params_tree/linear__w']
    """

    def __init__(
        self,
        decay: float | jax.Array,
        zero_debias: bool = True,
        warmup_length: int = 0,
        ignore_regex: str = "",
        name: str | None = None,
    ):
        super().__init__(name=name)
        self.ignore_regex = ignore_regex
        self.decay = decay
        self.zero_debias, self.warmup_length = zero_debias, warmup_length

    def __call__(
        self, tree: Mapping[str, Mapping[str, jax.Array]], update_stats: bool = True
    ) -> MutableParams:
        """Returns the averages with one more value of every parameter.

        Args:
          tree: `{module: {name: array}}`.
          update_stats: Whether to keep the new averages, default True.

        Returns:
          A tree of the same structure.
        """
        averages: dict[str, dict[str, jax.Array]] = {}
        for module, bundle in tree.items():
            averages[module] = {}
            for name, value in bundle.items():
                path = f"{module}/{name}"
                if not (self.ignore_regex and re.match(self.ignore_regex, path)):
                    flat = path.replace("/", "__").replace("~", "_tilde_")
                    average = ExponentialMovingAverage(
                        self.decay, self.zero_debias, self.warmup_length, name=flat
                    )
                    value = average(value, update_stats)
                averages[module][name] = value
        return to_haiku_dict(averages)
