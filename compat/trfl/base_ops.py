"""What all losses share: their result, and checks of ranks and shapes."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ...rlax_impl.arguments import ArgumentError, check

Array = jax.Array
Numeric = Array | float


class LossOutput(NamedTuple):
    """A batch of losses, and what else a function has computed on the way.

    Attributes:
      loss: losses, `[batch]` or `[time, batch]`.
      extra: a named tuple, or None.
    """

    loss: Array
    extra: Any


def best_effort_shape(tensor: Array, with_rank: int | None = None) -> list[int]:
    """Returns the shape of an array as a list.

    Args:
      tensor: array `[...]`.
      with_rank: the rank that it must have. Default None: any.

    Returns:
      The sizes, which are always known in JAX.

    Raises:
      ArgumentError: the rank is another one.

    >>> best_effort_shape(jnp.ones([2, 3]))
    [2, 3]
    """
    if with_rank is not None:
        assert_rank_and_shape_compatibility([tensor], with_rank)
    return list(tensor.shape)


def assert_rank_and_shape_compatibility(tensors: Sequence[Array], rank: int) -> None:
    """Checks that arrays have the same shape, of a given rank.

    Args:
      tensors: arrays; at least one.
      rank: number of axes that each must have.

    Raises:
      ArgumentError: there are none, or a rank or shape differs.

    >>> assert_rank_and_shape_compatibility([jnp.ones([2, 3]), jnp.zeros([2, 3])], 2)
    """
    if not tensors:
        raise ArgumentError("The list of arrays is empty: give at least one.")
    first = tuple(tensors[0].shape)
    for tensor in tensors:
        if len(tensor.shape) != rank or tuple(tensor.shape) != first:
            raise ArgumentError(
                f"Arrays must have rank {rank} and one shape, but their shapes are "
                f"{[list(t.shape) for t in tensors]}."
            )


def wrap_rank_shape_assert(
    tensors_list: Sequence[Sequence[Array]], expected_ranks: Sequence[int], op_name: str
) -> None:
    """Checks groups of arrays, each of one rank and shape, and names the function.

    Args:
      tensors_list: groups of arrays.
      expected_ranks: the rank of each group.
      op_name: what the message begins with.

    Raises:
      ArgumentError: a group has another rank, or arrays of different shapes.

    >>> wrap_rank_shape_assert([[jnp.ones([2, 3])], [jnp.ones(2)]], [2, 1], "sarsa")
    """
    for tensors, rank in zip(tensors_list, expected_ranks):
        try:
            assert_rank_and_shape_compatibility(tensors, rank)
        except ArgumentError as error:
            raise ArgumentError(f"{op_name}: {error}") from None


def assert_arg_bounded(
    value: float, min_value: float, max_value: float, op_name: str, arg_name: str
) -> None:
    """Checks that a number lies in a closed range.

    Args:
      value: the number.
      min_value: the least that it may be.
      max_value: the greatest.
      op_name: what the message begins with.
      arg_name: the argument that it names.

    Raises:
      ArgumentError: the number is out of the range.

    >>> assert_arg_bounded(0.5, 0, 1, "persistent_qlearning", "action_gap_scale")
    """
    check(
        min_value <= value <= max_value,
        op_name,
        f"{arg_name} must lie in [{min_value}, {max_value}], but is {value}.",
    )


def half_squared(error: Array) -> Array:
    """Computes the loss whose gradient is the error."""
    return 0.5 * jnp.square(error)
