"""Games of Catch as a Sonnet agent keeps them: their state is in Variables.

A TensorFlow program keeps what outlives a call in variables, so that a compiled
function can change it and a checkpoint can hold it. For `snt.jit` and `converters`
that is as it was.
"""

from typing import Any

import catch
import jax
from sonnax import compat as snt

Array = jax.Array


def kept(values: Any) -> Any:
    """Makes a Variable of each array in a named tuple, called as the field is."""
    variables = {
        name: snt.Variable(value, trainable=False, name=name)
        for name, value in values._asdict().items()
    }
    return type(values)(**variables)


def assign(variables: Any, values: Any) -> None:
    """Assigns the arrays of a named tuple to the Variables of another."""
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
        self.states = kept(jax.vmap(catch.reset)(jax.random.split(key, num_games)))

    def boards(self) -> Array:
        """Draws the boards, `[games, rows, columns]`."""
        # A tree of Variables goes to JAX's own functions as a tree of their values.
        return jax.vmap(catch.observe)(self.states)

    def step(self, key: Array, actions: Array) -> catch.Outcome:
        """Plays one step of all games; the actions are `[games]`."""
        keys = jax.random.split(key, len(actions))
        states, outcome = jax.vmap(catch.step)(keys, self.states, actions)
        assign(self.states, states)
        return outcome
