"""Variables beside TensorFlow's."""

import copy
import operator
import pickle
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tensorflow as tf

from sonnax import compat as snt

VALUES = np.array([[1.0, -2.0], [3.5, 0.5]], np.float32)
OTHER = np.array([2.0, 4.0], np.float32)

BINARY = [
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "matmul",
    "lt",
    "le",
    "gt",
    "ge",
    "eq",
    "ne",
]


@pytest.mark.parametrize("name", BINARY)
def test_binary_operators(name):
    apply = getattr(operator, name)
    other = VALUES if name == "matmul" else OTHER
    theirs, ours = tf.Variable(np.abs(VALUES)), snt.Variable(np.abs(VALUES))
    for operands in (
        lambda v: (v, other),
        lambda v: (v, v),
        lambda v: (v.read_value(), v),
        *([] if name == "matmul" else [lambda v: (v, 2.0), lambda v: (2.0, v)]),
    ):
        expected, actual = apply(*operands(theirs)), apply(*operands(ours))
        np.testing.assert_allclose(actual, expected, rtol=1e-6)
        assert actual.dtype == expected.dtype.as_numpy_dtype


def test_unary_operators_and_indexing():
    theirs, ours = tf.Variable(VALUES), snt.Variable(VALUES)
    for apply in (
        operator.neg,
        operator.abs,
        lambda v: v[0],
        lambda v: v[:, 1],
        lambda v: v[..., None],
    ):
        np.testing.assert_array_equal(apply(ours), apply(theirs))
    assert bool(snt.Variable(True))
    assert int(snt.Variable(3)) == 3
    assert float(snt.Variable(1.5)) == 1.5
    assert [1, 2][snt.Variable(1)] == 2


@pytest.mark.parametrize(
    "value",
    [1.0, 1, True, [1.0, 2.0], [[1, 2]], np.float64(2.0), np.arange(3, dtype="int16")],
)
def test_dtypes_are_tensorflows(value):
    theirs, ours = tf.Variable(value), snt.Variable(value)
    with jax.enable_x64(True):
        ours = snt.Variable(value)
    assert ours.dtype == theirs.dtype.as_numpy_dtype
    assert ours.shape == tuple(theirs.shape)
    assert isinstance(ours.shape, tuple)


def test_assignments():
    results = []
    for variable in (tf.Variable(VALUES, name="v"), snt.Variable(VALUES, name="v")):
        variable.assign_add(np.ones_like(VALUES))
        variable.assign_sub(VALUES * 0.5)
        results.append(variable.numpy())
        variable.assign(VALUES * 3)
        results.append(variable.read_value().__array__())
    np.testing.assert_array_equal(results[:2], results[2:])


def test_wrong_assignments_are_errors_that_leave_the_value():
    for variable, array in (
        (tf.Variable(VALUES), tf.constant),
        (snt.Variable(VALUES), jnp.asarray),
    ):
        for wrong in (np.ones([3], np.float32), VALUES.astype(np.int32)):
            with pytest.raises((ValueError, TypeError)):
                variable.assign(array(wrong))
        with pytest.raises((ValueError, tf.errors.OpError)):
            variable.assign_add(np.ones([3, 3], np.float32))
        np.testing.assert_array_equal(variable.numpy(), VALUES)


def test_arrays_of_jax_and_numpy():
    v = snt.Variable(VALUES)
    np.testing.assert_array_equal(np.asarray(v), VALUES)
    np.testing.assert_array_equal(np.sqrt(np.abs(v)), np.sqrt(np.abs(VALUES)))
    np.testing.assert_array_equal(jnp.sum(v, axis=0), VALUES.sum(0))
    np.testing.assert_array_equal(jnp.asarray(v) + v, 2 * VALUES)
    np.testing.assert_array_equal(jax.jit(lambda x: 2 * x)(v), 2 * VALUES)
    assert jax.tree.map(jnp.shape, {"v": v}) == {"v": (2, 2)}
    assert len(list(v)) == len(v) == 2
    assert v.ndim == 2
    assert v.size == 4


def test_identity_and_references():
    v, w = snt.Variable(1.0), snt.Variable(1.0)
    assert len({v: 1, w: 2}) == 2
    assert v.ref() == v.ref()
    assert v.ref() != w.ref()
    assert v.ref().deref() is v
    assert {v.ref(): 1}[v.ref()] == 1


def test_copies_are_apart():
    v = snt.Variable(VALUES, name="v", trainable=False)
    for copied in (copy.deepcopy(v), pickle.loads(pickle.dumps(v))):
        assert copied is not v
        assert copied.name == "v:0"
        assert not copied.trainable
        copied.assign(VALUES * 0)
        np.testing.assert_array_equal(v.numpy(), VALUES)


def test_shared_variables_stay_shared_in_copies():
    v = snt.Variable(VALUES)
    for copied in (copy.deepcopy([v, v]), pickle.loads(pickle.dumps([v, v]))):
        assert copied[0] is copied[1]


def test_reprs():
    v = snt.Variable([1.0], name="v")
    assert "'v:0'" in repr(v)
    assert "shape=(1,)" in repr(v)
    assert "array([1.]" in repr(v)


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="initial value"):
        snt.Variable()
    with pytest.raises(ValueError, match="shape"):
        snt.Variable([1.0], shape=[2])
    assert snt.Variable(1, dtype=tf.float32).dtype == np.float32
    assert snt.Variable(lambda: jnp.ones([2])).shape == (2,)


def test_reading_a_variable_outside_its_transform_says_which_mistake_it_was():
    escaped = []

    def f(x):
        linear = snt.Linear(2)
        escaped.append(linear)
        return linear(x)

    snt.functional.transform(f).init(jnp.ones([1, 2]))
    with pytest.raises(
        ValueError, match="made inside a transformed function and is read"
    ):
        escaped[0].w.numpy()
    other = snt.functional.transform(lambda x: escaped[0](x))
    with pytest.raises(ValueError, match=re.escape("has no value")):
        other.apply({}, jnp.ones([1, 2]))


def test_assigning_in_a_plain_jax_transform_is_an_error():
    v = snt.Variable(1.0)
    with pytest.raises(ValueError, match=r"snt\.jit"):
        jax.jit(lambda x: v.assign(x))(2.0)
    assert float(v) == 1
