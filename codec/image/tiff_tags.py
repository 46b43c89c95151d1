"""Directories of tags, as TIFF files and EXIF blocks have them, and what crosses between the two.

EXIF is itself a TIFF file without pixels, and a TIFF file keeps the same tags among its own. So
only those may cross that describe the picture: those that say how samples are stored (size, strips,
tiles, a thumbnail, a sensor) would describe another file, and make this one unreadable.

Values keep their bytes; a damaged one, or one of another type than its tag has, is left out.

Source: TIFF, revision 6.0, section 2; CIPA DC-008 "Exif", section 4.6.
"""

from __future__ import annotations

import logging
import struct
from typing import Any, NamedTuple

from PIL import Image

from codec.image.exif import without_prefix

__all__ = ["Entry", "directory_bytes", "exif_of_tiff", "tags_for_tiff"]

_log = logging.getLogger(__name__)

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED = 1, 2, 3, 4, 5, 7
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
"""Bytes of one value by type."""

_TEXTS = (269, 270, 271, 272, 285, 305, 306, 315, 316, 33432, 42016)
"""Titles, makers, a page, software, date, artist, computer, copyright, an id."""
_DESCRIPTIVE = {
    **dict.fromkeys(_TEXTS, ASCII),
    282: RATIONAL, 283: RATIONAL, 296: SHORT,  # resolution and its unit
    18246: SHORT, 18249: SHORT,  # ratings
    **dict.fromkeys(range(40091, 40096), BYTE),  # what Windows notes
}  # fmt: skip
"""Tags that describe the picture, with their types."""
_EXIF, _GPS, _INTEROP = 0x8769, 0x8825, 0xA005
_INSIDE: dict[int, tuple[int, ...]] = {0: (_EXIF, _GPS), _EXIF: (_INTEROP,)}
"""Tags that point to directories, by the directory that they stand in."""
_POINTERS = (_EXIF, _GPS, _INTEROP)


class Entry(NamedTuple):
    """A tag: its number, type, how many values, and their bytes or the directory it points to."""

    tag: int
    kind: int
    length: int
    value: bytes | list[Entry]


def directory_bytes(entries: list[Entry], order: str, at: int) -> bytes:
    """A directory with everything that belongs to it.

    Args:
        entries: each tag once.
        order: "<" or ">", in which the values are.
        at: offset in the file where the bytes will stand, even.
    """
    values = bytearray()
    rows = bytearray(struct.pack(f"{order}H", len(entries)))
    start = at + 2 + 12 * len(entries) + 4
    for entry in sorted(entries, key=lambda entry: entry.tag):
        values += bytes(len(values) % 2)
        position = start + len(values)
        inline = struct.pack(f"{order}I", position)
        if isinstance(entry.value, list):
            values += directory_bytes(entry.value, order, position)
        elif len(entry.value) > 4:
            values += entry.value
        else:
            inline = entry.value.ljust(4, b"\0")
        rows += struct.pack(f"{order}HHI", entry.tag, entry.kind, entry.length) + inline
    return bytes(rows + bytes(4) + values + bytes(len(values) % 2))


def tags_for_tiff(exif: bytes | None) -> tuple[str, list[Entry]]:
    """Byte order and tags that a TIFF file gets of an EXIF block, but not its orientation.

    Args:
        exif: the block, from its byte order mark on, which may be damaged; or None.
    """
    if not exif:
        return "<", []
    block = without_prefix(exif)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None or len(block) < 8:
        _log.warning("tiff holds EXIF as tags, and this is none: EXIF left out")
        return "<", []
    (offset,) = struct.unpack_from(f"{order}I", block, 4)
    damaged: list[int] = []
    entries = _entries(block, order, offset, 0, damaged)
    if damaged:
        _log.warning("tiff: damaged tags of EXIF left out: %s", ", ".join(map(str, damaged)))
    return order, entries


def _entries(block: bytes, order: str, offset: int, parent: int, damaged: list[int]) -> list[Entry]:
    """The tags of a directory that may cross; `damaged` gets the numbers of those in no order."""
    if offset + 2 > len(block):
        damaged.append(parent)
        return []
    (count,) = struct.unpack_from(f"{order}H", block, offset)
    found: dict[int, Entry] = {}
    for n in range(count):
        place = offset + 2 + 12 * n
        if place + 12 > len(block):
            damaged.append(parent)
            break
        tag, kind, values = struct.unpack_from(f"{order}HHI", block, place)
        if tag in found:
            continue
        if tag in _INSIDE.get(parent, ()):
            (inner,) = struct.unpack_from(f"{order}I", block, place + 8)
            entries = _entries(block, order, inner, tag, damaged)
            if entries:
                found[tag] = Entry(tag, LONG, 1, entries)
        elif parent != 0 or tag in _DESCRIPTIVE:
            value = None if tag in _POINTERS else _value(block, order, place)
            if value is None or (parent == 0 and kind != _DESCRIPTIVE[tag]):
                damaged.append(tag)
            else:
                found[tag] = Entry(tag, kind, values, value)
    return list(found.values())


def _value(block: bytes, order: str, place: int) -> bytes | None:
    """The bytes of a value, or None if they are not all there."""
    kind, count = struct.unpack_from(f"{order}HI", block, place + 2)
    size = _SIZES.get(kind, 0) * count
    if size > 4:
        (place,) = struct.unpack_from(f"{order}I", block, place + 8)
    else:
        place += 8
    return block[place : place + size] if 0 < size <= len(block) - place else None


def exif_of_tiff(image: Image.Image) -> bytes | None:
    """An EXIF block of those tags of a TIFF file, opened by Pillow, that describe the picture.

    Returns: None without any, or if they are so damaged that Pillow cannot write them again.
    """
    stored = image.getexif()
    block = Image.Exif()
    for tag in _DESCRIPTIVE:
        if tag in stored:
            block[tag] = stored[tag]
    for tag in _INSIDE[0]:
        directory = _directory_of(stored, tag)
        if directory:  # Pillow's writers look in either of the two places
            block.get_ifd(tag).update(directory)
            block[tag] = directory
    if not len(block):
        return None
    try:
        return without_prefix(block.tobytes())
    except (ValueError, TypeError, OverflowError, AttributeError, struct.error) as error:
        _log.warning("TIFF: its descriptive tags are damaged (%s): left out", error)
        return None


def _directory_of(stored: Image.Exif, tag: int) -> dict[int, Any]:
    try:
        return stored.get_ifd(tag)
    except (ValueError, TypeError, SyntaxError, OSError, struct.error) as error:
        _log.warning("TIFF: its directory %d is damaged (%s): left out", tag, error)
        return {}
