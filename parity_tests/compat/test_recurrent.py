"""Recurrent modules beyond the table: loops, lengths, dropout, refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sonnet
import tensorflow as tf

from sonnax import compat as snt

GATED = {"LSTM": snt.LSTM, "GRU": snt.GRU, "VanillaRNN": snt.VanillaRNN}
UNROLLS = {"dynamic": snt.dynamic_unroll, "static": snt.static_unroll}


def primitives(jaxpr):
    return [equation.primitive.name for equation in jaxpr.eqns]


def test_dynamic_unroll_is_one_scan_in_the_pure_gear():
    def run(x, lengths=None):
        core = snt.LSTM(3)
        return snt.dynamic_unroll(core, x, core.initial_state(2), lengths)

    f = snt.functional.transform(run)
    x, lengths = jnp.ones([5, 2, 4]), jnp.array([5, 2])
    params = f.init(x, rng=0)
    for args in ((x,), (x, lengths)):
        found = primitives(jax.make_jaxpr(f.apply)(params, *args).jaxpr)
        assert found.count("scan") == 1
        assert "dot_general" not in found  # no step outside of the loop


def test_dynamic_unroll_creates_variables_in_every_gear():
    x = jnp.ones([5, 2, 4])
    for wrap in (lambda f: f, snt.jit):
        core = snt.GRU(3)
        unroll = wrap(
            lambda x, core=core: snt.dynamic_unroll(core, x, jnp.zeros([2, 3]))
        )
        unroll(x)
        assert [v.name for v in core.variables] == ["gru/w_h:0", "gru/w_i:0", "gru/b:0"]
        assert not np.allclose(core.input_to_hidden, 0)


def test_the_three_gears_agree_on_a_sequence():
    rng = np.random.default_rng(0)
    x, lengths = rng.normal(size=(4, 2, 3)).astype("float32"), jnp.array([1, 4])
    core = snt.DeepRNN([snt.LSTM(3), snt.GRU(2)])

    def loss(x):
        y, _ = snt.dynamic_unroll(core, x, core.initial_state(2), lengths)
        return jnp.sum(y**2)

    with snt.functional.variables():
        core = snt.DeepRNN([snt.LSTM(3), snt.GRU(2)])
    eager = loss(x)
    variables = core.trainable_variables
    stateful = snt.jit(lambda x: snt.value_and_grad(loss, variables)(x))(x)
    f = snt.functional.transform(loss)
    params = f.init(x)
    value, gradients = jax.jit(jax.value_and_grad(f.apply))(params, x)
    np.testing.assert_allclose(stateful[0], eager, rtol=1e-6)
    assert value == stateful[0]
    by_name = {
        f"{module}/{name}:0": gradient
        for module, bundle in gradients.items()
        for name, gradient in bundle.items()
    }
    for variable, gradient in zip(variables, stateful[1]):
        np.testing.assert_array_equal(by_name[variable.name], gradient)


class Emit(snt.RNNCore):
    """Counts its calls in a variable, as a core with state would."""

    def __init__(self):
        super().__init__()
        self.calls = snt.Variable(0, trainable=False, name="calls")

    def __call__(self, inputs, prev_state):
        self.calls.assign_add(1)
        return {"sum": inputs["x"] + prev_state}, prev_state + 1

    def initial_state(self, batch_size):
        return jnp.zeros([batch_size])


@pytest.mark.parametrize("how", UNROLLS)
@pytest.mark.parametrize("lengths", [None, [3, 1]])
def test_state_and_structures_go_through_the_loop(how, lengths):
    core = Emit()
    outputs, state = UNROLLS[how](
        core, {"x": jnp.ones([3, 2])}, core.initial_state(2), lengths
    )
    assert int(core.calls) == 3
    second = [1, 2, 3] if lengths is None else [1, 1, 1]
    assert outputs["sum"].T.tolist() == [[1, 2, 3], second]
    assert state.tolist() == [3, 3 if lengths is None else 1]


@pytest.mark.parametrize("how", UNROLLS)
def test_empty_and_ragged_sequences_are_refused(how):
    core = snt.GRU(3)
    for shapes, message in (
        ([[0, 2, 3]], "at least a single time step"),
        ([[1, 2, 3], [2, 2, 3]], "consistent number of time steps"),
    ):
        for library, array in ((snt, jnp.zeros), (sonnet, tf.zeros)):
            unroll = getattr(library, f"{how}_unroll")
            with pytest.raises(ValueError, match=message):
                unroll(core, tuple(map(array, shapes)), array([2, 3]))


@pytest.mark.parametrize("name", GATED)
def test_inputs_of_another_dtype_are_refused(name):
    core = GATED[name](3, dtype=jnp.bfloat16)
    state = core.initial_state(2)
    assert jax.tree.leaves(state)[0].dtype == jnp.bfloat16
    with pytest.raises(TypeError, match="inputs must have dtype bfloat16, got float32"):
        core(jnp.ones([2, 4]), state)
    core = GATED[name](3)
    core(jnp.ones([2, 4]), core.initial_state(2))
    with pytest.raises(TypeError):
        core(jnp.ones([2, 4], jnp.bfloat16), core.initial_state(2))


def test_inputs_of_another_rank_are_refused_as_in_sonnet():
    for library, ones in ((snt, jnp.ones), (sonnet, tf.ones)):
        for make in (lambda lib: lib.LSTM(3), lambda lib: lib.GRU(3)):
            core = make(library)
            with pytest.raises(ValueError, match="rank 2"):
                core(ones([2, 4, 5]), core.initial_state(2))
        with pytest.raises(ValueError, match="projection"):
            library.LSTM(3, projection_init=library.initializers.Ones())
        for bad in (-0.1, 1):
            with pytest.raises(ValueError, match=r"range \[0, 1\)"):
                library.lstm_with_recurrent_dropout(3, dropout=bad)
        for connect in ("skip", "residual"):
            connect = getattr(library, f"deep_rnn_with_{connect}_connections")
            with pytest.raises(ValueError, match="to be instances of RNNCore"):
                connect([ones])


def test_recurrent_dropout_drops_the_same_units_in_every_step():
    snt.random.set_seed(0)
    train_core, test_core = snt.lstm_with_recurrent_dropout(50, dropout=0.5)
    state, masks = train_core.initial_state(4)
    assert masks.cell is None
    assert set(np.unique(masks.hidden)) == {0.0, 2.0}
    x = jnp.ones([3, 4, 2])
    outputs, (_, same_masks) = snt.dynamic_unroll(train_core, x, (state, masks))
    np.testing.assert_array_equal(same_masks.hidden, masks.hidden)
    assert train_core.variables == test_core.variables
    expected, _ = snt.dynamic_unroll(test_core, x, state)
    np.testing.assert_array_equal(outputs[0], expected[0])
    assert not np.allclose(outputs[1], expected[1])
    assert not np.array_equal(train_core.initial_state(4)[1].hidden, masks.hidden)


@pytest.mark.parametrize(
    ("make", "last", "first"),
    [
        (snt.Conv1DLSTM, "NWC", "NCW"),
        (snt.Conv2DLSTM, "NHWC", "NCHW"),
        (snt.Conv3DLSTM, "NDHWC", "NCDHW"),
    ],
)
def test_channels_first_convolutional_lstms_equal_channels_last(make, last, first):
    """Sonnet's own fail there."""
    spatial = [4, 3, 2][: len(last) - 2]
    a = make([*spatial, 2], 3, 3, data_format=last)
    b = make([2, *spatial], 3, 3, data_format=first)
    x = np.random.default_rng(0).normal(size=(2, *spatial, 2)).astype("float32")
    turned = np.moveaxis(x, -1, 1)
    a(x, a.initial_state(2))
    b(turned, b.initial_state(2))
    for ours, other in zip(b.variables, a.variables):
        ours.assign(other.value())
    _, state = a(x, a.initial_state(2))
    _, turned_state = b(turned, b.initial_state(2))
    for _ in range(2):
        y, state = a(x, state)
        turned_y, turned_state = b(turned, turned_state)
        np.testing.assert_allclose(
            np.moveaxis(turned_y, 1, -1), y, rtol=1e-5, atol=1e-6
        )


