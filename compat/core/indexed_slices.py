"""Updates of some rows of an array, as the gradient of a lookup is."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from .typing import ArrayLike


@jax.tree_util.register_pytree_node_class
class IndexedSlices:
    """Rows, and the places in a larger array that they belong to: `tf.IndexedSlices`.

    JAX's own gradients are dense; optimizers take these where a model makes them
    itself, say for the rows of an embedding that a batch has used.

    Args:
      values: the rows, `[rows, ...]`.
      indices: their places in the first axis of the larger array, int `[rows]`; a
        place may occur more than once.
      dense_shape: the shape of the larger array, if anybody wants to know.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> table = snt.Variable(jnp.zeros([3, 1]))
    >>> rows = snt.IndexedSlices(jnp.array([[1.0], [2.0]]), jnp.array([2, 2]))
    >>> snt.optimizers.SGD(1.0).apply([rows], [table])
    >>> table.numpy().tolist()
    [[0.0], [0.0], [-3.0]]
    """

    def __init__(
        self,
        values: ArrayLike,
        indices: ArrayLike,
        dense_shape: Sequence[int] | None = None,
    ):
        self.values: Any = values
        self.indices: Any = indices
        self.dense_shape = dense_shape

    @property
    def dtype(self) -> Any:
        return self.values.dtype

    @property
    def shape(self) -> Any:
        return self.dense_shape

    def tree_flatten(self) -> tuple[tuple[Any, ...], None]:
        return (self.values, self.indices, self.dense_shape), None

    @classmethod
    def tree_unflatten(cls, aux: None, children: Any) -> "IndexedSlices":
        return cls(*children)

    def __neg__(self) -> "IndexedSlices":
        return IndexedSlices(-self.values, self.indices, self.dense_shape)

    def __repr__(self) -> str:
        return f"IndexedSlices(values={self.values!r}, indices={self.indices!r})"


def deduplicate(slices: IndexedSlices) -> IndexedSlices:
    """Adds up the rows that belong to one place, as many rows as before.

    The rows left over get a place that no array has, where nothing is written.

    >>> slices = IndexedSlices(jnp.array([1.0, 2.0, 4.0]), jnp.array([5, 3, 5]))
    >>> one_each = deduplicate(slices)
    >>> one_each.values.tolist(), one_each.indices.tolist()
    ([2.0, 5.0, 0.0], [3, 5, 2147483647])
    """
    indices = jnp.asarray(slices.indices)
    count = indices.size
    nowhere = jnp.iinfo(indices.dtype).max
    places, positions = jnp.unique(
        indices, return_inverse=True, size=count, fill_value=nowhere
    )
    values = jax.ops.segment_sum(jnp.asarray(slices.values), positions, count)
    return IndexedSlices(values, places, slices.dense_shape)
