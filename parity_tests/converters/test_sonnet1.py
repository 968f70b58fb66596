"""Modules of Sonnet 1 under TensorFlow 1.15, and their twins: the same outputs."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from sonnax import compat as snt
from sonnax import converters

pytestmark = pytest.mark.filterwarnings("ignore::sonnax.converters.UnstatedWarning")

FIXTURES = Path(__file__).parent / "fixtures"
ARRAYS = dict(np.load(FIXTURES / "modules.npz"))
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def call(module, x, states):
    return module(x)


def evaluate(module, x, states):
    return module(x, is_training=False)


def quantize(module, x, states):
    return module(x, is_training=False)["quantize"]


def one_step(core, x, states):
    """Sonnet 1 listed the outputs, the states before, and the states after."""
    make = (lambda s: s[0]) if len(states) == 2 else lambda s: snt.LSTMState(*s)
    half = len(states) // 2
    outputs, state = core(x, make(states[:half]))
    after = [state] if half == 1 else list(state)
    return [outputs, *states[:half], *after]


def block_step(core, x, states):
    """The state of LSTMBlockCell is (cell, hidden)."""
    cell, hidden, *_ = states
    outputs, state = core(x, snt.LSTMState(hidden, cell))
    return [outputs, cell, hidden, state.cell, state.hidden]


def sequence(core, x, states):
    x = np.moveaxis(x, 1, 0)
    outputs, _ = snt.dynamic_unroll(core, x, core.initial_state(x.shape[1]))
    return jnp.moveaxis(outputs, 0, 1)


def from_trained_state(core_and_state, x, states):
    core, initial = core_and_state
    x = np.moveaxis(x, 1, 0)
    outputs, _ = snt.dynamic_unroll(core, x, initial(x.shape[1]))
    return jnp.moveaxis(outputs, 0, 1)


def both_ways(cores, x, states):
    x = np.moveaxis(x, 1, 0)
    return [
        snt.dynamic_unroll(core, steps, core.initial_state(x.shape[1]))[0]
        for core, steps in zip(cores, (x, x[::-1]), strict=True)
    ]


def add_state(state, x, states):
    return state(x.shape[0]) + x


def separable_1d(layers, x, states):
    return snt.Sequential(layers)(x[:, None])[:, 0]


def separable_2d(layers, x, states):
    return snt.Sequential(layers)(x)


def relu_between(layers, x, states):
    return layers[1](jnp.maximum(layers[0](x), 0))


def separable(name):
    return {
        f"{name}/w_dw": f"{name}_depthwise/w",
        f"{name}/w_pw": f"{name}_pointwise/w",
        f"{name}/b": f"{name}_pointwise/b",
    }


def separable_layers(name, kernel_shape):
    return [
        snt.DepthwiseConv2D(kernel_shape, 2, with_bias=False, name=f"{name}_depthwise"),
        snt.Conv2D(4, 1, name=f"{name}_pointwise"),
    ]


NORM = {"create_scale": True, "create_offset": True}
DEEP = lambda: snt.deep_rnn_with_skip_connections(
    [snt.LSTM(3, name="deep_lstm"), snt.GRU(4, name="deep_gru")], name="deep_rnn"
)

# Name: how to make the twin, how to call it, and which tensors to rename.
TWINS = {
    "linear": (lambda: snt.Linear(4), call),
    "linear_no_bias": (lambda: snt.Linear(4, False, name="linear_no_bias"), call),
    "mlp": (lambda: snt.nets.MLP([4, 3]), call),
    "bias": (lambda: snt.Bias(), call),
    "bias_dims": (lambda: snt.Bias(bias_dims=[-2], name="bias_dims"), call),
    "conv_1d": (lambda: snt.Conv1D(4, 3), call),
    "conv_2d": (lambda: snt.Conv2D(4, 3, stride=2), call),
    "conv_2d_valid": (
        lambda: snt.Conv2D(4, [2, 3], padding="VALID", name="conv_2d_valid"),
        call,
    ),
    "conv_3d": (lambda: snt.Conv3D(3, 2), call),
    "conv_1d_transpose": (
        lambda: snt.Conv1DTranspose(4, 3, output_shape=[10], stride=2),
        call,
    ),
    "conv_2d_transpose": (
        lambda: snt.Conv2DTranspose(4, 3, output_shape=[8, 10], stride=2),
        call,
    ),
    "conv_3d_transpose": (
        lambda: snt.Conv3DTranspose(3, 2, output_shape=[6, 8, 6], stride=2),
        call,
    ),
    "depthwise_conv_2d": (lambda: snt.DepthwiseConv2D(3, 2), call),
    "separable_conv_2d": (
        lambda: separable_layers("separable_conv_2d", 3),
        separable_2d,
        separable("separable_conv_2d"),
    ),
    "separable_conv_1d": (
        lambda: separable_layers("separable_conv_1d", [1, 3]),
        separable_1d,
        separable("separable_conv_1d"),
    ),
    "in_plane_conv_2d": (
        lambda: snt.DepthwiseConv2D(3, name="in_plane_conv_2d"),
        call,
    ),
    "batch_norm": (lambda: snt.BatchNorm(**NORM, eps=1e-3), evaluate),
    "batch_norm_matrix": (
        lambda: snt.BatchNorm(True, False, eps=1e-3, name="batch_norm_matrix"),
        evaluate,
    ),
    "batch_norm_v2": (
        lambda: snt.BatchNorm(**NORM, eps=1e-3, name="batch_norm_v2"),
        evaluate,
    ),
    "layer_norm": (lambda: snt.LayerNorm(-1, **NORM), call),
    "layer_norm_image": (
        lambda: snt.LayerNorm(slice(1, None), **NORM, name="layer_norm_image"),
        call,
    ),
    "embed": (lambda: snt.Embed(5, 3), call),
    "lstm": (lambda: snt.LSTM(4), one_step),
    "lstm_forget": (
        lambda: snt.LSTM(4, forget_bias=0.25, name="lstm_forget"),
        one_step,
    ),
    "lstm_projection": (lambda: snt.LSTM(4, 2, name="lstm_projection"), one_step),
    "lstm_sequence": (lambda: snt.LSTM(4, name="lstm_sequence"), sequence),
    "lstm_block_cell": (
        lambda: snt.LSTM(4, name="lstm_block_cell"),
        block_step,
        {"lstm_block_cell/(lstm_block_cell/.*)": r"\1"},
    ),
    "gru": (lambda: snt.GRU(4), one_step),
    "vanilla_rnn": (lambda: snt.VanillaRNN(4), one_step),
    "conv_1d_lstm": (lambda: snt.Conv1DLSTM([5, 3], 2, 3), one_step),
    "conv_2d_lstm": (lambda: snt.Conv2DLSTM([4, 5, 3], 2, 3), one_step),
    "deep_rnn": (DEEP, sequence),
    "bidirectional_rnn": (
        lambda: [snt.LSTM(3, name="forward_lstm"), snt.LSTM(3, name="backward_lstm")],
        both_ways,
    ),
    "lstm_trainable": (
        lambda: [
            core := snt.LSTM(4, name="lstm_trainable"),
            snt.TrainableState.for_core(core, name="lstm_trainable_initial_state"),
        ],
        from_trained_state,
    ),
    "gru_trainable": (
        lambda: [
            core := snt.GRU(4, name="gru_trainable"),
            snt.TrainableState.for_core(core, name="gru_trainable_initial_state"),
        ],
        from_trained_state,
    ),
    "trainable_initial_state": (
        lambda: snt.TrainableState(np.zeros(3), name="trainable_initial_state"),
        add_state,
    ),
    "vector_quantizer": (lambda: snt.nets.VectorQuantizer(3, 4, 0.25), quantize),
    "vector_quantizer_ema": (
        lambda: snt.nets.VectorQuantizerEMA(3, 4, 0.25, decay=0.9),
        quantize,
    ),
    "hub_mlp": (
        lambda: snt.nets.MLP([4, 3], name="inner"),
        call,
        {"hub_wrapper/local_functional/mlp/(.*)": r"inner/\1"},
    ),
    "conv_net": (
        lambda: [
            snt.Conv2D(4, 3, name="conv_net_2d_0"),
            snt.Conv2D(3, 3, stride=2, name="conv_net_2d_1"),
        ],
        relu_between,
        {r"conv_net_2d/conv_2d_(\d)/(.*)": r"net/\1/\2"},
    ),
}


def outputs_of(name):
    count = sum(key.startswith(f"{name}/output") for key in ARRAYS)
    return [ARRAYS[f"{name}/output{i}"] for i in range(count)]


def test_every_module_of_the_fixture_has_a_twin_or_is_refused():
    names = {key.split("/")[0] for key in ARRAYS}
    assert names == set(TWINS) | set(REFUSED)
    assert len(TWINS) >= 20


def check_outputs(name, call_before=False):
    make, run, *mapping = TWINS[name]
    net, x, expected = make(), ARRAYS[f"{name}/input"], outputs_of(name)
    if call_before:
        run(net, x, expected[1:])
    status = converters.restore(
        FIXTURES / "modules", net=net, mapping=mapping[0] if mapping else None
    )
    outputs = run(net, x, expected[1:])
    outputs = outputs if isinstance(outputs, list) else [outputs]
    status.assert_existing_objects_matched()
    for ours, theirs in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, **CLOSE)


@pytest.mark.parametrize("name", TWINS)
def test_a_new_twin_gives_sonnet_1s_outputs(name):
    check_outputs(name)


ALONE = ["batch_norm", "vector_quantizer_ema", "lstm_projection", "conv_2d_lstm"]


@pytest.mark.parametrize("name", ALONE)
def test_a_checkpoint_of_one_module_is_consumed(name, tmp_path):
    everything = converters.open_checkpoint(FIXTURES / "modules")
    tensors = {k: everything[k] for k in everything if k.split("/")[0] == name}
    converters.write_bundle(tmp_path / name, tensors)
    make, run, *_ = TWINS[name]
    net, expected = make(), outputs_of(name)
    status = converters.restore(tmp_path / name, net=net)
    assert not status.restored.keys() & {"net/scale", "net/b"}
    outputs = run(net, ARRAYS[f"{name}/input"], expected[1:])
    first = outputs[0] if isinstance(outputs, list) else outputs
    np.testing.assert_allclose(first, expected[0], **CLOSE)
    status.assert_consumed()


@pytest.mark.parametrize("name", ["lstm", "batch_norm_v2", "conv_2d", "vanilla_rnn"])
def test_a_twin_that_has_variables_gives_sonnet_1s_outputs(name):
    check_outputs(name, call_before=True)


REFUSED = {
    "lstm_peepholes": (lambda: snt.LSTM(4, name="lstm_peepholes"), "peephole"),
    "lstm_layer_norm": (lambda: snt.LSTM(4, name="lstm_layer_norm"), "layer norm"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_twin_is_refused_by_name(name):
    make, reason = REFUSED[name]
    net = make()
    net(ARRAYS[f"{name}/input"], net.initial_state(2))
    with pytest.raises(converters.UnsupportedCheckpointError, match=reason) as caught:
        converters.restore(FIXTURES / "modules", net=net)
    assert name in str(caught.value)
