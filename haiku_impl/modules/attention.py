"""Attention."""

import warnings

import jax

from ..core.module import Module, transparent
from ..core.typing import Initializer
from ..initializers import VarianceScaling
from ..numerics.attention import dot_product_attention
from .linear import Linear


class MultiHeadAttention(Module):
    """Attends with several heads at once (Vaswani et al., 2017).

    Args:
      num_heads: How many heads there are.
      key_size: The size of a head's queries and keys.
      w_init_scale: Deprecated: the scale of a `VarianceScaling` initialiser, in the
        place of `w_init`.
      w_init: Initial weights of the four projections; required.
      with_bias: Whether the projections have biases, default True.
      b_init: Their initial biases, default zeros.
      value_size: The size of a head's values, default `key_size`.
      model_size: The size of the result, default `key_size * num_heads`.
      name: Name of the module.

    Raises:
      ValueError: There is no initialiser, or there are two.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> w_init = hk.initializers.VarianceScaling()
      >>> f = hk.transform(
      ...     lambda x: hk.MultiHeadAttention(2, 4, w_init=w_init)(x, x, x))
      >>> x = jnp.ones([1, 6, 3])
      >>> f.apply(f.init(jax.random.PRNGKey(0), x), None, x).shape
      (1, 6, 8)
    """

    def __init__(
        self,
        num_heads: int,
        key_size: int,
        w_init_scale: float | None = None,
        *,
        w_init: Initializer | None = None,
        with_bias: bool = True,
        b_init: Initializer | None = None,
        value_size: int | None = None,
        model_size: int | None = None,
        name: str | None = None,
    ):
        super().__init__(name=name)
        if w_init_scale is not None:
            warnings.warn(
                "w_init_scale is deprecated: pass "
                f"w_init=hk.initializers.VarianceScaling({w_init_scale}).",
                DeprecationWarning,
                stacklevel=2,
            )
        if w_init and w_init_scale:
            raise ValueError(
                "Please provide only `w_init`, not `w_init_scale` as well."
            )
        if w_init is None:
            if w_init_scale is None:
                raise ValueError(
                    "Please provide a weight initializer: `w_init`, for example "
                    "hk.initializers.VarianceScaling()."
                )
            w_init = VarianceScaling(w_init_scale)
        self.num_heads = num_heads
        self.key_size = key_size
        self.value_size = value_size or key_size
        self.model_size = model_size or key_size * num_heads
        self.w_init = w_init
        self.with_bias = with_bias
        self.b_init = b_init

    def __call__(
        self,
        query: jax.Array,
        key: jax.Array,
        value: jax.Array,
        mask: jax.Array | None = None,
    ) -> jax.Array:
        """Attends to sources from targets.

        Args:
          query: `[..., targets, size]`.
          key: `[..., sources, size]`.
          value: `[..., sources, size]`.
          mask: Booleans, broadcastable to `[..., heads, targets, sources]` and of
            that rank: False hides a source from a target.

        Returns:
          `[..., targets, model_size]`.

        Raises:
          ValueError: The mask has another rank.
        """
        heads = dot_product_attention(
            self._heads(query, self.key_size, "query"),
            self._heads(key, self.key_size, "key"),
            self._heads(value, self.value_size, "value"),
            mask,
        )
        merged = heads.reshape(*heads.shape[:-2], -1)
        return self._projection(self.model_size)(merged)

    @transparent
    def _projection(self, size: int, name: str | None = None) -> Linear:
        return Linear(size, self.with_bias, self.w_init, self.b_init, name=name)

    @transparent
    def _heads(self, x: jax.Array, size: int, name: str) -> jax.Array:
        y = self._projection(self.num_heads * size, name)(x)
        return y.reshape(*y.shape[:-1], self.num_heads, size)
