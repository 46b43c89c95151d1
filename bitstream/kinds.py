"""Still or video: the one question that the first bytes of any file of this format answer."""

from __future__ import annotations

from typing import Literal

from bitstream.checksum import Buffer
from bitstream.constants import HEADER_PROBE_BYTES, MAGIC, ChunkType, chunk_name
from bitstream.errors import MissingChunk, UnsupportedVersion
from bitstream.reader import ByteReader, as_view, read_version

_KIND_SHIFT = 6
_NAMES: tuple[Literal["still", "video"], ...] = ("still", "video")


def kind(first_bytes: Buffer) -> Literal["still", "video"]:
    """Tells what a file is, from its first bytes alone and without verifying a check.

    Args:
        first_bytes: of the file; `HEADER_PROBE_BYTES` of them always suffice, 15 nearly always.

    Raises:
        BadMagic, UnsupportedVersion, MissingChunk, BadField, Truncated: it is not a file of this
            version, or there are too few bytes.
    """
    reader = ByteReader(as_view(first_bytes)[:HEADER_PROBE_BYTES])
    read_version(reader)
    code = reader.u8("the type of a chunk")
    if code != ChunkType.HEAD:
        raise MissingChunk(
            "file does not begin with its header",
            found=chunk_name(code),
            expected=ChunkType.HEAD.name,
            offset=len(MAGIC) + 1,
        )
    reader.varint("the length of chunk HEAD")
    reader.varint("width")
    reader.varint("height")
    number = reader.u8("samples") >> _KIND_SHIFT
    if number >= len(_NAMES):
        raise UnsupportedVersion(
            "kind is reserved for later versions", found=number, expected="0 or 1", chunk="HEAD"
        )
    return _NAMES[number]
