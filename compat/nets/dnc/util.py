"""Operations on batches that differentiable neural computers use."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...core.typing import ArrayLike


def segment_dim(
    inputs: jax.Array, dim: int, shapes: Sequence[Sequence[int]]
) -> tuple[jax.Array, ...]:
    """Cuts an axis into segments, and gives each a shape.

    Args:
      inputs: any array.
      dim: which axis, counted from the end if negative.
      shapes: for each segment the shape that is to stand in the axis' place.

    Returns:
      The segments.

    Raises:
      ValueError: if there is no such axis.

    >>> [x.shape for x in segment_dim(jnp.ones([2, 14, 3]), 1, [[3, 3], [5]])]
    [(2, 3, 3, 3), (2, 5, 3)]
    """
    if not -inputs.ndim <= dim < inputs.ndim:
        raise ValueError(
            f"Invalid dims ({dim}): the inputs have shape {tuple(inputs.shape)}."
        )
    dim %= inputs.ndim
    before, after = inputs.shape[:dim], inputs.shape[dim + 1 :]
    segments = []
    start = 0
    for shape in shapes:
        end = start + math.prod(shape)
        segment = jax.lax.slice_in_dim(inputs, start, end, axis=dim)
        segments.append(segment.reshape(*before, *shape, *after))
        start = end
    return tuple(segments)


def batch_invert_permutation(permutations: jax.Array) -> jax.Array:
    """Inverts permutations of `range(size)`, `[batch, size]`.

    >>> batch_invert_permutation(jnp.array([[1, 2, 0]])).tolist()
    [[2, 0, 1]]
    """
    return jnp.argsort(permutations, axis=-1).astype(permutations.dtype)


def batch_gather(values: jax.Array, indices: jax.Array) -> jax.Array:
    """Looks up `values`, `[batch, size, ...]`, at `indices`, `[batch, ...]`.

    >>> batch_gather(jnp.array([[5, 6, 7]]), jnp.array([[2, 0]])).tolist()
    [[7, 5]]
    """
    return jax.vmap(lambda each, index: each[index])(values, indices)


def one_hot(length: int | Sequence[int], index: int | tuple[int, ...]) -> np.ndarray:
    """Returns zeros of shape `length` with a 1 at `index`, as a NumPy array.

    >>> one_hot(3, 1).tolist()
    [0.0, 1.0, 0.0]
    """
    result = np.zeros(length)
    result[index] = 1
    return result


def apply_linear(
    inputs: ArrayLike | Sequence[ArrayLike],
    linear_modules: Callable[..., jax.Array] | Sequence[Callable[..., jax.Array]],
    activation: Callable[[jax.Array], jax.Array] = lambda x: x,
) -> jax.Array:
    """Applies a linear module; or two of them to two inputs, and adds the results.

    Args:
      inputs: `[batch, size]`, or two such arrays.
      linear_modules: a module, or as many in the same kind of sequence.
      activation: applied to the result.

    Returns:
      `[batch, output size]`.

    Raises:
      ValueError: if there are not as many modules as inputs, or more than two.

    >>> apply_linear((1, 2), (lambda x: x, lambda x: 10 * x))
    21
    """
    modules: Any = linear_modules
    if not isinstance(inputs, tuple | list):
        if isinstance(modules, tuple | list):
            raise ValueError("There are several linear modules, and only one input.")
        return activation(modules(inputs))
    if type(modules) is not type(inputs) or not (len(inputs) == len(modules) == 2):
        raise ValueError(
            "If inputs is a list, it must be of length 2 and match the linear modules: "
            f"inputs are a {type(inputs).__name__} of {len(inputs)}, and the linear "
            f"modules are {modules!r}."
        )
    (first, second), (input1, input2) = modules, inputs
    return apply_split_linear(first, second, input1, input2, activation)


def apply_split_linear(
    lin_module_1: Callable[[Any], jax.Array],
    lin_module_2: Callable[[Any], jax.Array],
    input1: ArrayLike,
    input2: ArrayLike,
    activation: Callable[[jax.Array], jax.Array] | None = None,
) -> jax.Array:
    """Applies two linear modules to an input each, and adds the results.

    Args:
      lin_module_1: a module.
      lin_module_2: a module with outputs of the same size.
      input1: `[batch, size]`, what the first takes.
      input2: `[batch, size]`, what the second takes.
      activation: applied to the sum; None applies nothing.

    Returns:
      `[batch, output size]`.
    """
    total = lin_module_1(input1) + lin_module_2(input2)
    return total if activation is None else activation(total)
