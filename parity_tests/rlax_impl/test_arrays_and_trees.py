"""Indexing, losses, gradients and trees are RLax's."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import rlax

from sonnax import rlax_impl
from sonnax.parity_tests.rlax_impl.policy_parity import (
    DTYPES,
    Case,
    assert_parity,
    assert_same,
    assert_same_under_jit_and_vmap,
)

RNG = np.random.default_rng(3)
X, Y = RNG.normal(size=[3, 4]), RNG.normal(size=[3, 4])
INDEX = np.array([3, 0, 3])
MASK = np.array([1, 0, 1])
TIES = np.array([-2.0, -1.0, -0.3, 0.0, 0.3, 1.0, 2.0])
P = np.array([0.0, 1.0, 0.2, 0.7])
OUTCOMES = np.array([0.0, 1.0, 1.0, 0.3])
IMAGES = RNG.uniform(size=[4, 4, 6, 2])
CONTROL_VALUES = RNG.normal(size=[4, 2, 3, 5])
CONTROL_ACTIONS = np.array([0, 4, 4])

CASES = [
    Case("batched_index", lambda lib, x, i: lib.batched_index(x, i), (X, INDEX)),
    Case("kept axis", lambda lib, x, i: lib.batched_index(x, i, True), (X, INDEX)),
    Case("one_hot", lambda lib, i: lib.one_hot(i, 5), (INDEX,), False),
    Case("rows", lambda lib, i: lib.one_hot(i, 3, jnp.int32), (X[..., None],), False),
    Case("lhs_broadcast", lambda lib, x, y: lib.lhs_broadcast(x, y), (X[:, 0], Y)),
    Case("replaced", lambda lib, x, y, m: lib.replace_masked(x, y, m), (X, Y, MASK)),
    Case("zeroed", lambda lib, x, m: lib.replace_masked(x, None, m), (X, MASK > 0)),
    Case("all sum", lambda lib, x: lib.AllSum()(x), (X,)),
    Case("sum of axes", lambda lib, x: lib.AllSum()(x, axis=(0, 1)), (X,)),
    Case("l2_loss", lambda lib, x, y: lib.l2_loss(x, y), (X, Y)),
    Case("l2 regularizer", lambda lib, x: lib.l2_loss(x), (X,)),
    Case("huber_loss", lambda lib, x: lib.huber_loss(x), (TIES,)),
    Case("wide huber_loss", lambda lib, x: lib.huber_loss(x, 1.5), (TIES,)),
    Case("likelihood", lambda lib, p, y: lib.likelihood(p, y), (P[2:], OUTCOMES[2:])),
    Case("certain likelihood", lambda lib, p, y: lib.likelihood(p, y), (P, P), False),
    Case("log_loss", lambda lib, p, y: lib.log_loss(p, y), (P[2:], OUTCOMES[2:])),
    Case("expectile_loss", lambda lib, x, y: lib.expectile_loss(x, y, 0.8), (X, Y)),
    Case("clipped", lambda lib, x: lib.clip_gradient(2.0 * x, -0.5, 0.4) ** 2, (X,)),
    Case(
        "pixel control",
        lambda lib, o, a, q: lib.pixel_control_loss(o, a, q, 0.9, 2),
        (IMAGES, CONTROL_ACTIONS, CONTROL_VALUES),
    ),
    Case(
        "pixel control that ends",
        lambda lib, o, a, q, d: lib.pixel_control_loss(o, a, q, d, cell_size=2),
        (IMAGES, CONTROL_ACTIONS, CONTROL_VALUES, np.array([0.9, 0.0, 1.0])),
    ),
]
TREE = {"w": X, "b": (X[0], X[:, :2])}
OTHER = {"w": Y, "b": (Y[0], Y[:, :2])}


@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_and_losses_are_those_of_rlax(dtype):
    assert_parity(CASES, rlax_impl, rlax, dtype)


def test_a_compiled_batch_gives_what_its_examples_give():
    assert_same_under_jit_and_vmap(CASES, rlax_impl)


TREE_CALLS = {
    "select": lambda lib, x, y: lib.tree_select(jnp.array(False), x, y),
    "select first": lambda lib, x, y: lib.tree_select(jnp.array(True), x, y),
    "zip": lambda lib, x, y: lib.tree_map_zipped(lambda a, b: a - b, [x, y]),
    "zip none": lambda lib, x, y: lib.tree_map_zipped(None, []),
    "keys": lambda lib, x, y: lib.tree_split_key(jax.random.PRNGKey(7), x),
    "leaves": lambda lib, x, y: lib.tree_split_leaves({"a": x["w"], "b": y["w"]}),
    "kept": lambda lib, x, y: lib.tree_split_leaves({"a": x["w"]}, 1, keepdim=True),
    "no leaves": lambda lib, x, y: lib.tree_split_leaves({}),
    "replace": lambda lib, x, y: lib.tree_replace_masked(
        (x["w"], x["b"][1]), (y["w"], y["b"][1]), MASK
    ),
    "zero": lambda lib, x, y: lib.tree_replace_masked(x["w"], None, MASK),
    "function": lambda lib, x, y: lib.tree_fn(lambda a, b, c: a + b * c, c=3)(x, y),
    "last to first": lambda lib, x, y: lib.transpose_last_axis_to_first(x),
    "first to last": lambda lib, x, y: lib.transpose_first_axis_to_last(x),
}


@pytest.mark.parametrize("name", TREE_CALLS)
def test_trees_are_those_of_rlax(name):
    trees = jax.tree.map(lambda x: np.asarray(x, np.float32), (TREE, OTHER))
    ours, theirs = (TREE_CALLS[name](lib, *trees) for lib in (rlax_impl, rlax))
    structures: list[Any] = [jax.tree.structure(tree) for tree in (ours, theirs)]
    assert structures[0] == structures[1]
    assert_same(ours, theirs, 0.0)


def test_split_leaves_are_views():
    array = np.arange(6.0).reshape(3, 2)
    first = rlax_impl.tree_split_leaves({"a": array})[0]["a"]
    assert np.shares_memory(first, array)


def test_all_sum_adds_up_the_devices_of_an_axis():
    total = jax.vmap(rlax_impl.AllSum("device"), axis_name="device")(jnp.ones([2, 3]))
    np.testing.assert_array_equal(total, [6.0, 6.0])


def test_the_gradient_of_a_tree_is_clipped():
    def loss(tree):
        clipped = rlax_impl.clip_gradient(tree, -1.0, 1.0)
        return 5.0 * clipped["a"] - 7.0 * clipped["b"]

    assert jax.grad(loss)({"a": 1.0, "b": 2.0}) == {"a": 1.0, "b": -1.0}
