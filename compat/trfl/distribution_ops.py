"""Projections of distributions, and divergences in parts."""

import jax
import jax.numpy as jnp

from ...haiku_impl.numerics import ties
from ...rlax_impl.arguments import expects
from ...rlax_impl.distributional_value_learning import project
from ..core.dtypes import as_array

Array = jax.Array


@expects(z_p="float[B, K]", p="float[B, K]", z_q="float[_]")
def l2_project(z_p: Array, p: Array, z_q: Array) -> Array:
    """Moves categorical distributions to other atoms, nearest in the Cramér distance.

    Args:
      z_p: atoms of the distributions `[batch, K]`.
      p: their probabilities `[batch, K]`.
      z_q: ascending atoms to move them to, `[L]`.

    Returns:
      Probabilities of the atoms `z_q`, `[batch, L]`.

    Raises:
      ArgumentError: an argument has the wrong rank, size or type.

    Bellemare, Dabney and Munos, "A Distributional Perspective on Reinforcement
    Learning", 2017, https://arxiv.org/abs/1707.06887

    >>> l2_project(jnp.array([[0.5]]), jnp.array([[1.0]]), jnp.array([0.0, 1.0, 2.0]))
    Array([[0.5, 0.5, 0. ]], dtype=float32)
    """
    z_p, p, z_q = map(as_array, (z_p, p, z_q))
    return jax.vmap(lambda z, weights: project(z, weights, z_q, ties.clip))(z_p, p)


def factorised_kl_gaussian(
    dist1_mean: Array,
    dist1_covariance_or_scale: Array,
    dist2_mean: Array,
    dist2_covariance_or_scale: Array,
    both_diagonal: bool = False,
) -> tuple[Array, Array]:
    """Computes the divergence of Gaussians in two parts: of means and of covariances.

    Args:
      dist1_mean: means of the first `[..., size]`.
      dist1_covariance_or_scale: its covariances `[..., size, size]`, or its standard
        deviations `[..., size]` if both are diagonal.
      dist2_mean: means of the second `[..., size]`.
      dist2_covariance_or_scale: as of the first.
      both_diagonal: whether standard deviations are given. Default False.

    Returns:
      `(kl_mean, kl_cov)`, each `[...]`, in nats; their sum is KL(first || second).

    >>> mean, scale = jnp.zeros(2), jnp.ones(2)
    >>> [float(kl) for kl in factorised_kl_gaussian(
    ...     mean + 1, scale, mean, scale, both_diagonal=True)]
    [1.0, 0.0]
    """
    offset = jnp.subtract(dist1_mean, dist2_mean)
    size = offset.shape[-1]
    if both_diagonal:
        ratio = jnp.divide(dist1_covariance_or_scale, dist2_covariance_or_scale)
        whitened = offset / dist2_covariance_or_scale
        trace = jnp.sum(ratio**2, axis=-1)
        log_determinant = 2 * jnp.sum(jnp.log(jnp.abs(ratio)), axis=-1)
    else:
        root1, root2 = (
            jnp.linalg.cholesky(jnp.asarray(covariance))
            for covariance in (dist1_covariance_or_scale, dist2_covariance_or_scale)
        )
        relative = jax.lax.linalg.triangular_solve(
            root2, root1, left_side=True, lower=True
        )
        whitened = jax.lax.linalg.triangular_solve(
            root2, offset[..., None], left_side=True, lower=True
        )[..., 0]
        trace = jnp.sum(relative**2, axis=(-2, -1))
        diagonal = jnp.diagonal(relative, axis1=-2, axis2=-1)
        log_determinant = 2 * jnp.sum(jnp.log(diagonal), axis=-1)
    kl_mean = 0.5 * jnp.sum(whitened**2, axis=-1)
    return kl_mean, 0.5 * (trace - size - log_determinant)
