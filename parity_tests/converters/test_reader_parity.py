"""What TensorFlow writes in this run, sonnax reads bit for bit as TensorFlow does."""

import os
import shutil

import numpy as np
import pytest
import sonnet as snt
import tensorflow as tf
from tensorflow.core.protobuf import trackable_object_graph_pb2

from sonnax import converters
from sonnax.converters.format.table import SNAPPY
from sonnax.converters.format.tensor_dtypes import BY_NUMBER, STRING

from .crafted_checkpoints import make_big_endian, read_records, write_records
from .tensorflow_checkpoints import (
    assert_reads_as_tensorflow,
    assert_same_bits,
    save_v1,
    save_v2,
)

STRINGS = [b"", b"a", b"\x00\xff\x00", "żółć".encode(), b"x" * 300, bytes(range(256))]
LOW_BITS = {"bool": 1, "int4": 15, "uint4": 15, "float4_e2m1fn": 15}
LOW_BITS |= {"int2": 3, "uint2": 3}


def random_tensor(dtype, shape=(3, 4)):
    """Returns a tensor of random bits of any of TensorFlow's numeric types."""
    rng = np.random.default_rng(dtype.number)
    bits = rng.integers(0, 256, (*shape, dtype.numpy.itemsize), dtype=np.uint8)
    array = (bits & LOW_BITS.get(dtype.name, 255)).view(dtype.numpy)[..., 0]
    if dtype.name.startswith("q"):
        return tf.bitcast(tf.constant(array), tf.dtypes.as_dtype(dtype.number))
    return tf.constant(array, tf.dtypes.as_dtype(dtype.number))


def assert_same_graph(graph, serialized):
    """Compares an object graph with what protobuf makes of it."""
    proto = trackable_object_graph_pb2.TrackableObjectGraph.FromString(serialized)
    assert len(graph) == len(proto.nodes)
    for node, expected in zip(graph.nodes, proto.nodes):
        assert list(node.children.items()) == [
            (child.local_name, child.node_id) for child in expected.children
        ]
        assert node.attributes == {
            each.name: each.checkpoint_key for each in expected.attributes
        }
        assert node.full_names == {
            each.name: each.full_name for each in expected.attributes
        }
        assert [
            (slot.variable, slot.slot_name, slot.node) for slot in node.slot_variables
        ] == [
            (s.original_variable_node_id, s.slot_name, s.slot_variable_node_id)
            for s in expected.slot_variables
        ]


def test_every_dtype_of_the_v2_format(tmp_path):
    dtypes = [
        d for d in BY_NUMBER.values() if d.numpy is not None and d.number != STRING
    ]
    tensors = [(dtype.name, random_tensor(dtype)) for dtype in dtypes]
    prefix = save_v2(tmp_path / "all", [*tensors, ("string", tf.constant(STRINGS))])
    checkpoint = assert_reads_as_tensorflow(prefix)
    assert len(checkpoint) == 31
    assert {checkpoint.info(name).dtype_name for name in checkpoint} == set(checkpoint)


def test_every_dtype_of_the_v1_format(tmp_path):
    dtypes = [d for d in BY_NUMBER.values() if d.v1_field and d.number != STRING]
    tensors = [(dtype.name, random_tensor(dtype)) for dtype in dtypes]
    path = save_v1(tmp_path / "model.ckpt", [*tensors, ("s", tf.constant(STRINGS))])
    checkpoint = assert_reads_as_tensorflow(path)
    assert (checkpoint.format, len(checkpoint)) == ("v1", 16)


@pytest.mark.parametrize("save", [save_v1, save_v2])
def test_shapes_from_scalars_to_rank_8(tmp_path, save):
    shapes = [(), (0,), (1,), (3, 0, 2), (2,) * 8, (1,) * 8, (5, 1, 7)]
    tensors = [(f"t{i}", tf.random.normal(shape)) for i, shape in enumerate(shapes)]
    tensors += [("s0", tf.constant(b"scalar")), ("s1", tf.zeros([2, 0], tf.string))]
    tensors += [("s2", tf.constant([[b"a", b"bc"], [b"", b"d"]]))]
    assert_reads_as_tensorflow(save(tmp_path / "shapes", tensors))


