"""An identity that scales gradients."""

from typing import Any

import jax

from ..core.dtypes import as_array
from ..core.typing import ArrayLike, Scalar


@jax.custom_jvp
def _scaled(t: jax.Array, scale: jax.Array) -> jax.Array:
    return t


@_scaled.defjvp
def _scaled_jvp(primals: Any, tangents: Any) -> tuple[jax.Array, jax.Array]:
    (t, scale), (tangent, _) = primals, tangents
    return t, (scale * tangent).astype(t.dtype)


def scale_gradient(t: ArrayLike, scale: Scalar) -> jax.Array:
    """Returns its argument, with gradients that are multiplied by a factor.

    Args:
      t: any shape.
      scale: a number or array; its own gradient is zero. -1 reverses gradients
        (Ganin et al., 2016).

    >>> import jax
    >>> from sonnax import compat as snt
    >>> float(jax.grad(lambda x: snt.scale_gradient(x, -0.5) ** 2)(3.0))
    -3.0
    """
    t = as_array(t)
    return _scaled(t, as_array(scale, None if hasattr(scale, "dtype") else t.dtype))
