"""Checkpoints with chosen contents and valid checksums, for tests of the readers."""

import contextlib
import os
import shutil

import numpy as np

from sonnax import converters
from sonnax.converters.format import wire
from sonnax.converters.format.checksums import crc32c, mask, masked_crc32c
from sonnax.converters.format.ordered_code import slice_key
from sonnax.converters.format.protos import (
    BUNDLE_ENTRY,
    BUNDLE_HEADER,
    SAVED_TENSOR_SLICES,
    SHAPE,
)
from sonnax.converters.format.table import FOOTER_SIZE, MAGIC, Table
from sonnax.converters.format.table_writer import build_table

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


def write_file(path, data):
    """Writes a new file: truncating the old one would wait for the disk."""
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)
    with open(path, "wb") as file:
        file.write(data)


def read_records(path):
    """Returns the keys and values of a table."""
    return {key: bytes(value) for key, value in Table(str(path))}


def write_records(path, records, **options):
    """Writes a table; the records are sorted."""
    write_file(path, build_table(sorted(records.items()), **options))


def read_entry(prefix, name):
    """Returns the index entry of a tensor, its shape as a list."""
    entry = wire.decode(BUNDLE_ENTRY, read_records(f"{prefix}.index")[name.encode()])
    shape = wire.decode(SHAPE, entry["shape"])
    return entry | {"shape": [dim["size"] for dim in shape["dims"]]}


def encode_entry(entry):
    """Returns an index entry as bytes."""
    shape = wire.encode(SHAPE, {"dims": [{"size": size} for size in entry["shape"]]})
    return wire.encode(BUNDLE_ENTRY, entry | {"shape": shape})


def edit_entry(prefix, name, **changes):
    """Changes fields of a tensor's index entry, all checksums staying valid."""
    records = read_records(f"{prefix}.index")
    records[name.encode()] = encode_entry(read_entry(prefix, name) | changes)
    write_records(f"{prefix}.index", records)


def copy_bundle(source, target):
    """Copies the files of a V2 checkpoint to another prefix."""
    directory, name = os.path.split(source)
    for file in os.listdir(directory):
        if file.startswith(f"{name}."):
            suffix = file.removeprefix(name)
            shutil.copyfile(os.path.join(directory, file), f"{target}{suffix}")


def make_big_endian(prefix):
    """Rewrites a V2 checkpoint of one shard as a big-endian machine writes it."""
    records = read_records(f"{prefix}.index")
    path = f"{prefix}.data-00000-of-00001"
    with open(path, "rb") as file:
        data = bytearray(file.read())
    for key, value in records.items():
        if key == b"":
            header = wire.decode(BUNDLE_HEADER, value) | {"endianness": 1}
            records[key] = wire.encode(BUNDLE_HEADER, header)
            continue
        entry = wire.decode(BUNDLE_ENTRY, value)
        where = slice(entry["offset"], entry["offset"] + entry["size"])
        data[where], entry["crc32c"] = _swapped(data[where], entry["dtype"])
        records[key] = wire.encode(BUNDLE_ENTRY, entry)
    write_records(f"{prefix}.index", records)
    write_file(path, data)


_WIDTHS = {1: 4, 2: 8, 3: 4, 8: 4, 9: 8, 10: 1, 14: 2, 18: 8}
_STRING = 7


def _swapped(data, dtype):
    """Returns a tensor's bytes in the other order and their masked checksum."""
    if dtype != _STRING:
        swapped = np.frombuffer(data, f"u{_WIDTHS[dtype]}").byteswap().tobytes()
        return swapped, mask(crc32c(swapped))
    lengths, position = [], 0
    while position + 4 + sum(lengths) < len(data):
        length, position = wire.read_varint(data, position, len(data))
        lengths.append(length)
    crc = crc32c(np.array(lengths, ">u4").tobytes())
    tail = mask(crc).to_bytes(4, "big") + bytes(data[position + 4 :])
    return bytes(data[:position]) + tail, mask(crc32c(tail, crc))


def block_places(path):
    """Returns start and size of every data block of a table, and of its index block."""
    with open(path, "rb") as file:
        table = file.read()
    place, position = [], len(table) - FOOTER_SIZE
    for _ in range(4):
        number, position = wire.read_varint(table, position, len(table))
        place.append(number)
    return [*Table(str(path))._places, tuple(place[2:])]


