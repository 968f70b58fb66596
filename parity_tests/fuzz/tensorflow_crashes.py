"""Tables of the classes that are known to crash, hang or deceive TensorFlow's reader.

Each has valid checksums and one thing wrong: overlong varints, negative and huge sizes,
restart counts, block handles that overlap or lie outside, shard counts, slices of
negative extents, unknown dtypes, deep nesting, lengths that overflow.
"""

import os
import tempfile

from sonnax.converters.format import wire
from sonnax.converters.format.checksums import masked_crc32c
from sonnax.converters.format.ordered_code import slice_key
from sonnax.converters.format.protos import (
    BUNDLE_ENTRY,
    BUNDLE_HEADER,
    SAVED_TENSOR_SLICES,
    SHAPE,
)
from sonnax.converters.format.table import FOOTER_SIZE, MAGIC
from sonnax.converters.format.table_writer import build_table

from ..converters.crafted_checkpoints import encode_entry, save_v1

__all__ = ["v1_crashes", "v2_crashes"]

_OVERLONG = b"\xff" * 10 + b"\x01"
_NESTED = b"\x0a\x7e" * 60
_HEADER = wire.encode(BUNDLE_HEADER, {"num_shards": 1})
_ENTRY = {"dtype": 1, "shape": [2], "size": 8}

# Fields of the entry of a tensor.
_ENTRIES = [
    {"size": -1},
    {"size": 1 << 62, "shape": [1 << 60]},
    {"offset": -8},
    {"offset": (1 << 63) - 1},
    {"shard_id": -1},
    {"shard_id": (1 << 31) - 1},
    {"shape": [-2]},
    {"shape": [1 << 62, 1 << 62]},
    {"shape": [0, 1 << 62], "size": 0},
    {"shape": [1] * 300},
    {"dtype": 0},
    {"dtype": 99},
    {"dtype": -1},
    {"dtype": 20},
    {"dtype": 7, "shape": [1 << 40]},
    {"dtype": 21, "shape": [1 << 40]},
    {"dtype": 101},
]
_SLICES = [
    [{"start": -1, "length": 2}],
    [{"start": 0, "length": -2}],
    [{"start": (1 << 63) - 1, "length": (1 << 63) - 1}],
    [{"start": 1, "length": 2}],
    [{}, {}],
    [],
]
_HEADERS = [
    b"",
    wire.encode(BUNDLE_HEADER, {"num_shards": 0}),
    wire.encode(BUNDLE_HEADER, {"num_shards": -1}),
    wire.encode(BUNDLE_HEADER, {"num_shards": (1 << 31) - 1}),
    wire.encode(BUNDLE_HEADER, {"num_shards": 1, "endianness": 7}),
    wire.encode(BUNDLE_HEADER, {"num_shards": 1, "version": {"min_consumer": 9}}),
    b"\x08" + _OVERLONG,
    _NESTED,
]
_VALUES = [
    b"\x08" + _OVERLONG,
    b"\x12" + wire.write_varint(1 << 62),
    b"\x12\x7f",
    _NESTED,
    b"\x0b" * 100,
]


def v2_crashes() -> list[bytes]:
    """Returns indices of V2 checkpoints."""
    values = [encode_entry(_ENTRY | change) for change in _ENTRIES]
    indices = [_table(_HEADER, w=value) for value in values + _VALUES]
    indices += [_table(header, w=encode_entry(_ENTRY)) for header in _HEADERS]
    shape = wire.encode(SHAPE, {"dims": [{"size": 2}]})
    for extents in _SLICES:
        full = {"dtype": 1, "shape": shape, "slices": [{"extents": extents}]}
        records = {"w": wire.encode(BUNDLE_ENTRY, full)}
        indices.append(_table(_HEADER, **records))
    return indices + _broken_tables(_table(_HEADER, w=encode_entry(_ENTRY)))


