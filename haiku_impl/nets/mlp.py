"""Multi-layer perceptrons."""

from collections.abc import Callable, Iterable

import jax

from ..core.module import Module
from ..core.random import PRNGSequence
from ..core.typing import RNG, Initializer
from ..modules.dropout import dropout
from ..modules.linear import Linear


class MLP(Module):
    """Linear layers with an activation between them.

    Args:
      output_sizes: The sizes of the layers.
      w_init: Initial weights of all layers; see `Linear`.
      b_init: Initial biases of all layers; see `Linear`.
      with_bias: Whether the layers have biases, default True.
      activation: Applied between the layers, default `jax.nn.relu`.
      activate_final: Whether to apply it after the last layer too, default False.
      name: Name of the module.

    Raises:
      ValueError: There are initial biases, but no biases.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform(lambda x: hk.nets.MLP([8, 3])(x))
      >>> params = f.init(jax.random.PRNGKey(0), jnp.ones([1, 4]))
      >>> jax.tree.map(jnp.shape, params)["mlp/~/linear_1"]
      {'b': (3,), 'w': (8, 3)}
    """

    def __init__(
        self,
        output_sizes: Iterable[int],
        w_init: Initializer | None = None,
        b_init: Initializer | None = None,
        with_bias: bool = True,
        activation: Callable[[jax.Array], jax.Array] = jax.nn.relu,
        activate_final: bool = False,
        name: str | None = None,
    ):
        if not with_bias and b_init is not None:
            raise ValueError("When with_bias=False b_init must not be set.")
        super().__init__(name=name)
        self.w_init = w_init
        self.b_init = b_init
        self.with_bias = with_bias
        self.activation = activation
        self.activate_final = activate_final
        sizes = tuple(output_sizes)
        self.layers = tuple(
            Linear(size, with_bias, w_init, b_init, name=f"linear_{i}")
            for i, size in enumerate(sizes)
        )
        self.output_size = sizes[-1] if sizes else None

    def __call__(
        self,
        inputs: jax.Array,
        dropout_rate: float | None = None,
        rng: RNG = None,
    ) -> jax.Array:
        """Applies the layers.

        Args:
          inputs: `[..., size]`.
          dropout_rate: The rate of dropout before each activation, or None.
          rng: A random key, if there is dropout.

        Returns:
          `[..., output_size]`.

        Raises:
          ValueError: There is a rate without a key, or a key without a rate.
        """
        if dropout_rate is not None and rng is None:
            raise ValueError("When using dropout an rng key must be passed.")
        if dropout_rate is None and rng is not None:
            raise ValueError("RNG should only be passed when using dropout.")
        rate = 0.0 if dropout_rate is None else dropout_rate
        keys = None if rng is None else PRNGSequence(rng)
        out = inputs
        last = len(self.layers) - 1
        for i, layer in enumerate(self.layers):
            out = layer(out)
            if i < last or self.activate_final:
                if keys is not None:
                    out = dropout(next(keys), rate, out)
                out = self.activation(out)
        return out

    def reverse(
        self, activate_final: bool | None = None, name: str | None = None
    ) -> "MLP":
        """Returns an MLP whose layers have the transposed shapes, last one first.

        Args:
          activate_final: As in the constructor; None is as in this one.
          name: Name of the module, default this one's with "_reversed".

        Returns:
          An MLP with parameters of its own.

        Raises:
          ValueError: This one has not been called, so that its input size is unknown.
        """
        known = (layer.input_size for layer in reversed(self.layers))
        sizes = [size for size in known if size is not None]
        if len(sizes) < len(self.layers):
            raise ValueError(
                "You cannot reverse an MLP until it has been called: only then is its "
                "input size known."
            )
        return MLP(
            sizes,
            self.w_init,
            self.b_init,
            self.with_bias,
            self.activation,
            self.activate_final if activate_final is None else activate_final,
            name=self.name + "_reversed" if name is None else name,
        )
