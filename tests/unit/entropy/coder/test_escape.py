"""The escape stream."""

from __future__ import annotations

import pytest

from entropy import CorruptStream, StreamExhausted
from entropy.coder import escape


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 16383, 16384, 131071, (1 << 32) - 1])
def test_varint_round_trips(value: int) -> None:
    data = b"x" + escape.write_varint(value)
    assert escape.read_varint(data, 1, len(data), 5) == (value, len(data))


def test_varint_bytes_are_little_endian_groups() -> None:
    assert escape.write_varint(300) == bytes([0xAC, 0x02])


@pytest.mark.parametrize("data", [b"\x80\x00", b"\xff\x80\x00"])
def test_superfluous_zero_raises_corrupt(data: bytes) -> None:
    with pytest.raises(CorruptStream, match="superfluous"):
        escape.read_varint(data, 0, len(data), 3)


def test_long_varint_raises_corrupt() -> None:
    with pytest.raises(CorruptStream, match="longer than 3"):
        escape.read_varint(b"\xff\xff\xff\x01", 0, 4, 3)


@pytest.mark.parametrize("end", [0, 1, 2])
def test_cut_varint_raises_exhausted(end: int) -> None:
    with pytest.raises(StreamExhausted):
        escape.read_varint(b"\xff\xff\x01", 0, end, 3)


@pytest.mark.parametrize(("low", "high"), [(-3, 4), (-32768, -32768), (32767, 32767), (0, 0)])
def test_every_symbol_outside_the_table_round_trips(low: int, high: int) -> None:
    for symbol in [*range(-32768, low, 97), *range(high + 1, 32768, 97), -32768, 32767, high + 1]:
        if low <= symbol <= high or not -32768 <= symbol <= 32767:
            continue
        data = escape.write_symbol(symbol, low, high)
        assert len(data) <= escape.MAX_SYMBOL_BYTES
        assert escape.read_symbol(data, 0, len(data), low, high) == (symbol, len(data))


def test_near_symbols_take_one_byte() -> None:
    assert [len(escape.write_symbol(s, -3, 4)) for s in (5, -4, 68, -67, 69)] == [1, 1, 1, 1, 2]


def test_symbol_beyond_int16_raises_corrupt() -> None:
    data = escape.write_varint(2 * (32768 - 4 - 1))
    with pytest.raises(CorruptStream, match="not int16"):
        escape.read_symbol(data, 0, len(data), -3, 4)
