"""The agents written for Sonnet and TRFL learn Catch, and pass through checkpoints.

The checkpoint halfway goes through the real Sonnet under TensorFlow and back, and the
run that goes on from there must end where the first one did.
"""

import importlib
import os
import pathlib

import numpy as np
import pytest
import sonnet
import tensorflow as tf

import sonnax
from sonnax import converters
from sonnax.compat import Module, Variable

EXAMPLES = pathlib.Path(sonnax.__file__).parent / "examples"
# For each agent: how many updates, and the attributes that are networks.
AGENTS = {
    "dqn_sonnet": (1000, ("online", "target")),
    "vtrace_lstm_sonnet": (300, ("learner", "actor")),
}
BOARDS = np.random.default_rng(0).uniform(size=[6, 4, 10, 5]).astype("float32")
FIRST = np.arange(24).reshape(6, 4) % 5 == 0


class Run:
    """One run without an interruption, and the checkpoints that it left."""

    def __init__(self, name, folder):
        self.budget, self.networks = AGENTS[name]
        self.example = importlib.import_module(name)
        self.example.REPORT_PERIOD = self.budget // 2
        self.folder = str(folder)
        self.score = self.example.main(self.budget, checkpoint=self.folder)

    def path(self, step):
        return os.path.join(self.folder, f"ckpt-{step}")


@pytest.fixture(scope="module", params=AGENTS)
def run(request, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        # As for a script, the folder is where its imports come from.
        patch.syspath_prepend(str(EXAMPLES))
        yield Run(request.param, tmp_path_factory.mktemp(request.param))


class RealActorCritic(sonnet.Module):
    """The network of vtrace_lstm_sonnet.py, as it is in Sonnet under TensorFlow."""

    def __init__(self, name=None):
        super().__init__(name)
        linear = sonnet.Sequential([sonnet.Flatten(), sonnet.Linear(64), tf.nn.relu])
        self.torso = sonnet.BatchApply(linear)
        self.core = sonnet.LSTM(64)
        self.policy = sonnet.BatchApply(sonnet.Linear(3, name="policy"))
        self.value = sonnet.BatchApply(sonnet.Linear(1, name="value"))

    def __call__(self, boards, first, memory):
        inputs = self.torso(boards), first
        outputs, memory = sonnet.dynamic_unroll(self.within_episode, inputs, memory)
        return self.policy(outputs), self.value(outputs)[..., 0], memory

    def within_episode(self, inputs, memory):
        features, first = inputs
        memory = tf.nest.map_structure(
            lambda x: tf.where(first[:, None], tf.zeros_like(x), x), memory
        )
        return self.core(features, memory)


def real_network(run):
    if "online" in run.networks:
        return sonnet.Sequential([sonnet.Flatten(), sonnet.nets.MLP([64, 3])])
    return RealActorCritic()


def own_network(run):
    if "online" in run.networks:
        return run.example.make_network("online")
    return run.example.ActorCritic()


def outputs_of(network, as_tensor):
    if not hasattr(network, "core"):
        return [network(as_tensor(BOARDS[0]))]
    memory = network.core.initial_state(4)
    logits, values, memory = network(as_tensor(BOARDS), as_tensor(FIRST), memory)
    return [logits, values, *memory]


def in_tensorflow(value):
    """Makes the same structure of TensorFlow's modules and variables."""
    if isinstance(value, Variable):
        return tf.Variable(tf.zeros(value.shape, value.declared_dtype))
    if isinstance(value, tuple):
        return type(value)(*map(in_tensorflow, value))
    module = tf.Module()
    for name, attribute in vars(value).items():
        if isinstance(attribute, Module | Variable | tuple):
            setattr(module, name, in_tensorflow(attribute))
    return module


def real_agent(run):
    """Makes the agent's objects with the real Sonnet's networks and optimizer."""
    agent = run.example.Agent(seed=1)
    learner, *_ = run.networks
    for name in (*run.networks, "optimizer"):
        del vars(agent)[name]
    real = in_tensorflow(agent)
    for name in run.networks:
        setattr(real, name, real_network(run))
        outputs_of(getattr(real, name), tf.constant)
    real.optimizer = sonnet.optimizers.Adam()
    real.optimizer._initialize(getattr(real, learner).trainable_variables)
    return real


def test_an_agent_learns_to_catch(run):
    assert run.score > 0.9


def test_tensorflow_reads_the_checkpoint(run):
    reader = tf.train.load_checkpoint(run.folder)
    checkpoint = converters.open_checkpoint(run.folder)
    names = [name for name in checkpoint if not name.startswith("_CHECKPOINTABLE")]
    assert len(names) > 20
    for name in names:
        np.testing.assert_array_equal(reader.get_tensor(name), checkpoint[name])
    step = reader.get_tensor("agent/step/.ATTRIBUTES/VARIABLE_VALUE")
    assert step == run.budget
    assert step.dtype == np.int64


def test_a_real_sonnet_network_gives_what_the_agents_gives(run):
    name, *_ = run.networks
    own, real = own_network(run), real_network(run)
    outputs_of(own, np.asarray)
    outputs_of(real, tf.constant)
    converters.restore(run.folder, agent={name: own}).assert_existing_objects_matched()
    checkpoint = tf.train.Checkpoint(agent=tf.train.Checkpoint(**{name: real}))
    checkpoint.restore(run.path(run.budget)).assert_existing_objects_matched()
    for x, y in zip(outputs_of(own, np.asarray), outputs_of(real, tf.constant)):
        np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-5)


def test_a_run_goes_on_from_a_checkpoint_of_real_sonnet(run, tmp_path):
    halfway = tf.train.Checkpoint(agent=real_agent(run))
    halfway.restore(run.path(run.budget // 2)).assert_consumed()
    halfway.save(str(tmp_path / "ckpt"))

    score = run.example.main(run.budget, seed=0, checkpoint=str(tmp_path))
    assert score == run.score
    expected = converters.open_checkpoint(run.folder)
    resumed = converters.open_checkpoint(tmp_path)
    assert resumed.path == str(tmp_path / f"ckpt-{run.budget}")
    assert expected.keys() == resumed.keys()
    changed = 0
    halfway = converters.open_checkpoint(run.path(run.budget // 2))
    for name in expected:
        if name.startswith(("_CHECKPOINTABLE", "save_counter")):
            continue
        np.testing.assert_array_equal(resumed[name], expected[name], err_msg=name)
        changed += not np.array_equal(halfway[name], expected[name])
    assert changed > 20
