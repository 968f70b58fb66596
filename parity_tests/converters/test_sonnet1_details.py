"""Modules of Sonnet 1 with other arguments than the usual ones, and their slots."""

import re
import warnings

import jax.numpy as jnp
import numpy as np
import pytest

from sonnax import compat as snt
from sonnax import converters

from .crafted_checkpoints import bundle_of_slices
from .test_sonnet1 import CLOSE, FIXTURES, one_step

pytestmark = pytest.mark.filterwarnings("ignore::sonnax.converters.UnstatedWarning")

PATH = FIXTURES / "details"
ARRAYS = dict(np.load(FIXTURES / "details.npz"))


def outputs(name):
    count = sum(key.startswith(f"{name}/output") for key in ARRAYS)
    return [ARRAYS[f"{name}/output{i}"] for i in range(count)]


@pytest.mark.parametrize("called", [False, True])
def test_ids_of_a_partitioned_embedding_have_their_own_rows(called):
    embed = snt.Embed(7, 3, name="parts")
    if called:
        embed(ARRAYS["parts/input"])
    status = converters.restore(PATH, embed=embed)
    np.testing.assert_array_equal(embed(ARRAYS["parts/input"]), outputs("parts")[0])
    status.assert_existing_objects_matched()


def test_a_converted_file_has_the_rows_in_order_too(tmp_path):
    stored = converters.open_checkpoint(PATH)
    starts = [part.start[0] for part in stored.info("parts/embeddings").slices]
    rows = dict(zip(starts, np.split(stored["parts/embeddings"], starts[1:])))
    path = bundle_of_slices(tmp_path / "parts", "parts/embeddings", [7, 3], rows)
    exported = converters.export(path, tmp_path / "parts.npz", layout="sonnet1")
    arrays = converters.open_arrays(exported.path)
    np.testing.assert_array_equal(arrays["parts/embeddings"], outputs("parts")[0])


def test_slots_of_a_partitioned_embedding_have_the_same_rows():
    embed, adam = snt.Embed(7, 3, name="parts"), snt.optimizers.Adam(0.1)
    embed(ARRAYS["parts/input"])
    converters.restore(PATH, embed=embed, optimizer=adam)
    adam._initialize(embed.trainable_variables)
    np.testing.assert_array_equal(adam.m[0], ARRAYS["parts/m"])
    np.testing.assert_array_equal(adam.v[0], ARRAYS["parts/v"])
    assert int(adam.step) == 3


def test_parts_that_no_sonnet_wrote_are_refused(tmp_path):
    rows = {0: np.ones([1, 3], "f4"), 1: np.ones([6, 3], "f4")}
    path = bundle_of_slices(tmp_path / "odd", "embed/embeddings", [7, 3], rows)
    embed = snt.Embed(7, 3)
    embed(np.arange(7))
    with pytest.raises(converters.UnsupportedCheckpointError, match=r"2 parts.*0, 1"):
        converters.restore(path, embed=embed)


@pytest.mark.parametrize("way", ["restore", "export"])
def test_a_convolutional_lstm_with_layer_norm_is_refused(way, tmp_path):
    core = snt.Conv2DLSTM([4, 5, 3], 2, 3, name="layer_normed")
    core(ARRAYS["layer_normed/input"], core.initial_state(2))
    convert = {
        "restore": lambda: converters.restore(PATH, core=core),
        "export": lambda: converters.export(PATH, tmp_path / "a.npz", layout="sonnet1"),
    }
    with pytest.raises(converters.UnsupportedCheckpointError, match="layer norm"):
        convert[way]()


def test_a_convolutional_lstm_with_one_bias_gives_sonnet_1s_outputs():
    core = snt.Conv2DLSTM([4, 5, 3], 2, 3, name="one_bias")
    expected = outputs("one_bias")
    converters.restore(PATH, core=core)
    found = one_step(core, ARRAYS["one_bias/input"], expected[1:])
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, **CLOSE)


