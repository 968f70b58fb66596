"""One step of the gradient-based optimizers, for one parameter."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax


def momentum_update(
    update: jax.Array,
    accumulated: jax.Array,
    *,
    learning_rate: Any,
    momentum: Any,
    nesterov: bool = False,
) -> tuple[jax.Array, jax.Array]:
    """Computes a step of gradient descent with momentum (Sutskever et al., 2013).

    Args:
      update: The gradient.
      accumulated: The sum of earlier gradients, decayed; of the shape of `update`.
      learning_rate: A scalar of the dtype of `update`.
      momentum: How much of the sum is kept, a scalar of the same dtype.
      nesterov: Whether the gradient counts once more, as if taken a step ahead.

    Returns:
      What to subtract from the parameter, and the new sum.

    Example:
      >>> import jax.numpy as jnp
      >>> step, accumulated = momentum_update(
      ...     jnp.array(1.0), jnp.array(2.0), learning_rate=0.5, momentum=0.5)
      >>> step.item(), accumulated.item()
      (1.0, 2.0)
    """
    accumulated = momentum * accumulated + update
    ahead = momentum * accumulated + update if nesterov else accumulated
    return learning_rate * ahead, accumulated


def adam_update(
    update: jax.Array,
    m: jax.Array,
    v: jax.Array,
    *,
    step: jax.Array,
    learning_rate: Any,
    beta1: Any,
    beta2: Any,
    epsilon: Any,
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Computes a step of Adam (Kingma and Ba, 2014, algorithm 1).

    Args:
      update: The gradient.
      m: Its moving average, of the shape of `update`.
      v: The moving average of its square, of the shape of `update`.
      step: The number of this step, from 1 on, a scalar of the dtype of `update`.
      learning_rate: A scalar of the same dtype.
      beta1: The decay of `m`; a scalar of the dtype, so that `1 - beta1` rounds as
        the dtype does.
      beta2: The decay of `v`, likewise.
      epsilon: Added to the denominator, outside the root.

    Returns:
      What to subtract from the parameter, and the new `m` and `v`.

    Example:
      >>> import jax.numpy as jnp
      >>> zero, one = jnp.zeros([]), jnp.ones([])
      >>> delta, m, v = adam_update(one, zero, zero, step=one, learning_rate=0.5,
      ...     beta1=0.5, beta2=0.75, epsilon=0.0)
      >>> delta.item(), m.item(), v.item()
      (0.5, 0.5, 0.25)
    """
    m = beta1 * m + (1 - beta1) * update
    v = beta2 * v + (1 - beta2) * update * update
    corrected_m = m / (1 - jnp.power(beta1, step))
    corrected_v = v / (1 - jnp.power(beta2, step))
    delta = learning_rate * corrected_m / (jnp.sqrt(corrected_v) + epsilon)
    return delta, m, v


def rmsprop_update(
    update: jax.Array,
    mom: jax.Array,
    ms: jax.Array,
    mg: jax.Array | None = None,
    *,
    learning_rate: Any,
    decay: Any,
    momentum: Any,
    epsilon: Any,
) -> tuple[jax.Array, ...]:
    """Computes a step of RMSProp (Tieleman and Hinton, 2012, lecture 6.5).

    Args:
      update: The gradient.
      mom: The sum of earlier steps, decayed; of the shape of `update`.
      ms: The moving average of the gradient's square, of the shape of `update`.
      mg: The moving average of the gradient, by which the variance is centered
        (Graves, 2013, equation 38); None takes the second moment for the variance.
      learning_rate: A scalar of the dtype of `update`.
      decay: That of the moving averages.
      momentum: That of `mom`.
      epsilon: Added to the variance, inside the root.

    Returns:
      The new `mom`, which is to be subtracted from the parameter, the new `ms`, and
      if there was one, the new `mg`.

    Example:
      >>> import jax.numpy as jnp
      >>> zero, one = jnp.zeros([]), jnp.ones([])
      >>> mom, ms = rmsprop_update(one, zero, zero, learning_rate=0.5, decay=0.75,
      ...     momentum=0.0, epsilon=0.0)
      >>> mom.item(), ms.item()
      (1.0, 0.25)
    """
    ms = lax.square(update) * (1 - decay) + ms * decay
    averages: tuple[jax.Array, ...] = (ms,)
    variance = ms
    if mg is not None:
        mg = update * (1 - decay) + mg * decay
        averages = (ms, mg)
        variance = ms - lax.square(mg)
    scale = lax.rsqrt(variance + epsilon)
    mom = momentum * mom + learning_rate * update * scale
    return (mom, *averages)
