"""Modules one after the other."""

from collections.abc import Callable, Iterable
from typing import Any

from ..core.module import Module
from ..core.typing import ArrayLike


class Sequential(Module):
    """Calls modules or functions one after the other.

    Args:
      layers: functions of one argument, each of what the one before returned; the
        first may take more. Without any, the inputs are returned.
      name: of the module, default "sequential".

    >>> import jax, jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> mlp = snt.Sequential([snt.Linear(5), jax.nn.relu, snt.Linear(2)])
    >>> mlp(jnp.ones([3, 4])).shape
    (3, 2)
    """

    def __init__(
        self,
        layers: Iterable[Callable[..., Any]] | None = None,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self._layers = [] if layers is None else list(layers)

    def __call__(self, inputs: ArrayLike, *args: Any, **kwargs: Any) -> Any:
        """Calls the layers.

        Args:
          inputs: for the first layer.
          *args: more for the first layer.
          **kwargs: more for the first layer.

        Returns:
          What the last layer does.
        """
        outputs = inputs
        for layer in self._layers:
            outputs = layer(outputs, *args, **kwargs)
            args, kwargs = (), {}
        return outputs