def test_training_of_a_batch_norm_goes_on():
    norm = snt.BatchNorm(True, True, eps=1e-3, name="normed")
    adam = snt.optimizers.Adam(0.1)
    status = converters.restore(PATH, norm=norm, optimizer=adam)

    def loss_fn():
        outputs = norm(ARRAYS["normed/input"], is_training=True)
        return jnp.mean((outputs - ARRAYS["normed/target"]) ** 2)

    for _ in range(2):
        variables = lambda: norm.trainable_variables
        _, gradients = snt.value_and_grad(loss_fn, variables)()
        adam.apply(gradients, variables())
    assert set(status.restored) >= {"optimizer/m/0", "optimizer/v/1", "optimizer/step"}
    assert status.restored["optimizer/m/1"] == ("normed/gamma/Adam",)
    for name, variable in (("gamma", norm.scale), ("beta", norm.offset)):
        expected = ARRAYS[f"normed/{name}"][0]
        np.testing.assert_allclose(variable, expected, rtol=1e-4, atol=1e-5)


def test_a_half_precision_batch_norm_is_widened():
    norm = snt.BatchNorm(True, True, eps=1e-3, name="half")
    status = converters.restore(PATH, norm=norm)
    found = norm(ARRAYS["half/input"].astype("float32"), is_training=False)
    status.assert_existing_objects_matched()
    np.testing.assert_allclose(found, outputs("half")[0], rtol=2e-3, atol=2e-3)
    stored = converters.open_checkpoint(PATH)["half/gamma"]
    assert stored.dtype == np.float16
    np.testing.assert_array_equal(norm.scale, stored[0].astype("float32"))


WIDER = {
    "float16": ("float32", True),
    "bfloat16": ("float32", True),
    "int8": ("int32", True),
    "uint8": ("int32", True),
    "float32": ("float16", False),
    "int32": ("float32", False),
    "uint32": ("int32", False),
    "bool": ("int32", False),
}


@pytest.mark.parametrize("stored", WIDER)
def test_widening_loses_nothing_and_nothing_else_is_done(stored, tmp_path):
    wanted, allowed = WIDER[stored]
    value = jnp.array([0, 1, 1], stored)
    converters.write_bundle(tmp_path / "v", {"v": np.asarray(value)})
    variable = snt.Variable(jnp.zeros(3, wanted), name="v")
    if allowed:
        converters.restore(tmp_path / "v", v=variable).assert_consumed()
        np.testing.assert_array_equal(variable, np.asarray(value.astype(wanted)))
        assert variable.declared_dtype == wanted
    else:
        with pytest.raises(converters.MismatchError, match=rf"{stored}.*{wanted}"):
            converters.restore(tmp_path / "v", v=variable)


def test_two_linear_layers_with_default_names_are_told_apart_by_order():
    layers = [snt.Linear(4), snt.Linear(4)]
    status = converters.restore(PATH, layers=layers)
    for layer, name in zip(layers, ("linear", "linear_1"), strict=True):
        found = layer(ARRAYS["linear/input"])
        np.testing.assert_allclose(found, outputs(name)[0], **CLOSE)
        assert status.restored[f"layers/{layers.index(layer)}/w"] == (f"{name}/w",)
    status.assert_existing_objects_matched()


def test_the_second_of_two_linear_layers_alone_is_an_error():
    second = snt.Linear(4)
    converters.restore(PATH, second=second)
    with pytest.raises(converters.MismatchError, match=r"linear/.*'linear_1/"):
        second(ARRAYS["linear/input"])


