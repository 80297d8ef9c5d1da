"""TFRecord files and the `tf.train.Example`s in them, read without TensorFlow: lengths and checksums first, values on demand.

Framing (tensorflow/core/lib/io/record_writer.h): uint64 length, masked CRC-32C of it, payload, masked CRC-32C of that.
An Example is a protobuf (tensorflow/core/example/example.proto): features = 1 → map entry = 1 → key = 1, feature = 2 →
bytes_list = 1 | float_list = 2 | int64_list = 3 → values = 1.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from edgetl.errors import DataError

MAX_RECORD_BYTES = 210_000_000
"""An encoded image of the largest size that is decoded, and its labels."""
_MASK_DELTA = 0xA282EAD8
_POLYNOMIAL = 0x82F63B78
"""CRC-32C (Castagnoli), reflected."""


def _table() -> tuple[int, ...]:
    found = []
    for number in range(256):
        value = number
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        found.append(value)
    return tuple(found)


_TABLE = _table()


def masked_crc(data: bytes) -> int:
    """Checksum of a record's length or payload.

    Args:
        data: the bytes.

    Returns:
        CRC-32C, rotated by 15 bits, plus TensorFlow's constant, in 32 bits.
    """
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF


def places(file: BinaryIO, name: str) -> Iterator[tuple[int, int]]:
    """Find the records of a file; payloads are passed over.

    Args:
        file: open, at its start.
        name: for messages.

    Yields:
        Offset and length in bytes of each payload.

    Raises:
        DataError: the file ends within a record, or a length does not fit its checksum.
    """
    size = file.seek(0, 2)
    place = 0
    while place < size:
        file.seek(place)
        head = file.read(12)
        if len(head) < 12:
            raise DataError(f"{name}: ends within a record, at byte {place}.")
        length, crc = struct.unpack("<QI", head)
        if masked_crc(head[:8]) != crc:
            raise DataError(f"{name}: is damaged, or no TFRecord file: the length at byte {place} does not fit its checksum.")
        if length > MAX_RECORD_BYTES or place + 16 + length > size:
            raise DataError(f"{name}: the record at byte {place} is longer than the file, or than {MAX_RECORD_BYTES} bytes.")
        yield place + 12, length
        place += 16 + length


def fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    """Take a protobuf message apart.

    Args:
        data: the message.

    Yields:
        Number and value of each field: bytes of a length-delimited one, else a whole number.

    Raises:
        ValueError: it is none.
    """
    place = 0
    while place < len(data):
        tag, place = _varint(data, place)
        kind = tag & 7
        if kind == 0:
            number, place = _varint(data, place)
            yield tag >> 3, number
            continue
        length = {1: 8, 5: 4}.get(kind)
        if kind == 2:
            length, place = _varint(data, place)
        if length is None or place + length > len(data):
            raise ValueError("not a protobuf message")
        yield tag >> 3, data[place : place + length]
        place += length


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(data):
            break
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, place
    raise ValueError("not a protobuf message")


def example(data: bytes) -> dict[str, list[bytes] | list[int]]:
    """Read a `tf.train.Example`.

    Args:
        data: a record's payload.

    Returns:
        Name → its values: bytes or whole numbers (floats are left out).

    Raises:
        ValueError: it is none.
    """
    found: dict[str, list[bytes] | list[int]] = {}
    for features in _messages(data, 1):
        for entry in _messages(features, 1):
            parts = dict(fields(entry))
            name, feature = parts.get(1), parts.get(2, b"")
            if not isinstance(name, bytes) or not isinstance(feature, bytes):
                raise ValueError("not a tf.train.Example")
            for kind, values in fields(feature):
                if kind == 1 and isinstance(values, bytes):
                    found[name.decode("utf-8")] = list(_messages(values, 1))
                elif kind == 3 and isinstance(values, bytes):
                    found[name.decode("utf-8")] = list(_numbers(values))
    return found


def read(path: Path, place: int, length: int, image_key: str) -> bytes:
    """Read the image of one record.

    Args:
        path: the file.
        place: offset of the payload in bytes, of `places`.
        length: its length in bytes.
        image_key: name of the feature.

    Returns:
        The encoded image.

    Raises:
        OSError: the record does not fit its checksum.
    """
    with path.open("rb") as file:
        file.seek(place)
        data = file.read(length)
        if len(data) != length or masked_crc(data).to_bytes(4, "little") != file.read(4):
            raise OSError(5, f"the record at byte {place} does not fit its checksum")
    value = example(data)[image_key][0]
    assert isinstance(value, bytes)
    return value


def _messages(data: bytes, wanted: int) -> Iterator[bytes]:
    for number, value in fields(data):
        if number == wanted:
            if not isinstance(value, bytes):
                raise ValueError("not a tf.train.Example")
            yield value


def _numbers(data: bytes) -> Iterator[int]:
    """Values of an Int64List, packed or one by one, as signed numbers."""
    for number, value in fields(data):
        if number != 1:
            continue
        if isinstance(value, int):
            yield value - (1 << 64) if value >> 63 else value
            continue
        place = 0
        while place < len(value):
            one, place = _varint(value, place)
            yield one - (1 << 64) if one >> 63 else one
