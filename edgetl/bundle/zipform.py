"""The structure of a zip, read before anything is unpacked: one that two programs could read in two ways is refused.

A zip says everything twice, in front of each member and in its directory at the end; programs differ in which they believe, and
all of them skip what lies between. So: members follow one another from the first byte on, the directory follows the last, the
file ends with the directory's end, both records of a member agree, and each field in them is the one that `pack` writes. Only
the compressed bytes may differ, as they do between builds of zlib; they end where the file in them ends, and are no more than
it takes at worst.
Source: PKWARE, APPNOTE.TXT 6.3.10, sections 4.3.7 (local header), 4.3.12 (directory), 4.3.16 (its end); zlib 1.3, deflateBound.
"""

from __future__ import annotations

import stat
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from edgetl.bundle import archive, names
from edgetl.bundle.faults import Kind, one

MAX_BYTES = 4_000_000_000
"""Most that a bundle may hold, unpacked."""
MAX_FILES = 10_000
_END, _ENTRY, _LOCAL = struct.Struct("<4s4H2LH"), struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s5H3L2H")
_UTF8, _ENCRYPTED = 0x800, 0x1
_MAX_DIRECTORY_BYTES = 24_000_000
"""Of `MAX_FILES` members with the longest names."""
_MOST_EXPANSION = 1100
"""Deflate's limit is 1032 to 1."""
_BLOCK_BYTES, _BLOCK_COST_BYTES, _LEAST_BYTES = 16_000, 5, 16
"""What cannot be made smaller is stored in blocks of about 16 KB (zlib's), each with 5 bytes before it."""
_CHUNK_BYTES = 1 << 20
_OTHERWISE = "Give the bundle.zip that `edgetl ship` wrote, or unpack it and give the folder."


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file of the archive."""

    name: str
    size_bytes: int
    at: int
    """Where its compressed bytes start."""
    compressed_bytes: int
    crc: int


def members(path: Path) -> list[Member]:
    """Read what an archive holds.

    Args:
        path: a file that anyone may have made.

    Returns:
        Its members in order; their names are plain, none twice, and their sizes add up to no more than `MAX_BYTES`.

    Raises:
        BundleFault: it is no zip, is not whole, or is not packed as `edgetl ship` packs.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        count, start = _end(path, file, size)
        if size - _END.size - start > _MAX_DIRECTORY_BYTES:
            raise one(path, "too large", f"its directory is larger than {_MAX_DIRECTORY_BYTES // 10**6} MB.")
        file.seek(start)
        directory = file.read(size - _END.size - start)
        found: list[Member] = []
        seen: set[str] = set()
        place = at = total = 0
        for _ in range(count):
            if len(directory) - place < _ENTRY.size:
                raise one(path, "damaged", "its directory is cut off.")
            entry = _ENTRY.unpack_from(directory, place)
            name_length, extra_length, comment_length = entry[10:13]
            end = place + _ENTRY.size + name_length + extra_length + comment_length
            if entry[0] != b"PK\x01\x02" or end > len(directory):
                raise one(path, "damaged", "its directory is damaged.")
            raw = directory[place + _ENTRY.size :][:name_length]
            name = _checked(path, raw, entry)
            if extra_length or comment_length:
                raise one(path, "packed otherwise", f"{name!r} carries fields that another program added. {_OTHERWISE}")
            if name in seen:
                raise one(path, "name twice", f"holds {name!r} twice.")
            seen.add(name)
            if entry[16] != at:
                why: Kind = "leading data" if not found else "hidden data"
                raise one(path, why, f"something lies before {name!r} that its directory does not list.")
            at = _local(path, file, start, raw, name, entry)
            total += entry[9]
            compressed, size_bytes = entry[8:10]
            found.append(Member(name=name, size_bytes=size_bytes, at=at - compressed, compressed_bytes=compressed, crc=entry[7]))
            place = end
        if total > MAX_BYTES:
            raise one(path, "too large", f"would unpack to more than {MAX_BYTES // 10**9} GB.")
        if place != len(directory) or at != start:
            raise one(path, "hidden data", "something lies beside its members that its directory does not list.")
    return found


def _end(path: Path, file: BinaryIO, size: int) -> tuple[int, int]:
    """Read the end of the directory: how many members there are, and where the directory starts."""
    file.seek(max(0, size - _END.size))
    tail = file.read(_END.size)
    if len(tail) < _END.size or not tail.startswith(b"PK\x05\x06") or tail[-2:] != b"\0\0":
        file.seek(max(0, size - _END.size - 0xFFFF))
        rest = file.read()
        behind = rest.rfind(b"PK\x05\x06")
        file.seek(0)
        if behind < 0 and file.read(4) != b"PK\x03\x04":
            raise one(path, "not a bundle", "is no zip; give the folder `bundle` of a run, or its bundle.zip.")
        if behind < 0 or len(rest) - behind < _END.size:
            raise one(path, "truncated", "is not whole: its end is missing. Copy or download it again.")
        raise one(path, "trailing data", "something follows the end of the zip. Copy or download it again.")
    _, disk, first, here, count, length, start, _ = _END.unpack(tail)
    if 0xFFFF in (here, count) or 0xFFFFFFFF in (length, start) or count > MAX_FILES:
        raise one(path, "too large", f"holds more than {MAX_FILES} files, or is a zip of more than {MAX_BYTES // 10**9} GB.")
    if disk or first or here != count:
        raise one(path, "packed otherwise", f"is a part of several. {_OTHERWISE}")
    if start + length > size - _END.size:
        raise one(path, "truncated", "is not whole: a part of it is missing. Copy or download it again.")
    if start + length < size - _END.size:
        raise one(path, "leading data", "something was put before the zip. Copy or download it again.")
    return count, start


