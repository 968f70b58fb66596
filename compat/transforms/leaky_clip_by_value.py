"""A clipping operation that lets values return."""

from typing import Any

import jax
import jax.numpy as jnp

from ..core.dtypes import as_array
from ..core.typing import ArrayLike


@jax.custom_vjp
def _clipped(t: jax.Array, low: jax.Array, high: jax.Array) -> jax.Array:
    return jnp.maximum(jnp.minimum(t, high), low)


def _forward(t: jax.Array, low: jax.Array, high: jax.Array) -> Any:
    return _clipped(t, low, high), (t, low, high)


def _backward(residuals: Any, gradient: jax.Array) -> tuple[Any, Any, Any]:
    t, low, high = residuals
    outwards = ((t < low) & (gradient > 0)) | ((t > high) & (gradient < 0))
    kept = jnp.where(outwards, jnp.zeros_like(gradient), gradient)
    return kept, jnp.zeros_like(low), jnp.zeros_like(high)


_clipped.defvjp(_forward, _backward)


def leaky_clip_by_value(
    t: ArrayLike,
    clip_value_min: ArrayLike,
    clip_value_max: ArrayLike,
    name: str | None = None,
) -> jax.Array:
    """Clips values, with gradients that only ever lead back into the range.

    Outside the range a gradient is zero if a step of descent would lead further out;
    otherwise it passes unchanged. What passes depends on the sign of what comes back,
    so that there is a reverse mode only: `jax.jvp` and `jax.jacfwd` raise.

    Args:
      t: floating, of any shape.
      clip_value_min: a number or an array, broadcastable to `t`; no gradient.
      clip_value_max: likewise.
      name: accepted for Sonnet's sake.

    Raises:
      ValueError: if a limit cannot be broadcast to `t`.

    >>> import jax
    >>> from sonnax import compat as snt
    >>> clip = lambda x: snt.leaky_clip_by_value(x, -1.0, 1.0)
    >>> float(clip(3.0)), float(jax.grad(clip)(3.0)), float(jax.grad(clip)(-3.0))
    (1.0, 1.0, 0.0)
    """
    t = as_array(t)
    low, high = (jnp.asarray(x, t.dtype) for x in (clip_value_min, clip_value_max))
    for limit in (low, high):
        if jnp.broadcast_shapes(t.shape, limit.shape) != t.shape:
            raise ValueError(f"Shapes {t.shape} and {limit.shape} are incompatible.")
    # As jax_numpy_rank_promotion may ask for.
    low, high = (
        jax.lax.broadcast_to_rank(limit, t.ndim) if limit.ndim else limit
        for limit in (low, high)
    )
    return _clipped(t, low, high)
