"""The container format: what do the bytes of a file mean? (SPEC.md; standard library only)

header = bitstream.Header(width=640, height=480, channels=3, alpha=False, model_id=1,
                          weights_hash=bytes(4), level=40, tile_log2=9)
data = bitstream.write(bitstream.Container(header=header, tiles=[b"tile 0", b"tile 1"]))

container = bitstream.read(data)      # everything is verified but the tiles
container.tile(1)                     # this tile is verified, no other is looked at
bitstream.inspect(data)               # what stands where
bitstream.kind(data[:267])            # "still"; or "video", then see bitstream.video
"""

from __future__ import annotations

from bitstream.constants import HEADER_PROBE_BYTES, MAGIC, VERSION, ChunkType
from bitstream.container import Container, has_magic, read, read_header, write
from bitstream.errors import (
    BadChecksum,
    BadField,
    BadMagic,
    BitstreamError,
    ChunkOrder,
    DuplicateChunk,
    LimitExceeded,
    MissingChunk,
    OutOfRange,
    TrailingData,
    Truncated,
    UnknownCriticalChunk,
    UnsupportedVersion,
)
from bitstream.header import Header
from bitstream.inspect import ChunkInfo, FileInfo, TileInfo, inspect
from bitstream.kinds import kind
from bitstream.limits import Limits
from bitstream.modes import Modes
from bitstream.salvage import Salvaged, salvage
from bitstream.tiles import Rectangle, StoredTiles, TileGrid, TileSpan

__all__ = [
    "HEADER_PROBE_BYTES",
    "MAGIC",
    "VERSION",
    "BadChecksum",
    "BadField",
    "BadMagic",
    "BitstreamError",
    "ChunkInfo",
    "ChunkOrder",
    "ChunkType",
    "Container",
    "DuplicateChunk",
    "FileInfo",
    "Header",
    "LimitExceeded",
    "Limits",
    "MissingChunk",
    "Modes",
    "OutOfRange",
    "Rectangle",
    "Salvaged",
    "StoredTiles",
    "TileGrid",
    "TileInfo",
    "TileSpan",
    "TrailingData",
    "Truncated",
    "UnknownCriticalChunk",
    "UnsupportedVersion",
    "has_magic",
    "inspect",
    "kind",
    "read",
    "read_header",
    "salvage",
    "write",
]
