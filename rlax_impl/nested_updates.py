"""Switching nested parameters, as those of a target network."""

from typing import TypeVar

import jax
import jax.numpy as jnp

from .trees import tree_select

Array = jax.Array
Tree = TypeVar("Tree")


def conditional_update(
    new_tensors: Tree, old_tensors: Tree, is_time: bool | Array
) -> Tree:
    """Picks new parameters if it is time, else the old ones.

    Args:
      new_tensors: tree of arrays.
      old_tensors: tree of the same structure, shapes and dtypes.
      is_time: boolean scalar, which may be traced.

    Returns:
      A tree of the same structure.

    Raises:
      ArgumentError: the structures differ.

    >>> print(conditional_update({"w": jnp.ones(2)}, {"w": jnp.zeros(2)}, True)["w"])
    [1. 1.]
    """
    return tree_select(jnp.asarray(is_time, bool), new_tensors, old_tensors)


def periodic_update(
    new_tensors: Tree,
    old_tensors: Tree,
    steps: int | Array,
    update_period: int | Array,
) -> Tree:
    """Picks new parameters every few steps, else the old ones.

    Args:
      new_tensors: tree of arrays.
      old_tensors: tree of the same structure, shapes and dtypes.
      steps: number of the step, an integer scalar.
      update_period: the new parameters are picked in steps divisible by this.

    Returns:
      A tree of the same structure.

    Raises:
      ArgumentError: the structures differ.

    >>> new, old = jnp.ones(1), jnp.zeros(1)
    >>> print([float(periodic_update(new, old, step, 3)[0]) for step in range(5)])
    [1.0, 0.0, 0.0, 1.0, 0.0]
    """
    return conditional_update(new_tensors, old_tensors, steps % update_period == 0)
