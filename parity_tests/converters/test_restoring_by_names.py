"""Restoring by names: TensorFlow 1's slots and formats, mappings, and refusals."""

import jax.numpy as jnp
import numpy as np
import pytest

from sonnax import compat as snt
from sonnax import converters
from sonnax.converters import MismatchError

from .test_sonnet1 import ARRAYS, CLOSE, FIXTURES

pytestmark = pytest.mark.filterwarnings("ignore::sonnax.converters.UnstatedWarning")

TRAINED = dict(np.load(FIXTURES / "trained.npz"))
OPTIMIZERS = {
    "adam": lambda: snt.optimizers.Adam(0.1),
    "momentum": lambda: snt.optimizers.Momentum(0.1, 0.9),
    "rmsprop": lambda: snt.optimizers.RMSProp(0.1, 0.9, 0.5),
    "centered": lambda: snt.optimizers.RMSProp(0.1, 0.9, 0.5, centered=True),
}


def model(name):
    return {
        "mlp": snt.nets.MLP([4, 2], name=f"{name}_mlp"),
        "core": snt.LSTM(2, name=f"{name}_lstm"),
        "optimizer": OPTIMIZERS[name](),
    }


def train(mlp, core, optimizer):
    steps = np.moveaxis(TRAINED["sequence"], 1, 0)

    def loss_fn():
        outputs, _ = snt.dynamic_unroll(core, steps, core.initial_state(4))
        outputs = mlp(TRAINED["input"]) + outputs[-1]
        return jnp.mean((outputs - TRAINED["target"]) ** 2)

    variables = lambda: [*mlp.trainable_variables, *core.trainable_variables]
    _, gradients = snt.value_and_grad(loss_fn, variables)()
    optimizer.apply(gradients, variables())


def call(mlp, core):
    mlp(TRAINED["input"])
    core(TRAINED["sequence"][:, 0], core.initial_state(4))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_goes_on_as_it_did_under_tensorflow_1(name, tmp_path):
    ours = model(name)
    status = converters.restore(FIXTURES / "trained", **ours)
    for _ in range(2):
        train(**ours)
    status.assert_existing_objects_matched()
    converters.write_bundle(
        tmp_path / "after",
        {key: x for key, x in TRAINED.items() if key.startswith(name)},
    )
    expected = model(name)
    expected.pop("optimizer")
    call(**expected)
    converters.restore(tmp_path / "after", **expected).assert_consumed()
    for key in expected:
        for a, b in zip(ours[key].variables, expected[key].variables, strict=True):
            np.testing.assert_allclose(a.numpy(), b.numpy(), **CLOSE)


def called(module, name):
    module(ARRAYS[f"{name}/input"])
    return module


def test_an_adam_with_other_decays_is_refused():
    adam = snt.optimizers.Adam(0.1, beta1=0.5)
    with pytest.raises(MismatchError, match=r"no power of the optimizer's 0\.5"):
        converters.restore(FIXTURES / "trained", optimizer=adam)


@pytest.mark.parametrize("steps", [0, 1, 7, 500, 5_000, 60_000, 2_000_000])
def test_adams_step_is_found_from_the_powers_it_saved(steps, tmp_path):
    powers = {
        "beta1_power": np.float32(np.float64(0.9) ** (steps + 1)),
        "beta2_power": np.float32(np.float64(0.999) ** (steps + 1)),
    }
    converters.write_bundle(tmp_path / "adam", powers)
    adam = snt.optimizers.Adam()
    converters.restore(tmp_path / "adam", optimizer=adam)
    found = int(adam.step)
    # Later on, 1 - beta ** step is 1 in float32 with either.
    assert found == steps or min(found, steps) > 50_000


@pytest.mark.parametrize("file", ["modules", "v1"])
def test_the_first_format_gives_the_same_linear_layer(file):
    linear = called(snt.Linear(4), "linear")
    status = converters.restore(FIXTURES / file, linear=linear)
    assert status.restored == {"linear/b": ("linear/b",), "linear/w": ("linear/w",)}
    outputs = linear(ARRAYS["linear/input"])
    np.testing.assert_allclose(outputs, ARRAYS["linear/output0"], **CLOSE)


