"""A checkpoint that TensorFlow wrote comes out of each export format bit for bit."""

import json
import os
import subprocess
import sys
import tracemalloc

import ml_dtypes
import numpy as np
import orbax.checkpoint as ocp
import pytest
import tensorflow as tf
from safetensors import safe_open

from sonnax.converters import ChecksumError, open_checkpoint
from sonnax.converters.exporting.difference import difference
from sonnax.converters.exporting.export import ExportError, export
from sonnax.converters.exporting.exported_file import open_arrays
from sonnax.converters.parameter_keys import flat_key, module_and_name
from sonnax.demo import DATA

NUMBERS = {
    "bool": np.array([True, False]),
    "int8": np.array([-3, 4], np.int8),
    "int16": np.array([-300], np.int16),
    "int32": np.array([[1, -2], [3, 4]], np.int32),
    "int64": np.array(1 << 40),
    "uint8": np.array([255], np.uint8),
    "uint16": np.array([65535], np.uint16),
    "uint32": np.array([1 << 31], np.uint32),
    "uint64": np.array([1 << 63], np.uint64),
    "float16": np.array([1.5, -np.inf], np.float16),
    "bfloat16": np.array([[1.5, -2.25]], ml_dtypes.bfloat16),
    "float32": np.array([np.nan, -0.0, 1e-45], np.float32),
    "float64": np.linspace(0, 1, 7).reshape(7, 1),
    "complex64": np.array([1 - 2j], np.complex64),
    "empty": np.zeros((0, 3), np.float32),
}


def save_names(prefix, arrays):
    """Writes a name-based checkpoint with TensorFlow."""
    tensors = [tf.constant(array) for array in arrays.values()]
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=list(arrays),
        shape_and_slices=[""] * len(arrays),
        tensors=tensors,
    )
    return prefix


@pytest.fixture(scope="module")
def numbers(tmp_path_factory):
    arrays = {f"net/{name}": array for name, array in NUMBERS.items()}
    return save_names(tmp_path_factory.mktemp("numbers") / "model.ckpt", arrays)


def assert_bits_equal(actual, expected):
    assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
    assert actual.tobytes() == expected.tobytes()


@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
def test_every_dtype_survives_bit_for_bit(numbers, tmp_path, suffix):
    exported = export(numbers, tmp_path / f"model{suffix}")
    arrays = open_arrays(exported.path)
    assert set(arrays) == {f"net/{name}" for name in NUMBERS}
    for name, expected in NUMBERS.items():
        assert_bits_equal(arrays[f"net/{name}"], expected)
    assert not difference(numbers, exported.path)
    assert exported.nbytes == sum(array.nbytes for array in NUMBERS.values())


def test_npz_is_plain_numpy_and_bfloat16_a_view_away(numbers, tmp_path):
    path = export(numbers, tmp_path / "model.npz").path
    with np.load(path) as arrays:
        np.testing.assert_array_equal(arrays["net/float32"], NUMBERS["float32"])
        restored = arrays["net/bfloat16"].view(ml_dtypes.bfloat16)
    assert_bits_equal(restored, NUMBERS["bfloat16"])


def test_safetensors_carry_origin_and_module_structure(tmp_path):
    path = export(DATA, tmp_path / "model.safetensors", select="model/mlp/*").path
    with safe_open(path, framework="np") as file:
        metadata = file.metadata()
        assert file.get_tensor("model/mlp/_layers/1/w").shape == (32, 10)
    assert metadata["origin"] == "ckpt-300"
    assert json.loads(metadata["modules"]) == {
        "model/mlp/_layers/0": ["b", "w"],
        "model/mlp/_layers/1": ["b", "w"],
    }


def test_safetensors_are_aligned_to_their_items(numbers, tmp_path):
    path = export(numbers, tmp_path / "model.safetensors").path
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    assert length % 8 == 0
    for name, array in NUMBERS.items():
        assert header[f"net/{name}"]["data_offsets"][0] % array.itemsize == 0


