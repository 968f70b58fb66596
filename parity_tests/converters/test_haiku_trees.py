"""Sonnet's checkpoints in models of the real Haiku, and what the report says of it."""

import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sonnax import compat as snt
from sonnax import converters
from sonnax.converters import MismatchError

from .test_sonnet1 import ARRAYS, CLOSE, FIXTURES

pytestmark = pytest.mark.filterwarnings("ignore::sonnax.converters.UnstatedWarning")

RANDOM = np.random.default_rng(0)
MATRIX = RANDOM.normal(size=[2, 3]).astype(np.float32)
IMAGE = RANDOM.normal(size=[2, 4, 5, 3]).astype(np.float32)


def step(core, x):
    output, state = core(x, core.initial_state(x.shape[0]))
    return core(x, state)[0] + output


def whole(module, x):
    return module(x)


def normalize(module, x):
    return module(x, is_training=False)


# Name: the module in Sonnet and in Haiku, how it is called, with what.
TWINS = {
    "mlp": (lambda m: m.nets.MLP([4, 3]), whole, MATRIX),
    "linear": (lambda m: m.Linear(4, name="out"), whole, MATRIX),
    "conv": (lambda m: m.Conv2D(4, 3), whole, IMAGE),
    "transpose": (lambda m: m.Conv2DTranspose(4, 3), whole, IMAGE),
    "layer_norm": (lambda m: m.LayerNorm(-1, True, True), whole, IMAGE),
    "batch_norm": (lambda m: m.BatchNorm(True, True, 0.9), normalize, IMAGE),
    "lstm": (lambda m: m.LSTM(4), step, MATRIX),
    "gru": (lambda m: m.GRU(4), step, MATRIX),
    "vanilla": (lambda m: m.VanillaRNN(4), step, MATRIX),
    "embed": (lambda m: m.Embed(5, 3), whole, np.array([[1, 4], [0, 2]])),
    "deep": (
        lambda m: m.DeepRNN([m.LSTM(4), m.GRU(2), m.Linear(3)]),
        step,
        MATRIX,
    ),
}


def both(name):
    """The module of Sonnet with random variables, and the function of Haiku."""
    make, run, x = TWINS[name]
    if name == "vanilla":  # Haiku's has no other activation
        make = lambda m: snt.VanillaRNN(4, jax.nn.relu) if m is snt else m.VanillaRNN(4)
    net = make(snt)
    if name == "batch_norm":
        net(x + 1, is_training=True)
    run(net, x)
    for variable in net.trainable_variables:
        variable.assign(variable + RANDOM.normal(size=variable.shape) / 4)

    def theirs(x):
        module = make(hk)
        if name == "batch_norm" and hk.running_init():
            module(x, is_training=True)
        return run(module, x)

    return net, hk.transform_with_state(theirs), lambda: run(net, x), x


@pytest.mark.parametrize("how", ["objects", "names"])
@pytest.mark.parametrize("name", TWINS)
def test_a_haiku_model_computes_what_sonnets_did(name, how, tmp_path):
    net, f, expected, x = both(name)
    if how == "objects":
        converters.save(tmp_path / "net", elsewhere={"net": net})
    else:
        converters.save_names(tmp_path / "net", net)
    like = jax.eval_shape(f.init, jax.random.PRNGKey(0), x)
    transposed = ["*"] if name == "transpose" else ()
    trees = converters.to_haiku(tmp_path / "net", like, transposed=transposed)
    params, state = trees
    np.testing.assert_allclose(f.apply(params, state, None, x)[0], expected(), **CLOSE)
    assert set(trees.report.left_in_checkpoint) <= {
        "save_counter/.ATTRIBUTES/VARIABLE_VALUE"
    }
    assert jax.tree.structure(params) == jax.tree.structure(dict(like[0]))


