"""Range-checked writing: a `ByteWriter` never writes a value that does not fit its field."""

from __future__ import annotations

from operator import index

from bitstream.checksum import Buffer
from bitstream.constants import MAX_VARINT
from bitstream.errors import BadField


class ByteWriter:
    """Collects little-endian fields; the counterpart of `ByteReader`, method by method."""

    __slots__ = ("_data",)

    def __init__(self) -> None:
        self._data = bytearray()

    def getvalue(self) -> bytes:
        """Returns everything that was written."""
        return bytes(self._data)

    def put(self, data: Buffer) -> None:
        """Appends bytes as they are."""
        self._data += data

    def u8(self, value: int, what: str) -> None:
        self._fixed(value, 1, what)

    def u16(self, value: int, what: str) -> None:
        self._fixed(value, 2, what)

    def u32(self, value: int, what: str) -> None:
        self._fixed(value, 4, what)

    def varint(self, value: int, what: str) -> None:
        """Appends an integer below 2^64 in its shortest form."""
        value = _checked(value, MAX_VARINT, what)
        while value >= 0x80:
            self._data.append(value & 0x7F | 0x80)
            value >>= 7
        self._data.append(value)

    def _fixed(self, value: int, size: int, what: str) -> None:
        self._data += _checked(value, 256**size - 1, what).to_bytes(size, "little")


def _checked(value: int, largest: int, what: str) -> int:
    if not 0 <= value <= largest:
        raise BadField(f"{what} does not fit its field", found=value, expected=f"0 to {largest}")
    return index(value)
