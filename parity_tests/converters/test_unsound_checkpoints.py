"""Checkpoints made to deceive, each with valid checksums and one thing wrong."""

import os

import numpy as np
import pytest

from sonnax import converters
from sonnax.converters.format import wire
from sonnax.converters.format.checksums import crc32c, mask
from sonnax.converters.format.object_graph import (
    format_object_graph,
    parse_object_graph,
)
from sonnax.converters.format.ordered_code import slice_key
from sonnax.converters.format.table import SNAPPY, Table

from .crafted_checkpoints import (
    V1_TENSORS,
    block_places,
    edit_block,
    edit_entry,
    encode_entry,
    read_entry,
    read_records,
    save_v1,
    write_file,
    write_records,
    write_table_of_block,
)
from .guarded_reading import read_all

pytestmark = pytest.mark.usefixtures("limits")


def rewrite(path, edit):
    with open(path, "rb") as file:
        data = bytearray(file.read())
    data = edit(data)
    write_file(path, data)


@pytest.mark.parametrize("lengths", [[5], [2, 2], [1], [0, 1], [1 << 40], []])
def test_strings_whose_lengths_do_not_fit_their_bytes(sound, lengths):
    crc = crc32c(
        b"".join(n.to_bytes(4 if n < 1 << 32 else 8, "little") for n in lengths)
    )
    tail = mask(crc).to_bytes(4, "little") + b"abc"
    data = b"".join(map(wire.write_varint, lengths)) + tail
    write_file(f"{sound}.data-00000-of-00001", data)
    entry = {"dtype": 7, "shape": [len(lengths)], "size": len(data)}
    entry |= {"crc32c": mask(crc32c(tail, crc))}
    header = read_records(f"{sound}.index")[b""]
    write_records(f"{sound}.index", {b"": header, b"s": encode_entry(entry)})
    with pytest.raises(converters.CorruptCheckpointError, match=r"strings take|hold"):
        raise read_all(sound)


def test_v1_tensors_larger_than_their_files(tmp_path):
    path = str(tmp_path / "model.ckpt")
    save_v1(path, {"w": ((1 << 20, 1 << 20), 1, {})})
    with pytest.raises(converters.CorruptCheckpointError, match="more elements than"):
        converters.open_checkpoint(path)


# Each row: changes of the index entry of `w`, and what the error must say.
BAD_ENTRIES = {
    "absurd shape": ({"shape": [1 << 40, 1 << 40]}, r"exceeds 2\*\*59 elements"),
    "absurd empty shape": ({"shape": [0, 1 << 62], "size": 0}, "exceeds"),
    "negative size": ({"shape": [-7, -5]}, r"shape \[-7, -5\]"),
    "rank 300": ({"shape": [1] * 300}, "at most 254 sizes"),
    "rank 65": ({"shape": [1] * 63 + [7, 5]}, "rank 65"),
    "other shape": ({"shape": [7, 6]}, r"has 140 bytes; shape \[7, 6\].* takes 168"),
    "other dtype": ({"dtype": 2}, "float64 takes 280"),
    "no dtype": ({"dtype": 0}, "DataType 0"),
    "unknown dtype": ({"dtype": 99}, "DataType 99"),
    "variant": ({"dtype": 21}, "element 0|varint|elements take"),
    "as strings": ({"dtype": 7}, "strings"),
    "as many strings": ({"dtype": 7, "shape": [1 << 50]}, "can't hold"),
    "far shard": ({"shard_id": 1 << 30}, "shard 1073741824 of 1"),
    "negative shard": ({"shard_id": -1}, "shard -1 of 1"),
    "far offset": ({"offset": 1 << 62}, "truncated"),
    "negative offset": ({"offset": -1}, "at offset -1"),
    "shared bytes": ({"offset": 0}, "shares bytes of shard 0"),
    "own slice": ({"slices": [{"extents": [{}, {}]}], "size": 0}, "slices"),
    "no crc": ({"crc32c": 0}, "expected 0x00000000"),
}


