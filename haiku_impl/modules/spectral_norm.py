"""Spectral normalisation of weights and of whole parameter trees."""

import re
from collections.abc import Mapping

import jax
import jax.numpy as jnp

from ..core.module import Module
from ..core.parameters import get_state, set_state
from ..core.typing import MutableParams
from ..data_structures import to_haiku_dict
from ..initializers import RandomNormal
from ..numerics.spectral import power_iteration


class SpectralNorm(Module):
    """Divides weights by their largest singular value (Miyato et al., 2018).

    The value is estimated by power iteration, which goes on from call to call.

    Args:
      eps: Added to squared lengths before a division by them, default 1e-4.
      n_steps: How many steps of power iteration a call takes, default 1.
      name: Name of the module.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform_with_state(lambda w: hk.SpectralNorm(n_steps=30)(w))
      >>> w = jnp.diag(jnp.array([4.0, 2.0]))
      >>> params, state = f.init(jax.random.PRNGKey(0), w)
      >>> normed, state = f.apply(params, state, None, w)
      >>> jnp.diag(normed).round(3).tolist()
      [1.0, 0.5]
    """

    def __init__(self, eps: float = 1e-4, n_steps: int = 1, name: str | None = None):
        super().__init__(name=name)
        self.eps = eps
        self.n_steps = n_steps

    def __call__(
        self,
        value: jax.Array,
        update_stats: bool = True,
        error_on_non_matrix: bool = False,
    ) -> jax.Array:
        """Normalises weights.

        Args:
          value: `[..., outputs]`, which is taken as a matrix of `outputs` columns.
          update_stats: Whether to keep the new estimate, default True.
          error_on_non_matrix: Whether to refuse more than two dimensions, default
            False.

        Returns:
          An array of the shape of `value`.

        Raises:
          ValueError: `value` has fewer than two dimensions, or more and they are
            refused.
        """
        value = jnp.asarray(value)
        if value.ndim <= 1:
            raise ValueError(
                "Spectral normalization is not well defined for scalar or vector "
                f"inputs, got shape {value.shape}."
            )
        if value.ndim > 2 and error_on_non_matrix:
            raise ValueError(
                f"Input is {value.ndim}D but error_on_non_matrix is True: reshape the "
                f"value of shape {value.shape} to a matrix, or allow it."
            )
        matrix = value if value.ndim == 2 else value.reshape(-1, value.shape[-1])
        u0 = get_state("u0", [1, matrix.shape[-1]], matrix.dtype, RandomNormal())
        sigma, u0 = power_iteration(matrix, u0, n_steps=self.n_steps, eps=self.eps)
        if update_stats:
            set_state("u0", u0)
            set_state("sigma", sigma)
        return (matrix / sigma).reshape(value.shape)

    @property
    def u0(self) -> jax.Array:
        """The right singular vector, `[1, outputs]`, as estimated so far."""
        return get_state("u0")

    @property
    def sigma(self) -> jax.Array:
        """The largest singular value as estimated so far; 1 before the first call."""
        return get_state("sigma", shape=(), init=jnp.ones)


class SNParamsTree(Module):
    """Applies spectral normalisation to every parameter of a tree.

    Args:
      eps: See `SpectralNorm`.
      n_steps: See `SpectralNorm`.
      ignore_regex: Parameters whose "module/name" it matches are returned as they
        are; biases, which are no matrices, must be among them.
      name: Name of the module.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from sonnax import haiku_impl as hk
      >>> f = hk.transform_with_state(
      ...     lambda params: hk.SNParamsTree(ignore_regex=".*/b$")(params))
      >>> params = {"linear": {"w": jnp.eye(2), "b": jnp.zeros(2)}}
      >>> _, state = f.init(jax.random.PRNGKey(0), params)
      >>> sorted(state)
      ['sn_params_tree/linear__w']
    """

    def __init__(
        self,
        eps: float = 1e-4,
        n_steps: int = 1,
        ignore_regex: str = "",
        name: str | None = None,
    ):
        super().__init__(name=name)
        self.eps = eps
        self.n_steps = n_steps
        self.ignore_regex = ignore_regex

    def __call__(
        self, tree: Mapping[str, Mapping[str, jax.Array]], update_stats: bool = True
    ) -> MutableParams:
        """Normalises all parameters.

        Args:
          tree: `{module: {name: array}}`.
          update_stats: Whether to keep the new estimates, default True.

        Returns:
          A tree of the same structure.
        """
        normed: dict[str, dict[str, jax.Array]] = {}
        for module, bundle in tree.items():
            normed[module] = {}
            for name, value in bundle.items():
                path = f"{module}/{name}"
                if not (self.ignore_regex and re.match(self.ignore_regex, path)):
                    flat = path.replace("/", "__").replace("~", "_tilde")
                    norm = SpectralNorm(self.eps, self.n_steps, name=flat)
                    value = norm(value, update_stats)
                normed[module][name] = value
        return to_haiku_dict(normed)
