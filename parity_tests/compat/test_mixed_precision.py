"""`snt.mixed_precision` beside Sonnet's: what runs in which dtype."""

import jax.numpy as jnp
import numpy as np
import pytest
import sonnet
import tensorflow as tf

from sonnax import compat as snt

LIBRARIES = {
    "compat": (snt, jnp.asarray, snt.Variable),
    "sonnet": (sonnet, tf.constant, tf.Variable),
}


@pytest.fixture(autouse=True)
def _off_afterwards():
    yield
    snt.mixed_precision.disable()
    sonnet.mixed_precision.disable()


def name(dtype):
    return getattr(dtype, "name", str(dtype))


@pytest.fixture(params=LIBRARIES)
def seen(request):
    """A module that notes the dtypes that it sees, in either library."""
    library, array, variable = LIBRARIES[request.param]

    class Note(library.Module):
        def __init__(self):
            super().__init__()
            self.w = variable([1.0, 2.0])
            self.seen = []

        @library.mixed_precision.modes([tf.float32, tf.float16])
        def __call__(self, x, count):
            self.seen.append((name(self.w.dtype), name(x.dtype), name(count.dtype)))
            return {"y": x, "count": count}

    module = Note()

    def call(dtype="float32"):
        out = module(array(np.ones(2, dtype)), array(np.int32(1)))
        return module.seen[-1], (name(out["y"].dtype), name(out["count"].dtype))

    return library.mixed_precision, call


FULL = (("float32", "float32", "int32"), ("float32", "int32"))
HALF = (("float16", "float16", "int32"), ("float32", "int32"))


def test_the_first_call_is_in_full_precision_and_later_ones_in_half(seen):
    mixed_precision, call = seen
    assert call() == FULL
    mixed_precision.enable(tf.float16)
    assert [call(), call(), call()] == [FULL, HALF, HALF]
    mixed_precision.disable()
    assert call() == FULL


def test_a_dtype_that_the_method_does_not_list_changes_nothing(seen):
    mixed_precision, call = seen
    mixed_precision.enable(tf.bfloat16)
    assert [call(), call()] == [FULL, FULL]


def test_scopes_nest_and_end(seen):
    mixed_precision, call = seen
    with mixed_precision.scope(tf.float16):
        assert [call(), call()] == [FULL, HALF]
        with mixed_precision.scope(tf.float32):
            assert call() == FULL
        assert call() == HALF
        mixed_precision.disable()
        assert call() == FULL
    assert call() == FULL


def test_half_inputs_come_back_in_full_precision(seen):
    mixed_precision, call = seen
    mixed_precision.enable(tf.float32)
    assert call("float16")[1] == ("float16", "int32")
    assert call("float16") == FULL


@pytest.mark.parametrize("library", LIBRARIES)
def test_functions_and_bound_methods_are_decorated_too(library):
    library, array, _ = LIBRARIES[library]
    support = library.mixed_precision.modes([tf.float16])
    half = support(lambda x: [x, name(x.dtype), [1.5]])
    net = library.Linear(2)
    net(array(np.ones([1, 3], "float32")))
    bound = support(net.__call__)
    with library.mixed_precision.scope(tf.float16):
        x = array(np.ones([1, 3], "float32"))
        assert [half(x)[1], half(x)[1]] == ["float32", "float16"]
        assert half(x)[2] == [1.5]
        exact, rounded = bound(x), bound(x)
    assert name(rounded.dtype) == "float32"
    np.testing.assert_allclose(rounded, exact, rtol=1e-2, atol=1e-2)
    assert not np.array_equal(rounded, exact)


def test_half_precision_trains_variables_in_full_precision():
    class Net(snt.Module):
        def __init__(self):
            super().__init__()
            self.linear = snt.Linear(1)

        def __call__(self, x):
            return self.linear(x)

    support = snt.mixed_precision.modes([jnp.float16])
    net = Net()
    net.linear(jnp.ones([4, 3]))
    run = support(net.__call__)
    x = jnp.ones([4, 3])
    with snt.mixed_precision.scope("float16"):
        run(x)
        gradients = snt.grad(lambda: jnp.sum(run(x) ** 2), net)()
    assert [g.dtype for g in gradients] == [jnp.float32, jnp.float32]
    assert all(np.abs(g).max() > 0 for g in gradients)
