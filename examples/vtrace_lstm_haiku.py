"""An LSTM actor-critic learns Catch by V-trace: haiku_impl, rlax_impl and optax.

    python examples/vtrace_lstm_haiku.py

As in IMPALA, the actor plays with parameters that are some updates old, and V-trace
corrects for it. Espeholt et al., 2018, https://arxiv.org/abs/1802.01561.
"""

from typing import NamedTuple

import catch
import jax
import jax.numpy as jnp
import optax

from sonnax import haiku_impl as hk
from sonnax import rlax_impl as rlax

Array = jax.Array

NUM_GAMES = 64
NUM_STEPS = 2 * catch.EPISODE_LENGTH
HIDDEN_SIZE = 64
LEARNING_RATE = 3e-3
DISCOUNT = 0.99
VALUE_WEIGHT = 0.5
ENTROPY_WEIGHT = 0.01
ACTOR_PERIOD = 4
REPORT_PERIOD = 50


class Step(NamedTuple):
    """What the actor saw and did, `[time, games, ...]`."""

    board: Array
    first: Array
    action: Array
    logits: Array
    reward: Array
    discount: Array


class Actor(NamedTuple):
    """Where the games are: what goes on from one sequence to the next."""

    games: catch.State
    first: Array
    memory: hk.LSTMState


class Agent(NamedTuple):
    """Everything that changes as the agent plays and learns."""

    params: hk.Params
    actor_params: hk.Params
    optimizer_state: optax.OptState
    actor: Actor
    num_updates: Array


class ActorCritic(hk.Module):
    """Policy and value of a sequence of boards, with a memory within an episode."""

    def __init__(self):
        super().__init__()
        self.core = hk.ResetCore(hk.LSTM(HIDDEN_SIZE))

    def initial_state(self, batch_size: int) -> hk.LSTMState:
        return self.core.initial_state(batch_size)

    def __call__(self, boards: Array, first: Array, memory: hk.LSTMState):
        """Takes `[time, games, ...]`, gives logits, values and the memory after it."""
        torso = hk.Sequential([hk.Flatten(preserve_dims=2), hk.Linear(HIDDEN_SIZE)])
        features = jax.nn.relu(torso(boards))
        outputs, memory = hk.dynamic_unroll(self.core, (features, first), memory)
        logits = hk.Linear(catch.NUM_ACTIONS, name="policy")(outputs)
        values = hk.Linear(1, name="value")(outputs)
        return (logits, values[..., 0]), memory


@hk.without_apply_rng
@hk.multi_transform
def network():
    model = ActorCritic()
    return model, (model, model.initial_state)


unroll, initial_memory = network.apply
optimizer = optax.adam(LEARNING_RATE)


@jax.jit
def begin(key: Array) -> Agent:
    """Makes an agent that knows nothing, at the start of its games."""
    params_key, games_key = jax.random.split(key)
    games = jax.vmap(catch.reset)(jax.random.split(games_key, NUM_GAMES))
    first = jnp.ones(NUM_GAMES, bool)
    memory = initial_memory({}, NUM_GAMES)
    boards = jax.vmap(catch.observe)(games)
    params = network.init(params_key, boards[None], first[None], memory)
    return Agent(
        params=params,
        actor_params=params,
        optimizer_state=optimizer.init(params),
        actor=Actor(games, first, memory),
        num_updates=jnp.zeros((), int),
    )


def play(params: hk.Params, actor: Actor, key: Array) -> tuple[Actor, Step]:
    """Plays one step of all games."""
    action_key, step_key = jax.random.split(key)
    board = jax.vmap(catch.observe)(actor.games)
    (logits, _), memory = unroll(params, board[None], actor.first[None], actor.memory)
    action = rlax.softmax().sample(action_key, logits[0])
    step_keys = jax.random.split(step_key, NUM_GAMES)
    games, outcome = jax.vmap(catch.step)(step_keys, actor.games, action)
    step = Step(board, actor.first, action, logits[0], outcome.reward, outcome.discount)
    return Actor(games, outcome.discount == 0, memory), step


def loss(params: hk.Params, before: Actor, steps: Step, after: Actor) -> Array:
    """Computes the loss of policy, values and entropy over a sequence of steps."""
    last_board = jax.vmap(catch.observe)(after.games)
    boards = jnp.concatenate([steps.board, last_board[None]])
    first = jnp.concatenate([steps.first, after.first[None]])
    (logits, values), _ = unroll(params, boards, first, before.memory)

    def of_one_game(logits, values, step):
        rho = rlax.categorical_importance_sampling_ratios(
            logits[:-1], step.logits, step.action
        )
        targets = rlax.vtrace_td_error_and_advantage(
            values[:-1], values[1:], step.reward, DISCOUNT * step.discount, rho
        )
        weights = jnp.ones(NUM_STEPS)
        return (
            rlax.policy_gradient_loss(
                logits[:-1], step.action, targets.pg_advantage, weights
            )
            + VALUE_WEIGHT * jnp.mean(rlax.l2_loss(targets.errors))
            + ENTROPY_WEIGHT * rlax.entropy_loss(logits[:-1], weights)
        )

    return jnp.mean(jax.vmap(of_one_game, in_axes=1)(logits, values, steps))


def update(agent: Agent, key: Array) -> tuple[Agent, None]:
    """Plays a sequence of steps and learns from it."""
    after, steps = jax.lax.scan(
        lambda actor, key: play(agent.actor_params, actor, key),
        agent.actor,
        jax.random.split(key, NUM_STEPS),
    )
    gradient = jax.grad(loss)(agent.params, agent.actor, steps, after)
    changes, optimizer_state = optimizer.update(gradient, agent.optimizer_state)
    params = optax.apply_updates(agent.params, changes)
    actor_params = rlax.periodic_update(
        params, agent.actor_params, agent.num_updates, ACTOR_PERIOD
    )
    return Agent(
        params, actor_params, optimizer_state, after, agent.num_updates + 1
    ), None


@jax.jit
def learn(agent: Agent, keys: Array) -> Agent:
    """Makes one update for each key."""
    return jax.lax.scan(update, agent, keys)[0]


@jax.jit
def evaluate(params: hk.Params, key: Array) -> Array:
    """Gives the mean return of the most likely actions."""
    num_games = 500
    going_on = jnp.zeros((1, num_games), bool)

    def policy(memory, boards):
        (logits, _), memory = unroll(params, boards[None], going_on, memory)
        return jnp.argmax(logits[0], axis=-1), memory

    return catch.mean_return(policy, initial_memory({}, num_games), key, num_games)


def main(budget: int = 300, seed: int = 0) -> float:
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