@pytest.mark.parametrize("save", [save_v1, save_v2])
def test_names_of_all_characters(tmp_path, save):
    names = ["a/b:0", "a b", "ü", "x" * 3000, "a\nb", "a\x01", "~", "'\"\\", "%s{}"]
    tensors = [(name, tf.constant(i)) for i, name in enumerate(names)]
    assert_reads_as_tensorflow(save(tmp_path / "names", tensors))


@pytest.mark.parametrize(("save", "count"), [(save_v1, 4_000), (save_v2, 20_000)])
def test_thousands_of_variables(tmp_path, save, count):
    values = np.arange(count, dtype=np.int32)
    names = [f"tower/block_{i // 100}/linear_{i}/w" for i in range(count)]
    path = save(tmp_path / "many", list(zip(names, tf.unstack(values))))
    checkpoint = converters.open_checkpoint(path)
    assert checkpoint.verify() == count
    assert all(checkpoint[name] == i for i, name in enumerate(names))


def test_a_name_larger_than_a_block(tmp_path):
    tensors = [("n" * 2_000_000, tf.constant(1.5)), ("o", tf.constant(2.5))]
    assert_reads_as_tensorflow(save_v2(tmp_path / "long", tensors))


def test_many_shards(tmp_path):
    prefixes = []
    for i in range(12):
        tensors = [(f"v{i}/{j}", tf.random.normal([i, j])) for j in range(3)]
        prefixes.append(save_v2(tmp_path / f"part{i}", tensors))
    merged = str(tmp_path / "merged")
    tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=prefixes, destination_prefix=merged
    )
    checkpoint = assert_reads_as_tensorflow(merged)
    assert checkpoint.info("v7/2").shard == 7


# Each row: the whole shape, and the slices as TensorFlow spells them.
PARTITIONS = [
    ([4, 3], ["0,1:-", "1,3:-"]),
    ([4, 6], ["0,4:0,3", "0,4:3,3"]),
    ([4, 6], ["0,2:0,3", "0,2:3,3", "2,2:0,1", "2,2:1,5"]),
    ([20_000], ["0,63", "63,1", "64,8127", "8191,1", "8192,11808"]),
    ([2, 3, 2], ["-:0,1:-", "-:1,2:0,1", "-:1,2:1,1"]),
    ([5], ["-"]),
    ([], [""]),
]


@pytest.mark.parametrize("save", [save_v1, save_v2])
@pytest.mark.parametrize("kind", ["float32", "int64", "string", "bool"])
def test_partitioned_variables(tmp_path, save, kind):
    tensors, slices, wholes = [], [], []
    for i, (shape, parts) in enumerate(PARTITIONS):
        whole = np.arange(int(np.prod(shape))).reshape(shape)
        if kind == "string":
            whole = np.char.encode(whole.astype(str)).astype(object)
        else:
            whole = whole % 2 == 0 if kind == "bool" else whole.astype(kind)
        wholes.append(whole)
        for part in parts:
            index = tuple(_slice(extent) for extent in part.split(":")) if part else ()
            values = tf.constant(whole[index], tf.dtypes.as_dtype(kind))
            tensors.append((f"v{i}", values))
            spelled = " ".join(map(str, shape)) + f" {part}"
            slices.append(spelled if part else "")
    path = save(tmp_path / "sliced", tensors, slices)
    checkpoint = converters.open_checkpoint(path)
    if (kind, save) != ("string", save_v2):  # which TensorFlow writes but can't read
        assert_reads_as_tensorflow(path)
    for i, (_, parts) in enumerate(PARTITIONS):
        assert_same_bits(checkpoint[f"v{i}"], wholes[i])
        stored = checkpoint.info(f"v{i}").slices
        assert len(stored) == (len(parts) if len(parts) > 1 else 0)
    part = checkpoint.info("v2").slices[2]
    assert (part.start, part.shape, part.index) == (
        (2, 0),
        (2, 1),
        (slice(2, 4), slice(0, 1)),
    )


