"""An LSTM actor-critic learns Catch by V-trace, as it is written for Sonnet and TRFL.

    python examples/vtrace_lstm_sonnet.py [FOLDER FOR CHECKPOINTS]

The twin of vtrace_lstm_haiku.py; how to port such an agent is said in dqn_sonnet.py.
New here are sequences: `snt.dynamic_unroll` of an LSTM is as it was, and a `tf.scan` or
`tf.while_loop` becomes `snt.scan`, whose body may assign to Variables.

As in IMPALA, the actor plays with parameters that are some updates old, and V-trace
corrects for it. Espeholt et al., 2018, https://arxiv.org/abs/1802.01561.
"""

import sys
from typing import NamedTuple

import catch
import jax
import jax.numpy as jnp
from catch_sonnet import Games, assign, restore, save, values_of, variables_of

from sonnax import compat as snt
from sonnax.compat import trfl

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
    pcontinue: Array


class ActorCritic(snt.Module):
    """Policy and value of a sequence of boards, with a memory within an episode."""

    def __init__(self, name: str | None = None):
        super().__init__(name)
        linear = snt.Sequential([snt.Flatten(), snt.Linear(HIDDEN_SIZE), jax.nn.relu])
        self.torso = snt.BatchApply(linear)
        self.core = snt.LSTM(HIDDEN_SIZE)
        self.policy = snt.BatchApply(snt.Linear(catch.NUM_ACTIONS, name="policy"))
        self.value = snt.BatchApply(snt.Linear(1, name="value"))

    def __call__(self, boards: Array, first: Array, memory: snt.LSTMState):
        """Takes `[time, games, ...]`, gives logits, values and the memory after it."""
        inputs = self.torso(boards), first
        outputs, memory = snt.dynamic_unroll(self.within_episode, inputs, memory)
        return self.policy(outputs), self.value(outputs)[..., 0], memory

    def within_episode(self, inputs: tuple[Array, Array], memory: snt.LSTMState):
        """Does a step of the core, which forgets where an episode begins."""
        features, first = inputs
        memory = jax.tree.map(lambda x: jnp.where(first[:, None], 0.0, x), memory)
        return self.core(features, memory)


class Agent(snt.Module):
    """The agent, and everything that changes as it plays and learns.

    The attributes are what a checkpoint is matched by: `learner`, `step`, ...
    """

    def __init__(self, seed: int, name: str | None = None):
        super().__init__(name)
        self.key = jax.random.key(seed)
        self.games = Games(NUM_GAMES, self.key)
        self.learner, self.actor = ActorCritic("learner"), ActorCritic("actor")
        self.optimizer = snt.optimizers.Adam(LEARNING_RATE)
        self.step = snt.Variable(0, trainable=False, dtype="int64", name="step")
        self.actor_age = snt.Variable(0, trainable=False, name="actor_age")
        # What goes on from one sequence to the next: whether an episode begins, and
        # what the core remembers. A named tuple of Variables is found in the module.
        first = jnp.ones(NUM_GAMES, bool)
        self.first = snt.Variable(first, trainable=False, name="first")
        self.memory = variables_of(self.learner.core.initial_state(NUM_GAMES))
        # Networks make their variables on the first call, and can be copied then.
        boards = self.games.boards()
        for network in (self.learner, self.actor):
            network(boards[None], first[None], values_of(self.memory))
        trfl.update_target_variables(self.actor.variables, self.learner.variables)

    @snt.jit
    def update(self) -> Array:
        """Plays a sequence of steps and learns from it."""
        # The keys of a step depend on its number alone: a run that goes on from a
        # checkpoint draws what it would have drawn without the interruption.
        key = jax.random.fold_in(self.key, self.step.value())
        memory = values_of(self.memory)
        keys = jax.random.split(key, NUM_STEPS)
        _, steps = snt.scan(lambda _, key: (None, self.play(key)), None, keys)

        # Was: with tf.GradientTape() as tape: ...; tape.gradient(loss, variables)
        differentiated = snt.value_and_grad(self.loss, self.learner)
        loss, gradients = differentiated(memory, steps)
        self.optimizer.apply(gradients, self.learner.trainable_variables)
        # TRFL hid a counter in the graph. As a Variable it is in checkpoints, too.
        trfl.periodic_target_update(
            self.actor.variables,
            self.learner.variables,
            ACTOR_PERIOD,
            counter=self.actor_age,
        )
        self.step.assign_add(1)
        return loss

    def play(self, key: Array) -> Step:
        """Plays one step of all games."""
        action_key, step_key = jax.random.split(key)
        board, first = self.games.boards(), self.first.value()
        logits, _, memory = self.actor(board[None], first[None], values_of(self.memory))
        action = jax.random.categorical(action_key, logits[0])
        outcome = self.games.step(step_key, action)
        self.first.assign(outcome.discount == 0)
        assign(self.memory, memory)
        return Step(board, first, action, logits[0], *outcome)

    def loss(self, memory: snt.LSTMState, steps: Step) -> Array:
        """Computes the loss of policy, values and entropy over a sequence of steps."""
        boards = jnp.concatenate([steps.board, self.games.boards()[None]])
        first = jnp.concatenate([steps.first, self.first.value()[None]])
        logits, values, _ = self.learner(boards, first, memory)
        # Time goes first and games second, as TRFL has it: no vmap over games.
        targets = trfl.vtrace_from_logits(
            behaviour_policy_logits=steps.logits,
            target_policy_logits=logits[:-1],
            actions=steps.action,
            discounts=DISCOUNT * steps.pcontinue,
            rewards=steps.reward,
            values=values[:-1],
            bootstrap_value=values[-1],
        )
        policy_loss = trfl.discrete_policy_gradient_loss(
            logits[:-1], steps.action, targets.pg_advantages
        )
        value_loss = 0.5 * jnp.sum(jnp.square(targets.vs - values[:-1]), axis=0)
        entropy_loss = jnp.sum(trfl.discrete_policy_entropy_loss(logits[:-1]).loss, 0)
        total = policy_loss + VALUE_WEIGHT * value_loss + ENTROPY_WEIGHT * entropy_loss
        # TRFL adds up over time, RLax takes the mean.
        return jnp.mean(total) / NUM_STEPS

    @snt.jit
    def evaluate(self, key: Array) -> Array:
        """Gives the mean return of the most likely actions."""
        num_games = 500
        going_on = jnp.zeros((1, num_games), bool)

        def policy(memory, boards):
            logits, _, memory = self.learner(boards[None], going_on, memory)
            return jnp.argmax(logits[0], axis=-1), memory

        nothing = self.learner.core.initial_state(num_games)
        return catch.mean_return(policy, nothing, key, num_games)


def main(budget: int = 300, seed: int = 0, checkpoint: str | None = None) -> float:
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
    for done in range(int(agent.step) + 1, budget + 1):
        agent.update()
        if done % REPORT_PERIOD and done < budget:
            continue
        score = float(agent.evaluate(test_key))
        print(f"{done:6} updates: mean return {score:+.3f}")
        if checkpoint is not None:
            save(agent, checkpoint)
    return score


if __name__ == "__main__":
    main(checkpoint=sys.argv[1] if len(sys.argv) > 1 else None)