@pytest.mark.parametrize("case", BAD_ENTRIES)
def test_errors_name_file_tensor_and_cause(sound, case):
    changes, message = BAD_ENTRIES[case]
    edit_entry(sound, "w", **changes)
    error = read_all(sound)
    assert isinstance(error, converters.CheckpointError)
    with pytest.raises(converters.CheckpointError, match=message):
        raise error
    assert error.path.startswith(sound)
    other = converters.OBJECT_GRAPH_KEY  # whose bytes are the first
    assert error.tensor == (other if case == "shared bytes" else "w")


def sliced(sound, slices, shape=(7, 5)):
    """Replaces `w` by a partitioned tensor whose slices share the old bytes in turn."""
    records = read_records(f"{sound}.index")
    entry = read_entry(sound, "w")
    offset = entry["offset"]
    for extents, dtype in slices:
        lengths = [length for _, length in extents]
        size = 4 * int(np.prod(lengths))
        part = {"dtype": dtype, "shape": lengths, "offset": offset, "size": size}
        records[slice_key(b"w", extents)] = encode_entry(part)
        offset += size
    protos = [
        {"extents": [{"start": start, "length": length} for start, length in extents]}
        for extents, _ in slices
    ]
    whole = {"dtype": 1, "shape": shape, "slices": protos}
    records[b"w"] = encode_entry(whole)
    write_records(f"{sound}.index", records)


# Each row: (extents, dtype) of the slices of a float32[7, 5], and what is wrong.
BAD_SLICES = {
    "hole": ([(((0, 3), (0, 5)), 1)], "hold 15 elements"),
    "overlap": (
        [(((0, 3), (0, 5)), 1), (((2, 4), (0, 5)), 1)],
        "hold 35 elements|overlap|checksum",
    ),
    "outside": ([(((5, 3), (0, 5)), 1)], "not within"),
    "negative": ([(((-1, 3), (0, 5)), 1)], "not within"),
    "other dtype": ([(((0, 7), (0, 5)), 3)], "type 3"),
    "other rank": ([(((0, 7),), 1)], "not within"),
}


@pytest.mark.parametrize("case", BAD_SLICES)
def test_unsound_slices(sound, case):
    slices, message = BAD_SLICES[case]
    sliced(sound, slices)
    with pytest.raises(converters.CorruptCheckpointError, match=message):
        converters.open_checkpoint(sound).read("w", verify=False)


def test_overlapping_slices_that_have_the_right_volume(sound):
    sliced(sound, [(((0, 4), (0, 4)), 1), (((3, 4), (0, 4)), 1), (((0, 3), (4, 1)), 1)])
    with pytest.raises(converters.CorruptCheckpointError, match="overlap"):
        converters.open_checkpoint(sound).read("w", verify=False)


def test_a_slice_without_an_entry(sound):
    edit_entry(sound, "w", size=0, offset=0, slices=[{"extents": [{}, {"start": 0}]}])
    with pytest.raises(converters.CorruptCheckpointError, match="has no entry"):
        converters.open_checkpoint(sound)


def test_a_table_of_prefixes_that_expand_without_end(tmp_path):
    # Two MiB of records, each of which repeats the megabyte of the key before it.
    key = b"k" * (1 << 20)
    body = bytearray(b"\0" + wire.write_varint(len(key)) + b"\0" + key)
    for i in range(100_000):
        body += wire.write_varint(len(key)) + b"\x03\0" + i.to_bytes(3, "big")
    body += bytes(4) + (1).to_bytes(4, "little")
    write_table_of_block(tmp_path / "bomb.index", bytes(body), b"l")
    with pytest.raises(converters.CorruptCheckpointError, match="its keys expand"):
        list(Table(str(tmp_path / "bomb.index")))