def test_parts_of_a_tensor_read_no_other_slices(tmp_path):
    whole = np.arange(60.0).reshape(10, 6)
    names = [("w", tf.constant(whole[:4])), ("w", tf.constant(whole[4:]))]
    names.append(("v", tf.constant(whole)))
    slices = ["10 6 0,4:-", "10 6 4,6:-", ""]
    prefix = save_v2(tmp_path / "parts", names, slices)
    parts = [
        (slice(None), slice(None)),
        (slice(2, 7), slice(1, 3)),
        (slice(0, 4), slice(-1, None)),
        (slice(5, 5), slice(0, 2)),
        (slice(8, 100), slice(None, -2)),
    ]
    for path in (prefix, save_v1(tmp_path / "old", names, slices)):
        checkpoint = converters.open_checkpoint(path)
        for index in parts:
            for name in ("w", "v"):
                part = checkpoint.read(name, index=index)
                assert_same_bits(np.ascontiguousarray(part), whole[index].copy())
        with pytest.raises(ValueError, match="expected a slice of step 1 for each"):
            checkpoint.read("w", index=(slice(None),))
    prefix = save_v2(tmp_path / "damaged", names[:2], slices[:2])
    with open(f"{prefix}.data-00000-of-00001", "r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\xff")  # the last byte of the second slice
    checkpoint = converters.open_checkpoint(prefix)
    assert checkpoint.read("w", index=(slice(0, 3), slice(None))).tolist() == (
        whole[:3].tolist()
    )
    with pytest.raises(converters.ChecksumError, match="tensor 'w'"):
        checkpoint.read("w", index=(slice(3, 5), slice(None)))


def _slice(extent):
    if extent == "-":
        return slice(None)
    start, length = map(int, extent.split(","))
    return slice(start, start + length)


def test_partitioned_variables_in_several_shards(tmp_path):
    whole = np.arange(12.0).reshape(6, 2)
    for i in range(3):
        part = [("p", tf.constant(whole[2 * i : 2 * i + 2]))]
        save_v2(tmp_path / f"part{i}", part, [f"6 2 {2 * i},2:-"])
        save_v1(tmp_path / f"old-0000{i}-of-00003", part, [f"6 2 {2 * i},2:-"])
    tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=[str(tmp_path / f"part{i}") for i in range(3)],
        destination_prefix=str(tmp_path / "merged"),
    )
    checkpoint = assert_reads_as_tensorflow(str(tmp_path / "merged"))
    assert [part.shard for part in checkpoint.info("p").slices] == [0, 1, 2]
    sharded = converters.open_checkpoint(tmp_path / "old")
    assert sharded["p"].tolist() == whole.tolist()
    assert [part.shard for part in sharded.info("p").slices] == [0, 1, 2]
    assert converters.list_checkpoints(tmp_path)[1] == str(tmp_path / "old")


def test_partitioned_variables_of_a_saver(tmp_path):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        variable = tf.compat.v1.get_variable(
            "embed",
            [10, 3],
            partitioner=tf.compat.v1.fixed_size_partitioner(3),
            use_resource=False,
        )
        session.run(tf.compat.v1.global_variables_initializer())
        for version in (1, 2):
            saver = tf.compat.v1.train.Saver(write_version=version)
            saver.save(session, str(tmp_path / f"saver{version}"), global_step=5)
        expected = np.concatenate(session.run(list(variable)))
    for path in (str(tmp_path / "saver1-5"), str(tmp_path / "saver2-5")):
        checkpoint = assert_reads_as_tensorflow(path)
        assert_same_bits(checkpoint["embed"], expected)
        assert [part.shape for part in checkpoint.info("embed").slices] == [
            (4, 3),
            (3, 3),
            (3, 3),
        ]


@pytest.mark.parametrize("block_size", [64, 4096, 1 << 18])
def test_snappy_blocks(tmp_path, block_size):
    tensors = [(f"layer_{i}/w", tf.random.normal([i])) for i in range(300)]
    prefix = save_v2(tmp_path / "v2", tensors)
    path = save_v1(tmp_path / "v1", tensors)
    for table in (f"{prefix}.index", path):
        records = read_records(table)
        write_records(table, records, compression=SNAPPY, block_size=block_size)
    assert_reads_as_tensorflow(prefix)
    assert_reads_as_tensorflow(path)


def test_big_endian_checkpoints(tmp_path):
    kinds = ("float32", "float64", "int32", "int64", "bool", "bfloat16")
    kinds += ("complex64", "complex128")
    tensors = [(k, tf.cast(tf.constant([[1, 0], [3, 2]]), k)) for k in kinds]
    tensors += [("strings", tf.constant(STRINGS)), ("empty", tf.zeros([0]))]
    prefix = save_v2(tmp_path / "big", tensors)
    make_big_endian(prefix)
    checkpoint = assert_reads_as_tensorflow(prefix)
    assert checkpoint["complex64"].tolist() == [[1, 0], [3, 2]]
    assert checkpoint["float32"].dtype.isnative