def _checked(path: Path, raw: bytes, entry: tuple[int, ...]) -> str:
    """Check what the directory says of a member; returns its name."""
    flags, compressed, unpacked, attributes = entry[3], entry[8], entry[9], entry[15]
    try:
        name = raw.decode("utf-8" if flags & _UTF8 else "ascii")
    except UnicodeDecodeError:
        raise one(path, "bad name", f"{raw[:80]!r} is no name in UTF-8.") from None
    shown = repr(name[:80])
    if stat.S_IFMT(attributes >> 16) not in (0, stat.S_IFREG):
        raise one(path, "link or device", f"{shown} is a link, a folder or a device; a bundle holds files only.")
    if not names.plain(name):
        raise one(path, "bad name", f"{shown} leaves the folder, or is no plain name.")
    if flags & _ENCRYPTED:
        raise one(path, "encrypted", f"{shown} is encrypted.")
    if (*entry[1:7], *entry[13:16]) != _form(name):
        raise one(path, "packed otherwise", f"{shown} was packed by another program. {_OTHERWISE}")
    if unpacked > max(_MOST_EXPANSION * compressed, 1_000_000):
        raise one(path, "too large", f"{shown} says that it unpacks to more than its kind of compression can.")
    if compressed > unpacked + _BLOCK_COST_BYTES * (unpacked // _BLOCK_BYTES) + _LEAST_BYTES:
        raise one(path, "hidden data", f"{shown} takes more bytes than the file in it needs; something is hidden among them.")
    return name


def _form(name: str) -> tuple[int, ...]:
    """What a record of the directory says in the form of `pack`: versions, flags, method, time, date; disk, attributes."""
    made = archive.entry(name)
    year, month, day = made.date_time[:3]
    date = (year - 1980) << 9 | month << 5 | day
    by = made.create_system << 8 | made.create_version
    flags = 0 if name.isascii() else _UTF8
    return (by, made.extract_version, flags, made.compress_type, 0, date, 0, made.internal_attr, made.external_attr)


def _local(path: Path, file: BinaryIO, start: int, raw: bytes, name: str, entry: tuple[int, ...]) -> int:
    """Hold the record in front of a member against the directory's; returns where the next one starts."""
    file.seek(entry[16])
    data = file.read(_LOCAL.size)
    if len(data) < _LOCAL.size or not data.startswith(b"PK\x03\x04"):
        raise one(path, "records differ", f"{name!r} is not where the directory says.")
    local = _LOCAL.unpack(data)
    if local[1:10] != entry[2:11] or file.read(len(raw)) != raw:
        raise one(path, "records differ", f"the two records of {name!r} say different things of it.")
    if local[10]:
        raise one(path, "packed otherwise", f"{name!r} carries fields that another program added. {_OTHERWISE}")
    after = entry[16] + _LOCAL.size + len(raw) + entry[8]
    if after > start:
        raise one(path, "records differ", f"{name!r} reaches into the directory.")
    return int(after)


def unpack(path: Path, root: str, found: list[Member], goal: Path) -> None:
    """Unpack what `members` found.

    Args:
        path: the archive.
        root: folder of the members that is left out of their names, with a slash; or "".
        found: its members.
        goal: an empty folder.

    Raises:
        BundleFault: a member is damaged, is not as large as it says, or holds more than its file.
    """
    with path.open("rb") as packed:
        for member in found:
            target = goal / member.name.removeprefix(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as sink:
                _inflate(path, packed, member, sink)


def _inflate(path: Path, packed: BinaryIO, member: Member, sink: BinaryIO) -> None:
    import zlib

    packed.seek(member.at)
    stream, left, written, crc = zlib.decompressobj(-zlib.MAX_WBITS), member.compressed_bytes, 0, 0
    while not stream.eof and written <= member.size_bytes:
        taken = stream.unconsumed_tail or packed.read(min(_CHUNK_BYTES, left))
        left -= 0 if stream.unconsumed_tail else len(taken)
        try:
            data = stream.decompress(taken, min(_CHUNK_BYTES, member.size_bytes - written + 1))
        except zlib.error as error:
            raise one(path, "damaged", f"{member.name!r} cannot be unpacked ({error}). Copy or download it again.") from None
        if not taken and not data:
            break
        written, crc = written + len(data), zlib.crc32(data, crc)
        sink.write(data)
    if written != member.size_bytes or not stream.eof:
        raise one(path, "damaged", f"{member.name!r} is not as large as the archive says; it is damaged or hostile.")
    if left or stream.unused_data:
        raise one(path, "hidden data", f"something lies behind the end of {member.name!r} that belongs to no file.")
    if crc != member.crc:
        raise one(path, "damaged", f"{member.name!r} cannot be unpacked (its sum differs). Copy or download it again.")
