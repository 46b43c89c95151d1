"""What stands before the pixels, from a file object: header and metadata; no alpha, no tile.

magic, version | HEAD | ICCP? | EXIF? | XMP? | ...
'--------- read, and verified ---------'  then at most the framing of the next chunk
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from bitstream.chunks import Chunk, check_sequence, read_chunk
from bitstream.constants import (
    CHECK_BYTES,
    HEADER_PROBE_BYTES,
    ID_MASK,
    KNOWN_IDS,
    MAX_VARINT_BYTES,
    ChunkType,
    chunk_name,
)
from bitstream.container import read_start
from bitstream.header import Header
from bitstream.limits import Limits
from bitstream.metadata import Metadata
from bitstream.reader import ByteReader, as_view

_FRAMING_BYTES = 1 + MAX_VARINT_BYTES
_LAST = ChunkType.XMP & ID_MASK
"""Ids ascend, so no metadata comes after an id above this one."""


@dataclass(frozen=True, slots=True)
class Front:
    """The header and the metadata of a file."""

    header: Header
    metadata: Metadata


def read_front(file: BinaryIO, limits: Limits | None = None) -> Front:
    """Reads header and metadata, and little more than that.

    Args:
        file: stands at the start of a file of this format; where it stands afterwards is not said.
        limits: what to accept; None is the default `Limits()`.

    Raises:
        BitstreamError: as `read`, for the part that is read.
    """
    limits = limits or Limits()
    data = _up_to(file, b"", HEADER_PROBE_BYTES)
    reader = ByteReader(as_view(data))
    header, previous = read_start(reader, limits)
    position, chunks = reader.offset, dict[ChunkType, Chunk]()
    while True:
        data = _up_to(file, data, position + _FRAMING_BYTES)
        framing = ByteReader(as_view(data)[position:], base=position)
        code = framing.u8("the type of a chunk")
        length = framing.varint(f"the length of chunk {chunk_name(code)}")
        if code & ID_MASK > _LAST:
            return Front(header, Metadata.from_chunks(chunks, limits))
        limits.check_metadata(length, offset=position, chunk=chunk_name(code))
        data = _up_to(file, data, framing.offset + length + CHECK_BYTES)
        chunk = read_chunk(ByteReader(as_view(data)[position:], base=position))
        chunk.verify()
        check_sequence(chunk, previous)
        previous = chunks[KNOWN_IDS[chunk.id]] = chunk
        position += chunk.size


def _up_to(file: BinaryIO, data: bytes, size: int) -> bytes:
    """The first `size` bytes of the file, of which `data` are read; fewer if it ends before."""
    pieces = [data]
    missing = size - len(data)
    while missing > 0 and (piece := file.read(missing)):
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)
