"""The `sonnax` command: what it prints, and how it ends."""

import json
import shutil

import click.testing
import numpy as np
import pytest
import tensorflow as tf

from sonnax.cli.graph_tree import tree_lines
from sonnax.cli.main import main
from sonnax.cli.plain_text import columns
from sonnax.converters import open_checkpoint
from sonnax.converters.format.object_graph import Node, ObjectGraph
from sonnax.demo import DATA

PREFIX = DATA / "ckpt-300"
DATA_FILE = "ckpt-300.data-00000-of-00001"


def run(*arguments):
    runner = click.testing.CliRunner()
    return runner.invoke(main, [str(each) for each in arguments])


def run_json(*arguments):
    return json.loads(run(*arguments, "--json").stdout)


@pytest.fixture
def copy(tmp_path):
    """A copy of the demo's folder, to be damaged."""
    return shutil.copytree(DATA, tmp_path / "model")


def save_names(prefix, arrays):
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=list(arrays),
        shape_and_slices=[""] * len(arrays),
        tensors=[tf.constant(array) for array in arrays.values()],
    )
    return prefix


def test_inspect_lists_every_tensor_that_tensorflow_lists():
    listed = run_json("inspect", DATA)["tensors"]
    assert [(each["key"], each["shape"]) for each in listed] == sorted(
        tf.train.list_variables(str(PREFIX))
    )
    lines = run("inspect", DATA).stdout.splitlines()
    row = next(line for line in lines if line.startswith("model/mlp/_layers/0/w "))
    assert row.split() == ["model/mlp/_layers/0/w", "[256,", "32]", "float32", "32768"]
    assert "46 tensors, 135.9 KiB" in lines
    assert "every checksum matches" in lines


def test_inspect_draws_the_object_graph():
    result = run("inspect", PREFIX)
    tree = result.stdout[result.stdout.index("root\n") :]
    assert "│   ├── convs\n│   │   ├── 0\n│   │   │   └── w  digit_classifier/" in tree
    nodes = run_json("inspect", PREFIX)["object_graph"]
    model = nodes[nodes[0]["children"]["model"]]
    assert set(model["children"]) == {"convs", "norms", "flatten", "mlp"}
    step = nodes[nodes[0]["children"]["step"]]
    assert step["keys"] == {"VARIABLE_VALUE": "step/.ATTRIBUTES/VARIABLE_VALUE"}


def test_inspect_of_a_directory_shows_the_latest_and_names_all():
    result = run("inspect", DATA)
    assert result.stdout.startswith(f"{PREFIX}: TensorFlow checkpoint, V2\n")
    assert "one of 2 checkpoints: ckpt-200, ckpt-300" in result.stdout
    assert run_json("inspect", f"{DATA}@200")["path"].endswith("ckpt-200")


def test_inspect_of_a_large_checkpoint_leaves_its_bytes_alone(copy, monkeypatch):
    monkeypatch.setattr("sonnax.cli.inspect_command.VERIFIED_UP_TO", 1000)
    flip(copy / DATA_FILE, 20_000)
    result = run("inspect", copy)
    assert result.exit_code == 0
    assert "checksums not checked" in result.stdout
    assert run_json("inspect", copy)["verified"] is False


def test_inspect_shows_the_signatures_of_a_saved_model(tmp_path):
    module = tf.Module()
    module.scale = tf.Variable([2.0, 3.0], name="scale")
    module.double = tf.function(
        lambda x: {"doubled": module.scale * x},
        input_signature=[tf.TensorSpec([None, 2], tf.float32, name="x")],
    )
    tf.saved_model.save(module, tmp_path, signatures={"double": module.double})
    result = run("inspect", tmp_path)
    assert "TensorFlow SavedModel" in result.stdout
    assert "signature double  tags: serve\n  in  x  [?, 2]  float32" in result.stdout
    listed = {
        each["name"]: each for each in run_json("inspect", tmp_path)["signatures"]
    }
    assert listed["double"]["outputs"] == {
        "doubled": {"shape": [None, 2], "dtype": "float32"}
    }
    scale = next(
        t for t in run_json("inspect", tmp_path)["tensors"] if "scale" in t["name"]
    )
    assert (scale["name"], scale["shape"]) == ("scale", [2])


def test_verify_counts_what_it_checked():
    result = run("verify", PREFIX)
    assert result.stdout == f"{PREFIX}: 46 tensors, 135.9 KiB: all checksums match\n"
    assert result.stderr == ""
    summary = run_json("verify", PREFIX)
    assert (summary["tensors"], summary["verified"]) == (46, True)


def test_diff_ends_with_1_where_something_differs(tmp_path):
    first = save_names(tmp_path / "a", {"w": np.zeros(2), "b": np.ones(1), "c": [1, 2]})
    second = save_names(tmp_path / "b", {"w": np.array([0, 0.5]), "c": [1, 2], "d": 1})
    result = run("diff", first, second)
    assert result.exit_code == 1
    assert [line.split() for line in result.stdout.splitlines()[1:]] == [
        ["removed", "b"],
        ["added", "d"],
        ["changed", "w", "0.5", "float64", "[2]"],
        ["1", "added,", "1", "removed,", "1", "changed,", "1", "the", "same"],
    ]
    assert run_json("diff", first, second)["changed"] == [
        {
            "name": "w",
            "shapes": [[2], [2]],
            "dtypes": ["float64", "float64"],
            "max_difference": 0.5,
        }
    ]