def edit_block(path, place, edit):
    """Replaces a block's body by `edit(body)` of the same size, with a valid checksum.

    `edit` gets and returns the body with its compression byte.
    """
    start, size = place
    with open(path, "rb") as file:
        table = file.read()
    body = edit(table[start : start + size + 1])
    assert len(body) == size + 1
    sealed = body + masked_crc32c(body).to_bytes(4, "little")
    write_file(path, table[:start] + sealed + table[start + size + 5 :])


def write_table_of_block(path, body, last_key):
    """Writes a table whose one data block has the given body."""
    place = wire.write_varint(0) + wire.write_varint(len(body))
    index = b"\0" + wire.write_varint(len(last_key)) + wire.write_varint(len(place))
    index += last_key + place + bytes(4) + (1).to_bytes(4, "little")
    table, places = b"", b""
    for block in (body, index):
        places += wire.write_varint(len(table)) + wire.write_varint(len(block))
        table += block + b"\0" + masked_crc32c(block + b"\0").to_bytes(4, "little")
    write_file(path, table + places.ljust(FOOTER_SIZE - len(MAGIC), b"\0") + MAGIC)


def reverse_blocks(path):
    """Puts a table's data blocks in the other order; the index says where they are."""
    table, old = bytes(path.read_bytes()), Table(str(path))
    new, index, previous = b"", b"", {}
    for start, size in reversed(old._places):
        previous[start] = len(new)
        new += table[start : start + size + 5]
    for key, (start, size) in zip(old._last_keys, old._places, strict=True):
        place = wire.write_varint(previous[start]) + wire.write_varint(size)
        index += b"\0" + wire.write_varint(len(key)) + wire.write_varint(len(place))
        index += key + place
    index += bytes(4) + (1).to_bytes(4, "little")
    meta = bytes(4) + (1).to_bytes(4, "little")
    places = b""
    for block in (meta, index):
        places += wire.write_varint(len(new)) + wire.write_varint(len(block))
        new += block + b"\0" + masked_crc32c(block + b"\0").to_bytes(4, "little")
    write_file(path, new + places.ljust(FOOTER_SIZE - len(MAGIC), b"\0") + MAGIC)
    return len(old._places)


def bundle_of_slices(prefix, name, shape, rows):
    """Writes a V2 checkpoint of `w` and a tensor of which only some rows are stored.

    Args:
      prefix: the checkpoint's prefix.
      name: the tensor's name.
      shape: its shape.
      rows: by the first row of each slice, the slice.
    """
    pieces = {
        slice_key(name.encode(), ((start, len(part)), (0, -1))): np.asarray(part)
        for start, part in rows.items()
    }
    keys = {f"piece{i}": key for i, key in enumerate(pieces)}
    values = dict(zip(keys, pieces.values(), strict=True))
    converters.write_bundle(prefix, {**values, "w": np.ones(3, "f4")})
    records = read_records(f"{prefix}.index")
    for stored, key in keys.items():
        records[key] = records.pop(stored.encode())
    extents = [
        {"extents": [{"start": start, "length": len(part)}, {}]}
        for start, part in rows.items()
    ]
    whole = {"dtype": 1, "shape": list(shape), "slices": extents}
    records[name.encode()] = encode_entry(whole)
    write_records(f"{prefix}.index", records)
    return prefix


def save_v1(path, tensors):
    """Writes a V1 checkpoint of whole tensors of given protos."""
    metas, records = [], {}
    for name, (shape, number, values) in tensors.items():
        parts = {"extents": [{} for _ in shape]}
        dims = {"dims": [{"size": size} for size in shape]}
        metas.append({"name": name, "shape": dims, "type": number, "slices": [parts]})
        key = slice_key(name.encode(), ((0, -1),) * len(shape))
        data = {"data": {"name": name, "slice": parts, "data": values}}
        records[key] = wire.encode(SAVED_TENSOR_SLICES, data)
    meta = {"meta": {"tensors": metas, "versions": {"producer": 1}}}
    records[b""] = wire.encode(SAVED_TENSOR_SLICES, meta)
    write_records(path, records, block_size=200)


V1_TENSORS = {
    "floats": ((2, 3), 1, {"float_val": [np.arange(6, dtype="<f4").tobytes()]}),
    "ints": ((4,), 3, {"int_val": [b"".join(map(wire.write_varint, [1, -5, 0, 9]))]}),
    "halves": ((2,), 19, {"half_val": [b"\x80\x78\x00"]}),
    "strings": ((2,), 7, {"string_val": [b"ab", b"\0"]}),
    "bools": ((3,), 10, {"bool_val": [b"\1\0\1"]}),
}