@pytest.mark.parametrize("dtype", [None, "bfloat16"])
def test_orbax_restores_the_nested_dict(tmp_path, dtype):
    exported = export(DATA, tmp_path / "model", dtype=dtype)
    checkpointer = ocp.StandardCheckpointer()
    tree = checkpointer.restore(exported.path)
    metadata = checkpointer.metadata(exported.path).custom_metadata
    assert metadata["origin"] == "ckpt-300"
    checkpoint = open_checkpoint(DATA)
    assert sum(map(len, tree.values())) == len(exported.keys) == 45
    for key, flat in exported.keys.items():
        module, name = module_and_name(flat)
        expected = checkpoint[key]
        if dtype and expected.dtype == np.float32:
            expected = expected.astype(dtype)
        assert_bits_equal(np.asarray(tree[module][name]), expected)
    with pytest.raises(ExportError, match="exists already"):
        export(DATA, exported.path)


FULL = """
import resource, sys
from sonnax import converters
from sonnax.converters import export
converters.export  # what is imported later may write a cache
import orbax.checkpoint
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
try:
    export(sys.argv[1], sys.argv[2])
except converters.ExportError as error:
    print(error)
"""


@pytest.mark.parametrize("name", ["model", "model.npz", "model.safetensors"])
def test_a_full_disk_is_an_error_that_leaves_nothing(name, tmp_path):
    # No file may grow beyond 2,000 bytes, which fails as a full disk does.
    ran = subprocess.run(
        [sys.executable, "-c", FULL, str(DATA), str(tmp_path / name)],
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith(f"{tmp_path / name}: ")
    assert "can't" in ran.stdout
    assert len(ran.stdout.splitlines()) == 1
    assert os.listdir(tmp_path) == []


def test_orbax_refuses_what_it_would_lose(numbers, tmp_path):
    with pytest.raises(ExportError, match=r"'net/empty'.*shape \(0, 3\)"):
        export(numbers, tmp_path / "model")
    names = {"a/b.c": np.ones(1), "a.b/c": np.ones(2)}
    clashing = save_names(tmp_path / "names.ckpt", names)
    with pytest.raises(ExportError, match="one name; rename"):
        export(clashing, tmp_path / "model")


def test_orbax_missing_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "orbax.checkpoint", None)
    with pytest.raises(ExportError, match=r"pip install 'sonnax\[orbax\]'"):
        export(DATA, tmp_path / "model")


def test_casting_touches_floating_point_only(numbers, tmp_path):
    path = export(numbers, tmp_path / "model.safetensors", dtype="bfloat16").path
    arrays = open_arrays(path)
    for name, before in NUMBERS.items():
        floating = "float" in before.dtype.name
        expected = before.astype(ml_dtypes.bfloat16) if floating else before
        assert_bits_equal(arrays[f"net/{name}"], expected)


def test_select_and_mapping_choose_and_rename_whole_keys(tmp_path):
    exported = export(
        DATA,
        tmp_path / "model.npz",
        select=["model/convs/*", "model/mlp/*/b"],
        mapping={r"model/convs/(\d+)/w": r"conv_\1/kernel", r"model/(.*)": r"\1"},
    )
    assert sorted(exported.keys.values()) == [
        "conv_0/kernel",
        "conv_1/kernel",
        "mlp/_layers/0/b",
        "mlp/_layers/1/b",
    ]
    assert len(exported.left_out) == 41
    assert set(open_arrays(exported.path)) == set(exported.keys.values())


