"""Files of dm-haiku's parameters: what people saved, and what attackers might."""

import contextlib
import io
import pickle
import random
from collections import OrderedDict

import haiku as hk
import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from sonnax import converters
from sonnax.converters import CheckpointError, UnsupportedCheckpointError

PARAMS = {
    "mlp/~/linear_0": {
        "w": np.arange(6, dtype=np.float32).reshape(2, 3),
        "b": np.zeros([0], np.float32),
    },
    "embed": {"embeddings": np.ones([2, 2], ml_dtypes.bfloat16)},
    "state": {"counter": np.array(3, np.int32), "mask": np.array([True, False])},
}


def assert_same(ours, theirs):
    assert jax.tree.structure(ours) == jax.tree.structure(theirs)
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        assert np.asarray(a).dtype == np.asarray(b).dtype
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


@pytest.mark.parametrize("name", ["params.npz", "params.pkl", "params"])
def test_parameters_survive_a_round_trip(name, tmp_path):
    converters.save_haiku(tmp_path / name, PARAMS)
    assert_same(converters.load_haiku(tmp_path / name), PARAMS)


def test_numpy_writes_and_reads_the_same_archives(tmp_path):
    flat = {f"{m}//{n}": a for m, bundle in PARAMS.items() for n, a in bundle.items()}
    flat.pop("embed//embeddings")  # NumPy does not know bfloat16
    np.savez(tmp_path / "theirs.npz", **flat)
    expected = {m: b for m, b in PARAMS.items() if m != "embed"}
    assert_same(converters.load_haiku(tmp_path / "theirs.npz"), expected)
    converters.save_haiku(tmp_path / "ours.npz", expected)
    with np.load(tmp_path / "ours.npz") as archive:
        assert {key: archive[key].tolist() for key in archive} == {
            key: array.tolist() for key, array in flat.items()
        }


ODD = {
    "jax's arrays": lambda: jax.tree.map(jnp.asarray, PARAMS),
    "a pair of params and state": lambda: ({"a": {"w": jnp.ones(2)}}, {"b": {}}),
    "fortran order": lambda: {
        "a": {"w": np.asfortranarray(np.arange(6).reshape(2, 3))}
    },
    "big endian": lambda: {"a": {"w": np.arange(3, dtype=">f8")}},
    "scalars": lambda: {"a": {"w": np.float32(2.5), "n": 7, "s": "text", "x": 1.5}},
    "an ordered dict": lambda: OrderedDict(a=OrderedDict(w=np.ones(2))),
    "views": lambda: {"a": {"w": np.arange(12).reshape(3, 4)[::2, 1:]}},
    "strings": lambda: {"a": {"s": np.array(["ab", "c"]), "b": np.array([b"ab"])}},
}


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("case", ODD)
def test_what_people_pickled_is_read(case, protocol, tmp_path):
    value = ODD[case]()
    (tmp_path / "params.pkl").write_bytes(pickle.dumps(value, protocol))
    found = converters.load_haiku(tmp_path / "params.pkl")
    expected = jax.tree.map(
        lambda x: np.asarray(x) if hasattr(x, "shape") else x,
        pickle.loads(pickle.dumps(value)),
    )
    if isinstance(expected, OrderedDict):
        expected = {key: dict(bundle) for key, bundle in expected.items()}
    if case == "big endian":
        expected = {"a": {"w": np.arange(3, dtype="f8")}}
    assert_same(found, expected)


def test_haikus_own_parameters_are_read(tmp_path):
    f = hk.transform(lambda x: hk.nets.MLP([3])(x))
    params = f.init(jax.random.PRNGKey(0), jnp.ones([1, 2]))
    (tmp_path / "params.pkl").write_bytes(pickle.dumps(params))
    found = converters.load_haiku(tmp_path / "params.pkl")
    assert_same(found, dict(params))


class Reduced:
    """Pickles as a call of any function with any arguments."""

    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call


def nested_tuples():
    value = ()
    for _ in range(80):
        value = (value, value)
    return value


def itself():
    value = []
    value.append(value)
    return value


FORBIDDEN = {
    "a function": lambda: print,
    "a call": lambda: Reduced(eval, ("1 + 1",)),
    "a module's function": lambda: {"w": Reduced(io.open, ("/etc/hostname",))},
    "objects in an array": lambda: np.array([print, None], object),
    "a set": lambda: {"w": {1, 2}},
    "an endless key": lambda: {nested_tuples(): 1},
    "itself": itself,
}


@pytest.mark.parametrize("case", FORBIDDEN)
def test_what_is_not_arrays_and_containers_is_refused(case, tmp_path):
    path = tmp_path / "params.pkl"
    if case == "an endless key":
        # What pickles it would have to hash it first.
        key = pickle.dumps(nested_tuples())[:-1]
        path.write_bytes(b"\x80\x04}" + key[key.index(b")") :] + b"K\x01s.")
    else:
        path.write_bytes(pickle.dumps(FORBIDDEN[case]()))
    with pytest.raises(CheckpointError, match=r"params\.pkl"):
        converters.load_haiku(path)


def test_the_refusal_names_what_was_asked_for(tmp_path):
    (tmp_path / "evil.pkl").write_bytes(pickle.dumps(Reduced(eval, ("1",))))
    with pytest.raises(UnsupportedCheckpointError, match=r"builtins\.eval"):
        converters.load_haiku(tmp_path / "evil.pkl")


def test_containers_that_share_without_end_are_refused_at_once(tmp_path):
    value = []
    for _ in range(60):
        value = [value, value]
    (tmp_path / "laughs.pkl").write_bytes(pickle.dumps(value))
    with pytest.raises(CheckpointError, match="as a tree"):
        converters.load_haiku(tmp_path / "laughs.pkl")


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_damaged_pickles_give_clear_errors(protocol, limits, tmp_path):
    sound = pickle.dumps(PARAMS, protocol)
    draw = random.Random(protocol)
    path = tmp_path / "params.pkl"
    for _ in range(400):
        data = bytearray(sound)
        for _ in range(draw.randint(1, 3)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        path.write_bytes(
            bytes(data[: draw.randint(1, len(data))]) if draw.random() < 0.2 else data
        )
        # Whatever is read is arrays; any error but a CheckpointError fails the test.
        with contextlib.suppress(CheckpointError):
            jax.tree.map(np.asarray, converters.load_haiku(path))


def test_an_archive_of_other_keys_is_refused(tmp_path):
    np.savez(tmp_path / "params.npz", w=np.ones(2))
    with pytest.raises(UnsupportedCheckpointError, match="no '//'"):
        converters.load_haiku(tmp_path / "params.npz")
