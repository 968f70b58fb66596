"""Archives, safetensors, pickles and paths that were made to do harm."""

import collections
import io
import json
import os
import pickle
import subprocess
import sys
import time
import warnings
import zipfile

import click.testing
import numpy as np
import pytest

from sonnax import converters
from sonnax.cli.main import main
from sonnax.demo import DATA

pytestmark = pytest.mark.usefixtures("limits")

READERS = {
    ".npz": [converters.open_arrays, converters.load_haiku],
    ".safetensors": [converters.open_arrays],
    ".pkl": [converters.load_haiku],
    "": [converters.open_checkpoint, converters.list_checkpoints],
}


def npy(array):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def archive(*members, method=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as file:
        warnings.simplefilter("ignore")
        for name, data in members:
            file.writestr(name, data)
    return buffer.getvalue()


W = npy(np.arange(3.0))


def header(text):
    """An npy member whose header is any text."""
    encoded = text.encode()
    return b"\x93NUMPY\1\0" + len(encoded).to_bytes(2, "little") + encoded


def patched(data, old, new):
    assert old in data
    return data.replace(old, new)


def bomb(size):
    buffer = io.BytesIO()
    start = header(
        f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({size},), }}\n"
    )
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file,
        file.open("w.npy", "w") as member,
    ):
        member.write(start)
        for _ in range(0, size, 1 << 20):
            member.write(bytes(1 << 20))
    return buffer.getvalue()


ARCHIVES = {
    "a member that is no array": lambda: archive(("w.npy", b"text")),
    "a member with another ending": lambda: archive(("w.txt", W)),
    "an empty member": lambda: archive(("w.npy", b"")),
    "objects": lambda: archive(("w.npy", npy(np.array([None], object)))),
    "records": lambda: archive(("w.npy", npy(np.zeros(2, "i4,f4")))),
    "two of one name": lambda: archive(("w.npy", W), ("w.npy", W)),
    "zip 6.8": lambda: patched(
        archive(("w.npy", W)), b"PK\1\2\x14\3\x14", b"PK\1\2\x14\3\x44"
    ),
    "bytes before": lambda: b"#!/bin/sh\n" + archive(("w.npy", W)),
    "bytes behind": lambda: archive(("w.npy", W)) + b"more",
    "a bomb": lambda: bomb(200 << 20),
    "overlapping members": lambda: patched(
        archive(("a.npy", W), ("b.npy", W)),
        (len(W) + 35).to_bytes(4, "little") + b"b.npy",
        bytes(4) + b"b.npy",
    ),
    "bzip2": lambda: archive(("w.npy", W), method=zipfile.ZIP_BZIP2),
    "a byte of 2 in bools": lambda: archive(
        ("w.npy", npy(np.array([True]))[:-1] + b"\2")
    ),
    "fewer values": lambda: archive(("w.npy", W[:-8])),
    "more values": lambda: archive(("w.npy", W + bytes(8))),
    "a header of garbage": lambda: archive(("w.npy", header("{" * 9000))),
    "a header that nests": lambda: archive(("w.npy", header("(" * 200))),
    "a huge shape": lambda: archive(
        (
            "w.npy",
            header("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 2**62), }"),
        )
    ),
    "a huge number": lambda: archive(
        (
            "w.npy",
            header(
                "{'descr': '<f4', 'fortran_order': False, "
                f"'shape': (0, {1 << 62}), }}\n"
            ),
        )
    ),
    "values without bytes": lambda: archive(
        (
            "w.npy",
            header(
                f"{{'descr': '|S0', 'fortran_order': False, 'shape': ({1 << 40},), }}\n"
            ),
        )
    ),
}


def read_everything(path):
    arrays = converters.open_arrays(path)
    return {key: arrays[key] for key in arrays}


@pytest.mark.parametrize("case", ARCHIVES)
def test_archives(case, tmp_path):
    path = tmp_path / "model.npz"
    path.write_bytes(ARCHIVES[case]())
    with pytest.raises(converters.CheckpointError, match="model") as caught:
        read_everything(path)
    assert "\n" not in str(caught.value)


