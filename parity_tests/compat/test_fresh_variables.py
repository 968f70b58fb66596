"""New variables: constants are equal, and what is drawn has the same distribution.

The other tests give both libraries the same values first, and would not see another
initial value. Both libraries draw from seeds, so that each run sees the same numbers.
"""

import math

import numpy as np
import pytest
import tensorflow as tf

from sonnax import compat

from .cases import CASES
from .libraries import COMPAT, SONNET, arrays, variables_of

SAMPLES = 100_000
# Of the means and deviations of two samples: one in a million is farther away.
SIGMAS = 5.0


def on(*shape):
    """Calls a module on zeros of a shape."""
    return lambda snt, module: module(arrays(snt, np.zeros(shape, np.float32)))


def stepped(*shape):
    """Calls a recurrent core on zeros of a shape, and its initial state."""

    def call(snt, core):
        x = arrays(snt, np.zeros(shape, np.float32))
        core(x, core.initial_state(shape[0]))

    return call


# Each has a variable of many thousand elements wherever one is drawn.
DEFAULTS = {
    "Linear": (lambda snt: snt.Linear(250), on(1, 400)),
    "Linear of one input": (lambda snt: snt.Linear(SAMPLES), on(1, 1)),
    "Linear without bias": (lambda snt: snt.Linear(250, False), on(1, 400)),
    "Bias": (lambda snt: snt.Bias(), on(1, 7)),
    "ParallelLinears": (lambda snt: snt.ParallelLinears(250), on(4, 1, 100)),
    "Embed": (lambda snt: snt.Embed(1000, 100), None),
    "Embed of the default size": (lambda snt: snt.Embed(4000), None),
    "Embed, dense": (
        lambda snt: snt.Embed(1000, 100, densify_gradients=True),
        None,
    ),
    "Conv1D": (lambda snt: snt.Conv1D(200, 5), on(1, 8, 100)),
    "Conv2D": (lambda snt: snt.Conv2D(128, (3, 5)), on(1, 8, 8, 60)),
    "Conv3D": (lambda snt: snt.Conv3D(64, 3), on(1, 4, 4, 4, 64)),
    "Conv1DTranspose": (lambda snt: snt.Conv1DTranspose(200, 5), on(1, 8, 100)),
    "Conv2DTranspose": (lambda snt: snt.Conv2DTranspose(128, 3), on(1, 8, 8, 90)),
    "Conv3DTranspose": (lambda snt: snt.Conv3DTranspose(64, 3), on(1, 2, 2, 2, 64)),
    "DepthwiseConv2D": (
        lambda snt: snt.DepthwiseConv2D(7, channel_multiplier=8),
        on(1, 8, 8, 256),
    ),
    "LayerNorm": (lambda snt: snt.LayerNorm(-1, True, True), on(2, 7)),
    "InstanceNorm": (lambda snt: snt.InstanceNorm(True, True), on(2, 5, 7)),
    "GroupNorm": (lambda snt: snt.GroupNorm(2), on(2, 3, 8)),
    "BatchNorm": (
        lambda snt: snt.BatchNorm(True, True),
        lambda snt, norm: norm(arrays(snt, np.zeros((2, 7), np.float32)), True),
    ),
    "VanillaRNN": (lambda snt: snt.VanillaRNN(320), stepped(2, 320)),
    "LSTM": (lambda snt: snt.LSTM(160), stepped(2, 160)),
    "LSTM with projection": (lambda snt: snt.LSTM(320, 320), stepped(2, 100)),
    "LSTM with another forget bias": (
        lambda snt: snt.LSTM(160, forget_bias=0.25),
        stepped(2, 160),
    ),
    "UnrolledLSTM": (
        lambda snt: snt.UnrolledLSTM(160),
        lambda snt, core: core(
            arrays(snt, np.zeros((3, 2, 160), np.float32)), core.initial_state(2)
        ),
    ),
    "GRU": (lambda snt: snt.GRU(190), stepped(2, 190)),
    "Conv1DLSTM": (lambda snt: snt.Conv1DLSTM([8, 90], 90, 3), stepped(2, 8, 90)),
    "Conv2DLSTM": (lambda snt: snt.Conv2DLSTM([4, 4, 54], 54, 3), stepped(2, 4, 4, 54)),
    "Conv3DLSTM": (
        lambda snt: snt.Conv3DLSTM([2, 2, 2, 32], 32, 3),
        stepped(2, 2, 2, 2, 32),
    ),
    "TrainableState": (
        lambda snt: snt.TrainableState(np.zeros([3], np.float32)),
        lambda snt, state: state(2),
    ),
    "MLP": (lambda snt: snt.nets.MLP([300, 400]), on(1, 350)),
    "VectorQuantizer": (
        lambda snt: snt.nets.VectorQuantizer(250, 400, 0.25),
        None,
    ),
    "VectorQuantizerEMA": (
        lambda snt: snt.nets.VectorQuantizerEMA(250, 400, 0.25, 0.99),
        None,
    ),
}


