"""Whatever bytes a file holds: the right tensors, or an error that says what is wrong.

Mutations are drawn from seeded generators. Each is read under a limit of memory and
of time; anything but sound tensors or a `CheckpointError` is a failure.
"""

import os
import resource
import shutil
import signal

import numpy as np
import pytest
from sonnax import converters
from sonnax.converters import wire
from sonnax.converters.checksums import mask
from sonnax.converters.object_graph import format_object_graph, parse_object_graph
from sonnax.converters.ordered_code import slice_key
from sonnax.converters.string_tensor import encode_strings
from sonnax.converters.table import SNAPPY, Table

from .crafted_checkpoints import (
    V1_TENSORS,
    block_places,
    copy_bundle,
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

MEMORY = 256 << 20
SECONDS = 20

GRAPH = converters.ObjectGraph(
    [
        converters.Node({"net": 1, "self": 0}, {}, {}),
        converters.Node(
            {"w": 2, "up": 0},
            {},
            {},
            (converters.SlotVariable(2, "m", 3),),
        ),
        converters.Node({}, {"VARIABLE_VALUE": "w"}, {"VARIABLE_VALUE": "net/w"}),
        converters.Node({}, {"VARIABLE_VALUE": "b"}, {"VARIABLE_VALUE": "net/b"}),
    ]
)
RNG = np.random.default_rng(0)
TENSORS = {
    "w": RNG.normal(size=(7, 5)).astype("float32"),
    "b": RNG.integers(0, 99, 6),
    "flag": np.array([True, False, True]),
    "names": np.array([b"zero", b"", b"two" * 9], object),
    "scalar": np.float64(1.25),
    "empty": np.zeros((0, 3), np.int8),
} | {f"layer_{i}/bias": np.full(i, i, np.int16) for i in range(40)}


@pytest.fixture(autouse=True)
def limits():
    """Limits the memory and the time that a test's reads may take."""
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, hard))

    def stop(*_):
        raise TimeoutError(f"a read took more than {SECONDS} s")

    previous = signal.signal(signal.SIGALRM, stop)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, previous)
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.fixture
def sound(tmp_path):
    """The prefix of a sound checkpoint."""
    prefix = str(tmp_path / "sound")
    converters.write_bundle(prefix, TENSORS, GRAPH)
    return prefix


def read_all(path):
    """Returns every tensor and the object graph, or the error."""
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        checkpoint = converters.open_checkpoint(path)
        checkpoint.verify()
        if checkpoint.object_graph is not None:
            list(checkpoint.object_graph.variables())
            list(checkpoint.object_graph.walk())
        tensors = dict(checkpoint)
    except converters.CheckpointError as error:
        result = error
    else:
        result = tensors
        for name, array in tensors.items():
            info = checkpoint.info(name)
            assert (array.shape, array.dtype) == (info.shape, info.dtype)
    signal.setitimer(signal.ITIMER_REAL, 0)
    if isinstance(result, converters.CheckpointError):
        assert os.path.dirname(path) in str(result)
        assert "\n" not in str(result)
    return result


def same(tensors, expected):
    return tensors.keys() == expected.keys() and all(
        tensors[name].dtype == array.dtype and tensors[name].tolist() == array.tolist()
        for name, array in expected.items()
    )


def rewrite(path, edit):
    with open(path, "rb") as file:
        data = bytearray(file.read())
    data = edit(data)
    write_file(path, data)


