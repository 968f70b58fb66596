"""hk.data_structures gives what it gives in dm-haiku."""

import copy
import pickle

import jax
import jax.numpy as jnp
import pytest

from sonnax import haiku_impl

from .beside import LIBRARIES, assert_as_in_haiku

TREE = {
    "b": {"w": jnp.arange(6.0).reshape(2, 3), "b": jnp.ones([3], jnp.bfloat16)},
    "a": {"w": jnp.ones([2], jnp.int32), "s": (jnp.zeros([]), [jnp.ones([4])])},
    "empty": {},
}


def is_w(module, name, value):
    return name == "w"


CALLS = {
    "traverse": lambda ds: [(m, n) for m, n, _ in ds.traverse(TREE)],
    "filter": lambda ds: ds.filter(is_w, TREE),
    "partition": lambda ds: ds.partition(is_w, TREE),
    "partition_n": lambda ds: ds.partition_n(
        lambda m, n, v: len(n) + (m == "b"), TREE, 3
    ),
    "map": lambda ds: ds.map(lambda m, n, v: f"{m}.{n}", TREE),
    "merge": lambda ds: ds.merge(TREE, {"c": {"x": 1}}, {"b": {"w": 2}}),
    "merge of nothing": lambda ds: ds.merge(),
    "is_subset": lambda ds: [
        ds.is_subset(subset=ds.filter(is_w, TREE), superset=TREE),
        ds.is_subset(subset=TREE, superset=ds.filter(is_w, TREE)),
        ds.is_subset(subset={"z": {}}, superset={}),
    ],
    "tree_size": lambda ds: ds.tree_size(TREE),
    "tree_bytes": lambda ds: ds.tree_bytes(TREE),
    "to_haiku_dict": lambda ds: ds.to_haiku_dict(TREE),
    "there and back": lambda ds: ds.to_mutable_dict(ds.to_immutable_dict(TREE)),
    "text": lambda ds: repr(ds.to_immutable_dict({"linear": {"w": 1, "b": 2}})),
    "long text": lambda ds: repr(
        ds.to_immutable_dict({f"linear_{i}": i for i in range(9)})
    ),
    "keys": lambda ds: repr(ds.to_immutable_dict(TREE).keys()),
    "leaves": lambda ds: jax.tree.leaves(ds.to_immutable_dict(TREE)),
    "mapped to lists": lambda ds: ds.to_mutable_dict(
        jax.tree.map(lambda x: [x, x], ds.to_immutable_dict({"a": {"b": 1}}))
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_results(name):
    ours, theirs = (CALLS[name](hk.data_structures) for hk in LIBRARIES)
    assert_as_in_haiku(ours, theirs)


ERRORS = {
    "must be in range": lambda ds: ds.partition_n(lambda m, n, v: 2, TREE, 2),
    "Duplicate array found": lambda ds: ds.merge(
        TREE, {"b": {"w": jnp.ones([3])}}, check_duplicates=True
    ),
    "not supported": lambda ds: ds.to_immutable_dict(TREE).a,
}


@pytest.mark.parametrize("words", ERRORS)
def test_errors(words):
    for hk in LIBRARIES:
        with pytest.raises((AssertionError, ValueError, AttributeError), match=words):
            ERRORS[words](hk.data_structures)


def frozen():
    return haiku_impl.data_structures.to_immutable_dict({"a": {"b": 1, "c": 2}})


def test_an_immutable_dict_can_be_hashed_and_given_to_jit_as_static():
    f = jax.jit(lambda options: options["a"]["b"] + 1, static_argnums=0)
    assert int(f(frozen())) == int(f(frozen())) == 2
    assert hash(frozen()) == hash(frozen())
    assert f._cache_size() == 1


def test_an_immutable_dict_can_not_be_changed():
    with pytest.raises(TypeError, match="does not support item assignment"):
        frozen()["a"]["b"] = 2
    with pytest.raises(AttributeError):
        frozen().a = 2
    with pytest.raises(KeyError):
        frozen()["a"]["missing"]


@pytest.mark.parametrize(
    "clone", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
@pytest.mark.parametrize("keep", [False, True])
def test_a_copy_is_a_plain_dict_unless_that_is_set(clone, keep):
    with haiku_impl.config.context(restore_flatmap=keep):
        copied = clone(frozen())
    assert copied == {"a": {"b": 1, "c": 2}} == frozen()
    assert type(copied) is (type(frozen()) if keep else dict)


def test_a_stack_for_each_thread_can_be_entered_and_looked_into():
    stack = haiku_impl.data_structures.ThreadLocalStack()
    with stack(1), stack(2):
        assert (stack.peek(), stack.peek(-2), len(stack)) == (2, 1, 2)
        assert list(stack.map(lambda x: 10 * x)) == [20, 10]
    assert len(stack) == 0
