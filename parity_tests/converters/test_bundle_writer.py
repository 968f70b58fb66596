"""What sonnax writes, TensorFlow reads bit for bit; a failed write harms nothing."""

import os

import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf

from sonnax import converters
from sonnax.converters.format.state_file import record_latest
from sonnax.converters.format.tensor_dtypes import BY_NUMBER, STRING

RNG = np.random.default_rng(0)
ARRAYS = {
    "scalar": np.float32(1.5),
    "empty": np.zeros((3, 0), np.int64),
    "rank8": np.arange(2**8, dtype=np.int16).reshape((2,) * 8),
    "big endian": np.arange(5, dtype=">f8"),
    "transposed": np.arange(6.0).reshape(2, 3).T,
    "every other": np.arange(10, dtype=np.uint8)[::2],
    "list": [[1, 2], [3, 4]],
    "strings": np.array([b"a\0", b"", b"\xff" * 300], object),
    "text": ["łódź", "b\0"],
    "one string": "alone",
    "fixed": np.array([b"ab", b"c"]),
    "no strings": np.zeros((2, 0), object),
    "ключ/ÿ": np.array([True, False]),
}


def low_bits(dtype):
    """The bits of a byte that a value of the type can have."""
    if dtype == np.bool_:
        return 1
    four, two = ("int4", "uint4", "float4_e2m1fn"), ("int2", "uint2")
    return 15 if dtype.name in four else 3 if dtype.name in two else 255


def random_array(dtype):
    bits = RNG.integers(0, 256, (4, 3, dtype.itemsize), dtype=np.uint8)
    return (bits & low_bits(dtype)).view(dtype)[..., 0]


def as_stored(array):
    """An array of strings as bytes, an array of numbers in the machine's order."""
    array = np.asarray(array, object if np.asarray(array).dtype.kind in "SU" else None)
    if array.dtype != object:
        return array.astype(array.dtype.newbyteorder("="))
    strings = [s.encode() if isinstance(s, str) else s for s in array.reshape(-1)]
    return np.array([*strings, None], object)[:-1].reshape(array.shape)


def assert_tensorflow_reads(prefix, arrays):
    reader = tf.train.load_checkpoint(str(prefix))
    assert sorted(reader.get_variable_to_shape_map()) == sorted(arrays)
    checkpoint = converters.open_checkpoint(prefix)
    for name, array in arrays.items():
        expected = as_stored(array)
        value = reader.get_tensor(name)
        actual = np.asarray(value, object if isinstance(value, bytes) else None)
        assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype)
        ours = checkpoint[name]
        if expected.dtype == object:
            assert actual.tolist() == expected.tolist() == ours.tolist()
        else:
            assert actual.tobytes() == expected.tobytes() == ours.tobytes()


def test_every_dtype_and_layout_is_read_by_tensorflow(tmp_path):
    rows = [row for row in BY_NUMBER.values() if row.number != STRING]
    types = {row.numpy for row in rows if row.numpy is not None}
    arrays = {dtype.name: random_array(dtype) for dtype in types} | ARRAYS
    assert len(arrays) == 25 + len(ARRAYS)
    converters.write_bundle(tmp_path / "all", arrays)
    assert_tensorflow_reads(tmp_path / "all", arrays)


def test_twenty_thousand_tensors_are_read_by_tensorflow(tmp_path):
    arrays = {f"scope/{i % 7}/layer_{i}/w": np.int32(i) for i in range(20_000)}
    converters.write_bundle(tmp_path / "many", arrays)
    reader = tf.train.load_checkpoint(str(tmp_path / "many"))
    assert len(reader.get_variable_to_shape_map()) == 20_000
    for name in list(arrays)[::97]:
        assert reader.get_tensor(name) == arrays[name]


def test_tensors_are_aligned_in_the_file(tmp_path):
    converters.write_bundle(tmp_path / "m", ARRAYS | {"x": np.ones(3)})
    view = converters.open_checkpoint(tmp_path / "m")["x"]
    assert view.__array_interface__["data"][0] % 64 == 0


def test_an_object_graph_is_restored_by_tensorflow(tmp_path):
    key = "net/w/.ATTRIBUTES/VARIABLE_VALUE"
    graph = converters.ObjectGraph(
        [
            converters.Node({"net": 1}, {}, {}),
            converters.Node({"w": 2}, {}, {}),
            converters.Node({}, {"VARIABLE_VALUE": key}, {"VARIABLE_VALUE": "w"}),
        ]
    )
    converters.write_bundle(tmp_path / "ckpt-1", {key: np.arange(3.0)}, graph)
    net = tf.Module()
    net.w = tf.Variable(np.zeros(3))
    status = tf.train.Checkpoint(net=net).read(str(tmp_path / "ckpt-1"))
    status.assert_consumed()
    assert net.w.numpy().tolist() == [0.0, 1.0, 2.0]


