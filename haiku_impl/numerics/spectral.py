"""The largest singular value of a matrix by power iteration (Miyato et al., 2018)."""

import jax
import jax.numpy as jnp
from jax import lax


def power_iteration(
    matrix: jax.Array, u: jax.Array, *, n_steps: int, eps: float
) -> tuple[jax.Array, jax.Array]:
    """Estimates the spectral norm of a matrix, starting from an earlier estimate.

    Gradients flow through the matrix, not through the singular vectors.

    Args:
      matrix: `[rows, columns]`.
      u: `[1, columns]`, the earlier right singular vector.
      n_steps: How many steps to take, at least 1.
      eps: Added to squared lengths before the division by them.

    Returns:
      The spectral norm, a scalar, and the new `u`.

    Example:
      >>> import jax.numpy as jnp
      >>> sigma, u = power_iteration(
      ...     jnp.diag(jnp.array([3.0, 1.0])), jnp.ones([1, 2]), n_steps=20, eps=0.0)
      >>> round(sigma.item(), 4)
      3.0
    """
    for _ in range(n_steps):
        v = _unit(jnp.matmul(u, matrix.transpose()), eps)
        u = _unit(jnp.matmul(v, matrix), eps)
    u, v = lax.stop_gradient(u), lax.stop_gradient(v)
    sigma = jnp.matmul(jnp.matmul(v, matrix), u.transpose())
    return sigma[0, 0], u


def _unit(x, eps):
    return x * lax.rsqrt((x * x).sum(keepdims=True) + eps)