REFUSED = {
    "unknown suffix": ({"destination": "model.h5"}, r"can't write.*'\.h5'"),
    "nothing selected": ({"select": "modle/*"}, "none of the 45 tensors.*modle"),
    "clashing names": ({"mapping": {r".*/(\w+)": r"\1"}}, "would both become"),
    "no name left": ({"mapping": {"step": ""}}, "tensor 'step/.*has no name"),
    "broken pattern": ({"mapping": {"(": ""}}, "not a regular expression"),
    "missing group": ({"mapping": {"step": r"\1"}}, "not a regular expression"),
    "unknown dtype": ({"dtype": "float33"}, "no such dtype"),
    "integer dtype": ({"dtype": "int32"}, "floating-point dtypes only"),
    "no folder": ({"destination": "none/model.npz"}, "can't be written: No such"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_say_what_was_wrong_and_leave_nothing(case, tmp_path):
    arguments, message = REFUSED[case]
    arguments = {"destination": "model.npz"} | arguments
    destination = tmp_path / arguments.pop("destination")
    with pytest.raises(ExportError, match=message):
        export(DATA, destination, **arguments)
    assert list(tmp_path.iterdir()) == []


UNSTORABLE = {
    "strings": (".npz", "s", np.array([b"ab"], object), "no form for object"),
    "complex128": (".safetensors", "z", np.array([1j]), "no form for complex128"),
    "a reserved key": (
        ".safetensors",
        "__metadata__",
        np.ones(1),
        "can't hold the key",
    ),
}


@pytest.mark.parametrize("case", UNSTORABLE)
def test_what_a_format_cannot_hold_is_refused_by_name(case, tmp_path):
    suffix, name, array, message = UNSTORABLE[case]
    prefix = save_names(tmp_path / "ckpt", {name: array})
    with pytest.raises(ExportError, match=f"tensor '{name}': .*{message}.*select"):
        export(prefix, tmp_path / f"model{suffix}")


@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
def test_a_failed_export_leaves_the_old_file(suffix, tmp_path):
    names = {"a": np.arange(9.0), "b": np.arange(99.0)}
    prefix = save_names(tmp_path / "ckpt", names)
    data = tmp_path / "ckpt.data-00000-of-00001"
    damaged = bytearray(data.read_bytes())
    damaged[-1] ^= 1
    data.write_bytes(damaged)
    destination = tmp_path / f"model{suffix}"
    destination.write_bytes(b"old")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ChecksumError, match="tensor 'b'"):
        export(prefix, destination)
    assert destination.read_bytes() == b"old"
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
def test_one_extra_tensor_is_held_at_most(suffix, tmp_path):
    names = {f"w{i}": np.full(1 << 20, i, np.float32) for i in range(8)}
    prefix = save_names(tmp_path / "ckpt", names)
    tracemalloc.start()
    export(prefix, tmp_path / f"model{suffix}", dtype="float64")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    cast_tensor = 8 << 20
    assert peak < 1.2 * cast_tensor


def test_same_tensors_give_the_same_bytes(tmp_path):
    first = export(DATA, tmp_path / "a.npz").path.read_bytes()
    second = export(DATA, tmp_path / "b.npz").path.read_bytes()
    assert first == second


def test_progress_counts_tensors(tmp_path):
    seen = []
    export(
        DATA,
        tmp_path / "model.npz",
        select="model/mlp/*",
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_keys_split_at_the_last_slash():
    suffix = "/.ATTRIBUTES/VARIABLE_VALUE"
    assert flat_key(f"model/_layers/0/w{suffix}") == "model/_layers/0/w"
    slot = f"model/w/.OPTIMIZER_SLOT/optimizer/m{suffix}"
    assert module_and_name(flat_key(slot)) == (
        "model/w/.OPTIMIZER_SLOT/optimizer",
        "m",
    )
    assert module_and_name("step") == ("", "step")


DIFFERENCES = {
    "one step up": (np.array([1.0, 2.0]), np.array([1.0, 2.5]), 0.5),
    "same NaN": (np.array([np.nan, 1.0]), np.array([np.nan, 1.0]), None),
    "new NaN": (np.array([0.0]), np.array([np.nan]), np.nan),
    "signed zero": (np.array([0.0]), np.array([-0.0]), 0.0),
    "wider dtype": (np.array([1, 2], np.int32), np.array([1, 2], np.int64), 0.0),
    "complex": (np.array([1 + 1j]), np.array([1 - 1j]), 2.0),
    "infinities": (np.array([np.inf]), np.array([-np.inf]), np.inf),
}


def test_difference_measures_each_change(tmp_path):
    first = {name: row[0] for name, row in DIFFERENCES.items()} | {"old": np.ones(1)}
    second = {name: row[1] for name, row in DIFFERENCES.items()} | {"new": np.ones(1)}
    for arrays in first, second:
        arrays["text"] = np.array([b"a", b"b"], object)
    second["text"] = np.array([b"a", b"c"], object)
    first["shape"], second["shape"] = np.ones((2, 3)), np.ones((3, 2))
    found = difference(
        save_names(tmp_path / "a", first), save_names(tmp_path / "b", second)
    )
    assert (found.added, found.removed, found.unchanged) == (("new",), ("old",), 1)
    measured = {change.key: change.max_difference for change in found.changed}
    assert measured.pop("text") is None
    assert measured.pop("shape") is None
    expected = {name: row[2] for name, row in DIFFERENCES.items() if row[2] is not None}
    assert measured.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_equal(measured[name], value)


@pytest.mark.parametrize("name", ["model.safetensors", "model.npz"])
@pytest.mark.parametrize("content", [b"", b"\x01" * 30, None])
def test_unreadable_exported_files_are_named(name, content, tmp_path):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=name):
        open_arrays(path)
