"""Scaled dot-product attention (Vaswani et al., 2017)."""

import math

import jax
import jax.numpy as jnp

_MASKED_LOGIT = -1e30


def dot_product_attention(
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    mask: jax.Array | None = None,
) -> jax.Array:
    """Averages values by how well their keys match each query.

    Args:
      query: `[..., targets, heads, key_size]`.
      key: `[..., sources, heads, key_size]`.
      value: `[..., sources, heads, value_size]`.
      mask: Booleans of the rank of the logits, broadcastable to
        `[..., heads, targets, sources]`: False hides a source from a target.

    Returns:
      `[..., targets, heads, value_size]`.

    Raises:
      ValueError: The mask has another rank than the logits.

    Example:
      >>> import jax.numpy as jnp
      >>> x = jnp.array([1.0, 3.0]).reshape(2, 1, 1)
      >>> dot_product_attention(jnp.zeros([1, 1, 1]), x, x).tolist()
      [[[2.0]]]
    """
    logits = jnp.einsum("...thd,...Thd->...htT", query, key)
    logits = logits / jnp.asarray(math.sqrt(query.shape[-1]), key.dtype)
    if mask is not None:
        if mask.ndim != logits.ndim:
            raise ValueError(
                f"Mask dimensionality {mask.ndim} must match logits dimensionality "
                f"{logits.ndim}: pass a mask of shape [..., heads, targets, sources], "
                f"broadcastable to {logits.shape}."
            )
        logits = jnp.where(mask, logits, _MASKED_LOGIT)
    weights = jax.nn.softmax(logits)
    return jnp.einsum("...htT,...Thd->...thd", weights, value)
