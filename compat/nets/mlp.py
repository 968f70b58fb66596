"""Multi-layer perceptrons."""

from collections.abc import Callable, Iterable
from typing import Any

import jax

from ...haiku_impl.numerics.dropout import dropout
from ..core.module import Module
from ..core.typing import ArrayLike, Initializer, Scalar
from ..layers.linear import Linear
from ..random import next_key


class MLP(Module):
    """A multi-layer perceptron: linear layers with an activation between them.

    Args:
      output_sizes: the size of each layer.
      w_init: the initializer of weights, by default that of `Linear`.
      b_init: the initializer of biases, by default zeros.
      with_bias: whether layers have a bias.
      activation: applied after each layer but the last.
      dropout_rate: the probability of dropping an output before it is activated; None
        or 0 drops none.
      activate_final: whether the last layer's output is activated too.
      name: the module's name.

    Raises:
      ValueError: if there is a `b_init` without a bias.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> mlp = snt.nets.MLP([4, 2])
    >>> mlp(jnp.ones([1, 3])).shape, [v.name for v in mlp.variables][:2]
    ((1, 2), ['mlp/linear_0/b:0', 'mlp/linear_0/w:0'])
    """

    def __init__(
        self,
        output_sizes: Iterable[int],
        w_init: Initializer | None = None,
        b_init: Initializer | None = None,
        with_bias: bool = True,
        activation: Callable[[Any], Any] = jax.nn.relu,
        dropout_rate: Scalar | None = None,
        activate_final: bool = False,
        name: str | None = None,
    ):
        if not with_bias and b_init is not None:
            raise ValueError("When with_bias=False b_init must not be set.")
        super().__init__(name=name)
        self._w_init, self._b_init, self._with_bias = w_init, b_init, with_bias
        self._activation, self._activate_final = activation, activate_final
        self._dropout_rate = dropout_rate
        self._layers = [
            Linear(
                output_size=output_size,
                w_init=w_init,
                b_init=b_init,
                with_bias=with_bias,
                name=f"linear_{index}",
            )
            for index, output_size in enumerate(output_sizes)
        ]

    def __call__(self, inputs: ArrayLike, is_training: bool | None = None) -> jax.Array:
        """Applies the layers.

        Args:
          inputs: `[batch, input_size]`.
          is_training: whether outputs are dropped; needed with dropout only.

        Returns:
          `[batch, output_sizes[-1]]`.

        Raises:
          ValueError: if `is_training` is missing with dropout, or passed without.
        """
        rate = self._dropout_rate
        use_dropout = rate is not None and not (
            isinstance(rate, int | float) and not rate
        )
        if use_dropout and is_training is None:
            raise ValueError(
                "Pass is_training: it is required when dropout is used, and the rate "
                f"here is {rate}."
            )
        if not use_dropout and is_training is not None:
            raise ValueError(
                "is_training should only be used with dropout, and the dropout rate is "
                f"{rate}: leave it out."
            )
        out: Any = inputs
        for number, layer in enumerate(self._layers):
            out = layer(out)
            if number < len(self._layers) - 1 or self._activate_final:
                if use_dropout and is_training:
                    out = dropout(next_key(), rate, out)
                out = self._activation(out)
        return out

    def reverse(
        self, activate_final: bool | None = None, name: str | None = None
    ) -> "MLP":
        """Returns a new MLP with the layers' sizes in reverse order.

        It shares no variables with this one, which must have been called: it maps
        this one's outputs to the size of this one's inputs.

        Args:
          activate_final: whether the last layer's output is activated, by default as
            here.
          name: the new module's name, by default this one's and `_reversed`.

        Raises:
          AttributeError: if this module has not been called yet.

        >>> import jax.numpy as jnp
        >>> from sonnax import compat as snt
        >>> mlp = snt.nets.MLP([4, 2])
        >>> y = mlp(jnp.ones([1, 3]))
        >>> mlp.reverse()(y).shape
        (1, 3)
        """
        if not all(hasattr(layer, "input_size") for layer in self._layers):
            raise AttributeError(
                f"{self!r} has no input_size yet, so it cannot be reversed: call it "
                "once first, or wrap the reversed one in snt.Deferred."
            )
        return MLP(
            [layer.input_size for layer in reversed(self._layers)],
            self._w_init,
            self._b_init,
            self._with_bias,
            self._activation,
            self._dropout_rate,
            self._activate_final if activate_final is None else activate_final,
            name or f"{self.name}_reversed",
        )
