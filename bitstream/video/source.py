"""A file as a stream of chunks: bounded look-ahead over a `BinaryIO`, which need not seek."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import BinaryIO

from bitstream.chunks import Chunk
from bitstream.constants import CHECK_BYTES, MAX_VARINT_BYTES, chunk_name
from bitstream.errors import Truncated
from bitstream.reader import ByteReader, as_view

_PIECE = 2**20  # no claim of a file makes us allocate more at once than it has bytes, or this


class Shared:
    """A stream that several sources read in turn; it stands at the magic, wherever that is."""

    __slots__ = ("_at", "_origin", "_seekable", "_stream")

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._seekable = stream.seekable()
        self._origin = stream.tell() if self._seekable else 0
        self._at = 0

    def read(self, offset: int, size: int) -> bytes:
        """Returns up to `size` bytes from an offset from the magic; fewer only at the end.

        Raises:
            io.UnsupportedOperation: the stream cannot seek, and stands elsewhere.
        """
        if offset != self._at:
            if not self._seekable:
                raise io.UnsupportedOperation(
                    "the stream cannot seek: it is read once, from front to back"
                )
            self._stream.seek(self._origin + offset)
            self._at = offset
        pieces = []
        while size > 0 and (piece := self._stream.read(min(size, _PIECE))):
            pieces.append(piece)
            size -= len(piece)
            self._at += len(piece)
        return b"".join(pieces)

    def size(self) -> int:
        """Returns the number of bytes from the magic to the end.

        Raises:
            io.UnsupportedOperation: the stream cannot seek.
        """
        if not self._seekable:
            raise io.UnsupportedOperation("the stream cannot seek: its end is not known")
        end = self._stream.seek(0, io.SEEK_END)
        self._at = -1
        return end - self._origin


@dataclass(frozen=True, slots=True)
class Framing:
    """Type and length of a chunk whose payload is not read yet.

    Attributes:
        code: the type byte.
        length: bytes of the payload, as claimed.
        size: bytes of type and length.
        offset: of the type byte in the file.
    """

    code: int
    length: int
    size: int
    offset: int

    @property
    def name(self) -> str:
        """Four-letter display name."""
        return chunk_name(self.code)

    @property
    def whole(self) -> int:
        """Bytes of the whole chunk, as claimed."""
        return self.size + self.length + CHECK_BYTES


class Source:
    """Reads a stream from an offset on, with look-ahead.

    Args:
        shared: the stream.
        offset: where to begin, from the magic.

    Attributes:
        offset: of the next byte; what is looked at ahead does not count.
    """

    __slots__ = ("_ahead", "_shared", "offset")

    def __init__(self, shared: Shared, offset: int = 0) -> None:
        self._shared = shared
        self._ahead = bytearray()
        self.offset = offset

    def look(self, size: int) -> int:
        """Sees to it that `size` bytes are looked at ahead; returns how many are, at most size."""
        while (missing := size - len(self._ahead)) > 0:
            piece = self._shared.read(self.offset + len(self._ahead), min(missing, _PIECE))
            if not piece:
                break
            self._ahead += piece
        return min(size, len(self._ahead))

    def ahead(self, start: int, end: int) -> bytes:
        """Returns bytes that were looked at, by their distance from here."""
        return bytes(self._ahead[start:end])

    def find(self, pattern: bytes, start: int, end: int) -> int:
        """Returns the distance of a pattern among the bytes that were looked at, or -1."""
        return self._ahead.find(pattern, start, end)

    def skip(self, size: int) -> None:
        """Steps over bytes that were looked at."""
        del self._ahead[:size]
        self.offset += size

    def take(self, size: int, what: str) -> bytes:
        """Returns the next `size` bytes; `what` names them in the message of `Truncated`."""
        there = self.look(size)
        if there < size:
            raise Truncated(
                f"data end inside {what}",
                found=f"{there} bytes",
                expected=f"{size} bytes",
                offset=self.offset,
            )
        data = self.ahead(0, size)
        self.skip(size)
        return data

    def framing(self, start: int = 0) -> Framing:
        """Looks at type and length of the chunk at a distance from here.

        Raises:
            Truncated: the data end before its length does.
            BadField: the length is not a varint.
        """
        size = 2
        there = self.look(start + size)
        while there == start + size and self._ahead[start + size - 1] >= 0x80:
            if size > MAX_VARINT_BYTES:
                break
            size += 1
            there = self.look(start + size)
        offset = self.offset + start
        reader = ByteReader(as_view(self.ahead(start, max(there, start))), base=offset)
        code = reader.u8("the type of a chunk")
        length = reader.varint(f"the length of chunk {chunk_name(code)}")
        return Framing(code, length, reader.offset - offset, offset)

    def chunk(self, framing: Framing) -> Chunk:
        """Looks at a whole chunk; its length was compared with the limits.

        Raises:
            Truncated: the data end before the chunk does.
        """
        start = framing.offset - self.offset
        there = self.look(start + framing.whole)
        if there < start + framing.whole:
            raise Truncated(
                "data end inside a chunk",
                found=f"{max(there - start, 0)} bytes",
                expected=f"{framing.whole} bytes",
                offset=framing.offset,
                chunk=framing.name,
            )
        view = as_view(self.ahead(start, start + framing.whole))
        end = framing.size + framing.length
        check = int.from_bytes(view[end:], "little")
        return Chunk(
            framing.code, framing.offset, view[: framing.size], view[framing.size : end], check
        )