# Each row: the body of a block before its restarts, the restarts, what is wrong.
BAD_BLOCKS = [
    (b"\0\1\0b\0\1\0a", [0], "key b'a' follows b'b'"),
    (b"\0\1\0b\0\1\0b", [0], "key b'b' follows b'b'"),
    (b"\0\1\0b\2\1\0c", [0], "shares 2 of 1 bytes"),
    (b"\1\1\0b", [0], "shares 1 of 0 bytes"),
    (b"\0\1\7b", [0], "ends at 11 of 4"),
    (b"\0\1", [0], "end inside a varint"),
    (b"\0\1\0b\0\1\0c", [0, 3], "no record starts"),
    (b"\0\1\0b\1\1\0c", [0, 4], "no complete key"),
    (b"\0\1\0b", [1], "expected .0."),
    (b"\0\1\0b", [], "expected .0."),
    (b"\0\1\0b", [0, 1 << 31], "no record starts"),
    (b"\0\1\0y", [0], "index block has between"),
]


@pytest.mark.parametrize(("records", "restarts", "message"), BAD_BLOCKS)
def test_unsound_blocks(tmp_path, records, restarts, message):
    numbers = [*restarts, len(restarts)]
    body = records + b"".join(number.to_bytes(4, "little") for number in numbers)
    write_table_of_block(tmp_path / "bad.index", body, b"x")
    with pytest.raises(converters.CorruptCheckpointError, match=message):
        list(Table(str(tmp_path / "bad.index")))


def test_a_snappy_block_that_expands_without_end(tmp_path):
    path = str(tmp_path / "bomb.index")
    write_records(path, {b"": b"\x08\x01", b"w": bytes(100)}, compression=SNAPPY)

    def claim(body):
        return wire.write_varint((1 << 32) - 1) + body[5:]

    edit_block(path, block_places(path)[0], claim)
    error = read_all(str(tmp_path / "bomb"))
    assert "can't hold" in str(error)


def test_shards_beyond_count(sound):
    records = read_records(f"{sound}.index")
    for header, message in [
        (b"", "0 shards"),
        (b"\x08\xff\xff\xff\xff\x07", r"data-00000-of-2147483647"),
        (b"\x08\x01\x10\x07", "endianness 7"),
        (b"\x08\x01\x1a\x02\x10\x63", "version 99"),
        (b"\x08\x01\x1a\x03\x1a\x01\x01", "refuses readers of version 1"),
    ]:
        write_records(f"{sound}.index", records | {b"": header})
        with pytest.raises(converters.CheckpointError, match=message):
            raise read_all(sound)


def chain(length, name):
    """A graph of nodes in a row."""
    nodes = [converters.Node({name: i + 1}, {}, {}) for i in range(length)]
    last = converters.Node({}, {"VARIABLE_VALUE": "w"}, {})
    return converters.ObjectGraph([*nodes, last])


def test_object_graphs_with_cycles_sharing_and_long_ways():
    ring = [converters.Node({"next": (i + 1) % 50, "me": i}, {}, {}) for i in range(50)]
    graph = parse_object_graph(format_object_graph(converters.ObjectGraph(ring)))
    assert graph.path(49) == "/".join(["next"] * 49)
    assert len(list(graph.walk())) == 100
    graph = parse_object_graph(format_object_graph(chain(1000, "n")))
    assert dict(graph.variables()) == {"/".join("n" * 1000): "w"}
    with pytest.raises(wire.WireError, match="out of proportion"):
        parse_object_graph(format_object_graph(chain(20_000, "name" * 10)))


def test_object_graphs_with_dangling_and_doubled_references():
    node = b"\x0a\x04\x08\x09\x12\x00"
    with pytest.raises(wire.WireError, match="refers to node 9"):
        parse_object_graph(b"\x0a\x06" + node)
    with pytest.raises(wire.WireError, match="two children or values of one name"):
        parse_object_graph(b"\x0a\x0c" + node + node)
    slot = wire.write_varint(-1)
    with pytest.raises(wire.WireError, match="refers to node -1"):
        parse_object_graph(b"\x0a\x0f\x1a\x0d\x08\x00\x18" + slot)


