"""The recorder stands by itself, and a recording survives the way through files."""

import ast
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import ml_dtypes
import numpy as np
import pytest

import sonnax.parity.recorder
from sonnax.parity import Run, read_recording
from sonnax.parity.recorder.capture import Capture
from sonnax.parity.recorder.model_file import arguments
from sonnax.parity.recorder.recording import add_run, write_recording
from sonnax.parity.recorder.structure import flatten, walk

from .recordings import call, chain, recording

FOLDER = Path(sonnax.parity.recorder.__file__).parent
FILES = sorted(FOLDER.glob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_recorder_is_python_3_8_and_imports_nothing_of_sonnax(file):
    tree = ast.parse(file.read_text(), feature_version=(3, 8))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level <= 1
            assert not (node.module or "").startswith("sonnax")
        if isinstance(node, ast.Import):
            assert {name.name.split(".")[0] for name in node.names} <= {
                *sys.stdlib_module_names,
                *("numpy", "ml_dtypes", "tensorflow", "sonnet"),
            }


def test_a_copy_of_the_folder_runs_without_sonnax(tmp_path):
    (tmp_path / "recorder").symlink_to(FOLDER)
    code = (
        "import sys, recorder.process, recorder.session;"
        "print(any(name.split('.')[0] == 'sonnax' for name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout == "False\n", done.stderr


def test_a_recording_comes_back_as_it_was(tmp_path):
    shared = np.arange(6, dtype=np.float32).reshape(2, 3)
    special = np.array([1.5, np.nan], ml_dtypes.bfloat16)
    calls = [call("model/0", 1, 2), call("model", 0, 3)]
    calls[0].outputs = {"": shared, "state/hidden": special}
    calls[1].inputs = {"0": shared}
    made = recording(
        calls,
        variables={"model/w": np.int64(7)},
        loss=0.5,
        gradients={"model/w": shared},
        losses=[0.5, float("nan")],
        trained={2: {"model/w": shared}},
    )
    made.inputs = {"file": shared, "training": np.array(True)}
    write_recording(made, str(tmp_path))
    found = read_recording(str(tmp_path))
    assert found.source == made.source
    assert found.inputs["training"].item() is True
    run, expected = found.runs["float32"], made.runs["float32"]
    assert [c.key for c in run.calls] == [c.key for c in expected.calls]
    state = run.calls[0].outputs["state/hidden"]
    assert state.dtype == special.dtype
    assert state.tobytes() == special.tobytes()
    assert run.calls[1].inputs["0"] is run.calls[0].outputs[""]  # once in the file
    assert run.variables["model/w"].dtype == np.int64
    assert np.isnan(run.losses[1])
    np.testing.assert_array_equal(run.trained[2]["model/w"], shared)


def test_a_run_is_added_to_a_recording(tmp_path):
    write_recording(recording(chain(1)), str(tmp_path))
    add_run(str(tmp_path), "float64", Run(calls=chain(2)))
    assert sorted(read_recording(str(tmp_path)).runs) == ["float32", "float64"]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_leaves_of_nested_values_have_paths():
    from collections import namedtuple

    state = namedtuple("state", "hidden cell")
    value = {"b": [1, (), {}], "a": state(2, None)}
    assert list(flatten(value)) == [("a/hidden", 2), ("a/cell", None), ("b/0", 1)]


def test_objects_have_their_shortest_path_and_cycles_end():
    class Node:
        pass

    root, leaf = Node(), Node()
    root.deep, root.leaf, leaf.parent = {"x": [leaf]}, leaf, root
    paths = {id(v): p for p, v in walk({"net": root}, lambda v: isinstance(v, Node))}
    assert paths[id(root)] == "net"
    assert paths[id(leaf)] == "net/leaf"


def test_a_variable_is_recorded_as_it_was_at_each_call():
    import tensorflow as tf

    from sonnax.parity.recorder.sonnet_side import unchanging_leaves

    side = SimpleNamespace(to_numpy=np.asarray, precision="float32")
    capture = Capture(side)
    variable, array, module = tf.Variable(1.0), np.ones(1), SimpleNamespace(name="m")
    for value in (2.0, 3.0):
        given = unchanging_leaves([variable, array])
        capture.enter(module, "__call__")
        variable.assign(value)
        array += 1
        capture.leave(given, unchanging_leaves([variable]))
    first, second = capture.calls({id(module): "m"})
    assert [float(first.inputs[k].item()) for k in "01"] == [1.0, 1.0]
    assert [float(second.inputs[k].item()) for k in "01"] == [2.0, 2.0]
    assert [c.outputs["0"].item() for c in (first, second)] == [2.0, 3.0]


def test_arguments_are_passed_by_position_name_and_kind():
    inputs = {
        "arr_0": np.ones(2),
        "arr_1": np.array(3),
        "is_training": np.array(False),
        "mode": np.array("sum"),
        "scale": np.array(0.5),
    }
    positional, named = arguments(inputs, lambda array: ("array", array.shape))
    assert positional == [("array", (2,)), 3]
    assert named == {"is_training": False, "mode": "sum", "scale": ("array", ())}