def v1_crashes() -> list[bytes]:
    """Returns V1 checkpoints of one file."""
    tables = []
    for field, data in [
        ("float_val", b"\0" * 7),
        ("int_val", _OVERLONG),
        ("int_val", b"\x80"),
        ("half_val", b"\xff\xff\xff\xff\x0f"),
        ("bool_val", b"\x02\x02"),
    ]:
        number = {"float_val": 1, "int_val": 3, "half_val": 19, "bool_val": 10}[field]
        tables.append(_saved({"w": ((2,), number, {field: [data]})}))
    for shape in ((-2,), (1 << 62, 1 << 62), (1 << 40,), (0, 1 << 62), (1,) * 300):
        tables.append(_saved({"w": (shape, 1, {})}))
    tables += [_saved({"w": ((1,), number, {})}) for number in (0, 20, 21, 99, -1)]
    for extents in _SLICES:
        tensor = {"name": "w", "shape": {"dims": [{"size": 2}]}, "type": 1}
        meta = {"tensors": [tensor | {"slices": [{"extents": extents}]}]}
        tables.append(_table(wire.encode(SAVED_TENSOR_SLICES, {"meta": meta})))
    sound = _saved({"w": ((1,), 1, {"float_val": [b"\0\0\x80\x3f"]})})
    tables += [_table(value) for value in _VALUES]
    record = slice_key(b"w", ((0, -1),)).decode("latin-1")
    tables += [_table(b"", **{record: value}) for value in _VALUES]
    return tables + _broken_tables(sound)


def _table(first: bytes, **records: bytes) -> bytes:
    keyed = [(name.encode("latin-1"), value) for name, value in records.items()]
    return build_table([(b"", first), *sorted(keyed)])


def _saved(tensors) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "v1")
        save_v1(path, tensors)
        with open(path, "rb") as file:
            return file.read()


def _broken_tables(sound: bytes) -> list[bytes]:
    """Returns tables whose blocks or their places are wrong."""
    size = len(sound) - FOOTER_SIZE
    places = [(0, 1 << 62), (size, 0), (1 << 63, 1 << 63), (0, size), (size - 4, 4)]
    tables = [sound[:size] + _footer(places[1], place) for place in places]
    tables += [sound[:size] + _footer(place, place) for place in places]
    tables.append(sound[:size] + _OVERLONG.ljust(40, b"\xff") + MAGIC)
    # Two blocks of the index in one place, and one that is the index block itself.
    for handles in ((0, 9), (0, 9)), ((1, 8), (0, 9)), ((size, 0),), ((1 << 62, 1),):
        tables.append(_of_blocks(handles))
    for restarts in (b"", b"\xff\xff\xff\xff", b"\xff\xff\xff\x3f", b"\1\0\0\0" * 2):
        tables.append(_of_index_block(restarts))
    for numbers in ((1, 0, 0), (0, 1 << 62, 0), (0, 0, 1 << 62), (5, 1, 1)):
        record = b"".join(map(wire.write_varint, numbers))
        tables.append(_of_index_block(record + b"\0\0\0\0\1\0\0\0"))
    return tables


def _of_blocks(handles) -> bytes:
    values = [b"".join(map(wire.write_varint, handle)) for handle in handles]
    records = b"".join(
        bytes([0, 1, len(value), 97 + i]) + value for i, value in enumerate(values)
    )
    return _of_index_block(records + b"\0\0\0\0\1\0\0\0")


def _of_index_block(block: bytes) -> bytes:
    empty = b"\0\0\0\0\1\0\0\0"
    out = b""
    places = []
    for body in (empty, block):
        places.append((len(out), len(body)))
        out += body + b"\0" + masked_crc32c(body + b"\0").to_bytes(4, "little")
    return out + _footer(*places)


def _footer(*places: tuple[int, int]) -> bytes:
    numbers = [number for place in places for number in place]
    handles = b"".join(map(wire.write_varint, numbers))
    return handles.ljust(40, b"\0")[:40] + MAGIC
