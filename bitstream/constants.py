"""The numbers of the format: magic, version, chunk types, hard limits (SPEC.md, 1, 2 and 5)."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

MAGIC: Final = b"\x8aLIC"
VERSION: Final = 1

IGNORABLE: Final = 0x80
"""High bit of a chunk type: a reader that does not know the chunk may skip it."""
ID_MASK: Final = 0x7F

CHECK_BYTES: Final = 4

MAX_VARINT: Final = 2**64 - 1
MAX_VARINT_BYTES: Final = 10  # ceil(64 / 7)

MAX_SIDE: Final = 2**30  # the product of two sides fits a signed 64-bit integer
MAX_HEAD_BYTES: Final = 255
HEADER_PROBE_BYTES: Final = len(MAGIC) + 1 + 1 + 2 + MAX_HEAD_BYTES + CHECK_BYTES
"""So many bytes from the start of a file always hold the whole header (267)."""

MAX_LEVEL: Final = 63
MAX_ERROR: Final = 65535
BIT_DEPTHS: Final = (8, 16)
MIN_TILE_LOG2: Final = 6
MAX_TILE_LOG2: Final = 15
WEIGHTS_HASH_BYTES: Final = 4


class ChunkType(IntEnum):
    """The chunk types of version 1; the low seven bits are the id, which also gives the order."""

    HEAD = 0x01
    ICCP = 0x02
    EXIF = 0x03 | IGNORABLE
    XMP = 0x04 | IGNORABLE
    ALPH = 0x05
    MODE = 0x06
    TILE = 0x7F


class VideoChunkType(IntEnum):
    """The chunk types that only videos have (VIDEO.md, 1); they share the ids of stills."""

    TRAK = 0x10
    KEYF = 0x11
    FRAM = 0x12
    INDX = 0x13
    TAIL = 0x14
    AUDI = 0x2D


CHUNK_NAMES: Final[dict[int, str]] = {
    kind.value: kind.name.ljust(4) for kinds in (ChunkType, VideoChunkType) for kind in kinds
}
KNOWN_IDS: Final[dict[int, ChunkType]] = {kind.value & ID_MASK: kind for kind in ChunkType}


def chunk_name(code: int) -> str:
    """Returns the four-letter display name of a chunk type; unknown ones read like `?x2A`."""
    return CHUNK_NAMES.get(code, f"?x{code:02X}")
