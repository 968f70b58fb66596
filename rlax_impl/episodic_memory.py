"""Looking up the nearest neighbours of an embedding in an episodic memory."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from .arguments import expects
from .records import Record, mutable_record

Array = jax.Array
Metric = Callable[[Array, Array], Array]


@mutable_record
class KNNQueryResult(Record):
    """The nearest neighbours of each query, nearest first.

    Attributes:
      neighbors: `[num_queries, num_neighbors, size]`.
      neighbor_indices: their rows in the data, `[num_queries, num_neighbors]`.
      neighbor_neg_distances: minus their distances, `[num_queries, num_neighbors]`.
    """

    neighbors: Array
    neighbor_indices: Array
    neighbor_neg_distances: Array


def squared_euclidean(x: Array, y: Array) -> Array:
    """Returns the squared Euclidean distance of two vectors of the same size.

    >>> print(squared_euclidean(jnp.array([1.0, 2.0]), jnp.array([4.0, 6.0])))
    25.0
    """
    return jnp.sum(jnp.square(x - y))


@expects(data="number[N, D]", query_points="number[M, D] | bool[M, D]")
def knn_query(
    data: Array,
    query_points: Array,
    num_neighbors: int,
    metric: Metric = squared_euclidean,
) -> KNNQueryResult:
    """Finds the rows of a memory that are nearest to each of some points.

    Args:
      data: the memory, `[num_rows, size]`.
      query_points: `[num_queries, size]`.
      num_neighbors: how many to find for each point; a Python integer, so under
        `jax.jit` a static argument. No more are found than there are rows.
      metric: distance of two vectors `[size]`. Default: the squared Euclidean one.

    Returns:
      `KNNQueryResult`, nearest first. Of rows at the same distance, the one with the
      lower index comes first.

    Raises:
      ArgumentError: the arguments are no matrices, or differ in their last axis.

    >>> data = jnp.array([[0.0], [1.0], [5.0]])
    >>> result = knn_query(data, jnp.array([[4.0]]), num_neighbors=2)
    >>> print(result.neighbor_indices, result.neighbor_neg_distances)
    [[2 1]] [[-1. -9.]]
    """
    distances = _pairwise(query_points, data, metric)
    neg_distances, indices = jax.lax.top_k(
        -distances, min(num_neighbors, data.shape[0])
    )
    return KNNQueryResult(
        neighbors=jnp.asarray(data)[indices],
        neighbor_indices=indices,
        neighbor_neg_distances=neg_distances,
    )


def _pairwise(a: Array, b: Array, metric: Metric) -> Array:
    return jax.vmap(lambda x: jax.vmap(lambda y: metric(x, y))(b))(a)
