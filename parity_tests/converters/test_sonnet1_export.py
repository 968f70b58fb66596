"""Whole checkpoints of Sonnet 1 in Sonnet 2's names and layouts, without a model."""

import json

import jax
import numpy as np
import pytest
from click.testing import CliRunner

from sonnax import compat as snt
from sonnax import converters
from sonnax.cli.main import main

from .test_sonnet1 import ARRAYS, CLOSE, FIXTURES, TWINS, outputs_of

pytestmark = pytest.mark.filterwarnings("ignore::sonnax.converters.UnstatedWarning")

SOURCE = str(FIXTURES / "modules")
MODULES = ["lstm", "lstm_projection", "gru", "vanilla_rnn", "batch_norm", "layer_norm"]


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """The fixture without what has no twin, and its conversion."""
    folder = tmp_path_factory.mktemp("sonnet1")
    checkpoint = converters.open_checkpoint(SOURCE)
    refused = ("lstm_peepholes", "lstm_layer_norm")
    tensors = {k: checkpoint[k] for k in checkpoint if not k.startswith(refused)}
    converters.write_bundle(folder / "sound", tensors)
    exported = converters.export(
        folder / "sound", folder / "sound.npz", layout="sonnet1"
    )
    return folder / "sound", exported


@pytest.mark.parametrize("name", [*MODULES, "batch_norm_v2", "vector_quantizer_ema"])
def test_the_exported_arrays_are_those_of_the_restored_twin(name, sound):
    prefix, exported = sound
    make, run, *_ = TWINS[name]
    net = make()
    status = converters.restore(prefix, net=net)
    outputs = run(net, ARRAYS[f"{name}/input"], outputs_of(name)[1:])
    assert outputs is not None
    status.assert_existing_objects_matched()
    arrays = converters.open_arrays(exported.path)
    for variable in net.variables:
        array = arrays[variable.name.removesuffix(":0")]
        # The first axes of moving averages are those of the inputs, which no file says.
        np.testing.assert_array_equal(np.squeeze(array), np.squeeze(variable.numpy()))


def test_all_else_stays_as_it_is(sound):
    prefix, exported = sound
    checkpoint = converters.open_checkpoint(prefix)
    arrays = converters.open_arrays(exported.path)
    same = [key for key in checkpoint if key in arrays]
    assert {"linear/w", "conv_1d_lstm/conv/w", "embed/embeddings"} <= set(same)
    assert not {"lstm/w_gates", "gru/wz", "batch_norm/gamma"} & set(arrays)
    for key in ("linear/w", "conv_1d_lstm/conv/w", "mlp/linear_0/b"):
        np.testing.assert_array_equal(arrays[key], checkpoint[key])


def test_the_forget_bias_is_in_the_bias(tmp_path):
    files = {
        bias: converters.export(
            FIXTURES / "v1",
            tmp_path / f"{bias}.npz",
            layout="sonnet1",
            forget_bias=bias,
        ).path
        for bias in (0.0, 2.5)
    }
    with_none, with_some = (converters.open_arrays(path) for path in files.values())
    difference = with_some["lstm/b"] - with_none["lstm/b"]
    np.testing.assert_allclose(difference, np.repeat([0, 2.5, 0, 0], 4), **CLOSE)


def test_what_has_no_twin_is_refused(tmp_path):
    with pytest.raises(converters.UnsupportedCheckpointError, match=r"peephole|layer"):
        converters.export(SOURCE, tmp_path / "all.npz", layout="sonnet1")
    assert list(tmp_path.iterdir()) == []


def test_the_command_converts(tmp_path):
    arguments = ["convert", str(FIXTURES / "v1"), str(tmp_path / "v1.safetensors")]
    result = CliRunner().invoke(main, [*arguments, "--layout", "sonnet1", "--json"])
    assert result.exit_code == 0, result.output
    keys = set(json.loads(result.output)["keys"])
    assert keys == {"linear/b", "linear/w", "lstm/b", "lstm/w_h", "lstm/w_i"}
    arrays = converters.open_arrays(tmp_path / "v1.safetensors")
    core = snt.LSTM(4)
    converters.restore(FIXTURES / "v1", core=core)
    core(ARRAYS["lstm/input"], core.initial_state(2))
    np.testing.assert_array_equal(arrays["lstm/b"], jax.device_get(core.b))
