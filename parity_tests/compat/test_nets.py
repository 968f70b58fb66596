"""Networks beyond the table: refusals, sizes, and the parts of memory networks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sonnet
import tensorflow as tf
from sonnet.src.nets.dnc import control, read, util, write

from sonnax import compat as snt
from sonnax.parity_tests import ledger

from .cases import CASES
from .cases.nets import FUSED
from .libraries import equal_pair
from .test_gradients import our_gradients, tensorflow_gradients

LIBRARIES = ((snt, jnp.asarray), (sonnet, tf.convert_to_tensor))
DNC = {"control": control, "read": read, "util": util, "write": write}


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.excluded == FUSED],
    ids=lambda case: case.name,
)
def test_gradients_through_batch_norms_are_tensorflows(case):
    """Relative to the largest gradient: what batch norms cancel is rounding alone."""
    theirs, ours = equal_pair(case, "float32")
    inputs = case.draw("float32", 1)
    expected = tensorflow_gradients(case, theirs, inputs, case.calls[0])
    actual = our_gradients(case, ours, inputs, case.calls[0])
    ledger.report("gradients", actual, expected)
    scale = max(np.max(np.abs(gradient)) for gradient in expected)
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5 * scale)


def test_what_sonnet_refuses_is_refused():
    for library, array in LIBRARIES:
        nets = library.nets
        x = array(np.ones([2, 3], "float32"))
        with pytest.raises(ValueError, match="b_init must not be set"):
            nets.MLP([1], with_bias=False, b_init=library.initializers.Zeros())
        with pytest.raises(ValueError, match="required when dropout is used"):
            nets.MLP([1], dropout_rate=0.5)(x)
        with pytest.raises(ValueError, match="only be used with dropout"):
            nets.MLP([1], dropout_rate=0)(x, is_training=True)
        with pytest.raises(AttributeError, match="input_size"):
            nets.MLP([1]).reverse()
        with pytest.raises(ValueError, match="must be equal"):
            nets.Cifar10ConvNet(output_channels=(1, 2), strides=(1,))
        with pytest.raises(ValueError, match="length 4 not 3"):
            nets.ResNet([1, 1, 1], 3)
        with pytest.raises(ValueError, match="length 4 not 5"):
            nets.ResNet([1] * 4, 3, channels_per_group_list=[4] * 5)
        with pytest.raises(ValueError, match=r"range \[0, 1\]"):
            nets.VectorQuantizerEMA(4, 3, 0.25, decay=1.5)


def test_mlp_reversed_is_a_new_module_inside_its_original_as_in_sonnet():
    for library, array in LIBRARIES:
        mlp = library.nets.MLP([4, 3], activate_final=True, name="m")
        mlp(array(np.ones([2, 5], "float32")))
        backwards = mlp.reverse()
        assert backwards.name == "m_reversed"
        assert backwards(array(np.ones([2, 3], "float32"))).shape == (2, 5)
        names = ["m/m_reversed/linear_0/b:0", "m/m_reversed/linear_0/w:0"]
        assert [v.name for v in backwards.variables][:2] == names


@pytest.mark.parametrize("version_2", [False, True])
def test_resnet50_has_sonnets_variables(version_2):
    x = np.ones([1, 32, 32, 3], "float32")
    theirs = sonnet.nets.ResNet50(10, resnet_v2=version_2)
    theirs(tf.constant(x), is_training=False)
    ours = snt.nets.ResNet50(10, resnet_v2=version_2)
    # Their names and shapes are known without computing anything.
    f = snt.functional.transform_with_state(lambda x: ours(x, is_training=False))
    jax.eval_shape(lambda x: f.init(x, rng=0), x)
    assert [(v.name, v.shape) for v in ours.variables] == [
        (v.name, tuple(v.shape)) for v in theirs.variables
    ]


def test_vector_quantizer_takes_the_first_of_two_equally_near_codes():
    for library, array in LIBRARIES:
        quantizer = library.nets.VectorQuantizer(2, 3, 0.25)
        quantizer.embeddings.assign(array(np.float32([[1, 1, 0], [0, 0, 1]])))
        outputs = quantizer(array(np.float32([[1, 0]])), is_training=False)
        assert np.asarray(outputs["encoding_indices"]).tolist() == [0]
        expected = quantizer.quantize(outputs["encoding_indices"])
        np.testing.assert_array_equal(outputs["quantize"], expected)


def test_vectors_of_another_size_are_refused():
    for quantizer in (
        snt.nets.VectorQuantizer(2, 3, 0.25),
        snt.nets.VectorQuantizerEMA(2, 3, 0.25, 0.9),
    ):
        with pytest.raises(ValueError, match="must have size 2"):
            quantizer(jnp.ones([4, 4]), is_training=False)
        with pytest.raises(TypeError, match="bfloat16"):
            quantizer(jnp.ones([4, 2], jnp.bfloat16), is_training=False)


RNG = np.random.default_rng(0)
MEMORY, ADDRESS = RNG.normal(size=(2, 5, 3)), RNG.uniform(size=(2, 4, 5))
WORDS, RESETS = RNG.normal(size=(2, 4, 3)), RNG.uniform(size=(2, 4, 3))
FUNCTIONS = {
    "read.read": [MEMORY, ADDRESS],
    "write.additive_write": [MEMORY, ADDRESS, WORDS],
    "write.erase": [MEMORY, ADDRESS, RESETS],
    "write.erase_rows": [MEMORY, ADDRESS, RESETS[..., 0]],
    "write.erase_and_write": [MEMORY, ADDRESS, RESETS, WORDS],
    "util.batch_invert_permutation": [np.int32([[2, 0, 1], [0, 2, 1]])],
    "util.batch_gather": [RNG.normal(size=(2, 3)), np.int32([[2, 0], [1, 1]])],
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_memory_functions_are_sonnets(name):
    file, _, function = name.partition(".")
    with jax.enable_x64(True):
        expected = getattr(DNC[file], function)(*map(tf.constant, FUNCTIONS[name]))
        ours = getattr(getattr(snt.nets.dnc, file), function)
        actual = ours(*map(jnp.asarray, FUNCTIONS[name]))
        assert actual.dtype == expected.dtype.as_numpy_dtype
        np.testing.assert_allclose(actual, expected, rtol=1e-10)
        if name == "read.read":
            squashed = ours(
                *map(jnp.asarray, FUNCTIONS[name]), squash_after_access=True
            )
            np.testing.assert_allclose(squashed, np.tanh(actual), rtol=1e-10)


def test_segments_are_sonnets():
    x = RNG.normal(size=(2, 14, 3)).astype("float32")
    for dim, shapes in ((1, [[3, 3], [5]]), (-2, [[4], [2, 5]]), (-1, [[1], [2]])):
        ours = snt.nets.dnc.util.segment_dim(jnp.asarray(x), dim, shapes)
        if dim != -2:  # Sonnet keeps the axis twice where it counts from the end
            theirs = util.segment_dim(
                tf.constant(x), dim, list(map(tf.TensorShape, shapes))
            )
            for a, b in zip(ours, theirs, strict=True):
                np.testing.assert_array_equal(a, b)
    for bad in (3, -4):
        with pytest.raises(ValueError, match="Invalid dims"):
            snt.nets.dnc.util.segment_dim(jnp.asarray(x), bad, [[1]])


def test_linear_maps_of_several_inputs_add_up():
    apply_linear = snt.nets.dnc.util.apply_linear
    x, y = jnp.ones([2, 3]), jnp.ones([2, 4])
    a, b = snt.Linear(5), snt.Linear(5)
    np.testing.assert_allclose(
        apply_linear((x, y), (a, b), jnp.tanh), jnp.tanh(a(x) + b(y)), rtol=1e-6
    )
    np.testing.assert_array_equal(apply_linear(x, a), a(x))
    for inputs, modules in (((x, y), a), (x, (a, b)), ((x,), (a,)), ((x, y), [a, b])):
        with pytest.raises(ValueError):
            apply_linear(inputs, modules)
    assert snt.nets.dnc.util.one_hot(3, 1).tolist() == util.one_hot(3, 1).tolist()


@pytest.mark.parametrize("name", ["LSTM", "GRU", "FeedForward"])
@pytest.mark.parametrize("skip", [False, True])
def test_deep_controllers_are_sonnets(name, skip):
    made = []
    for ours, array in ((snt.nets.dnc.control, jnp.asarray), (control, tf.constant)):
        core = ours.deep_core(name, {"hidden_size": 3}, 2, skip, name="deep")
        x = array(np.ones([2, 4], "float32"))
        core(x, core.initial_state(2))
        for i, variable in enumerate(core.variables):
            values = np.random.default_rng(i).normal(size=tuple(variable.shape))
            variable.assign(array(values.astype("float32")))
        outputs, _ = core(x, core.initial_state(2))
        made.append(([v.name for v in core.variables], np.asarray(outputs)))
    assert made[0][0] == made[1][0]
    np.testing.assert_allclose(made[0][1], made[1][1], rtol=1e-5)


def test_an_unknown_controller_is_refused():
    for library in (snt.nets.dnc.control, control):
        with pytest.raises(AttributeError):
            library.get_controller_ctor("Transformer")