def fresh(snt, make, call):
    tf.random.set_seed(7)
    compat.random.set_seed(7)
    module = make(snt)
    if call is not None:
        call(snt, module)
    return {v.name: np.asarray(v.numpy(), np.float64) for v in variables_of(module)}


def is_constant(values):
    """Whether values were not drawn: there are few different ones."""
    return len(np.unique(values)) <= 3


@pytest.mark.parametrize("name", DEFAULTS)
def test_fresh_variables_are_those_of_sonnet(name):
    expected, actual = (fresh(snt, *DEFAULTS[name]) for snt in (SONNET, COMPAT))
    assert actual.keys() == expected.keys()
    for variable, theirs in expected.items():
        ours = actual[variable]
        assert ours.shape == theirs.shape, variable
        if is_constant(theirs):
            np.testing.assert_array_equal(ours, theirs, err_msg=variable)
        else:
            assert_same_distribution(ours, theirs, variable)


def assert_same_distribution(ours, theirs, about):
    """Compares mean, deviation and extremes of two samples."""
    n, deviation = theirs.size, theirs.std()
    assert ours.std() > 0, about
    # Of a sample's deviation: sigma * sqrt((kurtosis - 1) / (4 n)), kurtosis at most 3.
    assert abs(ours.std() / deviation - 1) < SIGMAS * math.sqrt(2 / (2 * n)), about
    assert abs(ours.mean() - theirs.mean()) < SIGMAS * deviation * math.sqrt(2 / n), (
        about
    )
    # Both tails, in units of the deviation: bounded alike, or as far as each other.
    for extreme in (np.max, np.min):
        reach = extreme(theirs) / deviation
        bounded = abs(reach) < 2.5 and n > 5_000
        slack = 0.03 if bounded else 1.5
        assert abs(extreme(ours) / deviation - reach) < slack, about


@pytest.mark.parametrize(
    "case", [c for c in CASES if not c.random], ids=lambda case: case.name
)
def test_what_a_case_does_not_draw_is_equal_from_the_start(case):
    case.skip_where_excluded("float32")
    found = []
    for library, make in ((SONNET, case.make_sonnet), (COMPAT, case.make)):
        module = make(library)
        case.call(module, *arrays(library, case.draw("float32", 0)), **case.calls[0])
        found.append(variables_of(module))
    for theirs, ours in zip(*found, strict=True):
        values = theirs.numpy()
        # The call may have changed what is not trained: by rounding, each its own way.
        if values.size > 3 and is_constant(values) and theirs.trainable:
            np.testing.assert_array_equal(ours.numpy(), values, err_msg=theirs.name)
        elif values.size > 3:
            assert is_constant(ours.numpy()) == is_constant(values), theirs.name


INITIALIZERS = {
    "RandomUniform": lambda i: i.RandomUniform(-2.0, 3.0),
    "RandomUniform by default": lambda i: i.RandomUniform(),
    "RandomNormal": lambda i: i.RandomNormal(0.5, 2.0),
    "RandomNormal by default": lambda i: i.RandomNormal(),
    "TruncatedNormal": lambda i: i.TruncatedNormal(0.5, 2.0),
    "TruncatedNormal by default": lambda i: i.TruncatedNormal(),
    "VarianceScaling by default": lambda i: i.VarianceScaling(),
    **{
        f"VarianceScaling, {mode}, {distribution}": (
            lambda i, mode=mode, distribution=distribution: i.VarianceScaling(
                2.0, mode, distribution
            )
        )
        for mode in ("fan_in", "fan_out", "fan_avg")
        for distribution in ("truncated_normal", "normal", "uniform")
    },
}


@pytest.mark.parametrize("shape", [(250, 400), (5, 4, 50, 100)], ids=str)
@pytest.mark.parametrize("name", INITIALIZERS)
def test_an_initializer_draws_what_sonnet_draws(name, shape):
    tf.random.set_seed(11)
    compat.random.set_seed(11)
    theirs, ours = (
        np.asarray(INITIALIZERS[name](snt.initializers)(shape, np.float32), np.float64)
        for snt in (SONNET, COMPAT)
    )
    assert_same_distribution(ours, theirs, name)


@pytest.mark.parametrize("shape", [(3, 3), (4, 3), (3, 4)], ids=str)
def test_orthogonal_matrices_are_drawn_uniformly(shape):
    # Each entry of a uniform one has mean 0, variance 1/n and no favoured sign: with
    # the signs that QR gives, the diagonal would be negative always.
    draws = []
    for snt in (SONNET, COMPAT):
        tf.random.set_seed(5)
        compat.random.set_seed(5)
        init = snt.initializers.Orthogonal()
        draws.append(np.stack([init(shape, np.float32) for _ in range(600)]))
    for drawn in draws:
        slack = SIGMAS / math.sqrt(len(drawn))
        variance = 1 / max(shape)
        assert np.abs(drawn.mean(0)).max() < slack * math.sqrt(variance)
        assert np.abs((drawn**2).mean(0) - variance).max() < slack * variance * 1.5
        assert np.abs(np.sign(drawn).mean(0)).max() < slack
