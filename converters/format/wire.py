"""The protocol-buffer wire format: a strict decoder and encoder, driven by tables.

A checkpoint holds a handful of small message types. Each is a `Message`, a table
of its fields; `decode` turns bytes into a dict and `encode` a dict into bytes.
Fields that a table does not list are skipped, as protobuf asks of old readers.
Stricter than protobuf: a field of the wrong wire type, a singular field given
twice, text that is not UTF-8 and integers out of range are errors, for no writer
produces them.

Source: https://protobuf.dev/programming-guides/encoding
"""

from __future__ import annotations

import dataclasses
from typing import Any

__all__ = [
    "Field",
    "Message",
    "WireError",
    "decode",
    "encode",
    "read_varint",
    "read_varints",
    "write_varint",
]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_WIRE_TYPES = {
    "int32": _VARINT,
    "int64": _VARINT,
    "int64?": _VARINT,
    "bool": _VARINT,
    "fixed32": _FIXED32,
    "string": _BYTES,
    "bytes": _BYTES,
    "packed fixed32": _BYTES,
    "packed fixed64": _BYTES,
    "packed varint": _BYTES,
}
_UNPACKED = {
    "packed fixed32": _FIXED32,
    "packed fixed64": _FIXED64,
    "packed varint": _VARINT,
}
_FIXED_SIZES = {_FIXED64: 8, _FIXED32: 4}
_DEFAULTS: dict[str, Any] = {
    "int64?": None,
    "bool": False,
    "string": "",
    "bytes": b"",
}


class WireError(ValueError):
    """Bytes that are no message of the expected type; callers name file and tensor."""


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """One field of a message.

    Args:
      name: the key in the decoded dict.
      kind: `int32`, `int64`, `int64?` (None where absent), `bool`, `fixed32`,
        `string`, `bytes`, a `Message`, or `packed ...`: encoded numbers, whose value
        is a list of slices of the buffer, to be joined.
      repeated: whether the value is a list.
    """

    name: str
    kind: str | Message
    repeated: bool = False


class Message:
    """A message type: its name and its fields by number.

    Example:
      >>> point = Message("Point", {1: Field("x", "int64"), 2: Field("y", "int64")})
      >>> encode(point, {"x": 3, "y": 0})
      b'\\x08\\x03'
      >>> decode(point, b'\\x08\\x03')
      {'x': 3, 'y': 0}
    """

    def __init__(self, name: str, fields: dict[int, Field]):
        self.name = name
        self.fields = fields
        self.by_tag: dict[int, Field] = {}
        self.unpacked_by_tag: dict[int, Field] = {}
        self.repeated = [f.name for f in fields.values() if f.repeated]
        self.defaults: dict[str, Any] = {}
        for number, field in sorted(fields.items()):
            kind = field.kind
            if isinstance(kind, Message):
                self.by_tag[number << 3 | _BYTES] = field
                self.defaults[field.name] = None
                continue
            self.by_tag[number << 3 | _WIRE_TYPES[kind]] = field
            self.defaults[field.name] = _DEFAULTS.get(kind, 0)
            if kind in _UNPACKED:
                self.unpacked_by_tag[number << 3 | _UNPACKED[kind]] = field