def test_layouts_go_by_class_and_not_by_name(tmp_path):
    class LSTM(snt.Module):
        def __init__(self):
            super().__init__()
            self.w_gates = snt.Variable(np.zeros([2, 8], "f4"), name="w_gates")
            self.b_gates = snt.Variable(np.zeros([8], "f4"), name="b_gates")

    values = {"lstm/w_gates": np.ones([2, 8], "f4"), "lstm/b_gates": np.ones(8, "f4")}
    converters.write_bundle(tmp_path / "own", values)
    own = LSTM()
    converters.restore(tmp_path / "own", core=own).assert_consumed()
    np.testing.assert_array_equal(own.w_gates, values["lstm/w_gates"])


def test_a_subclass_has_the_layout_of_its_class():
    class Gated(snt.GRU):
        pass

    path = FIXTURES / "modules"
    core = Gated(4, name="gru")
    status = converters.restore(path, core=core)
    core(np.zeros([2, 3], "f4"), core.initial_state(2))
    assert status.restored["core/b"] == ("gru/bz", "gru/br", "gru/bh")


def test_slots_follow_a_mapping_by_paths(tmp_path):
    values = {
        f"{name}/w{slot}": np.full([3, 4], 10 * i + j, "f4")
        for i, name in enumerate(("first", "second"))
        for j, slot in enumerate(("", "/Adam", "/Adam_1"))
    }
    powers = {"beta1_power": np.float32(0.9**4), "beta2_power": np.float32(0.999**4)}
    converters.write_bundle(tmp_path / "two", {**values, **powers})
    layers = [snt.Linear(4, with_bias=False) for _ in range(2)]
    adam = snt.optimizers.Adam(0.1)
    for layer in layers:
        layer(ARRAYS["linear/input"])
    mapping = {"first/(.*)": r"net/1/\1", "second/(.*)": r"net/0/\1"}
    status = converters.restore(
        tmp_path / "two", net=layers, optimizer=adam, mapping=mapping
    )
    variables = [layer.w for layer in layers]
    adam.apply([jnp.zeros_like(v.value()) for v in variables], variables)
    status.assert_consumed()
    assert [float(w[0, 0]) for w in (status.checkpoint["first/w"],)] == [0]
    m = {key: sources for key, sources in status.restored.items() if "/m/" in key}
    assert m == {
        "optimizer/m/0": ("second/w/Adam",),
        "optimizer/m/1": ("first/w/Adam",),
    }


def test_variables_that_never_had_slots_are_said_to_be_such(tmp_path):
    values = {"linear/w": np.ones([3, 4], "f4"), "linear/b": np.ones([4], "f4")}
    slots = {"linear/w/Momentum": np.ones([3, 4], "f4")}
    converters.write_bundle(tmp_path / "frozen", {**values, **slots})
    linear, momentum = snt.Linear(4), snt.optimizers.Momentum(0.1, 0.9)
    linear(ARRAYS["linear/input"])
    status = converters.restore(tmp_path / "frozen", net=linear, optimizer=momentum)
    momentum._initialize([linear.w, linear.b])
    np.testing.assert_array_equal(momentum.accumulated_momentum[0], np.ones([3, 4]))
    with pytest.raises(
        converters.MismatchError, match=r"accumulated_momentum/1.*no slots of linear/b"
    ):
        status.assert_existing_objects_matched()


UNSTATED = {
    "lstm": (
        lambda: snt.LSTM(4, forget_bias=0.5, name="lstm"),
        r"taken: 0\.5.*zoneout",
    ),
    "vanilla_rnn": (lambda: snt.VanillaRNN(4), "two biases are one.*half as fast"),
    "batch_norm": (lambda: snt.BatchNorm(True, True), r"eps \(taken: 1e-05.*0\.001"),
    "layer_norm": (lambda: snt.LayerNorm(-1, True, True), "axes.*all but the first"),
}


def call(module, name):
    x = np.zeros([4, 3] if name != "lstm" else [2, 3], "f4")
    if name == "batch_norm":
        return module(np.zeros([2, 4, 5, 3], "f4"), is_training=False)
    if name == "layer_norm":
        return module(np.zeros([4, 5], "f4"))
    return module(x, module.initial_state(len(x)))


