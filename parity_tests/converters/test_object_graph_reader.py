"""Object graphs of TensorFlow's checkpoints: escapes, sharing, cycles, slots, paths."""

import numpy as np
import pytest
import tensorflow as tf

from sonnax import converters
from sonnax.converters.format.object_graph import escape, unescape

NAMES = ["a", "a.b", "a/b", ".", "..", "/", "./", "/.", ".S", "..S", "S", "ü", "...S/"]
SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"


def save(tmp_path, **objects):
    path = tf.train.Checkpoint(**objects).write(str(tmp_path / "saved"))
    return converters.open_checkpoint(path)


@pytest.mark.parametrize("name", [*NAMES, "", "S./.S"])
def test_escapes_are_undone(name):
    assert unescape(escape(name)) == name
    assert "/" not in escape(name)


def test_paths_are_tensorflows_keys(tmp_path):
    module = tf.Module()
    module.table = {name: tf.Variable(float(i)) for i, name in enumerate(NAMES)}
    checkpoint = save(tmp_path, module=module)
    found = dict(checkpoint.object_graph.variables())
    assert len(found) == len(NAMES)
    for i, name in enumerate(NAMES):
        path = f"module/table/{escape(name)}"
        assert found[path] == path + SUFFIX
        assert checkpoint[path + SUFFIX] == float(i)
        node = checkpoint.object_graph.find(path)
        assert checkpoint.object_graph.names(node) == ("module", "table", name)


def test_shared_variables_have_their_shortest_path(tmp_path):
    deep, shared = tf.Module(), tf.Variable(1.0)
    deep.inner = tf.Module()
    deep.inner.w = shared
    deep.inner.back = deep
    checkpoint = save(tmp_path, a_deep=deep, w=shared)
    graph = checkpoint.object_graph
    assert dict(graph.variables()) == {"w": "w" + SUFFIX}
    assert graph.find("a_deep/inner/w") == graph.find("w")
    assert graph.find("a_deep/inner/back/inner/back/inner/w") == graph.find("w")
    assert graph.find("a_deep/inner/none") is None
    assert graph.find("") == 0
    lines = [(name, first) for _, name, _, first in graph.walk()]
    assert ("back", False) in lines


def test_slot_variables_of_tensorflows_optimizers(tmp_path):
    variable = tf.Variable([1.0, 2.0], name="v")
    optimizer = tf.compat.v1.train.AdamOptimizer(0.1)
    optimizer.apply_gradients([(tf.constant([0.5, 0.25]), variable)])
    checkpoint = save(tmp_path, net=variable, optimizer=optimizer)
    graph = checkpoint.object_graph
    slots = {slot.slot_name: slot for owner, slot in graph.slots()}
    assert sorted(slots) == ["m", "v"]
    assert {owner for owner, _ in graph.slots()} == {graph.find("optimizer")}
    for name, slot in slots.items():
        assert slot.variable == graph.find("net")
        key = graph.nodes[slot.node].key
        assert key == f"net/.OPTIMIZER_SLOT/optimizer/{name}{SUFFIX}"
        expected = optimizer.get_slot(variable, name).numpy()
        assert checkpoint[key].tolist() == expected.tolist()
        assert graph.path(slot.node) is None


def test_what_is_no_variable_keeps_its_attributes(tmp_path):
    table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
    table.insert([b"a", b"b"], [1, 2])
    checkpoint = save(tmp_path, table=table)
    node = checkpoint.object_graph.nodes[checkpoint.object_graph.find("table")]
    assert node.key is None
    (prefix,) = node.attributes.values()
    assert sorted(checkpoint[f"{prefix}-keys"].tolist()) == [b"a", b"b"]
    assert sorted(checkpoint[f"{prefix}-values"].tolist()) == [1, 2]


def test_iterators_are_listed_and_refused(tmp_path):
    iterator = iter(tf.data.Dataset.range(5))
    next(iterator)
    checkpoint = save(tmp_path, iterator=iterator, w=tf.Variable(1.0))
    (name,) = (n for n in checkpoint if checkpoint.info(n).dtype_name == "variant")
    assert checkpoint.verify() == 3
    assert checkpoint["w" + SUFFIX] == np.float32(1.0)
    with pytest.raises(converters.UnsupportedCheckpointError, match="type variant"):
        checkpoint[name]


def test_checkpoints_saved_by_names_have_no_graph(tmp_path):
    converters.write_bundle(tmp_path / "plain", {"w": [1]})
    assert converters.open_checkpoint(tmp_path / "plain").object_graph is None
