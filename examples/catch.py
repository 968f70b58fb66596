"""Catch: a ball falls down a board, and a paddle at the bottom has to be under it.

The board has 10 rows and 5 columns. In each of 9 steps the ball falls by one row and
the paddle moves by one column to the left, not at all, or to the right. When the ball
is at the bottom the reward is 1 if the paddle caught it and -1 if not, the discount is
0, and the next episode begins by itself. In all other steps the reward is 0 and the
discount 1. The functions play one game; `jax.vmap` plays many.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

Array = jax.Array

ROWS, COLUMNS = 10, 5
NUM_ACTIONS = 3
EPISODE_LENGTH = ROWS - 1


class State(NamedTuple):
    """Where ball and paddle are: integer scalars."""

    ball_row: Array
    ball_column: Array
    paddle_column: Array


class Outcome(NamedTuple):
    """What an action led to: scalars."""

    reward: Array
    discount: Array


def reset(key: Array) -> State:
    """Begins a game, with the ball in a random column of the top row."""
    ball_column = jax.random.randint(key, (), 0, COLUMNS)
    return State(jnp.zeros((), int), ball_column, jnp.asarray(COLUMNS // 2))


def observe(state: State) -> Array:
    """Draws the board, `[rows, columns]`: 1 where the ball or the paddle is, else 0."""
    board = jnp.zeros((ROWS, COLUMNS))
    board = board.at[state.ball_row, state.ball_column].set(1.0)
    return board.at[-1, state.paddle_column].set(1.0)


def step(key: Array, state: State, action: Array) -> tuple[State, Outcome]:
    """Plays one step; the action is 0 (left), 1 (stay) or 2 (right)."""
    paddle_column = jnp.clip(state.paddle_column + action - 1, 0, COLUMNS - 1)
    moved = State(state.ball_row + 1, state.ball_column, paddle_column)
    ended = moved.ball_row == ROWS - 1
    caught = moved.ball_column == paddle_column
    reward = jnp.where(ended, jnp.where(caught, 1.0, -1.0), 0.0)
    following = jax.tree.map(lambda x, y: jnp.where(ended, x, y), reset(key), moved)
    return following, Outcome(reward, jnp.where(ended, 0.0, 1.0))


def mean_return(
    policy: Callable[[Any, Array], tuple[Array, Any]],
    memory: Any,
    key: Array,
    num_games: int,
) -> Array:
    """Plays one episode of many games at once and averages their rewards.

    Args:
      policy: `(memory, boards [games, rows, columns]) -> (actions [games], memory)`.
      memory: what the policy remembers at the start of an episode.
      key: random key.
      num_games: how many games to play.

    Returns:
      The mean return, a scalar from -1 to 1.
    """

    def play(carry, key):
        states, memory = carry
        actions, memory = policy(memory, jax.vmap(observe)(states))
        states, outcome = jax.vmap(step)(
            jax.random.split(key, num_games), states, actions
        )
        return (states, memory), outcome.reward

    reset_key, *step_keys = jax.random.split(key, 1 + EPISODE_LENGTH)
    states = jax.vmap(reset)(jax.random.split(reset_key, num_games))
    _, rewards = jax.lax.scan(play, (states, memory), jnp.stack(step_keys))
    return jnp.mean(jnp.sum(rewards, axis=0))
