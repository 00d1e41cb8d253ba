"""Records to bytes and back: orjson for speed and strictness, msgspec for the types and for structs.

The bytes of a record are a function of the record alone (field order is declaration order, map order is insertion
order), which is what makes "byte-identical decisions" testable.
"""

from __future__ import annotations

import binascii
from typing import Any, TypeVar

import msgspec
import orjson

from pipeline.errors import InvalidEvent

T = TypeVar("T")

_OPTIONS = orjson.OPT_UTC_Z
_encode_struct = msgspec.json.Encoder().encode


def encode(record: object) -> bytes:
    """JSON bytes of a record (a dataclass or struct) or of plain data. UTC times end in Z; bytes become base64."""
    if isinstance(record, msgspec.Struct):
        return _encode_struct(record)
    return orjson.dumps(record, _base64, _OPTIONS)


def _base64(value: object) -> str:
    if isinstance(value, bytes):
        return binascii.b2a_base64(value, newline=False).decode("ascii")
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def decode_json(data: bytes | None) -> Any:
    """Parse JSON bytes.

    Raises:
        InvalidEvent: kind `not_json`; refuses NaN, invalid UTF-8, lone surrogates and nesting over 1024 levels.
    """
    if data is None:
        raise InvalidEvent("not_json", "the record has no value (a tombstone where an article was expected)")
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as e:
        raise InvalidEvent("not_json", _not_utf8(data) or f"{e.msg} at byte {e.pos} of {len(data)}") from None


def _not_utf8(data: bytes) -> str | None:
    """Where bytes are in another encoding; the parser itself does not say."""
    try:
        data.decode()
    except UnicodeDecodeError as e:
        return f"byte {e.start} of {len(data)} (0x{data[e.start]:02X}) is not UTF-8: convert the text to UTF-8"
    return None


def decode(data: bytes | None, kind: type[T]) -> T:
    """Parse JSON bytes into a record; unknown fields are ignored.

    Raises:
        InvalidEvent: kind `not_json` or `schema`; the detail names the field.
    """
    return convert(decode_json(data), kind)


def read(decoder: msgspec.json.Decoder[T], data: bytes, name: str) -> T:
    """Parse JSON bytes that Wirefuse wrote itself, in one pass: several times faster than `decode`.

    Args:
        name: of the record, for the message.

    Raises:
        InvalidEvent: kind `schema`; the detail says what is wrong.
    """
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        raise InvalidEvent("schema", f"not a {name}: {e}") from None


def convert(value: Any, kind: type[T], name: str | None = None) -> T:
    """Turn parsed JSON into a record of the given type.

    Args:
        name: of the record, for the message; default: its type's.

    Raises:
        InvalidEvent: kind `schema`; the detail names the field.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as e:
        raise InvalidEvent("schema", f"not {name or 'a ' + kind.__name__}: {e}") from None
