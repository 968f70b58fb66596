"""Optimizers beside Sonnet's: fifty steps, sparse updates, slots, and refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sonnet
import tensorflow as tf

from sonnax import compat as snt

from .libraries import assert_close

RTOL = {"float32": 2e-5, "float64": 1e-10}
STEPS, SPARSE_STEPS = 50, 15
# Sonnet's and compat's optimizer are both made by these lines.
OPTIMIZERS = {
    "SGD": lambda snt: snt.optimizers.SGD(0.1),
    "Momentum": lambda snt: snt.optimizers.Momentum(0.1, 0.9),
    "Momentum of Nesterov": lambda snt: snt.optimizers.Momentum(
        0.1, momentum=0.9, use_nesterov=True
    ),
    "Adam": lambda snt: snt.optimizers.Adam(),
    "Adam, all arguments": lambda snt: snt.optimizers.Adam(
        learning_rate=0.01, beta1=0.8, beta2=0.95, epsilon=1e-3, name="all"
    ),
    "RMSProp": lambda snt: snt.optimizers.RMSProp(0.01),
    "RMSProp with momentum": lambda snt: snt.optimizers.RMSProp(
        0.01, decay=0.8, momentum=0.5, epsilon=1e-4
    ),
    "RMSProp centered": lambda snt: snt.optimizers.RMSProp(
        0.01, momentum=0.5, epsilon=1e-3, centered=True
    ),
}
NAMES = list(OPTIMIZERS)
SHAPES = {"table": (6, 3), "scalar": (), "idle": (2,)}


class Pair:
    """An optimizer and its parameters, in both libraries."""

    def __init__(self, name, dtype, jit):
        rng = np.random.default_rng(0)
        values = {k: rng.normal(size=s).astype(dtype) for k, s in SHAPES.items()}
        self.theirs = [tf.Variable(v, name=k) for k, v in values.items()]
        self.ours = [snt.Variable(v, name=k) for k, v in values.items()]
        self.their_optimizer = OPTIMIZERS[name](sonnet)
        self.our_optimizer = OPTIMIZERS[name](snt)
        apply = lambda updates: self.our_optimizer.apply(updates, self.ours)
        self.apply = snt.jit(apply) if jit else apply

    def step(self, table, scalar):
        """One step with the same updates; the last parameter has none."""
        sparse = isinstance(table, tuple)
        theirs = tf.IndexedSlices(*table) if sparse else tf.constant(table)
        ours = snt.IndexedSlices(*table) if sparse else table
        self.their_optimizer.apply([theirs, tf.constant(scalar), None], self.theirs)
        self.apply([ours, scalar, None])

    def assert_equal(self, rtol):
        theirs, ours = list(self.theirs), list(self.ours)
        if not isinstance(self.our_optimizer, snt.optimizers.SGD):
            theirs += self.their_optimizer.variables
            ours += self.our_optimizer.variables
        for i, (their, our) in enumerate(zip(theirs, ours, strict=True)):
            assert our.name == their.name
            assert our.trainable == their.trainable
            assert our.shape == tuple(their.shape)
            kind = "values" if i < len(self.theirs) else "state"
            assert_close([our.numpy()], [their.numpy()], rtol, our.name, kind)


@pytest.mark.parametrize("dtype", RTOL)
@pytest.mark.parametrize("name", NAMES)
def test_fifty_steps_are_sonnets(name, dtype):
    rng = np.random.default_rng(1)
    with jax.enable_x64(dtype == "float64"):
        pair = Pair(name, dtype, jit=True)
        for _ in range(STEPS):
            table = rng.normal(size=SHAPES["table"]).astype(dtype)
            pair.step(table, np.asarray(rng.normal(), dtype))
        pair.assert_equal(RTOL[dtype])


@pytest.mark.parametrize("dtype", RTOL)
@pytest.mark.parametrize("name", NAMES)
def test_sparse_updates_touch_the_rows_that_sonnets_touch(name, dtype):
    rng = np.random.default_rng(2)
    with jax.enable_x64(dtype == "float64"):
        pair = Pair(name, dtype, jit=True)
        for _ in range(SPARSE_STEPS):
            rows = rng.integers(0, 5, 4).astype("int32")  # some twice, the last never
            values = rng.normal(size=(4, 3)).astype(dtype)
            pair.step((values, rows), np.asarray(rng.normal(), dtype))
        pair.assert_equal(RTOL[dtype])


@pytest.mark.parametrize("name", NAMES)
def test_eager_steps_are_those_of_a_compiled_function(name):
    eager, compiled = Pair(name, "float32", jit=False), Pair(name, "float32", jit=True)
    for pair in (eager, compiled):
        rng = np.random.default_rng(3)
        for _ in range(3):
            table = rng.normal(size=SHAPES["table"]).astype("float32")
            pair.step(table, np.float32(rng.normal()))
        pair.assert_equal(RTOL["float32"])


@pytest.mark.parametrize("name", NAMES)
def test_hyper_parameters_may_be_variables_that_change(name):
    made = {}
    for library, variable in ((sonnet, tf.Variable), (snt, snt.Variable)):
        optimizer = OPTIMIZERS[name](library)
        rate = optimizer.learning_rate = variable(0.5, trainable=False, name="rate")
        w = variable([1.0, -2.0])

        def apply(update, optimizer=optimizer, w=w):
            optimizer.apply([update], [w])

        step = snt.jit(apply) if library is snt else apply
        as_array = jnp.asarray if library is snt else tf.constant
        for update in ([1.0, 3.0], [2.0, -1.0], [0.5, 0.5]):
            step(as_array(update))
            rate.assign(rate * 0.5)
        made[library] = w.numpy()
        assert rate.name in [v.name for v in optimizer.variables]
    np.testing.assert_allclose(made[snt], made[sonnet], rtol=1e-6)


def test_a_python_float_is_rounded_to_float32_first_as_tensorflow_does():
    with jax.enable_x64(True):
        for value in (0.1, np.float64(0.1)):
            ours, theirs = snt.Variable(np.zeros(())), tf.Variable(np.zeros(()))
            snt.optimizers.SGD(value).apply([np.ones(())], [ours])
            sonnet.optimizers.SGD(value).apply([tf.ones((), "float64")], [theirs])
            assert float(ours) == float(theirs)


def test_attributes_are_sonnets():
    for name in NAMES:
        theirs, ours = OPTIMIZERS[name](sonnet), OPTIMIZERS[name](snt)
        public = {k for k in vars(theirs) if not k.startswith("_")}
        assert public == {k for k in vars(ours) if not k.startswith("_")}
        assert ours.name == theirs.name


REFUSED = {
    "lengths that differ": ([[5.0, 5.0]], 2, "must be the same length"),
    "no parameters": ([], 0, "`parameters` cannot be empty"),
    "no updates": ([None, None], 2, "No updates provided for any parameter"),
    "another dtype": ([[5, 5]], 1, "DType of .* is not equal to .*param0"),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("about", REFUSED)
def test_what_sonnet_refuses_is_refused(name, about):
    updates, count, message = REFUSED[about]
    for library, variable, array in (
        (sonnet, tf.Variable, tf.constant),
        (snt, snt.Variable, jnp.asarray),
    ):
        parameters = [variable([1.0, 2.0], name=f"param{i}") for i in range(count)]
        given = [u if u is None else array(u) for u in updates]
        with pytest.raises(ValueError, match=message):
            OPTIMIZERS[name](library).apply(given, parameters)


def test_a_parameter_that_is_no_variable_is_refused():
    with pytest.raises(TypeError, match=r"not a snt\.Variable"):
        snt.optimizers.SGD(0.1).apply([jnp.ones(2)], [jnp.ones(2)])
    with pytest.raises(TypeError, match="not an array"):
        snt.optimizers.SGD(0.1).apply([3.0], [snt.Variable(1.0)])


def test_a_call_that_fails_leaves_no_slots_behind():
    optimizer, w = snt.optimizers.Adam(), snt.Variable([1.0])

    @snt.jit
    def step(update, fail):
        optimizer.apply([update], [w])
        if fail:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        step(jnp.ones(1), True)
    step(jnp.ones(1), False)
    assert len(optimizer.m) == len(optimizer.v) == 1
    assert int(optimizer.step) == 1