def test_a_conv_lstm_becomes_haikus(tmp_path):
    ours = snt.Conv2DLSTM([4, 5, 3], 2, 3)
    step(ours, IMAGE)
    ours.b.assign(RANDOM.normal(size=[8]))
    path = converters.save(tmp_path / "net", net=ours)

    def theirs(x):
        # Haiku's initial_state takes the spatial shape alone.
        return step(hk.Conv2DLSTM([4, 5], 2, 3), x)

    f = hk.transform(theirs)
    like = jax.eval_shape(f.init, jax.random.PRNGKey(0), IMAGE)
    mapping = {"conv2_dlstm/(.*)": rf"{next(iter(like)).split('/')[0]}/\1"}
    params, _ = converters.to_haiku(path, like, mapping)
    expected = step(ours, IMAGE)
    np.testing.assert_allclose(f.apply(params, None, IMAGE), expected, **CLOSE)


def test_a_depthwise_kernel_gets_haikus_shape(tmp_path):
    ours = snt.DepthwiseConv2D(3, 2)
    expected = ours(IMAGE)
    path = converters.save(tmp_path / "net", net=ours)
    f = hk.transform(lambda x: hk.DepthwiseConv2D(2, 3)(x))
    like = jax.eval_shape(f.init, jax.random.PRNGKey(0), IMAGE)
    params, _ = converters.to_haiku(path, like)
    np.testing.assert_allclose(f.apply(params, None, IMAGE), expected, **CLOSE)


def test_a_resnet_keeps_its_names(tmp_path):
    arguments = {"blocks_per_group_list": [1, 1, 1, 1], "num_classes": 3}
    channels = [4, 4, 4, 4]
    x = np.zeros([1, 32, 32, 3], np.float32)
    theirs = hk.transform_with_state(
        lambda x: hk.nets.ResNet([1, 1, 1, 1], 3, channels_per_group=channels)(x, True)
    )
    ours = snt.functional.transform_with_state(
        lambda x: snt.nets.ResNet(**arguments, channels_per_group_list=channels)(
            x, True
        )
    )
    key = jax.random.PRNGKey(0)
    trees = jax.eval_shape(lambda x: ours.init(x, rng=key), x)
    arrays = {
        f"{module}/{name}": RANDOM.normal(size=a.shape).astype(a.dtype)
        for tree in trees
        for module, bundle in tree.items()
        for name, a in bundle.items()
    }
    converters.write_bundle(tmp_path / "resnet", arrays)
    like = jax.eval_shape(theirs.init, key, x)
    params, state = converters.to_haiku(tmp_path / "resnet", like)
    assert len(jax.tree.leaves((params, state))) == len(arrays)
    kernel = params["res_net/~/block_group_1/~/block_0/~/conv_1"]["w"]
    np.testing.assert_array_equal(
        kernel, arrays["res_net/block_group_1/block_0/conv_1/w"]
    )


def test_compats_pure_functions_take_variables_as_they_are(tmp_path):
    net = snt.Conv2DLSTM([4, 5, 3], 2, 3)
    expected = step(net, IMAGE)
    path = converters.save(tmp_path / "net", net=net)
    f = snt.functional.transform(lambda x: step(snt.Conv2DLSTM([4, 5, 3], 2, 3), x))
    like = f.init(IMAGE, rng=jax.random.PRNGKey(0))
    params, _ = converters.to_haiku(path, like)
    np.testing.assert_array_equal(f.apply(params, IMAGE), expected)


def test_sonnet_1_becomes_haiku_too():
    f = hk.transform(lambda x: step(hk.LSTM(4), x))
    x = ARRAYS["lstm/input"]
    like = f.init(jax.random.PRNGKey(0), x)
    trees = converters.to_haiku(FIXTURES / "v1", like, layout="sonnet1")
    core = snt.LSTM(4)
    converters.restore(FIXTURES / "v1", core=core)
    expected = step(core, x)
    np.testing.assert_allclose(f.apply(trees.params, None, x), expected, **CLOSE)
    sources = {each.destination: each.sources for each in trees.report.placed}
    assert sources["lstm/linear/b"] == ("lstm/b_gates",)
    assert set(sources["lstm/linear/w"]) == {"lstm/w_gates"}
    assert trees.report.left_in_checkpoint == ("linear/b", "linear/w")


