"""ByteReader, ByteWriter and the checksum."""

from __future__ import annotations

import pytest

from bitstream import BadField, BitstreamError, Truncated
from bitstream.checksum import crc32
from bitstream.reader import ByteReader, as_view
from bitstream.writer import ByteWriter


def reader_of(data: bytes) -> ByteReader:
    return ByteReader(as_view(data), base=100, chunk="TEST")


def test_fixed_fields_are_little_endian() -> None:
    writer = ByteWriter()
    writer.u8(1, "a")
    writer.u16(0x0203, "b")
    writer.u32(0x04050607, "c")
    assert writer.getvalue() == bytes([1, 3, 2, 7, 6, 5, 4])
    reader = reader_of(writer.getvalue())
    assert (reader.u8("a"), reader.u16("b"), reader.u32("c")) == (1, 0x0203, 0x04050607)
    assert reader.remaining == 0


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, "00"), (127, "7f"), (128, "8001"), (300, "ac02"), (2**64 - 1, "ffffffffffffffffff01")],
)
def test_varint_has_the_bytes_of_the_specification(value: int, expected: str) -> None:
    writer = ByteWriter()
    writer.varint(value, "value")
    assert writer.getvalue().hex() == expected
    assert reader_of(writer.getvalue()).varint("value") == value


@pytest.mark.parametrize("data", ["8000", "ff00", "808000", "80808080808080808000"])
def test_varint_that_is_not_minimal_raises_bad_field(data: str) -> None:
    with pytest.raises(BadField, match="not minimal"):
        reader_of(bytes.fromhex(data)).varint("value")


@pytest.mark.parametrize("data", ["ff" * 9 + "02", "ff" * 10 + "01", "80" * 5000])
def test_varint_above_64_bits_raises_bad_field(data: str) -> None:
    with pytest.raises(BadField, match="too large"):
        reader_of(bytes.fromhex(data)).varint("value")


def test_varint_without_its_end_raises_truncated() -> None:
    with pytest.raises(Truncated):
        reader_of(b"\x80\x80").varint("value")


def test_short_read_raises_truncated_and_says_where() -> None:
    reader = reader_of(b"abc")
    reader.take(2, "two bytes")
    with pytest.raises(Truncated) as caught:
        reader.u32("a field")
    assert (caught.value.offset, caught.value.chunk) == (102, "TEST")
    assert str(caught.value) == (
        "data end inside a field in chunk TEST at byte 102: found 1 bytes, expected 4 bytes"
    )
    assert reader.remaining == 1


def test_enormous_claims_do_not_allocate() -> None:
    with pytest.raises(Truncated):
        reader_of(b"abc").take(2**63, "a claim")


@pytest.mark.parametrize("value", [-1, 256])
def test_value_that_does_not_fit_raises_bad_field(value: int) -> None:
    with pytest.raises(BadField, match="level does not fit"):
        ByteWriter().u8(value, "level")


@pytest.mark.parametrize("value", [-1, 2**64])
def test_varint_that_does_not_fit_raises_bad_field(value: int) -> None:
    with pytest.raises(BadField):
        ByteWriter().varint(value, "length")


def test_crc_has_the_check_value_of_the_specification() -> None:
    assert crc32(b"123456789") == 0xCBF43926
    assert crc32(b"6789", crc32(b"12345")) == 0xCBF43926


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_every_buffer_is_accepted(kind: type) -> None:
    assert bytes(as_view(kind(b"abc"))) == b"abc"


def test_error_without_a_place_says_only_what() -> None:
    error = BitstreamError("something")
    assert str(error) == "something"
    assert error.offset is None
    assert error.chunk is None