def read_varint(buffer, position: int, end: int) -> tuple[int, int]:
    """Returns the unsigned 64-bit varint at `position` and the position after it.

    Raises:
      WireError: it runs past `end` or does not fit 64 bits.
    """
    value = shift = 0
    while position < end:
        byte = buffer[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >> 64:
                raise WireError("a varint exceeds 64 bits")
            return value, position
        shift += 7
        if shift > 63:
            raise WireError("a varint is longer than 10 bytes")
    raise WireError("the bytes end inside a varint")


def read_varints(buffer) -> list[int]:
    """Returns the unsigned varints that fill a buffer.

    Raises:
      WireError: the last one is cut off, or one does not fit 64 bits.
    """
    values, position = [], 0
    while position < len(buffer):
        value, position = read_varint(buffer, position, len(buffer))
        values.append(value)
    return values


def write_varint(value: int) -> bytes:
    """Returns an integer as a varint; negative ones as 64-bit two's complement."""
    value &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def decode(message: Message, buffer, start: int = 0, end: int | None = None) -> dict:
    """Returns the message in `buffer[start:end]` as a dict with a key per field.

    Absent fields are 0, False, "" or b"", absent messages None, absent lists [].

    Args:
      message: the type expected.
      buffer: bytes or a memoryview of bytes.
      start: where the message starts.
      end: where it ends; the end of the buffer by default.

    Raises:
      WireError: the bytes are no such message.
    """
    end = len(buffer) if end is None else end
    found: dict[str, Any] = {}
    by_tag, position = message.by_tag, start
    while position < end:
        tag = buffer[position]
        if tag < 0x80:
            position += 1
        else:
            tag, position = read_varint(buffer, position, end)
        field = by_tag.get(tag)
        if field is None:
            begin, position = position, _skip(message, buffer, position, end, tag)
            if field := message.unpacked_by_tag.get(tag):
                found.setdefault(field.name, []).append(buffer[begin:position])
            continue
        name, kind, wire_type = field.name, field.kind, tag & 7
        if wire_type == _FIXED32:
            stop = position + 4
        else:
            if position < end and (number := buffer[position]) < 0x80:
                position += 1
            else:
                number, position = read_varint(buffer, position, end)
            stop = position if wire_type == _VARINT else position + number
        if stop > end:
            raise WireError(
                f"{message.name}.{name} ends at byte {stop}, past the end of the "
                f"message at {end}"
            )
        value: Any
        if wire_type == _VARINT:
            value = _integer(message, field, number)
        elif isinstance(kind, Message):
            value = decode(kind, buffer, position, stop)
        elif kind == "string":
            value = _text(message, field, buffer[position:stop])
        elif kind == "fixed32":
            value = int.from_bytes(buffer[position:stop], "little")
        elif kind == "bytes":
            value = bytes(buffer[position:stop])
        else:
            value = buffer[position:stop]
        position = stop
        if field.repeated:
            if name in found:
                found[name].append(value)
            else:
                found[name] = [value]
        elif name in found:
            raise WireError(f"{message.name}.{name} is given twice")
        else:
            found[name] = value
    result = message.defaults | found
    for name in message.repeated:
        if name not in found:
            result[name] = []
    return result


def _integer(message: Message, field: Field, number: int) -> int | bool:
    if field.kind == "bool":
        return number != 0
    if number < 1 << 31:
        return number
    value = number - (1 << 64) if number >> 63 else number
    if field.kind == "int32" and not -(1 << 31) <= value < 1 << 31:
        raise WireError(f"{message.name}.{field.name} = {value} exceeds 32 bits")
    return value


def _text(message: Message, field: Field, data) -> str:
    try:
        return str(data, "utf-8")
    except UnicodeDecodeError:
        raise WireError(
            f"{message.name}.{field.name} is not UTF-8: {bytes(data[:40])!r}"
        ) from None


def _skip(message: Message, buffer, position: int, end: int, tag: int) -> int:
    """Returns the position after a field that the message's table does not list."""
    number, wire_type = tag >> 3, tag & 7
    if not 0 < number < 1 << 29:
        raise WireError(f"{message.name} has a field of number {number}")
    if number in message.fields and tag not in message.unpacked_by_tag:
        raise WireError(
            f"{message.name}.{message.fields[number].name} has wire type {wire_type}"
        )
    if wire_type == _VARINT:
        return read_varint(buffer, position, end)[1]
    if wire_type == _BYTES:
        length, position = read_varint(buffer, position, end)
    elif wire_type in _FIXED_SIZES:
        length = _FIXED_SIZES[wire_type]
    else:
        raise WireError(f"{message.name} has a field of wire type {wire_type}")
    if position + length > end:
        raise WireError(
            f"{message.name} has a field {number} that ends at byte "
            f"{position + length}, past the end of the message at {end}"
        )
    return position + length


def encode(message: Message, values: dict) -> bytes:
    """Returns a dict of the message's fields as bytes, in order of field numbers.

    Fields that are missing or have their default value are left out, as protobuf
    does; an empty dict is a message that is there but empty.
    """
    out = bytearray()
    for tag, field in message.by_tag.items():
        value = values.get(field.name)
        if value is None:
            continue
        if field.repeated:
            for item in value:
                out += write_varint(tag) + _encode_value(field.kind, item)
        elif isinstance(field.kind, Message) or value != message.defaults[field.name]:
            out += write_varint(tag) + _encode_value(field.kind, value)
    return bytes(out)


def _encode_value(kind: str | Message, value) -> bytes:
    if isinstance(kind, Message):
        data = encode(kind, value)
    elif _WIRE_TYPES[kind] == _VARINT:
        return write_varint(int(value))
    elif kind == "fixed32":
        return value.to_bytes(4, "little")
    else:
        data = value.encode() if isinstance(value, str) else bytes(value)
    return write_varint(len(data)) + data