def two_layers(tmp_path, sizes):
    net = [snt.Linear(size, name=f"layer_{i}") for i, size in enumerate(sizes)]
    snt.Sequential(net)(MATRIX)
    return net, converters.save(tmp_path / "net", layers=net)


def linears(sizes):
    def f(x):
        for size in sizes:
            x = hk.Linear(size)(x)
        return x

    return hk.transform(f).init(jax.random.PRNGKey(0), MATRIX)


def test_modules_with_shapes_of_their_own_are_found_by_them(tmp_path):
    net, path = two_layers(tmp_path, [4, 5])
    params, _ = trees = converters.to_haiku(path, linears([4, 5]))
    np.testing.assert_array_equal(params["linear"]["w"], net[0].w)
    np.testing.assert_array_equal(params["linear_1"]["b"], net[1].b)
    assert "'layers/0' alone has the names and shapes" in str(trees.report)


def test_modules_of_the_same_shapes_are_not_guessed(tmp_path):
    net, path = two_layers(tmp_path, [3, 3])
    with pytest.raises(MismatchError, match=r"'layers/0', 'layers/1'.*mapping"):
        converters.to_haiku(path, linears([3, 3]))
    mapping = {"layer_0/(.*)": r"linear/\1", "layer_1/(.*)": r"linear_1/\1"}
    params, _ = converters.to_haiku(path, linears([3, 3]), mapping)
    np.testing.assert_array_equal(params["linear_1"]["w"], net[1].w)
    by_path = {r"layers/0/(.*)": r"linear/\1", r"layers/1/(.*)": r"linear_1/\1"}
    params, _ = converters.to_haiku(path, linears([3, 3]), by_path)
    np.testing.assert_array_equal(params["linear_1"]["w"], net[1].w)


def test_two_variables_of_one_name_are_not_guessed(tmp_path):
    net = [snt.Linear(3), snt.Linear(3)]
    snt.Sequential(net)(MATRIX)
    path = converters.save(tmp_path / "net", layers=net)
    with pytest.raises(MismatchError, match="'linear/w' could be made of each of"):
        converters.to_haiku(path, linears([3]))
    mapping = {"layers/1/(.*)": r"linear/\1"}
    params, _ = converters.to_haiku(path, linears([3]), mapping)
    np.testing.assert_array_equal(params["linear"]["w"], net[1].w)


WRONG = {
    "another shape": ([5], {}, r"whose shape is \(5,\)|whose shape is \(3, 5\)"),
    "nothing": ([4, 6], {}, "linear_1/b, linear_1/w.*no value|no value.*linear_1/b"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit_is_an_error(case, tmp_path):
    sizes, mapping, message = WRONG[case]
    net = snt.Linear(4)
    net(MATRIX)
    path = converters.save(tmp_path / "net", net=net)
    with pytest.raises(MismatchError, match=message):
        converters.to_haiku(path, linears(sizes), mapping)


def test_partial_keeps_what_is_not_found_and_says_so(tmp_path):
    net = snt.Linear(4)
    net(MATRIX)
    path = converters.save(tmp_path / "net", net=net)
    like = linears([4, 6])
    trees = converters.to_haiku(path, like, partial=True)
    np.testing.assert_array_equal(trees.params["linear"]["w"], net.w)
    assert trees.params["linear_1"]["w"] is like["linear_1"]["w"]
    assert set(trees.report.left_in_trees) == {"linear_1/w", "linear_1/b"}


def test_a_transposed_convolution_must_be_spoken_of(tmp_path):
    net, f, _, x = both("transpose")
    path = converters.save(tmp_path / "net", net=net)
    like = jax.eval_shape(f.init, jax.random.PRNGKey(0), jnp.asarray(x))
    with pytest.raises(MismatchError, match=r"transposed=.*for a Haiku model"):
        converters.to_haiku(path, like)
