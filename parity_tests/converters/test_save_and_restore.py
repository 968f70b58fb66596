"""Checkpoints between real Sonnet and compat, both ways, optimizer and all."""

import jax.numpy as jnp
import numpy as np
import pytest
import sonnet
import tensorflow as tf

from sonnax import compat, converters

# Attributes that hold modules in every way that TensorFlow follows.
MODELS = {
    "linear": lambda snt: snt.Linear(3),
    "mlp": lambda snt: snt.nets.MLP([4, 3]),
    "sequential": lambda snt: snt.Sequential([snt.Linear(4), snt.Linear(3)]),
}
X = np.random.default_rng(0).normal(size=[5, 6]).astype(np.float32)
Y = np.random.default_rng(1).normal(size=[5, 3]).astype(np.float32)


def trained_in_sonnet(make, steps=3):
    net, optimizer = make(sonnet), sonnet.optimizers.Adam(0.1)
    step = tf.Variable(0, dtype=tf.int64, name="step")
    for _ in range(steps):
        train_sonnet(net, optimizer, step)
    return net, optimizer, step


def train_sonnet(net, optimizer, step):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((net(X) - Y) ** 2)
    variables = net.trainable_variables
    optimizer.apply(tape.gradient(loss, variables), variables)
    step.assign_add(1)
    return loss.numpy()


def made_in_compat(make):
    step = compat.Variable(0, dtype="int64", trainable=False, name="step")
    return make(compat), compat.optimizers.Adam(0.1), step


def train_compat(net, optimizer, step):
    loss_fn = lambda: jnp.mean((net(X) - Y) ** 2)
    loss, gradients = compat.value_and_grad(loss_fn, net)()
    optimizer.apply(gradients, net.trainable_variables)
    step.assign_add(1)
    return float(loss)


@pytest.fixture(params=MODELS)
def make(request):
    return MODELS[request.param]


@pytest.fixture
def saved_by_sonnet(make, tmp_path):
    net, optimizer, step = trained_in_sonnet(make)
    checkpoint = tf.train.Checkpoint(model=net, optimizer=optimizer, step=step)
    return checkpoint.save(str(tmp_path / "ckpt")), (net, optimizer, step)


def test_variables_that_exist_are_restored_bit_for_bit(make, saved_by_sonnet):
    path, (theirs, _, _) = saved_by_sonnet
    net, optimizer, step = made_in_compat(make)
    train_compat(net, optimizer, step)
    status = converters.restore(path, model=net, optimizer=optimizer, step=step)
    status.assert_consumed()
    assert int(step) == 3
    for ours, his in zip(net.variables, theirs.variables, strict=True):
        np.testing.assert_array_equal(ours.numpy(), his.numpy())


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "jit"])
def test_variables_are_restored_when_modules_make_them(make, saved_by_sonnet, compiled):
    path, theirs = saved_by_sonnet
    ours = made_in_compat(make)
    status = converters.restore(
        path, **dict(zip(("model", "optimizer", "step"), ours, strict=True))
    )
    step = lambda: train_compat(*ours)
    if compiled:
        net, optimizer, count = ours

        @compat.jit
        def train():
            loss_fn = lambda: jnp.mean((net(X) - Y) ** 2)
            loss, gradients = compat.value_and_grad(loss_fn, net)()
            optimizer.apply(gradients, net.trainable_variables)
            count.assign_add(1)
            return loss

        step = lambda: float(train())
    for _ in range(3):
        np.testing.assert_allclose(step(), train_sonnet(*theirs), rtol=2e-6)
    status.assert_consumed()


