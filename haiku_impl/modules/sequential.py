"""Layers in a row."""

from collections.abc import Callable, Iterable
from typing import Any

from ..core.module import Module
from ..core.typing import ArrayLike


class Sequential(Module):
    """Calls layers one after the other, each on the result of the one before.

    Args:
      layers: Modules and other callables.
      name: Name of the module.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform(
      ...     lambda x: hk.Sequential([hk.Linear(4), jax.nn.relu, hk.Linear(2)])(x))
      >>> params = f.init(jax.random.PRNGKey(0), jnp.ones([1, 3]))
      >>> sorted(params)
      ['linear', 'linear_1']
    """

    def __init__(
        self,
        layers: Iterable[Callable[..., Any]],
        name: str | None = None,
    ):
        super().__init__(name=name)
        self.layers = tuple(layers)

    def __call__(self, inputs: ArrayLike, *args: Any, **kwargs: Any) -> Any:
        """Calls all layers.

        Args:
          inputs: What the first layer takes.
          *args: Passed to the first layer only.
          **kwargs: Passed to the first layer only.

        Returns:
          What the last layer returns; the inputs if there are no layers.
        """
        if not self.layers:
            return inputs
        first, *others = self.layers
        out = first(inputs, *args, **kwargs)
        for layer in others:
            out = layer(out)
        return out
