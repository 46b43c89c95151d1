"""Bounded reading: a `ByteReader` either gives all the bytes asked for or raises `Truncated`."""

from __future__ import annotations

from bitstream.checksum import Buffer
from bitstream.constants import MAGIC, MAX_VARINT, MAX_VARINT_BYTES, VERSION
from bitstream.errors import BadField, BadMagic, Truncated, UnsupportedVersion


def as_view(data: Buffer) -> memoryview:
    """Returns the bytes of a buffer as a flat view, without copying."""
    return memoryview(data).toreadonly().cast("B")


class ByteReader:
    """Reads little-endian fields from a view; never past its end, never fewer bytes than asked.

    Args:
        view: the bytes to read.
        base: offset of the view in the file, for the messages.
        chunk: name of the chunk that the view is the payload of, for the messages.
    """

    __slots__ = ("_base", "_chunk", "_position", "_view")

    def __init__(self, view: memoryview, *, base: int = 0, chunk: str | None = None) -> None:
        self._view = view
        self._base = base
        self._chunk = chunk
        self._position = 0

    @property
    def offset(self) -> int:
        """Offset in the file of the next byte to be read."""
        return self._base + self._position

    @property
    def chunk(self) -> str | None:
        """Name of the chunk that is being read, if any."""
        return self._chunk

    def comes(self, byte: int) -> bool:
        """Tells whether that byte is the next one; nothing is read."""
        return self.remaining > 0 and self._view[self._position] == byte

    @property
    def remaining(self) -> int:
        """Number of bytes that are left."""
        return len(self._view) - self._position

    def take(self, size: int, what: str) -> memoryview:
        """Returns the next `size` bytes; `what` names them in the message of `Truncated`."""
        if size > self.remaining:
            raise Truncated(
                f"data end inside {what}",
                found=f"{self.remaining} bytes",
                expected=f"{size} bytes",
                offset=self.offset,
                chunk=self._chunk,
            )
        start = self._position
        self._position += size
        return self._view[start : self._position]

    def since(self, offset: int) -> memoryview:
        """Returns the bytes that were read from a file offset up to here, again."""
        return self._view[offset - self._base : self._position]

    def u8(self, what: str) -> int:
        return self.take(1, what)[0]

    def u16(self, what: str) -> int:
        return int.from_bytes(self.take(2, what), "little")

    def u32(self, what: str) -> int:
        return int.from_bytes(self.take(4, what), "little")

    def varint(self, what: str) -> int:
        """Returns a variable-length integer below 2^64, which must be in its shortest form."""
        start = self.offset
        value = 0
        for index in range(MAX_VARINT_BYTES):
            byte = self.u8(what)
            value |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                if byte == 0 and index > 0:
                    raise BadField(
                        f"varint of {what} is not minimal",
                        found=f"{index + 1} bytes for {value}",
                        expected="the shortest form",
                        offset=start,
                        chunk=self._chunk,
                    )
                if value > MAX_VARINT:
                    break
                return value
        raise BadField(
            f"varint of {what} is too large",
            expected=f"at most {MAX_VARINT}",
            offset=start,
            chunk=self._chunk,
        )


def read_version(reader: ByteReader) -> None:
    """Reads magic and version, the first bytes of every file.

    Raises:
        BadMagic, UnsupportedVersion, Truncated: they are others, or too few.
    """
    magic = bytes(reader.take(min(len(MAGIC), reader.remaining), "the magic"))
    if not MAGIC.startswith(magic):
        raise BadMagic(
            "not a file of this format", found=magic.hex(" "), expected=MAGIC.hex(" "), offset=0
        )
    if len(magic) < len(MAGIC):
        raise Truncated("data end inside the magic", found=f"{len(magic)} bytes", offset=0)
    offset = reader.offset
    version = reader.u8("the version")
    if version != VERSION:
        raise UnsupportedVersion("format version", found=version, expected=VERSION, offset=offset)
