"""Rewards for visiting states that an episodic memory has not seen yet."""

import jax
import jax.numpy as jnp

from .arguments import check, expects
from .episodic_memory import knn_query
from .records import Record, mutable_record

Array = jax.Array


@mutable_record
class IntrinsicRewardState(Record):
    """What `episodic_memory_intrinsic_rewards` remembers between its calls.

    Attributes:
      memory: ring buffer of embeddings, `[max_memory_size, size]`.
      next_memory_index: row that the next embedding goes to, before it is wrapped.
        Default 0.
      distance_sum: sum of all neighbours' negative distances so far. Default 0.
      distance_count: how many these were. Default 0.
    """

    memory: Array
    next_memory_index: int | Array = 0
    distance_sum: float | Array = 0
    distance_count: int | Array = 0


@expects(embeddings="number[M, D] | bool[M, D]")
def episodic_memory_intrinsic_rewards(
    embeddings: Array,
    num_neighbors: int,
    reward_scale: float | Array,
    intrinsic_reward_state: IntrinsicRewardState | None = None,
    constant: float | Array = 1e-3,
    epsilon: float | Array = 1e-4,
    cluster_distance: float | Array = 8e-3,
    max_similarity: float | Array = 8.0,
    max_memory_size: int = 30_000,
) -> tuple[Array, IntrinsicRewardState]:
    """Rewards embeddings of states by how unlike they are to those in memory.

    Args:
      embeddings: new states, `[num_states, size]`; they are compared with the memory,
        not with each other, and then added to it.
      num_neighbors: how many neighbours count; a Python integer, so under `jax.jit` a
        static argument.
      reward_scale: factor of the reward, the paper's beta.
      intrinsic_reward_state: result of the call before. Default None, at the start of
        an episode: a memory of `num_neighbors` zeros and otherwise infinity.
      constant: added to denominators for stability. Default 1e-3.
      epsilon: of the kernel `epsilon / (rate + epsilon)`. Default 1e-4.
      cluster_distance: relative distances up to this one count as 0, the paper's xi.
        Default 8e-3.
      max_similarity: there is no reward above this similarity. Default 8.
      max_memory_size: rows of the memory. Default 30000.

    Returns:
      Rewards `[num_states]`, and the state for the next call.

    Raises:
      ArgumentError: the memory is not `[max_memory_size, size]`.

    Puigdomènech Badia et al., "Never give up: Learning directed exploration
    strategies", 2020, https://arxiv.org/abs/2002.06038, and "Agent57", 2020,
    https://arxiv.org/abs/2003.13350. As in RLax, the distances and their running mean
    are both negative, so that their ratio is the paper's only as far as `constant` is
    small against the mean.

    >>> states = jnp.array([[1.0, 2.0], [3.0, 4.0]])
    >>> rewards, state = episodic_memory_intrinsic_rewards(
    ...     states, num_neighbors=2, reward_scale=1.0, max_memory_size=10)
    >>> again, state = episodic_memory_intrinsic_rewards(
    ...     states, 2, 1.0, state, max_memory_size=10)
    >>> print(jnp.all(again < rewards), state.next_memory_index)
    True 4
    """
    num_states, size = embeddings.shape
    if intrinsic_reward_state is None:
        memory = jnp.full((max_memory_size, size), jnp.inf, float)
        state = IntrinsicRewardState(memory=memory.at[:num_neighbors].set(0.0))
    else:
        state = intrinsic_reward_state
    check(
        state.memory.shape == (max_memory_size, size),
        "episodic_memory_intrinsic_rewards",
        f"the memory of 'intrinsic_reward_state' has shape {list(state.memory.shape)}, "
        f"but 'max_memory_size' and 'embeddings' ask for {[max_memory_size, size]}. "
        "Give the same sizes in every call.",
    )

    found = knn_query(state.memory, embeddings, num_neighbors)
    neg_distances = found.neighbor_neg_distances
    distance_sum = state.distance_sum + jnp.sum(neg_distances)
    distance_count = state.distance_count + neg_distances.size

    rate = neg_distances / (distance_sum / distance_count + constant)
    kernel = epsilon / (jnp.maximum(rate - cluster_distance, 0.0) + epsilon)
    similarity = jnp.sqrt(jnp.sum(kernel, axis=-1)) + constant
    reward = jnp.where(similarity > max_similarity, 0.0, 1.0 / similarity)

    start = state.next_memory_index % max_memory_size
    rows = (start + jnp.arange(num_states)) % max_memory_size
    return reward * reward_scale, IntrinsicRewardState(
        memory=jnp.asarray(state.memory).at[rows].set(embeddings),
        next_memory_index=start + num_states % max_memory_size,
        distance_sum=distance_sum,
        distance_count=distance_count,
    )
