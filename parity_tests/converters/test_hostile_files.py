"""Files mutated by the thousand give the right tensors or an error that says why not.

Mutations are drawn from seeded generators. Each is read under a limit of memory and
of time; anything but sound tensors or a `CheckpointError` is a failure.
"""

import shutil

import numpy as np
import pytest

from sonnax import converters
from sonnax.converters.format import wire
from sonnax.converters.format.checksums import mask
from sonnax.converters.format.object_graph import format_object_graph
from sonnax.converters.format.string_tensor import encode_strings
from sonnax.converters.format.table import SNAPPY

from ..fuzz.mutation import mutated
from .crafted_checkpoints import (
    GRAPH,
    TENSORS,
    V1_TENSORS,
    block_places,
    copy_bundle,
    edit_block,
    encode_entry,
    read_records,
    save_v1,
    write_file,
    write_records,
)
from .guarded_reading import read_all, same

pytestmark = pytest.mark.usefixtures("limits")


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
