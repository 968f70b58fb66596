"""What the two Sonnet agents share: games in Variables, and checkpoints.

A TensorFlow program keeps what outlives a call in variables, so that a compiled
function can change it and a checkpoint can hold it. Under `snt.jit` and with
`converters` that is as it was.
"""

import os
from typing import Any

import catch
import jax

from sonnax import compat as snt
from sonnax import converters

Array = jax.Array


def variables_of(values: Any) -> Any:
    """Makes a Variable of each array in a named tuple, called as the field is."""
    variables = {
        name: snt.Variable(value, trainable=False, name=name)
        for name, value in values._asdict().items()
    }
    return type(values)(**variables)


def values_of(variables: Any) -> Any:
    """Reads the Variables in a named tuple."""
    return type(variables)(*(variable.value() for variable in variables))


def assign(variables: Any, values: Any) -> None:
    """Assigns the arrays in a named tuple to the Variables in another."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


class Games(snt.Module):
    """Some games that go on from one call to the next, each over and over again.

    Args:
      num_games: how many.
      key: random key.
      name: the module's name.
    """

    def __init__(self, num_games: int, key: Array, name: str | None = None):
        super().__init__(name)
        # A named tuple of Variables is found among the attributes, as a list would be.
        states = jax.vmap(catch.reset)(jax.random.split(key, num_games))
        self.states = variables_of(states)

    def boards(self) -> Array:
        """Draws the boards, `[games, rows, columns]`."""
        return jax.vmap(catch.observe)(values_of(self.states))

    def step(self, key: Array, actions: Array) -> catch.Outcome:
        """Plays one step of all games; the actions are `[games]`."""
        keys = jax.random.split(key, len(actions))
        states, outcome = jax.vmap(catch.step)(keys, values_of(self.states), actions)
        assign(self.states, states)
        return outcome


def save(agent: Any, folder: str) -> None:
    """Saves an agent as `tf.train.Checkpoint(agent=agent).save` does."""
    converters.save(os.path.join(folder, f"ckpt-{int(agent.step)}"), agent=agent)


def restore(agent: Any, folder: str) -> None:
    """Goes on from the latest checkpoint in a folder, if there is one."""
    if not os.path.exists(os.path.join(folder, "checkpoint")):
        return
    # The optimizer makes its slots in the first update. With them every value in the
    # checkpoint has a place to go to, and restoring takes the update back.
    agent.update()
    converters.restore(folder, agent=agent).assert_consumed()