def test_sonnet_restores_what_compat_saved_and_goes_on_alike(make, tmp_path):
    ours = made_in_compat(make)
    for _ in range(3):
        train_compat(*ours)
    net, optimizer, step = ours
    path = converters.save(
        tmp_path / "ckpt-3", model=net, optimizer=optimizer, step=step
    )
    theirs = trained_in_sonnet(make, steps=1)
    checkpoint = tf.train.Checkpoint(
        model=theirs[0], optimizer=theirs[1], step=theirs[2]
    )
    checkpoint.restore(path).assert_consumed()
    for a, b in zip(theirs[0].variables, net.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert int(theirs[2]) == 3
    for _ in range(2):
        expected = train_sonnet(*theirs)
        np.testing.assert_allclose(train_compat(*ours), expected, rtol=2e-6)


def test_a_round_trip_through_sonnet_is_bit_exact(make, tmp_path):
    ours = made_in_compat(make)
    train_compat(*ours)
    names = ("model", "optimizer", "step")
    first = converters.save(tmp_path / "a-1", **dict(zip(names, ours)))
    theirs = trained_in_sonnet(make, steps=1)
    checkpoint = tf.train.Checkpoint(**dict(zip(names, theirs)))
    checkpoint.restore(first).assert_consumed()
    second = checkpoint.save(str(tmp_path / "b"))
    a, b = converters.open_checkpoint(first), converters.open_checkpoint(second)
    assert set(a) == set(b)
    counter = "save_counter/.ATTRIBUTES/VARIABLE_VALUE"  # each save adds one
    for key in set(a) - {converters.OBJECT_GRAPH_KEY, counter}:
        assert a[key].dtype == b[key].dtype
        np.testing.assert_array_equal(a[key], b[key])


def test_the_saved_checkpoint_is_the_latest(tmp_path):
    v = compat.Variable(1.0, name="v")
    for number in (1, 2):
        converters.save(tmp_path / f"ckpt-{number}", v=v)
    assert tf.train.latest_checkpoint(str(tmp_path)).endswith("ckpt-2")


def test_a_saver_reads_what_is_saved_by_names(tmp_path):
    net = compat.nets.MLP([4, 3])
    net(X)
    path = converters.save_names(tmp_path / "model", net)
    reader = tf.train.load_checkpoint(path)
    for variable in net.variables:
        found = reader.get_tensor(variable.name.removesuffix(":0"))
        np.testing.assert_array_equal(found, variable.numpy())


def test_a_root_can_be_the_model_itself(tmp_path):
    net = sonnet.Linear(3)
    net(X)
    path = tf.train.Checkpoint(net).save(str(tmp_path / "ckpt"))
    ours = compat.Linear(3)
    status = converters.restore(path, ours)
    np.testing.assert_allclose(ours(X), net(X).numpy(), rtol=1e-6)
    status.assert_consumed()


def test_another_shape_is_an_error_and_nothing_is_assigned(tmp_path):
    theirs = sonnet.nets.MLP([4, 3])
    theirs(X)
    path = tf.train.Checkpoint(model=theirs).save(str(tmp_path / "ckpt"))
    ours = compat.nets.MLP([4, 2])
    before = [np.asarray(ours(X))]
    with pytest.raises(converters.MismatchError, match=r"\(4, 3\).*mlp/linear_1/w:0"):
        converters.restore(path, model=ours)
    np.testing.assert_array_equal(ours(X), before[0])


def test_variables_missing_from_the_checkpoint_are_named(tmp_path):
    theirs = sonnet.nets.MLP([4])
    theirs(X)
    path = tf.train.Checkpoint(model=theirs).save(str(tmp_path / "ckpt"))
    ours = compat.nets.MLP([4, 3])
    ours(X)
    status = converters.restore(path, model=ours)
    with pytest.raises(converters.MismatchError, match=r"model/_layers/1/w"):
        status.assert_existing_objects_matched()


def test_values_left_over_in_the_checkpoint_are_named(saved_by_sonnet, make):
    path, _ = saved_by_sonnet
    net, _, _ = made_in_compat(make)
    net(X)
    status = converters.restore(path, model=net).expect_partial()
    status.assert_existing_objects_matched()
    with pytest.raises(converters.MismatchError, match="optimizer/m/0"):
        status.assert_consumed()


def test_nothing_in_common_is_an_error_where_it_is_asked_for(saved_by_sonnet, make):
    path, _ = saved_by_sonnet
    status = converters.restore(path, other=compat.Linear(3))
    with pytest.raises(converters.MismatchError, match="nothing in the checkpoint"):
        status.assert_nontrivial_match()


def test_a_checkpoint_saved_by_other_names_says_so(tmp_path):
    converters.write_bundle(tmp_path / "model", {"w": np.zeros(2)})
    status = converters.restore(tmp_path / "model", model=compat.Linear(1))
    with pytest.raises(converters.MismatchError, match=r"name of a variable.*mapping"):
        status.assert_nontrivial_match()


def test_a_double_that_does_not_fit_a_float_is_an_error(tmp_path):
    path = tf.train.Checkpoint(v=tf.Variable(0.1, dtype=tf.float64)).save(
        str(tmp_path / "ckpt")
    )
    with pytest.raises(converters.MismatchError, match="jax_enable_x64"):
        converters.restore(path, v=compat.Variable(0.0))


def test_shared_modules_are_restored_once(tmp_path):
    shared = sonnet.Linear(6)
    theirs = sonnet.Sequential([shared, shared])
    theirs(X)
    path = tf.train.Checkpoint(model=theirs).save(str(tmp_path / "ckpt"))
    shared = compat.Linear(6)
    ours = compat.Sequential([shared, shared])
    converters.restore(path, model=ours)
    np.testing.assert_allclose(ours(X), theirs(X).numpy(), rtol=1e-5, atol=1e-6)