def test_archives_that_numpy_wrote_are_read(tmp_path):
    arrays = {
        "text": np.array(["ab", "c"]),
        "bytes": np.array([b"ab"]),
        "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "big": np.arange(3, dtype=">f8"),
        "nothing": np.zeros((0, 2)),
        "time": np.zeros(1, "datetime64[s]"),
        "zeros": np.zeros(20 << 20, np.int8),
    }
    for save in np.savez, np.savez_compressed:
        save(tmp_path / "model.npz", **arrays)
        found = read_everything(tmp_path / "model.npz")
        assert found.keys() == arrays.keys()
        for key, array in arrays.items():
            assert found[key].dtype == array.dtype
            np.testing.assert_array_equal(found[key], array)


def test_an_archive_that_is_overwritten_stays_readable(tmp_path):
    converters.export(DATA, tmp_path / "model.npz")
    arrays = converters.open_arrays(tmp_path / "model.npz")
    expected = read_everything(tmp_path / "model.npz")
    np.savez(tmp_path / "new.npz", w=[1.0])
    os.replace(tmp_path / "new.npz", tmp_path / "model.npz")
    for key, array in expected.items():
        np.testing.assert_array_equal(arrays[key], array)


def safetensors(entries, data=b"", text=None):
    encoded = (json.dumps(entries) if text is None else text).encode("utf-8", "replace")
    return len(encoded).to_bytes(8, "little") + encoded + data


def entry(dtype="F32", shape=(1,), offsets=(0, 4), **more):
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets} | more


SAFETENSORS = {
    "rank 256": lambda: safetensors({"w": entry(shape=[1] * 256)}, bytes(4)),
    "a huge empty shape": lambda: safetensors(
        {"w": entry(shape=[0, 1 << 62], offsets=[0, 0])}
    ),
    "a huge shape": lambda: safetensors({"w": entry(shape=[1 << 62])}, bytes(4)),
    "a negative shape": lambda: safetensors({"w": entry(shape=[-1, -1])}, bytes(4)),
    "a shape of text": lambda: safetensors({"w": entry(shape=["1"])}, bytes(4)),
    "a shape of booleans": lambda: safetensors({"w": entry(shape=[True])}, bytes(4)),
    "other bytes": lambda: safetensors({"w": entry(shape=[2])}, bytes(4)),
    "duplicates": lambda: safetensors(
        {}, bytes(4), '{"w": %s, "w": %s}' % (2 * (json.dumps(entry()),))
    ),
    "a byte of 2 in bools": lambda: safetensors(
        {"w": entry("BOOL", offsets=(0, 1))}, b"\2"
    ),
    "an overlap": lambda: safetensors({"a": entry(), "b": entry()}, bytes(4)),
    "a hole": lambda: safetensors({"w": entry(offsets=(4, 8))}, bytes(8)),
    "bytes behind": lambda: safetensors({"w": entry()}, bytes(5)),
    "bytes missing": lambda: safetensors({"w": entry()}, bytes(3)),
    "negative offsets": lambda: safetensors({"w": entry(offsets=(-4, 0))}, bytes(4)),
    "offsets of text": lambda: safetensors({"w": entry(offsets=("0", 4))}, bytes(4)),
    "no offsets": lambda: safetensors({"w": {"dtype": "F32", "shape": []}}),
    "an unknown dtype": lambda: safetensors({"w": entry("F31")}, bytes(4)),
    "no object": lambda: safetensors([]),
    "a lone surrogate": lambda: safetensors({"\ud800": entry()}, bytes(4)),
    "nesting": lambda: safetensors({}, b"", '{"w":' * 100_000),
    "a number of digits": lambda: safetensors({}, b"", '{"w":%s}' % ("1" * 5000)),
    "a header without end": lambda: (1 << 60).to_bytes(8, "little") + b"{}",
    "nothing": lambda: b"",
    "four bytes": lambda: b"\1\0\0\0",
}