def test_partitioned_variables_are_one_again():
    linear = called(snt.Linear(4), "linear")
    converters.restore(FIXTURES / "partitioned", linear=linear).assert_consumed()
    info = converters.open_checkpoint(FIXTURES / "partitioned").info("linear/w")
    assert [part.shape for part in info.slices] == [(2, 4), (1, 4)]


def numbered(tmp_path, *names):
    """A checkpoint of LSTMs, each filled with its number."""
    tensors = {
        f"{name}/{leaf}": np.full(shape, value, "float32")
        for value, name in enumerate(names)
        for leaf, shape in (("w_gates", [7, 16]), ("b_gates", [16]))
    }
    converters.write_bundle(tmp_path / "numbered", tensors)
    return tmp_path / "numbered"


def lstms(count, called=True):
    cores = [snt.LSTM(4, forget_bias=0) for _ in range(count)]
    for core in cores if called else ():
        core(ARRAYS["lstm/input"], core.initial_state(2))
    return cores


@pytest.mark.parametrize("called", [True, False])
def test_modules_of_one_name_have_sonnet_1s_numbers_in_order(called, tmp_path):
    path = numbered(tmp_path, "lstm", "lstm_1", "lstm_2")
    cores = lstms(3, called)
    status = converters.restore(path, c=cores[0], a=cores[1], b=[cores[2]])
    for core in cores:
        core(ARRAYS["lstm/input"], core.initial_state(2))
    status.assert_consumed()
    assert [float(core.b[0]) for core in cores] == [0, 1, 2]


def test_two_modules_of_one_name_are_told_apart_by_their_paths(tmp_path):
    path = numbered(tmp_path, "lstm", "lstm_1", "lstm_2")
    cores = lstms(2)
    with pytest.raises(MismatchError, match=r"'cores/0' and 'cores/1'.*lstm_1/w_gates"):
        converters.restore(path, cores=cores)
    mapping = {"lstm/(.*)": r"cores/0/\1", "lstm_2/(.*)": r"cores/1/\1"}
    status = converters.restore(path, cores=cores, mapping=mapping)
    status.assert_existing_objects_matched()
    assert [float(core.b[0]) for core in cores] == [0, 2]


@pytest.mark.parametrize("name", ["lstm", "linear"])
def test_one_of_several_modules_of_a_name_is_an_error_that_lists_them(name, tmp_path):
    path = numbered(tmp_path, "lstm", "lstm_1")
    module = lstms(1)[0]
    if name == "linear":
        linear = {f"linear{i}/w": np.ones([3, 4], "f4") for i in ("", "_1")}
        converters.write_bundle(path, linear)
        module = called(snt.Linear(4, with_bias=False), "linear")
    with pytest.raises(MismatchError, match=f"each of .*{name}.*{name}_1.*mapping"):
        converters.restore(path, net=module)
    mapping = {f"{name}_1/(.*)": r"net/\1", f"{name}/(.*)": r"other/\1"}
    status = converters.restore(path, net=module, mapping=mapping)
    status.assert_existing_objects_matched()


def test_a_sibling_of_another_shape_is_not_mistaken(tmp_path):
    linear = {"linear/w": np.ones([3, 4], "f4"), "linear_1/w": np.ones([4, 2], "f4")}
    converters.write_bundle(tmp_path / "two", linear)
    net = called(snt.Linear(4, with_bias=False), "linear")
    converters.restore(tmp_path / "two", net=net).assert_existing_objects_matched()


