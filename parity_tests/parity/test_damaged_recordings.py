"""A recording that is damaged or hostile: one family of errors, and nothing large."""

import hashlib
import json
import os
import shutil
import struct
import tracemalloc
import zipfile
import zlib

import click.testing
import numpy as np
import pytest

from sonnax.cli.main import main
from sonnax.parity import RecordingError, read_recording
from sonnax.parity.recorder.recording import add_run, write_recording

from .recordings import chain, recording

FILES = ("recording.json", "inputs.npz", "float32.npz")


@pytest.fixture
def folder(tmp_path):
    made = recording(
        chain(1, 2),
        variables={"w": np.arange(6, dtype=np.float32)},
        loss=0.5,
        gradients={"w": np.ones(6, np.float32)},
        losses=[0.5, 0.25],
        trained={1: {"w": np.zeros(6, np.float32)}},
    )
    made.inputs = {"x": np.arange(4.0)}
    folder = tmp_path / "recorded"
    folder.mkdir()
    write_recording(made, str(folder))
    return folder


def contents(folder):
    """Returns all that can be read, as text."""
    found = read_recording(str(folder))
    with np.printoptions(threshold=10**6):
        return repr(found)


def describe(folder, change):
    """Changes the JSON, with a checksum that is right for it."""
    guarded = json.loads((folder / "recording.json").read_text())
    described = change(guarded["recording"]) or guarded["recording"]
    text = json.dumps(described, sort_keys=True)
    guarded["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    guarded["recording"] = described
    (folder / "recording.json").write_text(json.dumps(guarded))


def entries(folder, write, name="inputs.npz"):
    with zipfile.ZipFile(folder / name, "w") as file:
        write(file)


def npy(header, data=b""):
    text = repr(header) if isinstance(header, dict) else header
    padded = text.encode().ljust(300) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(padded)) + padded + data


def first_bytes(change):
    """Returns a change of the first entry's bytes in the file's directory."""

    def damage(folder):
        raw = bytearray((folder / "inputs.npz").read_bytes())
        change(raw, raw.index(b"PK\x01\x02"))
        (folder / "inputs.npz").write_bytes(raw)

    return damage


def put(at, value, form="<H"):
    def change(raw, start):
        struct.pack_into(form, raw, start + at, value)

    return first_bytes(change)


def without_file(name):
    return lambda folder: (folder / name).unlink()


def with_text(text):
    return lambda folder: (folder / "recording.json").write_text(text)


def with_array(header, data=b""):
    return lambda folder: entries(
        folder, lambda f: f.writestr("0.npy", npy(header, data))
    )


def with_reference(number, dtype):
    """Refers to the inputs in another way, with the checksum that they have."""

    def change(found):
        found["inputs"]["x"][:2] = number, dtype

    return lambda folder: describe(folder, change)


def with_field(name, value):
    return lambda folder: describe(folder, lambda found: found.update({name: value}))


def with_run(name, value):
    def change(found):
        found["runs"]["float32"][name] = value

    return lambda folder: describe(folder, change)


def with_call(name, value):
    def change(found):
        found["runs"]["float32"]["calls"][0][name] = value

    return lambda folder: describe(folder, change)


def with_fifo(name):
    def damage(folder):
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return damage


def with_device(name):
    def damage(folder):
        (folder / name).unlink()
        (folder / name).symlink_to("/dev/zero")

    return damage