def mutated(data, rng):
    """Returns the bytes after one to three flips, overwrites, insertions or cuts."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        if not data:
            break
        i = int(rng.integers(len(data)))
        match rng.integers(6):
            case 0 | 1:
                data[i] ^= 1 << rng.integers(8)
            case 2:
                data[i] = rng.choice([0, 1, 127, 128, 255])
            case 3:
                data[i : i + 1] = bytes(rng.integers(0, 256, 2, dtype=np.uint8))
            case 4:
                del data[i : i + int(rng.integers(1, 5))]
            case 5:
                huge = wire.write_varint(1 << int(rng.integers(31, 64)))
                data[i : i + 1] = huge
    return bytes(data)


@pytest.mark.parametrize("suffix", [".index", ".data-00000-of-00001"])
def test_damaged_files_never_give_other_tensors(sound, tmp_path, suffix):
    expected, target = read_all(sound), str(tmp_path / "damaged")
    rng = np.random.default_rng(1)
    copy_bundle(sound, target)
    with open(sound + suffix, "rb") as file:
        original = file.read()
    errors = 0
    for i in range(1500):
        kind = i % 3
        if kind == 0:
            data = original[: rng.integers(len(original))]
        elif kind == 1:
            data = mutated(original, rng)
        else:
            at = rng.integers(len(original))
            flipped = original[at] ^ 1 << rng.integers(8)
            data = original[:at] + bytes([flipped]) + original[at + 1 :]
        write_file(target + suffix, data)
        result = read_all(target)
        if isinstance(result, converters.CheckpointError):
            errors += 1
        else:
            assert same(result, expected)
    assert errors > 1000


def test_every_bit_of_the_index_is_guarded(sound, tmp_path):
    converters.write_bundle(tmp_path / "one", {"w": TENSORS["w"]})
    prefix = str(tmp_path / "one")
    expected = read_all(prefix)
    with open(f"{prefix}.index", "rb") as file:
        original = file.read()
    for bit in range(8 * len(original)):
        data = bytearray(original)
        data[bit // 8] ^= 1 << bit % 8
        write_file(f"{prefix}.index", data)
        result = read_all(prefix)
        assert isinstance(result, converters.CheckpointError) or same(result, expected)


def test_mutated_entries_with_valid_checksums(sound):
    records = read_records(f"{sound}.index")
    rng = np.random.default_rng(2)
    keys = sorted(records)[:12]
    errors = 0
    for i in range(2500):
        key = keys[i % len(keys)]
        changed = records | {key: mutated(records[key], rng)}
        write_records(f"{sound}.index", changed)
        errors += isinstance(read_all(sound), converters.CheckpointError)
    assert errors > 2000


@pytest.mark.parametrize("compression", [0, SNAPPY])
def test_mutated_blocks_with_valid_checksums(sound, compression):
    index = f"{sound}.index"
    write_records(index, read_records(index), compression=compression, block_size=500)
    places = block_places(index)
    with open(index, "rb") as file:
        original = file.read()
    rng = np.random.default_rng(3)
    errors = 0
    for i in range(1500):
        write_file(index, original)
        start, size = places[i % len(places)]

        def flip(body, size=size):
            at = int(rng.integers(size))
            changed = mutated(body[at : at + 3], rng)[:3].ljust(3)
            return (body[:at] + changed + body[at + 3 :])[:size] + body[-1:]

        edit_block(index, (start, size), flip)
        errors += isinstance(read_all(sound), converters.CheckpointError)
    assert errors > 1000


def test_mutated_object_graphs_with_valid_checksums(sound):
    key = converters.OBJECT_GRAPH_KEY
    graph = format_object_graph(GRAPH)
    rng = np.random.default_rng(4)
    for _ in range(1500):
        data, crc = encode_strings([mutated(graph, rng)])
        write_file(f"{sound}.data-00000-of-00001", data)
        entry = {"dtype": 7, "shape": [], "size": len(data), "crc32c": mask(crc)}
        header = read_records(f"{sound}.index")[b""]
        write_records(
            f"{sound}.index", {b"": header, key.encode(): encode_entry(entry)}
        )
        result = read_all(sound)
        if isinstance(result, converters.CheckpointError):
            assert result.tensor == key


@pytest.mark.parametrize("compression", [0, SNAPPY])
def test_damaged_v1_files_never_give_other_tensors(tmp_path, compression):
    path = str(tmp_path / "model.ckpt")
    save_v1(path, V1_TENSORS)
    write_records(path, read_records(path), compression=compression, block_size=200)
    expected = read_all(path)
    assert expected["ints"].tolist() == [1, -5, 0, 9]
    assert expected["halves"].tolist() == [1.0, 0.0]
    with open(path, "rb") as file:
        original = file.read()
    rng = np.random.default_rng(5)
    for i in range(1000):
        damaged = original[: rng.integers(len(original))] if i % 3 == 0 else original
        write_file(path, mutated(damaged, rng))
        result = read_all(path)
        assert isinstance(result, converters.CheckpointError) or same(result, expected)


def test_mutated_v1_records_with_valid_checksums(tmp_path):
    path = str(tmp_path / "model.ckpt")
    save_v1(path, V1_TENSORS)
    records = read_records(path)
    keys, rng = sorted(records), np.random.default_rng(6)
    for i in range(2000):
        key = keys[i % len(keys)]
        write_records(path, records | {key: mutated(records[key], rng)})
        read_all(path)


def test_v1_tensors_larger_than_their_files(tmp_path):
    path = str(tmp_path / "model.ckpt")
    save_v1(path, {"w": ((1 << 20, 1 << 20), 1, {})})
    with pytest.raises(converters.CorruptCheckpointError, match="more elements than"):
        converters.open_checkpoint(path)


def test_swapped_shards(tmp_path):
    tensors = {f"v{i}": np.full(9, i) for i in range(4)}
    prefixes = [str(tmp_path / name) for name in "ab"]
    for i, prefix in enumerate(prefixes):
        converters.write_bundle(
            prefix, {name: array + i for name, array in tensors.items()}
        )
    first, second = (f"{prefix}.data-00000-of-00001" for prefix in prefixes)
    shutil.move(first, tmp_path / "third")
    shutil.move(second, first)
    shutil.move(tmp_path / "third", second)
    for prefix in prefixes:
        assert isinstance(read_all(prefix), converters.ChecksumError)


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


def test_mutated_state_files(sound, tmp_path):
    text = b'model_checkpoint_path: "a\\"b\\\\"\nall_model_checkpoint_paths: "sound"\n'
    rng = np.random.default_rng(7)
    for _ in range(1000):
        write_file(tmp_path / "checkpoint", mutated(text, rng))
        read_all(str(tmp_path) + "/.")


def test_mutated_saved_models(tmp_path):
    # A meta graph with the tag "serve" and a signature f(x: float32[?, 2]) -> y.
    spec = b"\x0a\x01x\x10\x01\x1a\x11\x12\x0b\x08" + wire.write_varint(-1)
    spec += b"\x12\x02\x08\x02"
    pairs = b"\x0a\x01x\x12" + bytes([len(spec)]) + spec
    signature = b"\x0a" + bytes([len(pairs)]) + pairs + b"\x1a\x01p"
    entry = b"\x0a\x01f\x12" + bytes([len(signature)]) + signature
    graph = b"\x0a\x07\x22\x05serve\x2a" + bytes([len(entry)]) + entry
    model = b"\x08\x01\x12" + bytes([len(graph)]) + graph
    converters.write_bundle(tmp_path / "variables" / "variables", TENSORS)
    rng, path = np.random.default_rng(8), str(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(model)
    (found,) = converters.open_checkpoint(path).signatures
    assert (found.name, found.tags, found.method_name) == ("f", ("serve",), "p")
    for _ in range(1000):
        write_file(tmp_path / "saved_model.pb", mutated(model, rng))
        read_all(path)


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


def test_a_file_truncated_after_opening(sound):
    checkpoint = converters.open_checkpoint(sound)
    rewrite(f"{sound}.data-00000-of-00001", lambda data: data[:64])
    with pytest.raises(converters.CorruptCheckpointError, match="it was truncated"):
        checkpoint["w"]
    with pytest.raises(converters.CorruptCheckpointError, match="truncated"):
        checkpoint.check_files()