@pytest.mark.parametrize("saved", ["names", "objects"])
def test_sonnet_2s_variables_are_restored_by_their_names(saved, tmp_path):
    x = ARRAYS["lstm/input"]
    net = snt.Sequential([snt.Linear(4), snt.LayerNorm(-1, True, True)])
    net(x)
    net.variables[0].assign(net.variables[0] + 1)
    path = tmp_path / "net-1"
    if saved == "names":
        converters.save_names(path, net)
    else:
        converters.save(path, elsewhere=[net])
    twin = snt.Sequential([snt.Linear(4), snt.LayerNorm(-1, True, True)])
    status = converters.restore(path, twin=twin, layout="names")
    np.testing.assert_array_equal(twin(x), net(x))
    status.assert_existing_objects_matched()


WRONG = {
    "another shape": (lambda: called(snt.Linear(5), "linear"), r"\(4,\).*\(5,\)"),
    "a missing tensor": (
        lambda: called(snt.Linear(4, name="linear_no_bias"), "linear"),
        "no value in the checkpoint: net/b",
    ),
    "another name": (
        lambda: called(snt.Linear(4, name="other"), "linear"),
        "no value in the checkpoint: net/b .*mapping",
    ),
    "an optimizer left out": (
        lambda: called(snt.Linear(4), "linear"),
        "left|no variable",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit_is_named(case):
    make, message = WRONG[case]
    with pytest.raises(MismatchError, match=message):
        converters.restore(FIXTURES / "modules", net=make()).assert_consumed()


def test_arguments_that_make_no_sense_are_refused(tmp_path):
    linear = called(snt.Linear(4), "linear")
    path = converters.save(tmp_path / "net-1", net=linear)
    with pytest.raises(ValueError, match="mapping renames tensors"):
        converters.restore(path, net=linear, mapping={"a": "b"})
    with pytest.raises(ValueError, match="layout='sonnet'"):
        converters.restore(path, net=linear, layout="sonnet")
    with pytest.raises(MismatchError, match="would both become"):
        converters.restore(path, net=linear, layout="names", mapping={".*": "w"})


def test_moving_averages_take_the_place_of_variables(tmp_path):
    tensors = {"linear/w": np.zeros([3, 4], "f4"), "linear/b": np.zeros(4, "f4")}
    averages = {f"{k}/ExponentialMovingAverage": x + 1 for k, x in tensors.items()}
    converters.write_bundle(tmp_path / "ema", {**tensors, **averages})
    linear = called(snt.Linear(4), "linear")
    mapping = {"(.*)/ExponentialMovingAverage": r"\1", "(.*)": r"not_used/\1"}
    converters.restore(tmp_path / "ema", linear=linear, mapping=mapping)
    np.testing.assert_array_equal(linear.w, np.ones([3, 4]))


STRANGE = [
    np.float32(1),
    np.zeros([0], "f4"),
    np.array([b"text"], object),
    np.ones([2] * 5),
]


@pytest.mark.parametrize("leaf", ["w_gates", "b_gates", "w_h_projection", "w_f_diag"])
@pytest.mark.parametrize(
    "strange", STRANGE, ids=["scalar", "empty", "string", "rank 5"]
)
def test_tensors_of_strange_shapes_are_refused_clearly(leaf, strange, tmp_path):
    tensors = {
        "lstm/w_gates": np.ones([7, 16], "f4"),
        "lstm/b_gates": np.ones(16, "f4"),
    }
    path = tmp_path / "strange"
    converters.write_bundle(path, {**tensors, f"lstm/{leaf}": strange})
    core = snt.LSTM(4)
    converters.restore(path, core=core)
    with pytest.raises(converters.CheckpointError, match="lstm"):
        core(ARRAYS["lstm/input"], core.initial_state(2))
    with pytest.raises(converters.CheckpointError, match="lstm"):
        converters.export(path, tmp_path / "strange.npz", layout="sonnet1")


@pytest.mark.parametrize(
    "strange", STRANGE, ids=["scalar", "empty", "string", "rank 5"]
)
def test_powers_that_are_none_are_refused(strange, tmp_path):
    powers = {"beta1_power": strange, "beta2_power": strange}
    converters.write_bundle(tmp_path / "adam", powers)
    with pytest.raises(MismatchError, match="beta1_power"):
        converters.restore(tmp_path / "adam", optimizer=snt.optimizers.Adam())