def test_unrolled_lstm_equals_its_core_unrolled():
    x = np.random.default_rng(0).normal(size=(5, 2, 3)).astype("float32")
    whole, core = snt.UnrolledLSTM(4), snt.LSTM(4)
    y, state = whole(x, whole.initial_state(2))
    core(x[0], core.initial_state(2))
    for ours, other in zip(core.variables, whole.variables):
        ours.assign(other.value())
    expected, expected_state = snt.dynamic_unroll(core, x, core.initial_state(2))
    for a, b in zip((y, *state), (expected, *expected_state)):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_a_trainable_state_is_learned():
    core = snt.GRU(3)
    state = snt.TrainableState.for_core(core)
    x = jnp.ones([4, 2, 3])

    def loss():
        y, _ = snt.dynamic_unroll(core, x, state(batch_size=2))
        return jnp.sum(y)

    (gradient,) = snt.grad(loss, state)()
    assert gradient.shape == (1, 3)
    assert np.all(np.abs(gradient) > 0)
    with pytest.raises(ValueError, match="structure"):
        snt.TrainableState((jnp.zeros(2), jnp.zeros(3)), mask=(True,))


def test_a_core_without_its_methods_cannot_be_made():
    class Half(snt.RNNCore):
        def __call__(self, inputs, prev_state):
            return inputs, prev_state

    with pytest.raises(TypeError, match="initial_state"):
        Half()