def bomb(folder):
    with zipfile.ZipFile(folder / "inputs.npz", "w", zipfile.ZIP_DEFLATED) as file:
        size = 1 << 28
        head = npy({"descr": "<f8", "fortran_order": False, "shape": (size // 8,)})
        with file.open("0.npy", "w") as entry:
            entry.write(head)
            for _ in range(size >> 20):
                entry.write(bytes(1 << 20))


def twice(folder):
    entries(folder, lambda file: [file.writestr(f"{i}.npy", b"") for i in range(2)])
    raw = (folder / "inputs.npz").read_bytes()
    (folder / "inputs.npz").write_bytes(raw.replace(b"1.npy", b"0.npy"))


def shared(folder):
    """Many entries of one array: each is as large as the file."""
    array = npy(
        {"descr": "|u1", "fortran_order": False, "shape": (10**5,)}, bytes(10**5)
    )
    entries(folder, lambda file: file.writestr("0.npy", array))
    raw = (folder / "inputs.npz").read_bytes()
    start = raw.index(b"PK\x01\x02")
    end = raw.index(b"PK\x05\x06")
    entry = raw[start:end]
    many = b"".join(entry.replace(b"0.npy", b"%d.npy" % i) for i in range(10))
    tail = bytearray(raw[end:])
    struct.pack_into("<HHI", tail, 8, 10, 10, len(many))
    (folder / "inputs.npz").write_bytes(raw[:start] + many + tail)
    describe(
        folder,
        lambda found: found.update(
            inputs={str(i): [i, "uint8", zlib.crc32(array)] for i in range(10)}
        ),
    )


HUGE = {"descr": "<f8", "fortran_order": False, "shape": (2**40,)}
DAMAGES = {
    "no JSON": without_file("recording.json"),
    "no arrays": without_file("float32.npz"),
    "no inputs": without_file("inputs.npz"),
    "JSON that ends": with_text("{"),
    "no format": with_text("{}"),
    "another format": with_text('{"format": 1}'),
    "a list": with_text("[]"),
    "a number": with_text("3"),
    "a digit too many": with_text("1" * 5000),
    "deep JSON": with_text("[" * 10**5),
    "bytes that are no text": lambda f: (f / "recording.json").write_bytes(b"\xff\xfe"),
    "a FIFO of JSON": with_fifo("recording.json"),
    "a FIFO of arrays": with_fifo("float32.npz"),
    "an endless file of JSON": with_device("recording.json"),
    "an endless file of arrays": with_device("inputs.npz"),
    "a folder of arrays": lambda f: [
        (f / "inputs.npz").unlink(),
        (f / "inputs.npz").mkdir(),
    ],
    "no zip file": lambda f: (f / "inputs.npz").write_bytes(b"PK"),
    "a bomb": bomb,
    "one name twice": twice,
    "one array many times": shared,
    "an encrypted entry": put(8, 1),
    "zip version 6.8": put(6, 68),
    "an unknown compression": put(10, 97),
    "a size that is not so": put(24, 10**6, "<I"),
    "an offset outside": put(42, 10**8, "<I"),
    "compressed arrays": lambda f: np.savez_compressed(
        f / "inputs.npz", **{"0": np.arange(4.0)}
    ),
    "an array of another recording": lambda f: entries(
        f, lambda file: file.writestr("0.npy", npy({**HUGE, "shape": (4,)}, bytes(32)))
    ),
    "a huge shape": with_array(HUGE),
    "a negative shape": with_array({**HUGE, "shape": (-4, -1)}, bytes(32)),
    "a shape of rank 65": with_array(
        "{'descr':'<f8','fortran_order':False,'shape':(" + "1," * 65 + ")}", bytes(8)
    ),
    "deep brackets": with_array("(" * 100),
    "items of no size": with_array({**HUGE, "descr": "|S0"}),
    "objects": with_array({**HUGE, "descr": "|O", "shape": (1,)}, b"cos\nsystem\n."),
    "records": with_array({**HUGE, "descr": [("a", "<f8")], "shape": (1,)}, bytes(8)),
    "no array": lambda f: entries(f, lambda file: file.writestr("0.npy", b"text")),
    "runs in a list": with_field("runs", []),
    "a run elsewhere": with_field("runs", {"../x": {}}),
    "a run of nothing": with_field("runs", {"float32": {}}),
    "inputs in a list": with_field("inputs", [1]),
    "an array that is nowhere": with_reference(9, "float64"),
    "no number": with_reference("0", "float64"),
    "a dtype that is not so": with_reference(0, "bfloat16"),
    "a dtype that is none": with_reference(0, "finfo"),
    "versions in a list": with_field("versions", ["3.8"]),
    "a source that is no text": with_field("source", 3),
    "losses that are texts": with_run("losses", ["a"]),
    "losses in a text": with_run("losses", "12"),
    "a loss that is a text": with_run("loss", "a"),
    "variables after no step": with_run("trained", {"0": {}}),
    "variables after a word": with_run("trained", {"one": {}}),
    "calls in a dict": with_run("calls", {"a": 1}),
    "paths that are numbers": with_run("without_gradient", [3]),
    "a path that is a number": with_call("path", 3),
    "a time that is a text": with_call("entered", "soon"),
    "an end before the beginning": with_call("left", -1),
    "one time twice": with_call("left", 3),
    "one call twice": with_call("path", "model/1"),
    "a field too many": with_call("more", 3),
    "classes in a list": with_call("opaque", ["Foo"]),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_recording_is_named(name, folder):
    DAMAGES[name](folder)
    tracemalloc.start()
    try:
        with pytest.raises(RecordingError, match=str(folder)):
            read_recording(str(folder))
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_ends_early_is_named(name, folder):
    raw = (folder / name).read_bytes()
    for length in {*range(0, len(raw), max(1, len(raw) // 40)), len(raw) - 1}:
        (folder / name).write_bytes(raw[:length])
        with pytest.raises(RecordingError, match=str(folder)):
            read_recording(str(folder))


@pytest.mark.parametrize("name", FILES)
def test_other_bytes_are_noticed(name, folder):
    raw = (folder / name).read_bytes()
    expected = contents(folder)
    rng = np.random.default_rng(0)
    noticed = 0
    for _ in range(300):
        changed = bytearray(raw)
        changed[rng.integers(len(raw))] ^= int(rng.integers(1, 256))
        (folder / name).write_bytes(changed)
        try:
            # Some bytes of a zip file mean nothing, such as those of the time.
            assert contents(folder) == expected
        except RecordingError:
            noticed += 1
    assert noticed > 150


def test_the_command_says_it_in_one_line(folder):
    (folder / "float32.npz").write_bytes(b"PK")
    result = click.testing.CliRunner().invoke(main, ["compare", str(folder), "x.py:f"])
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert "the recording is damaged" in line


def test_a_run_is_not_added_to_what_is_damaged(folder):
    (folder / "recording.json").write_text("{}")
    with pytest.raises(RecordingError, match="damaged"):
        add_run(str(folder), "float64", recording().runs["float32"])
    assert sorted(p.name for p in folder.iterdir()) == sorted(FILES)


def test_a_recording_can_be_moved(folder, tmp_path):
    expected = contents(folder)
    shutil.move(folder, tmp_path / "elsewhere")
    assert contents(tmp_path / "elsewhere") == expected
