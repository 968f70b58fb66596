"""Selecting, splitting and joining trees of parameters and state."""

import collections
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax

from ..core.typing import PyTree
from .array_spec import format_array
from .flat_map import to_haiku_dict

Tree = Mapping[str, Mapping[str, Any]]
Predicate = Callable[[str, str, Any], bool]


def traverse(structure: Tree) -> Iterator[tuple[str, str, Any]]:
    """Yields `(module name, name, value)`, in the order of the sorted names.

    Args:
      structure: `{module: {name: value}}`.

    >>> from sonnax import haiku_impl as hk
    >>> list(hk.data_structures.traverse({"linear": {"w": 1, "b": 2}}))
    [('linear', 'b', 2), ('linear', 'w', 1)]
    """
    for module_name in sorted(structure):
        bundle = structure[module_name]
        for name in sorted(bundle):
            yield module_name, name, bundle[name]


def partition(predicate: Predicate, structure: Tree) -> tuple[Tree, Tree]:
    """Splits a tree in two.

    Args:
      predicate: `predicate(module_name, name, value)`, a bool.
      structure: `{module: {name: value}}`.

    Returns:
      A tree of what the predicate holds for, and one of the rest.

    >>> from sonnax import haiku_impl as hk
    >>> params = {"linear": {"w": 1, "b": 2}}
    >>> hk.data_structures.partition(lambda m, n, v: n == "w", params)
    ({'linear': {'w': 1}}, {'linear': {'b': 2}})
    """
    kept, rest = partition_n(lambda m, n, v: not predicate(m, n, v), structure, 2)
    return kept, rest


def partition_n(
    fn: Callable[[str, str, Any], int], structure: Tree, n: int
) -> tuple[Tree, ...]:
    """Splits a tree in `n`.

    Args:
      fn: `fn(module_name, name, value)` is the number, in [0, n), of the tree that
        gets the value.
      structure: `{module: {name: value}}`.
      n: how many trees.

    Returns:
      The `n` trees.

    Raises:
      AssertionError: if `fn` gives a number outside [0, n).

    >>> from sonnax import haiku_impl as hk
    >>> params = {"linear_0": {"w": 1}, "linear_1": {"w": 2}}
    >>> hk.data_structures.partition_n(lambda m, n, v: v - 1, params, 2)
    ({'linear_0': {'w': 1}}, {'linear_1': {'w': 2}})
    """
    trees: list[dict[str, dict[str, Any]]] = [
        collections.defaultdict(dict) for _ in range(n)
    ]
    for module_name, name, value in traverse(structure):
        index = fn(module_name, name, value)
        if not 0 <= index < n:
            raise AssertionError(
                f"fn({module_name!r}, {name!r}, ...) is {index}, which must be in "
                f"range [0, {n})."
            )
        trees[index][module_name][name] = value
    return tuple(to_haiku_dict(tree) for tree in trees)


def filter(predicate: Predicate, structure: Tree) -> Tree:
    """Returns the part of a tree that the predicate holds for.

    Args:
      predicate: `predicate(module_name, name, value)`, a bool.
      structure: `{module: {name: value}}`.

    >>> from sonnax import haiku_impl as hk
    >>> params = {"linear": {"w": 1, "b": 2}}
    >>> hk.data_structures.filter(lambda m, n, v: n == "w", params)
    {'linear': {'w': 1}}
    """
    return partition(predicate, structure)[0]


def map(fn: Callable[[str, str, Any], Any], structure: Tree) -> Tree:
    """Applies a function to every value of a tree.

    Args:
      fn: `fn(module_name, name, value)` is the new value.
      structure: `{module: {name: value}}`.

    >>> from sonnax import haiku_impl as hk
    >>> params = {"linear": {"w": 1, "b": 2}}
    >>> hk.data_structures.map(lambda m, n, v: v * 10 if n == "w" else v, params)
    {'linear': {'b': 2, 'w': 10}}
    """
    tree: dict[str, dict[str, Any]] = collections.defaultdict(dict)
    for module_name, name, value in traverse(structure):
        tree[module_name][name] = fn(module_name, name, value)
    return to_haiku_dict(tree)


def merge(*structures: Tree, check_duplicates: bool = False) -> dict[str, Any]:
    """Joins trees; where several have a value, that of the last is taken.

    Args:
      *structures: `{module: {name: value}}` each.
      check_duplicates: refuse two arrays of one name that differ in shape or dtype,
        default False.

    Raises:
      ValueError: if there are such arrays.

    >>> from sonnax import haiku_impl as hk
    >>> hk.data_structures.merge({"linear": {"w": 1}}, {"linear": {"b": 2}})
    {'linear': {'w': 1, 'b': 2}}
    """
    tree: dict[str, dict[str, Any]] = collections.defaultdict(dict)
    for structure in structures:
        for module_name, name, value in traverse(structure):
            bundle = tree[module_name]
            if check_duplicates and name in bundle:
                _check_alike(f"{module_name}.{name}", bundle[name], value)
            bundle[name] = value
    return to_haiku_dict(tree)


def _check_alike(name: str, first: Any, second: Any) -> None:
    kinds = [_kind(value) for value in (first, second)]
    if kinds[0] != kinds[1]:
        shown = [kind or repr(v) for kind, v in zip(kinds, (first, second))]
        raise ValueError(
            f"Duplicate array found with different shape/dtype for {name}: "
            f"{shown[0]} vs {shown[1]}. Rename one of them, or leave one tree out."
        )


def _kind(value: Any) -> str | None:
    is_array = hasattr(value, "shape") and hasattr(value, "dtype")
    return format_array(value) if is_array else None


def is_subset(*, subset: Tree, superset: Tree) -> bool:
    """Returns whether every name in one tree is in another; values don't matter.

    Args:
      subset: the tree whose names are looked for.
      superset: the tree in which they are.

    >>> from sonnax import haiku_impl as hk
    >>> hk.data_structures.is_subset(subset={"a": {}}, superset={})
    True
    """
    return all(
        name in superset.get(module_name, ())
        for module_name, name, _ in traverse(subset)
    )


def tree_size(tree: PyTree) -> int:
    """Returns how many elements the arrays of a tree have together.

    Args:
      tree: any tree of arrays or of their shapes and dtypes.

    >>> import jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> hk.data_structures.tree_size({"linear": {"w": jnp.ones([2, 3])}})
    6
    """
    return sum(leaf.size for leaf in jax.tree.leaves(tree))


def tree_bytes(tree: PyTree) -> int:
    """Returns how many bytes the elements of the arrays of a tree take together.

    Args:
      tree: any tree of arrays or of their shapes and dtypes.

    >>> import jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> hk.data_structures.tree_bytes({"linear": {"w": jnp.ones([2, 3], jnp.bfloat16)}})
    12
    """
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))
