"""Framing of chunks: type, length, payload, check; and the rules on their sequence (SPEC.md, 1).

+------+--------+===============+-------+
| type | length |    payload    | check |      check = CRC-32 of all that stands before it
+------+--------+===============+-------+
'-- framing ----'
"""

from __future__ import annotations

from dataclasses import dataclass

from bitstream.checksum import Buffer, crc32
from bitstream.constants import (
    CHECK_BYTES,
    ID_MASK,
    IGNORABLE,
    KNOWN_IDS,
    ChunkType,
    VideoChunkType,
    chunk_name,
)
from bitstream.errors import (
    BadChecksum,
    BadField,
    ChunkOrder,
    DuplicateChunk,
    MissingChunk,
    UnknownCriticalChunk,
)
from bitstream.reader import ByteReader
from bitstream.writer import ByteWriter


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk as it stands in a file; its check is not verified before `verify` is called.

    Attributes:
        code: the type byte.
        offset: offset of the type byte in the file.
        framing: the bytes of type and length.
        payload: the bytes of the payload, a view.
        check: the CRC-32 that is stored behind the payload.
    """

    code: int
    offset: int
    framing: memoryview
    payload: memoryview
    check: int

    @property
    def id(self) -> int:
        """The type without the ignorable bit."""
        return self.code & ID_MASK

    @property
    def ignorable(self) -> bool:
        """Whether a reader that does not know the type may skip the chunk."""
        return bool(self.code & IGNORABLE)

    @property
    def name(self) -> str:
        """Four-letter display name."""
        return chunk_name(self.code)

    @property
    def payload_offset(self) -> int:
        """Offset of the payload in the file."""
        return self.offset + len(self.framing)

    @property
    def size(self) -> int:
        """Number of bytes of the whole chunk."""
        return len(self.framing) + len(self.payload) + CHECK_BYTES

    def is_whole(self) -> bool:
        """Tells whether the check matches; the tile chunk has rules of its own."""
        return crc32(self.payload, crc32(self.framing)) == self.check

    def verify(self) -> None:
        """Raises `BadChecksum` if type, length or payload are not what was written."""
        computed = crc32(self.payload, crc32(self.framing))
        if computed != self.check:
            raise BadChecksum(
                "CRC-32 does not match",
                found=f"{computed:08x}",
                expected=f"{self.check:08x}",
                offset=self.offset,
                chunk=self.name,
            )

    def open(self) -> ByteReader:
        """Returns a reader of the payload."""
        return ByteReader(self.payload, base=self.payload_offset, chunk=self.name)


def read_chunk(reader: ByteReader) -> Chunk:
    """Reads the framing of the next chunk and steps over its payload."""
    offset = reader.offset
    code = reader.u8("the type of a chunk")
    name = chunk_name(code)
    length = reader.varint(f"the length of chunk {name}")
    framing = reader.since(offset)
    payload = reader.take(length, f"the payload of chunk {name}")
    check = reader.u32(f"the check of chunk {name}")
    return Chunk(code, offset, framing, payload, check)


def chunk_framing(kind: ChunkType | VideoChunkType, length: int) -> bytes:
    """Returns the bytes of type and length."""
    writer = ByteWriter()
    writer.u8(kind, "chunk type")
    writer.varint(length, "chunk length")
    return writer.getvalue()


def put_chunk(writer: ByteWriter, kind: ChunkType | VideoChunkType, payload: Buffer) -> None:
    """Writes a whole chunk, the counterpart of `read_chunk`."""
    framing = chunk_framing(kind, len(payload))
    writer.put(framing)
    writer.put(payload)
    writer.u32(crc32(payload, crc32(framing)), "chunk check")


def check_sequence(chunk: Chunk, previous: Chunk | None) -> None:
    """Raises if a chunk may not follow the one before it (None: the start of the file)."""
    name = chunk.name
    if chunk.id == 0:
        raise BadField("chunk id is 0", expected="1 to 127", offset=chunk.offset, chunk=name)
    if previous is None and chunk.id != ChunkType.HEAD:
        raise MissingChunk(
            "file does not begin with its header",
            found=name,
            expected=ChunkType.HEAD.name,
            offset=chunk.offset,
        )
    if previous is not None and chunk.id == previous.id:
        raise DuplicateChunk("chunk stands here again", offset=chunk.offset, chunk=name)
    if previous is not None and chunk.id < previous.id:
        raise ChunkOrder(
            f"chunk stands behind {previous.name}",
            found=f"id {chunk.id}",
            expected=f"above {previous.id}",
            offset=chunk.offset,
            chunk=name,
        )
    known = KNOWN_IDS.get(chunk.id)
    if known is not None and chunk.code != known:
        raise BadField(
            f"chunk {chunk_name(known)} has the wrong ignorable bit",
            found=f"type {chunk.code:#04x}",
            expected=f"{int(known):#04x}",
            offset=chunk.offset,
            chunk=name,
        )
    if known is None and not chunk.ignorable:
        raise UnknownCriticalChunk(
            "unknown chunk that must not be skipped; a newer version of this software may read it",
            found=f"type {chunk.code:#04x}",
            offset=chunk.offset,
            chunk=name,
        )
