"""DQN learns Catch, as an agent for Sonnet and TRFL is written: dqn_haiku.py's twin.

    python examples/dqn_sonnet.py [FOLDER FOR CHECKPOINTS]

To port such an agent:

1. `import sonnet as snt` and `import trfl` become the two imports below.
2. `@tf.function` becomes `@snt.jit`, and a block of `tf.GradientTape` becomes
   `snt.value_and_grad`.
3. TensorFlow's operations become those of jax.numpy. Random ones take a key.
4. `tf.train.Checkpoint` becomes `converters.save` and `converters.restore`: see
   catch_sonnet.py.

Modules, Variables that are assigned to, the optimizer and the losses stay as they are.
"""

import sys
from typing import NamedTuple

import catch
import jax
import jax.numpy as jnp
from catch_sonnet import Games, restore, save, variables_of

from sonnax import compat as snt
from sonnax.compat import trfl

Array = jax.Array

NUM_GAMES = 32
CAPACITY = 256 * NUM_GAMES
BATCH_SIZE = 128
LEARNING_RATE = 1e-3
FIRST_EPSILON, LAST_EPSILON, EPSILON_STEPS = 1.0, 0.1, 200
DISCOUNT = 0.99
TARGET_PERIOD = 50
REPORT_PERIOD = 500


class Transition(NamedTuple):
    """One step of some games, each `[games, ...]`."""

    board_tm1: Array
    a_tm1: Array
    r_t: Array
    pcont_t: Array
    board_t: Array


class Replay(snt.Module):
    """The last transitions, in Variables: so a checkpoint has them too."""

    def __init__(self, board: Array, name: str | None = None):
        super().__init__(name)
        boards, empty = jnp.zeros((CAPACITY, *board.shape)), jnp.zeros(CAPACITY)
        self.memory = variables_of(
            Transition(boards, empty.astype(int), empty, empty, boards)
        )

    def add(self, step: Array, transition: Transition) -> None:
        """Puts the transitions of a step in the place of the oldest."""
        rows = (step * NUM_GAMES + jnp.arange(NUM_GAMES)) % CAPACITY
        for variable, value in zip(self.memory, transition):
            variable.scatter_update(snt.IndexedSlices(value, rows))

    def sample(self, key: Array, step: Array) -> Transition:
        """Draws a batch of the transitions up to a step."""
        filled = jnp.minimum((step + 1) * NUM_GAMES, CAPACITY)
        rows = jax.random.randint(key, (BATCH_SIZE,), 0, filled)
        return Transition(*(variable.sparse_read(rows) for variable in self.memory))


def make_network(name: str) -> snt.Module:
    """Makes a network from boards to the values of the actions, `[batch, actions]`."""
    return snt.Sequential(
        [snt.Flatten(), snt.nets.MLP([64, catch.NUM_ACTIONS])], name=name
    )


class Agent(snt.Module):
    """The agent, and everything that changes as it plays and learns.

    The attributes are what a checkpoint is matched by: `online`, `step`, ...
    """

    def __init__(self, seed: int, name: str | None = None):
        super().__init__(name)
        self.key = jax.random.key(seed)
        self.games = Games(NUM_GAMES, self.key)
        self.online, self.target = make_network("online"), make_network("target")
        self.optimizer = snt.optimizers.Adam(LEARNING_RATE)
        self.step = snt.Variable(0, trainable=False, dtype="int64", name="step")
        self.epsilon = snt.Variable(FIRST_EPSILON, trainable=False, name="epsilon")
        self.target_age = snt.Variable(0, trainable=False, name="target_age")
        boards = self.games.boards()
        self.replay = Replay(boards[0])
        # Networks make their variables on the first call, and can be copied then.
        self.online(boards)
        self.target(boards)
        trfl.update_target_variables(self.target.variables, self.online.variables)

    @snt.jit
    def update(self) -> Array:
        """Plays one step, remembers it, and learns from what is remembered."""
        # The keys of a step depend on its number alone: a run that goes on from a
        # checkpoint draws what it would have drawn without the interruption.
        step = self.step.value()
        keys = jax.random.split(jax.random.fold_in(self.key, step), 3)
        self.replay.add(step, self.play(keys[0], keys[1]))
        batch = self.replay.sample(keys[2], step)

        # Was: with tf.GradientTape() as tape: ...; tape.gradient(loss, variables)
        loss, gradients = snt.value_and_grad(self.loss, self.online)(batch)
        self.optimizer.apply(gradients, self.online.trainable_variables)
        # TRFL hid a counter in the graph. As a Variable it is in checkpoints, too.
        trfl.periodic_target_update(
            self.target.variables,
            self.online.variables,
            TARGET_PERIOD,
            counter=self.target_age,
        )
        self.step.assign_add(1)
        return loss

    def play(self, action_key: Array, step_key: Array) -> Transition:
        """Plays one step of all games, sometimes at random."""
        boards = self.games.boards()
        policy = trfl.epsilon_greedy(self.online(boards), self.epsilon)
        actions = policy.sample(seed=action_key)
        outcome = self.games.step(step_key, actions)
        return Transition(boards, actions, *outcome, self.games.boards())

    def loss(self, batch: Transition) -> Array:
        """Computes the mean loss of double Q-learning."""
        loss, _ = trfl.double_qlearning(
            q_tm1=self.online(batch.board_tm1),
            a_tm1=batch.a_tm1,
            r_t=batch.r_t,
            pcont_t=DISCOUNT * batch.pcont_t,
            q_t_value=self.target(batch.board_t),
            q_t_selector=self.online(batch.board_t),
        )
        return jnp.mean(loss)

    @snt.jit
    def evaluate(self, key: Array) -> Array:
        """Gives the mean return of the greedy policy."""

        def policy(memory, boards):
            return jnp.argmax(self.online(boards), axis=-1), memory

        return catch.mean_return(policy, (), key, num_games=500)


def main(budget: int = 2000, seed: int = 0, checkpoint: str | None = None) -> float:
    """Learns up to a number of updates and returns the mean return (1 is perfect).

    Args:
      budget: how many updates, those before an interruption included.
      seed: what the initial values and the games are drawn from.
      checkpoint: a folder, to save in and to go on from; None for neither.
    """
    snt.random.set_seed(seed)
    agent = Agent(seed)
    if checkpoint is not None:
        restore(agent, checkpoint)
    test_key = jax.random.key(seed + 1)
    score = float(agent.evaluate(test_key))
    for step in range(int(agent.step), budget):
        # Assigned to from outside, read by the compiled update: nothing is retraced.
        decay = max(0.0, 1 - step / EPSILON_STEPS)
        agent.epsilon.assign(LAST_EPSILON + (FIRST_EPSILON - LAST_EPSILON) * decay)
        agent.update()
        if (done := step + 1) % REPORT_PERIOD and done < budget:
            continue
        score = float(agent.evaluate(test_key))
        print(f"{done:6} updates: mean return {score:+.3f}")
        if checkpoint is not None:
            save(agent, checkpoint)
    return score


if __name__ == "__main__":
    main(checkpoint=sys.argv[1] if len(sys.argv) > 1 else None)