@pytest.mark.parametrize("name", UNSTATED)
def test_what_the_file_does_not_state_is_said_once(name):
    make, message = UNSTATED[name]
    modules = [make() for _ in range(2)]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        converters.restore(FIXTURES / "modules", net=modules[0])
        call(modules[0], name)
        call(modules[0], name)
    found = [w for w in said if w.category is converters.UnstatedWarning]
    assert len(found) == 1
    assert re.search(message, str(found[0].message))
    assert "\n" not in str(found[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", converters.UnstatedWarning)
        converters.restore(FIXTURES / "modules", net=modules[1])
        call(modules[1], name)


def test_files_of_sonnet_2_say_all(tmp_path):
    norm = snt.BatchNorm(True, True)
    norm(np.zeros([2, 3], "f4"), is_training=True)
    path = converters.save(tmp_path / "norm-1", norm=norm)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        converters.restore(path, norm=norm)
        converters.restore(path, norm=norm, layout="names")


@pytest.mark.parametrize("kind", ["lstm", "linear"])
@pytest.mark.parametrize("scope", ["agent/policy", "agent/policy/own"])
def test_a_path_combines_with_a_modules_own_scope(kind, scope, tmp_path):
    core = snt.LSTM(4, name="own") if kind == "lstm" else snt.Linear(4, name="own")
    tensors = {
        "lstm": {"w_gates": np.ones([7, 16], "f4"), "b_gates": np.ones(16, "f4")},
        "linear": {"w": np.ones([3, 4], "f4"), "b": np.ones(4, "f4")},
    }[kind]
    stored = {f"{scope}/{name}": value for name, value in tensors.items()}
    converters.write_bundle(tmp_path / "agent", stored)
    status = converters.restore(tmp_path / "agent", agent={"policy": core})
    x = np.zeros([2, 3], "f4")
    core(x) if kind == "linear" else core(x, core.initial_state(2))
    status.assert_consumed()
    # With a module of its name beside it, neither is taken for the other.
    stored |= {f"own/{name}": value for name, value in tensors.items()}
    converters.write_bundle(tmp_path / "both", stored)
    with pytest.raises(converters.MismatchError, match=r"each of .*agent.*own"):
        converters.restore(tmp_path / "both", agent={"policy": core})


def test_a_path_combines_with_the_scopes_inside_a_module(tmp_path):
    net = snt.nets.MLP([4, 2])
    sizes = {"w": ([3, 4], [4, 2]), "b": ([4], [2])}
    stored = {
        f"agent/mlp/linear_{i}/{name}": np.full(shapes[i], i + 1, "f4")
        for name, shapes in sizes.items()
        for i in range(2)
    }
    converters.write_bundle(tmp_path / "agent", stored)
    status = converters.restore(tmp_path / "agent", agent=net)
    net(np.zeros([2, 3], "f4"))
    status.assert_consumed()
    assert float(net.trainable_variables[-1].numpy().min()) == 2


@pytest.mark.parametrize("kind", ["lstm", "mlp"])
def test_another_modules_scope_at_the_path_hides_nothing(kind, tmp_path):
    stored = {"net/other/w": np.ones(3, "f4")}
    if kind == "lstm":
        net = snt.LSTM(4)
        stored["lstm/w_gates"] = np.ones([7, 16], "f4")
        stored["lstm/b_gates"] = np.ones(16, "f4")
    else:
        net = snt.nets.MLP([4])
        stored["mlp/linear_0/w"] = np.ones([3, 4], "f4")
        stored["mlp/linear_0/b"] = np.ones(4, "f4")
    converters.write_bundle(tmp_path / "two", stored)
    status = converters.restore(tmp_path / "two", net=net)
    x = np.zeros([2, 3], "f4")
    net(x) if kind == "mlp" else net(x, net.initial_state(2))
    status.assert_existing_objects_matched()