def test_object_based_checkpoints_of_a_sonnet_model(tmp_path):
    model = snt.nets.MLP([5, 3])
    optimizer = snt.optimizers.Adam(0.1)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(tf.ones([2, 4])) ** 2)
    variables = model.trainable_variables
    optimizer.apply(tape.gradient(loss, variables), variables)
    saved = tf.train.Checkpoint(step=tf.Variable(3), model=model, optimizer=optimizer)
    manager = tf.train.CheckpointManager(saved, str(tmp_path), max_to_keep=2)
    for step in (8, 9, 10):
        manager.save(step)
    checkpoint = assert_reads_as_tensorflow(str(tmp_path))
    assert checkpoint.path == str(tmp_path / "ckpt-10")
    assert converters.list_checkpoints(tmp_path) == [
        str(tmp_path / "ckpt-9"),
        str(tmp_path / "ckpt-10"),
    ]
    assert converters.open_checkpoint(f"{tmp_path}@9").path == str(tmp_path / "ckpt-9")
    graph = checkpoint.object_graph
    assert_same_graph(graph, checkpoint[converters.OBJECT_GRAPH_KEY].item())
    keys = dict(graph.variables())
    assert keys["model/_layers/0/w"] == "model/_layers/0/w/.ATTRIBUTES/VARIABLE_VALUE"
    assert set(keys.values()) == set(checkpoint) - {converters.OBJECT_GRAPH_KEY}
    w = graph.nodes[graph.find("model/_layers/0/w")]
    assert w.full_names == {"VARIABLE_VALUE": "mlp/linear_0/w"}
    assert_same_bits(checkpoint[w.key], model.submodules[0].w.numpy())


def test_saved_models(tmp_path):
    class Scale(tf.Module):
        def __init__(self):
            super().__init__()
            self.scale = tf.Variable([1.0, 2.0])
            self.items = [tf.Variable(3)]

        @tf.function
        def serve(self, x: tf.TensorSpec([None, 2])):
            return {"y": x * self.scale}

    module = Scale()
    signature = module.serve.get_concrete_function(x=tf.TensorSpec([None, 2]))
    path = str(tmp_path / "model")
    tf.saved_model.save(module, path, signatures=signature)
    checkpoint = assert_reads_as_tensorflow(path)
    assert checkpoint.format == "saved_model"
    assert set(dict(checkpoint.object_graph.variables())) == {"scale", "items/0"}
    (serving,) = (s for s in checkpoint.signatures if s.name == "serving_default")
    assert serving.tags == ("serve",)
    assert serving.inputs == {"x": converters.TensorSpec((None, 2), "float32")}
    assert serving.outputs == {"y": converters.TensorSpec((None, 2), "float32")}


def test_a_moved_directory_of_a_saver_with_absolute_paths(tmp_path):
    old, new = tmp_path / "o'ld \"dir", tmp_path / "new"
    old.mkdir()
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.compat.v1.get_variable("v", initializer=[1.0, 2.0], use_resource=False)
        session.run(tf.compat.v1.global_variables_initializer())
        saver = tf.compat.v1.train.Saver(max_to_keep=2)
        for step in (1, 2, 3):
            saver.save(session, str(old / "model.ckpt"), global_step=step)
    assert converters.open_checkpoint(old).path == str(old / "model.ckpt-3")
    shutil.move(old, new)
    assert converters.open_checkpoint(new).path == str(new / "model.ckpt-3")
    assert converters.open_checkpoint(f"{new}@2")["v"].tolist() == [1.0, 2.0]
    assert converters.open_checkpoint(f"{new}/model.ckpt@2").path.endswith("ckpt-2")
    assert converters.open_checkpoint(f"{new}/model.ckpt-2.index").format == "v2"


def test_tensors_are_views_of_the_file(tmp_path):
    prefix = save_v2(tmp_path / "view", [("w", tf.random.normal([1000, 1000]))])
    checkpoint = converters.open_checkpoint(prefix)
    first, second = checkpoint["w"], checkpoint.read("w", verify=False)
    assert not first.flags.owndata
    assert np.shares_memory(first, second)
