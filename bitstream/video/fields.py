"""Fields that more than one chunk of a video has: signed varints, ratios, strings."""

from __future__ import annotations

from bitstream.errors import BadField
from bitstream.ranges import require_range
from bitstream.reader import ByteReader
from bitstream.video.constants import MAX_RATIONAL, MAX_STRING
from bitstream.writer import ByteWriter


def put_signed(writer: ByteWriter, value: int, what: str) -> None:
    """Appends a signed varint: 2v, or -2v - 1 where v is negative."""
    writer.varint(2 * value if value >= 0 else -2 * value - 1, what)


def get_signed(reader: ByteReader, what: str) -> int:
    """Reads a signed varint, the counterpart of `put_signed`."""
    value = reader.varint(what)
    return -(value + 1 >> 1) if value & 1 else value >> 1


def put_pair(writer: ByteWriter, pair: tuple[int, int], what: str) -> None:
    """Appends a ratio: numerator, denominator."""
    for value in pair:
        writer.varint(value, what)


def get_pair(reader: ByteReader, what: str) -> tuple[int, int]:
    """Reads a ratio, the counterpart of `put_pair`."""
    return reader.varint(what), reader.varint(what)


def put_string(writer: ByteWriter, text: str, what: str) -> None:
    """Appends the length of a string and its bytes; `require_string` knows which there are."""
    writer.varint(len(text), what)
    writer.put(text.encode("ascii"))


def get_string(reader: ByteReader, what: str) -> str:
    """Reads a string, the counterpart of `put_string`.

    Raises:
        BadField: it is longer than a string may be.
    """
    length = reader.varint(f"the length of {what}")
    require_range(f"length of {what}", length, 0, MAX_STRING)
    return bytes(reader.take(length, what)).decode("latin-1")  # judged by `require_string`


def require_ratio(name: str, pair: tuple[int, int]) -> None:
    """Raises `BadField` if one of two integers is not among 1 to 2^31 - 1."""
    if len(pair) != 2:
        raise BadField(name, found=f"{len(pair)} numbers", expected="two")
    for value in pair:
        require_range(name, value, 1, MAX_RATIONAL)


def require_string(name: str, text: str, least: int) -> None:
    """Raises `BadField` if a string is too short, too long, or has characters but ASCII's."""
    if not least <= len(text) <= MAX_STRING:
        expected = f"{least} to {MAX_STRING}"
        raise BadField(name, found=f"{len(text)} characters", expected=expected)
    if not all(" " <= character <= "~" for character in text):
        raise BadField(name, found=ascii(text), expected="ASCII that is printed")