# Each row: a state file and, where it opens, the checkpoint that it leads to.
STATE_FILES = {
    b'model_checkpoint_path: "sound"': "sound",
    b'model_checkpoint_path: "./sub/../sound"': "sound",
    b'model_checkpoint_path: "../../../sound"': "sound",
    b'model_checkpoint_path: "/etc/sound"': "sound",
    b"model_checkpoint_path: 'so' 'und' # comment": "sound",
    b'model_checkpoint_path: "\\163\\x6fund"': "sound",
    b'model_checkpoint_path: "../other/secret"': None,
    b'model_checkpoint_path: "sound\\000"': "sound",
    b'model_checkpoint_path: "\\ud800"': None,
    b'model_checkpoint_path: "\\U99999999"': None,
    b'model_checkpoint_path: "\\377"': None,
    b"model_checkpoint_path: 1": None,
    b'model_checkpoint_path "sound"': None,
    b'model_checkpoint_path: "sound" model_checkpoint_path: "sound"': None,
    b"all_model_checkpoint_timestamps: 1e": None,
    b"\xff\xfe": None,
    b'model_checkpoint_path: "': None,
}


@pytest.mark.parametrize("text", STATE_FILES)
def test_state_files_lead_nowhere_else(sound, tmp_path, text):
    other = tmp_path.parent / "other"
    other.mkdir(exist_ok=True)
    converters.write_bundle(other / "secret", {"secret": [1]})
    (tmp_path / "checkpoint").write_bytes(text)
    result = read_all(str(tmp_path) + "/.")
    if STATE_FILES[text] is None:
        assert isinstance(result, converters.CheckpointError)
    else:
        assert "w" in result


def test_state_files_do_not_follow_links_out_of_the_directory(sound, tmp_path):
    other = tmp_path.parent / "linked"
    other.mkdir()
    converters.write_bundle(other / "secret", {"secret": [1]})
    (tmp_path / "link").symlink_to(other)
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "link/secret"')
    assert isinstance(read_all(str(tmp_path) + "/."), converters.CheckpointError)


def test_files_that_are_no_files(sound, tmp_path):
    os.remove(f"{sound}.data-00000-of-00001")
    os.mkfifo(f"{sound}.data-00000-of-00001")
    os.mkfifo(tmp_path / "pipe.index")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder.index").mkdir()
    (tmp_path / "none.index").touch()
    (tmp_path / "loop.index").symlink_to("loop.index")
    for name in ("sound", "pipe", "folder", "none", "loop", "nul\0", "a" * 5000):
        error = read_all(str(tmp_path / name))
        assert isinstance(error, converters.CheckpointError), name


@pytest.mark.parametrize("suffix", [".data-00000-of-00001", ".index"])
def test_a_file_truncated_in_place_after_opening(sound, suffix):
    checkpoint = converters.open_checkpoint(sound)
    os.truncate(f"{sound}{suffix}", 64)
    if suffix == ".index":
        # It was read when it was opened.
        assert checkpoint.verify() == len(checkpoint)
        return
    for read in lambda: checkpoint["w"], checkpoint.check_files, checkpoint.verify:
        with pytest.raises(converters.CorruptCheckpointError, match="it was truncated"):
            read()


@pytest.mark.parametrize("name", ["floats", "strings"])
def test_a_v1_file_truncated_in_place_after_opening(tmp_path, name):
    path = str(tmp_path / "model.ckpt")
    save_v1(path, V1_TENSORS)
    for reads in range(2):
        checkpoint = converters.open_checkpoint(path)
        for _ in range(reads):
            checkpoint[name]
        with open(path, "rb") as file:
            content = file.read()
        os.truncate(path, 60)
        with pytest.raises(converters.CorruptCheckpointError, match="it was truncated"):
            checkpoint[name]
        write_file(path, content)
