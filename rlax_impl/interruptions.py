"""Marking where a stream of experience was interrupted."""

import jax
import jax.numpy as jnp

from .arguments import expects

Array = jax.Array

# The step types of dm_env.
FIRST, MID, LAST = 0, 1, 2


@expects(step_type="number[T, B]")
def fix_step_type_on_interruptions(step_type: Array) -> Array:
    """Ends the episodes that lack an end because the environment was interrupted.

    A step in the middle of an episode that is followed by the first step of another
    becomes the last of its own, so that the agent knows that the two don't belong
    together. It is not a termination: its discount stays what it is, above 0.

    Args:
      step_type: types of the steps as in `dm_env` (0 first, 1 mid, 2 last), integers
        `[time, batch]`.

    Returns:
      The types, `[time, batch]`.

    >>> print(fix_step_type_on_interruptions(jnp.array([[0, 1, 1, 0, 1]]).T).T)
    [[0 1 2 0 1]]
    """
    restarts = jnp.zeros(step_type.shape, bool).at[:-1].set(step_type[1:] == FIRST)
    return jnp.where(restarts & (step_type == MID), LAST, step_type)
