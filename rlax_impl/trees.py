"""Functions on nested structures (pytrees) of arrays."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from .arguments import ArgumentError
from .indexing import replace_masked

Array = jax.Array
Tree = TypeVar("Tree")


def tree_select(pred: Array, on_true: Tree, on_false: Tree) -> Tree:
    """Picks one of two trees by a condition that may be traced.

    Args:
      pred: boolean scalar.
      on_true: tree of arrays.
      on_false: tree of the same structure, shapes and dtypes.

    Returns:
      A tree of the same structure.

    Raises:
      ArgumentError: the structures differ.

    >>> tree_select(jnp.array(False), {"a": jnp.zeros(2)}, {"a": jnp.ones(2)})
    {'a': Array([1., 1.], dtype=float32)}
    """
    _check_same_structure("tree_select", [on_true, on_false])
    return jax.tree.map(lambda x, y: jax.lax.select(pred, x, y), on_true, on_false)


def tree_map_zipped(fn: Callable[..., Any], nests: Sequence[Any]) -> Any:
    """Maps a function over the corresponding leaves of a sequence of trees.

    Args:
      fn: function of as many arguments as there are trees.
      nests: trees of the same structure.

    Returns:
      A tree of the results; `nests` itself if it is empty.

    Raises:
      ArgumentError: the structures differ.

    >>> tree_map_zipped(lambda x, y: x + y, [{"a": 1}, {"a": 2}])
    {'a': 3}
    """
    if not nests:
        return nests
    _check_same_structure("tree_map_zipped", nests)
    return jax.tree.map(fn, *nests)


def tree_split_key(rng_key: Array, tree_like: Any) -> tuple[Array, Any]:
    """Splits a random key into one for each leaf of a tree and one to go on with.

    Args:
      rng_key: random key.
      tree_like: tree with any leaves.

    Returns:
      The new key, and a tree of keys.

    >>> key, keys = tree_split_key(jax.random.key(0), {"w": 0, "b": 0})
    >>> sorted(keys)
    ['b', 'w']
    """
    leaves, treedef = jax.tree.flatten(tree_like)
    rng_key, *keys = jax.random.split(rng_key, len(leaves) + 1)
    return rng_key, jax.tree.unflatten(treedef, keys)


def tree_split_leaves(tree_like: Any, axis: int = 0, keepdim: bool = False) -> Any:
    """Splits a tree of arrays into a tuple of trees, as views of NumPy arrays.

    Args:
      tree_like: tree of arrays that agree in the size of `axis`.
      axis: to split along. Default 0.
      keepdim: whether the axis stays, with size 1. Default False.

    Returns:
      One tree for each index of the axis; `tree_like` itself if it is empty.

    >>> [tree["a"].tolist() for tree in tree_split_leaves({"a": np.eye(2)})]
    [[1.0, 0.0], [0.0, 1.0]]
    """
    leaves, treedef = jax.tree.flatten(tree_like)
    if not leaves:
        return tree_like
    size = leaves[0].shape[axis]
    pieces = [np.split(np.asarray(leaf), size, axis) for leaf in leaves]
    if not keepdim:
        pieces = [[np.squeeze(piece, axis) for piece in split] for split in pieces]
    return tuple(jax.tree.unflatten(treedef, piece) for piece in zip(*pieces))


def tree_replace_masked(
    tree_data: Tree, tree_replacement: Tree | None, mask: Array
) -> Tree:
    """Replaces the slices of every leaf that a mask marks.

    Args:
      tree_data: tree of arrays.
      tree_replacement: tree of the same structure and shapes, or None for zeros.
      mask: zeros and ones, or booleans; its shape is a prefix of that of every leaf.

    Returns:
      A tree of the structure of `tree_data`.

    >>> tree_replace_masked({"a": jnp.array([1, 2])}, None, jnp.array([True, False]))
    {'a': Array([0, 2], dtype=int32)}
    """
    if tree_replacement is None:
        return jax.tree.map(lambda data: replace_masked(data, None, mask), tree_data)
    return jax.tree.map(
        lambda data, new: replace_masked(data, new, mask), tree_data, tree_replacement
    )


def tree_fn(fn: Callable[..., Any], **unmapped_kwargs: Any) -> Callable[..., Any]:
    """Turns a function of arrays into one of trees.

    Args:
      fn: function of arrays.
      **unmapped_kwargs: arguments that go to every call as they are.

    Returns:
      A function that maps `fn` over the leaves of its arguments.

    >>> tree_fn(lambda x, scale: x * scale, scale=10)({"a": 1, "b": 2})
    {'a': 10, 'b': 20}
    """
    on_leaves = functools.partial(fn, **unmapped_kwargs)

    def on_trees(*trees: Any) -> Any:
        return jax.tree.map(on_leaves, *trees)

    return on_trees


def transpose_last_axis_to_first(tree: Tree) -> Tree:
    """Moves the last axis of every leaf to the front.

    Args:
      tree: tree of arrays `[d_1, ..., d_n]`.

    Returns:
      A tree of arrays `[d_n, d_1, ...]`.

    >>> transpose_last_axis_to_first({"a": jnp.ones([2, 3, 4])})["a"].shape
    (4, 2, 3)
    """
    return jax.tree.map(lambda leaf: jnp.moveaxis(leaf, -1, 0), tree)


def transpose_first_axis_to_last(tree: Tree) -> Tree:
    """Moves the first axis of every leaf to the end.

    Args:
      tree: tree of arrays `[d_1, ..., d_n]`.

    Returns:
      A tree of arrays `[d_2, ..., d_n, d_1]`.

    >>> transpose_first_axis_to_last({"a": jnp.ones([2, 3, 4])})["a"].shape
    (3, 4, 2)
    """
    return jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, -1), tree)


def _check_same_structure(function: str, trees: Sequence[Any]) -> None:
    structures: list[Any] = [jax.tree.structure(tree) for tree in trees]
    first, *others = structures
    for other in others:
        if other != first:
            raise ArgumentError(
                f"{function}: the trees must have the same structure, but are "
                f"{first} and {other}."
            )
