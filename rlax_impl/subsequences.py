"""Cutting trajectories into the subsequences that a model is learned from."""

import jax
import jax.numpy as jnp

from .arguments import check, expects

Array = jax.Array


@expects(trajectories="any[...]", start_indices="int[B, N]")
def extract_subsequences(
    trajectories: Array,
    start_indices: Array,
    subsequence_len: int = 1,
    max_valid_start_idx: int | None = None,
) -> Array:
    """Cuts subsequences, which may overlap, out of a batch of trajectories.

    Args:
      trajectories: array `[time, batch, ...]`.
      start_indices: first steps, integers `[batch, num_starts]`; they are not checked.
      subsequence_len: length of each subsequence. Default 1.
      max_valid_start_idx: the highest that a first step can be; with it, it is checked
        that the trajectories are long enough. Default None.

    Returns:
      Array `[subsequence_len, batch, num_starts, ...]`.

    Raises:
      ArgumentError: the trajectories are too short, or the batches differ.

    >>> trajectories = jnp.array([[10, 20], [11, 21], [12, 22]])
    >>> print(extract_subsequences(trajectories, jnp.array([[1], [0]]), 2)[..., 0])
    [[11 20]
     [12 21]]
    """
    function = "extract_subsequences"
    shape = jnp.shape(trajectories)
    batch_size = start_indices.shape[0]
    check(
        len(shape) >= 2 and shape[1] == batch_size,
        function,
        f"'trajectories' have shape {list(shape)}, but must be [time, {batch_size}, "
        f"...], because 'start_indices' have shape {list(start_indices.shape)}.",
    )
    if max_valid_start_idx is not None:
        needed = max_valid_start_idx + subsequence_len
        check(
            shape[0] >= needed,
            function,
            f"'trajectories' have {shape[0]} steps, but {subsequence_len} steps from "
            f"'max_valid_start_idx', {max_valid_start_idx}, need {needed}.",
        )
    steps = jnp.arange(subsequence_len)[:, None, None] + start_indices
    return trajectories[steps, jnp.arange(batch_size)[:, None]]


def sample_start_indices(
    rng_key: Array, batch_size: int, num_start_indices: int, max_valid_start_idx: int
) -> Array:
    """Draws first steps for subsequences, without repetition in a trajectory.

    Args:
      rng_key: random key.
      batch_size: number of trajectories.
      num_start_indices: how many to draw for each.
      max_valid_start_idx: the highest that may be drawn; the lowest is 0.

    Returns:
      Integers `[batch_size, num_start_indices]`.

    Raises:
      ArgumentError: there are fewer valid steps than are to be drawn.

    >>> starts = sample_start_indices(jax.random.key(0), 2, 3, max_valid_start_idx=2)
    >>> print(jnp.sort(starts))
    [[0 1 2]
     [0 1 2]]
    """
    check(
        num_start_indices <= max_valid_start_idx + 1,
        "sample_start_indices",
        f"'num_start_indices' is {num_start_indices}, but there are only "
        f"{max_valid_start_idx + 1} steps from 0 to 'max_valid_start_idx'.",
    )

    def draw(key: Array) -> Array:
        valid = jnp.arange(max_valid_start_idx + 1)
        return jax.random.choice(key, valid, (num_start_indices,), replace=False)

    return jax.vmap(draw)(jax.random.split(rng_key, batch_size))