@pytest.mark.parametrize("case", SAFETENSORS)
def test_safetensors(case, tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(SAFETENSORS[case]())
    with pytest.raises(converters.CheckpointError, match="model") as caught:
        read_everything(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 2000


def test_a_safetensors_file_that_is_cut_in_place_is_no_crash(tmp_path):
    path = tmp_path / "model.safetensors"
    converters.export(DATA, path)
    arrays = converters.open_arrays(path)
    os.truncate(path, 5000)
    with pytest.raises(converters.CorruptCheckpointError, match="truncated"):
        dict(arrays)


def doubled(times, leaf):
    value = leaf
    for _ in range(times):
        value = [value, value]
    return value


class Call:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


PICKLES = {
    "four million leaves": lambda: pickle.dumps(doubled(22, 1.0)),
    "endless leaves": lambda: pickle.dumps(doubled(60, ())),
    "a large array, many times": lambda: pickle.dumps([np.ones(5000)] * 5000),
    "copies of a text": lambda: (
        b"\x80\x02"
        + b"X\x00\x00\x10\x00"
        + b"x" * (1 << 20)
        + b"q\x00X\x06\x00\x00\x00latin1q\x010("
        + b"c_codecs\nencode\nh\x00h\x01\x86R" * 2000
        + b"l."
    ),
    "copies of a dict": lambda: (
        b"\x80\x02("
        + b"".join(b"(M" + i.to_bytes(2, "little") + b"K\x00t" for i in range(5000))
        + b"lq\x000("
        + b"ccollections\nOrderedDict\nh\x00\x85R" * 20000
        + b"l."
    ),
    "a huge message": lambda: pickle.dumps(Call(np.dtype, "x" * 100_000)),
}


@pytest.mark.parametrize("case", PICKLES)
def test_pickles(case, tmp_path):
    path = tmp_path / "params.pkl"
    path.write_bytes(PICKLES[case]())
    with pytest.raises(converters.CheckpointError, match="params") as caught:
        converters.load_haiku(path)
    assert len(str(caught.value)) < 2000


def test_pickles_that_name_arrays_twice_are_read(tmp_path):
    params = {"linear": {"w": np.ones(100), "b": np.zeros(3)}}
    value = {"params": params, "average": params, "target": dict(params)}
    (tmp_path / "params.pkl").write_bytes(pickle.dumps(value))
    found = converters.load_haiku(tmp_path / "params.pkl")
    assert found["average"]["linear"]["w"].shape == (100,)
    many = [collections.OrderedDict(w=np.ones(2)) for _ in range(100)]
    (tmp_path / "params.pkl").write_bytes(pickle.dumps(many))
    assert len(converters.load_haiku(tmp_path / "params.pkl")) == 100


@pytest.mark.parametrize("suffix", READERS)
def test_what_is_no_regular_file(suffix, tmp_path):
    os.mkfifo(tmp_path / f"pipe{suffix}")
    (tmp_path / f"zero{suffix}").symlink_to("/dev/zero")
    (tmp_path / f"folder{suffix}").mkdir()
    (tmp_path / f"loop{suffix}").symlink_to(f"loop{suffix}")
    names = ["pipe", "zero", "loop", "none"] + (["folder"] if suffix else [])
    for name in names:
        for read in READERS[suffix]:
            with pytest.raises(converters.CheckpointError, match=name):
                read(tmp_path / f"{name}{suffix}")


PATHS = ["nul\0", "lone \ud800 surrogate", "x" * 5000, "x/" * 3000, "\udcff"]


@pytest.mark.parametrize("suffix", READERS)
@pytest.mark.parametrize("path", PATHS)
def test_paths_that_no_file_has(suffix, path, tmp_path):
    for read in READERS[suffix]:
        with pytest.raises(converters.CheckpointError):
            read(f"{tmp_path}/{path}{suffix}")
    for command in ["inspect"], ["verify"], ["diff", DATA], ["convert", "out.npz"]:
        arguments = [command[0], f"{tmp_path}/{path}{suffix}", *command[1:]]
        assert_one_line(run(*arguments))


def run(*arguments):
    return click.testing.CliRunner().invoke(main, [str(each) for each in arguments])


def assert_one_line(result):
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert len(result.stderr.splitlines()) == 1


def test_a_step_of_thousands_of_digits(tmp_path):
    converters.write_bundle(tmp_path / "ckpt-7", {"w": [1.0]})
    with pytest.raises(converters.CheckpointNotFoundError, match="0 checkpoints of"):
        converters.open_checkpoint(f"{tmp_path}@{'9' * 5000}")
    assert len(converters.open_checkpoint(f"{tmp_path}@{'0' * 5000}7")) == 1
    assert_one_line(run("inspect", f"{tmp_path}@{'9' * 5000}"))


@pytest.mark.parametrize("name", ["d{0}/ckpt-{0}", "ckpt-{0}", "link/ckpt-{0}"])
def test_a_state_file_of_a_hundred_thousand_paths(name, tmp_path):
    converters.write_bundle(tmp_path / "ckpt-1", {"w": [1.0]})
    (tmp_path / "link").symlink_to(".")
    paths = "".join(
        f'all_model_checkpoint_paths: "{name.format(i)}"\n' for i in range(100_000)
    )
    (tmp_path / "checkpoint").write_text(f'model_checkpoint_path: "ckpt-1"\n{paths}')
    start = time.process_time()
    assert len(converters.open_checkpoint(tmp_path)) == 1
    assert str(tmp_path / "ckpt-1") in converters.list_checkpoints(tmp_path)
    assert time.process_time() - start < 8


# Arrays of which no difference is a number, and which compare in bytes.
ODD = {
    "text": (np.array(["a"]), np.array(["b"])),
    "bytes and numbers": (np.array([b"a"]), np.array([1.0])),
    "time": (np.zeros(2, "datetime64[s]"), np.ones(2, "datetime64[s]")),
    "bools": (np.array([True]), np.array([False])),
    "scalars": (np.array(1), np.array(2)),
    "nothing": (np.zeros(0), np.zeros(0, np.int8)),
    "large integers": (np.array([2**53]), np.array([2**53 + 1])),
}


@pytest.mark.parametrize("case", ODD)
def test_diff_of_odd_arrays_is_no_traceback(case, tmp_path):
    for name, array in zip("ab", ODD[case]):
        np.savez(tmp_path / f"{name}.npz", w=array)
    result = run("diff", tmp_path / "a.npz", tmp_path / "b.npz")
    assert result.exit_code == 1
    assert "1 changed" in result.stdout
    if case == "large integers":
        assert " 1 " in result.stdout


def test_inspect_of_what_is_hardly_a_graph_is_no_traceback(tmp_path):
    root = converters.Node({}, {}, {})
    for nodes in [], [root], [converters.Node({"": 0}, {"x": "y"}, {})]:
        graph = converters.ObjectGraph(nodes)
        converters.write_bundle(tmp_path / "m", {"w": [1.0]}, graph)
        for options in [], ["--json"]:
            result = run("inspect", tmp_path / "m", *options)
            assert result.exit_code in (0, 1)
            assert result.exception is None or isinstance(result.exception, SystemExit)


def test_names_that_are_no_text_are_not_written(tmp_path):
    graph = converters.ObjectGraph([converters.Node({"\udcff": 0}, {}, {})])
    for tensors, objects in ({"\ud800": [1.0]}, None), ({"w": [1.0]}, graph):
        with pytest.raises(converters.UnsupportedCheckpointError, match="UTF-8"):
            converters.write_bundle(tmp_path / "m", tensors, objects)
    assert os.listdir(tmp_path) == []


HANG = """
import sys
from sonnax import converters
try:
    converters.load_haiku(sys.argv[1])
except converters.CheckpointError as error:
    print(error)
"""


def test_a_pipe_does_not_hang_a_program(tmp_path):
    os.mkfifo(tmp_path / "params.pkl")
    ran = subprocess.run(
        [sys.executable, "-c", HANG, str(tmp_path / "params.pkl")],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert "expected a regular file" in ran.stdout
