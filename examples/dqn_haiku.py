"""DQN learns Catch: haiku_impl makes the network, rlax_impl the loss, optax the steps.

    python examples/dqn_haiku.py

Games, replay memory and learning are one compiled loop.
"""

from typing import NamedTuple

import catch
import jax
import jax.numpy as jnp
import optax

from sonnax import haiku_impl as hk
from sonnax import rlax_impl as rlax

Array = jax.Array

NUM_GAMES = 32
CAPACITY = 256 * NUM_GAMES
BATCH_SIZE = 128
LEARNING_RATE = 1e-3
EPSILON = 0.1
DISCOUNT = 0.99
TARGET_PERIOD = 50
REPORT_PERIOD = 500


class Transition(NamedTuple):
    """One step of some games, each `[games, ...]`."""

    board_tm1: Array
    a_tm1: Array
    r_t: Array
    discount_t: Array
    board_t: Array


class Agent(NamedTuple):
    """Everything that changes as the agent plays and learns."""

    params: hk.Params
    target_params: hk.Params
    optimizer_state: optax.OptState
    games: catch.State
    replay: Transition
    num_updates: Array


@hk.without_apply_rng
@hk.transform
def network(boards: Array) -> Array:
    """Gives the values of the actions, `[batch, actions]`."""
    return hk.Sequential([hk.Flatten(), hk.nets.MLP([64, catch.NUM_ACTIONS])])(boards)


optimizer = optax.adam(LEARNING_RATE)


@jax.jit
def begin(key: Array) -> Agent:
    """Makes an agent that knows nothing, with an empty replay memory."""
    params_key, games_key = jax.random.split(key)
    games = jax.vmap(catch.reset)(jax.random.split(games_key, NUM_GAMES))
    boards = jax.vmap(catch.observe)(games)
    params = network.init(params_key, boards)
    empty_boards = jnp.zeros((CAPACITY, *boards.shape[1:]))
    empty = jnp.zeros(CAPACITY)
    return Agent(
        params=params,
        target_params=params,
        optimizer_state=optimizer.init(params),
        games=games,
        replay=Transition(empty_boards, empty.astype(int), empty, empty, empty_boards),
        num_updates=jnp.zeros((), int),
    )


def loss(params: hk.Params, target_params: hk.Params, batch: Transition) -> Array:
    """Computes the mean squared error of double Q-learning."""
    td_error = jax.vmap(rlax.double_q_learning)(
        network.apply(params, batch.board_tm1),
        batch.a_tm1,
        batch.r_t,
        DISCOUNT * batch.discount_t,
        network.apply(target_params, batch.board_t),
        network.apply(params, batch.board_t),
    )
    return jnp.mean(rlax.l2_loss(td_error))


def play(agent: Agent, key: Array) -> tuple[catch.State, Transition]:
    """Plays one step of all games, sometimes at random."""
    action_key, step_key = jax.random.split(key)
    boards = jax.vmap(catch.observe)(agent.games)
    q_values = network.apply(agent.params, boards)
    actions = rlax.epsilon_greedy(EPSILON).sample(action_key, q_values)
    step_keys = jax.random.split(step_key, NUM_GAMES)
    games, outcome = jax.vmap(catch.step)(step_keys, agent.games, actions)
    next_boards = jax.vmap(catch.observe)(games)
    return games, Transition(
        boards, actions, outcome.reward, outcome.discount, next_boards
    )


def update(agent: Agent, key: Array) -> tuple[Agent, None]:
    """Plays one step, remembers it, and learns from a batch of what is remembered."""
    play_key, batch_key = jax.random.split(key)
    games, transition = play(agent, play_key)
    start = agent.num_updates * NUM_GAMES % CAPACITY
    replay = jax.tree.map(
        lambda old, new: jax.lax.dynamic_update_slice_in_dim(old, new, start, 0),
        agent.replay,
        transition,
    )
    filled = jnp.minimum((agent.num_updates + 1) * NUM_GAMES, CAPACITY)
    rows = jax.random.randint(batch_key, (BATCH_SIZE,), 0, filled)
    batch = jax.tree.map(lambda x: x[rows], replay)

    gradient = jax.grad(loss)(agent.params, agent.target_params, batch)
    steps, optimizer_state = optimizer.update(gradient, agent.optimizer_state)
    params = optax.apply_updates(agent.params, steps)
    target_params = rlax.periodic_update(
        params, agent.target_params, agent.num_updates, TARGET_PERIOD
    )
    num_updates = agent.num_updates + 1
    return Agent(
        params, target_params, optimizer_state, games, replay, num_updates
    ), None


@jax.jit
def learn(agent: Agent, keys: Array) -> Agent:
    """Makes one update for each key."""
    return jax.lax.scan(update, agent, keys)[0]


@jax.jit
def evaluate(params: hk.Params, key: Array) -> Array:
    """Gives the mean return of the greedy policy."""

    def policy(memory, boards):
        return jnp.argmax(network.apply(params, boards), axis=-1), memory

    return catch.mean_return(policy, (), key, num_games=500)


def main(budget: int = 2000, seed: int = 0) -> float:
    """Learns for a number of updates and returns the mean return (1 is perfect)."""
    key, begin_key = jax.random.split(jax.random.key(seed))
    agent = begin(begin_key)
    score = float(evaluate(agent.params, key))
    for done in range(0, budget, REPORT_PERIOD):
        key, learn_key, test_key = jax.random.split(key, 3)
        agent = learn(agent, jax.random.split(learn_key, REPORT_PERIOD))
        score = float(evaluate(agent.params, test_key))
        print(f"{done + REPORT_PERIOD:6} updates: mean return {score:+.3f}")
    return score


if __name__ == "__main__":
    main()
