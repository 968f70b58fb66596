"""Vector quantisation (van den Oord et al., 2017)."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from .promotion import promoted, promoted_dtype


class Quantized(NamedTuple):
    """What a batch of vectors became.

    Attributes:
      values: The nearest codes, of the shape of the inputs.
      indices: Their numbers, of the shape of the inputs without the last axis.
      encodings: `[vectors, codes]`, the numbers as one-hot vectors.
      distances: `[vectors, codes]`, squared, from every vector to every code.
      flat_inputs: `[vectors, size]`, the inputs.
    """

    values: jax.Array
    indices: jax.Array
    encodings: jax.Array
    distances: jax.Array
    flat_inputs: jax.Array


def select_codes(codes: jax.Array, indices: jax.Array) -> jax.Array:
    """Returns the codes of the given numbers.

    Args:
      codes: `[size, num_codes]`: a code is a column.
      indices: Integers of any shape.

    Returns:
      `[*indices.shape, size]`.

    Example:
      >>> import jax.numpy as jnp
      >>> select_codes(jnp.array([[1.0, 2.0], [3.0, 4.0]]), jnp.array([1])).tolist()
      [[2.0, 4.0]]
    """
    return jnp.swapaxes(codes, 1, 0)[(indices,)]


def quantize(inputs: jax.Array, codes: jax.Array) -> Quantized:
    """Replaces every vector by the nearest code; the first one wins a tie.

    Args:
      inputs: `[..., size]`.
      codes: `[size, num_codes]`: a code is a column.

    Returns:
      A `Quantized`; no gradient is stopped yet.

    Example:
      >>> import jax.numpy as jnp
      >>> quantize(jnp.array([[0.9]]), jnp.array([[0.0, 1.0]])).values.tolist()
      [[1.0]]
    """
    size, num_codes = codes.shape
    flat = jnp.reshape(inputs, (-1, size))
    # |a - b|^2 = |a|^2 - 2ab + |b|^2: one matrix product.
    dtype = promoted_dtype(flat, codes)
    distances = (
        jnp.sum(lax.square(flat), 1, keepdims=True).astype(dtype)
        - 2 * jnp.matmul(flat.astype(dtype), codes.astype(dtype))
        + jnp.sum(lax.square(codes), 0, keepdims=True).astype(dtype)
    )
    nearest = jnp.argmax(-distances, 1)
    encodings = jax.nn.one_hot(nearest, num_codes, dtype=distances.dtype)
    indices = jnp.reshape(nearest, inputs.shape[:-1])
    values = select_codes(codes, indices)
    return Quantized(values, indices, encodings, distances, flat)


def commitment_loss(inputs: jax.Array, values: jax.Array) -> jax.Array:
    """Returns the mean squared distance that pulls the inputs to their codes.

    Args:
      inputs: Any shape.
      values: The codes, of the same shape; constant here.

    Returns:
      A scalar.

    Example:
      >>> import jax.numpy as jnp
      >>> commitment_loss(jnp.array([1.0]), jnp.array([3.0])).item()
      4.0
    """
    values, inputs = promoted(lax.stop_gradient(values), inputs)
    return jnp.mean(lax.square(values - inputs))


def codebook_loss(inputs: jax.Array, values: jax.Array) -> jax.Array:
    """Returns the mean squared distance that pulls the codes to the inputs.

    Args:
      inputs: Any shape; constant here.
      values: The codes, of the same shape.

    Returns:
      A scalar.

    Example:
      >>> import jax.numpy as jnp
      >>> codebook_loss(jnp.array([1.0]), jnp.array([3.0])).item()
      4.0
    """
    values, inputs = promoted(values, lax.stop_gradient(inputs))
    return jnp.mean(lax.square(values - inputs))


def straight_through(inputs: jax.Array, values: jax.Array) -> jax.Array:
    """Returns the codes, with gradients that flow to the inputs unchanged.

    Args:
      inputs: Any shape.
      values: The same shape.

    Returns:
      `values`, up to rounding.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> jax.grad(lambda x: straight_through(x, jnp.round(x)))(0.4).item()
      1.0
    """
    inputs, values = promoted(inputs, values)
    return inputs + lax.stop_gradient(values - inputs)


def perplexity(encodings: jax.Array, axis_name: str | None = None) -> jax.Array:
    """Returns how many codes a batch uses: e to the entropy of their frequencies.

    Args:
      encodings: `[vectors, num_codes]`, one-hot.
      axis_name: A mapped axis over which the frequencies are averaged first.

    Returns:
      A scalar between 1 and `num_codes`.

    Example:
      >>> import jax.numpy as jnp
      >>> round(perplexity(jnp.eye(4)).item(), 4)
      4.0
    """
    frequency = jnp.mean(encodings, 0)
    if axis_name:
        frequency = lax.pmean(frequency, axis_name)
    return jnp.exp(-jnp.sum(frequency * jnp.log(frequency + 1e-10)))


def averaged_codes(counts: jax.Array, sums: jax.Array, epsilon: Any) -> jax.Array:
    """Returns each code as the mean of the vectors that were assigned to it.

    The counts are smoothed (Laplace), so that no code is divided by zero.

    Args:
      counts: `[num_codes]`, the averaged number of vectors for each code.
      sums: `[size, num_codes]`, their averaged sums.
      epsilon: How much is added to each count.

    Returns:
      `[size, num_codes]`.

    Example:
      >>> import jax.numpy as jnp
      >>> averaged_codes(jnp.array([2.0]), jnp.array([[6.0]]), 1e-5).tolist()
      [[3.0]]
    """
    total = jnp.sum(counts)
    smoothed = (counts + epsilon) / (total + counts.size * epsilon) * total
    return sums / jnp.reshape(smoothed, (1, -1))