def test_diff_json_says_nan_as_a_string(tmp_path):
    first = save_names(tmp_path / "a", {"w": np.zeros(1)})
    second = save_names(tmp_path / "b", {"w": np.array([np.nan])})
    assert run_json("diff", first, second)["changed"][0]["max_difference"] == "nan"


def test_convert_loses_nothing(tmp_path):
    for name in "model.safetensors", "model.npz":
        result = run("convert", DATA, tmp_path / name)
        assert result.stdout == f"{tmp_path / name}: 45 tensors, 130.2 KiB\n"
        assert run("diff", DATA, tmp_path / name).exit_code == 0


def test_convert_selects_renames_and_casts(tmp_path):
    destination = tmp_path / "mlp.npz"
    result = run(
        *("convert", PREFIX, destination, "--dtype", "float16"),
        *("--select", "model/mlp/*/w", "--map", r"model/mlp/_layers/(.*)=layer_\1"),
    )
    assert result.stdout.endswith("2 tensors, 16.6 KiB, 43 left out\n")
    with np.load(destination) as arrays:
        assert {key: arrays[key].dtype.name for key in arrays} == {
            "layer_0/w": "float16",
            "layer_1/w": "float16",
        }


@pytest.mark.parametrize("name", ["model.npz", "model.safetensors", "model"])
def test_convert_overwrites_only_when_it_is_told_to(name, tmp_path):
    (tmp_path / name).write_text("mine")
    result = run("convert", DATA, tmp_path / name)
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"Error: {tmp_path / name}: exists already; pass --force")
    assert (tmp_path / name).read_text() == "mine"
    forced = run("convert", DATA, tmp_path / name, "--force")
    assert forced.exit_code == (1 if name == "model" else 0)
    assert ((tmp_path / name).read_bytes() == b"mine") == (name == "model")


def flip(path, position):
    content = bytearray(path.read_bytes())
    content[position] ^= 16
    path.write_bytes(content)


def cut(path, size):
    path.write_bytes(path.read_bytes()[:size])


DAMAGE = {
    "a flipped bit of a tensor": (flip, DATA_FILE, 20_000, "tensor 'optimizer/m/3/"),
    "a truncated data file": (cut, DATA_FILE, 60_000, "tensor '"),
    "a flipped bit of the index": (flip, "ckpt-300.index", 500, "checksum"),
    "a truncated index": (cut, "ckpt-300.index", 1000, ""),
    "an empty index": (cut, "ckpt-300.index", 0, ""),
}


@pytest.mark.parametrize("command", ["inspect", "verify", "convert", "diff"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_one_line_that_names_file_and_tensor(damage, command, copy, tmp_path):
    act, name, position, message = DAMAGE[damage]
    act(copy / name, position)
    other = {"convert": [tmp_path / "out.npz"], "diff": [DATA]}.get(command, [])
    result = run(command, copy, *other)
    assert result.exit_code == 1
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"Error: {copy / name}")
    assert message in line
    assert not (tmp_path / "out.npz").exists()


def test_a_missing_checkpoint_is_one_line(tmp_path):
    result = run("inspect", tmp_path / "ckpt-1")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert str(tmp_path / "ckpt-1") in result.stderr


WRONG_USAGE = [
    ["inspect"],
    ["inspect", DATA, "--colour"],
    ["convert", DATA],
    ["convert", DATA, "model.npz", "--map", "no equals sign"],
    ["convert", DATA, "model.npz", "--dtype", "float33"],
    ["diff", DATA],
    ["unknown"],
]


@pytest.mark.parametrize("arguments", WRONG_USAGE)
def test_wrong_usage_ends_with_2(arguments):
    assert run(*arguments).exit_code == 2


def test_names_in_a_file_cannot_drive_the_terminal(tmp_path):
    prefix = save_names(tmp_path / "ckpt", {"w\x1b[2J\n\u202e": np.ones(1)})
    for arguments in ["inspect", prefix], ["diff", prefix, DATA]:
        output = run(*arguments).stdout
        assert "\x1b" not in output
        assert r"w\x1b[2J\n\u202e" in output


def test_an_absurd_name_pads_no_other_line():
    lines = columns(("name", "bytes"), [["x" * 10_000, "1"], ["y", "2"]])
    assert [len(line) < 200 for line in lines] == [True, False, True]


def test_a_deep_graph_is_drawn_in_linear_space():
    depth = 50_000
    nodes = [Node({"child": i + 1, "up": i // 2}, {}, {}) for i in range(depth)] + [
        Node({}, {"VARIABLE_VALUE": "key"}, {"VARIABLE_VALUE": "w"})
    ]
    lines = list(tree_lines(ObjectGraph(nodes)))
    assert len(lines) == 2 * depth + 1
    assert max(map(len, lines)) < 400


def test_slots_and_shared_objects_are_drawn_where_they_belong(tmp_path):
    variable = tf.Variable(tf.ones(2), name="w")
    holder = tf.Module()
    holder.w = holder.twin = variable
    optimizer = tf.compat.v1.train.AdamOptimizer(0.1)
    optimizer.apply_gradients([(tf.ones(2), variable)])
    prefix = tf.train.Checkpoint(net=holder, optimizer=optimizer).write(
        str(tmp_path / "ckpt")
    )
    lines = list(tree_lines(open_checkpoint(prefix).object_graph))
    assert "    ├── slot m of net/twin" in lines or "    ├── slot m of net/w" in lines
    assert any(line.endswith(("twin = net/w", "w = net/twin")) for line in lines)