def test_a_checkpoint_that_tensorflow_wrote_is_written_back(tmp_path):
    net = tf.Module()
    net.w, net.items = tf.Variable([1.0, 2.0]), [tf.Variable(3), tf.Variable(b"text")]
    net.me = net
    old = converters.open_checkpoint(
        tf.train.Checkpoint(net=net).write(str(tmp_path / "old"))
    )
    names = old.keys() - {converters.OBJECT_GRAPH_KEY}
    tensors = {name: old[name] for name in names}
    converters.write_bundle(tmp_path / "new", tensors, old.object_graph)
    net.w.assign([0.0, 0.0])
    status = tf.train.Checkpoint(net=net).read(str(tmp_path / "new"))
    status.assert_consumed()
    assert net.w.numpy().tolist() == [1.0, 2.0]


def test_writing_over_a_checkpoint_leaves_no_old_files(tmp_path):
    for i in range(4):
        converters.write_bundle(tmp_path / "m", {"w": np.full(i, i)})
        assert_tensorflow_reads(tmp_path / "m", {"w": np.full(i, i)})
        assert len(os.listdir(tmp_path)) == 2 + i % 2


class Interrupted(Exception):
    """What the user's machine does in the middle of a save."""


def test_an_interrupted_write_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    old = {"w": np.arange(5), "v": np.ones(3)}
    converters.write_bundle(tmp_path / "m", old)

    class Unreadable:
        def __array__(self, *args, **kwargs):
            raise Interrupted

    with pytest.raises(Interrupted):
        converters.write_bundle(tmp_path / "m", {"v": np.zeros(9), "w": Unreadable()})
    assert_tensorflow_reads(tmp_path / "m", old)
    assert len(os.listdir(tmp_path)) == 2

    replace, calls = os.replace, []

    def interrupted_replace(source, target):
        calls.append(target)
        if target.endswith(".index"):
            raise Interrupted
        replace(source, target)

    monkeypatch.setattr(os, "replace", interrupted_replace)
    with pytest.raises(Interrupted):
        converters.write_bundle(tmp_path / "m", {"w": np.zeros(9)})
    assert [os.path.splitext(call)[1][:5] for call in calls] == [".data"] * 2 + [
        ".inde"
    ]
    assert_tensorflow_reads(tmp_path / "m", old)


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"w": np.zeros(3, "datetime64[s]")}, "'w': .* no tensor of dtype datetime64"),
        ({"w": np.zeros(3, ml_dtypes.float8_e3m4)}, "no tensor of dtype float8_e3m4"),
        ({"w": np.array([b"a", 3], object)}, "can't hold a int, 3"),
        ({"": np.zeros(3)}, "needs a name"),
    ],
)
def test_what_tensorflow_can_not_store_is_refused(tmp_path, tensors, message):
    with pytest.raises(converters.UnsupportedCheckpointError, match=message):
        converters.write_bundle(tmp_path / "m", tensors)
    assert os.listdir(tmp_path) == []


def test_the_state_file_is_tensorflows(tmp_path):
    variable = tf.Variable(1.0)
    saved = tf.train.Checkpoint(v=variable)
    manager = tf.train.CheckpointManager(saved, str(tmp_path), max_to_keep=3)
    for step in (1, 2):
        manager.save(step)
    prefix = str(tmp_path / 'it\'s "new"-3')
    old = converters.open_checkpoint(tmp_path)
    converters.write_bundle(prefix, dict(old))
    record_latest(prefix)
    assert tf.train.latest_checkpoint(str(tmp_path)) == prefix
    assert converters.open_checkpoint(tmp_path).path == prefix
    state = tf.train.get_checkpoint_state(str(tmp_path))
    assert len(state.all_model_checkpoint_timestamps) == 3
    manager = tf.train.CheckpointManager(saved, str(tmp_path), max_to_keep=2)
    assert manager.checkpoints[-1] == prefix
    assert len(manager.checkpoints) == 3
    manager.save(4)
    record_latest(str(tmp_path / "ckpt-4"))
    assert tf.train.latest_checkpoint(str(tmp_path)) == str(tmp_path / "ckpt-4")
