"""Symbols outside their table: the escape stream of SPEC.md."""

from __future__ import annotations

from entropy.errors import CorruptStream, StreamExhausted

__all__ = ["read_symbol", "read_varint", "write_symbol", "write_varint"]

MAX_SYMBOL_BYTES = 3  # u <= 2 * 65535 + 1 < 2^21
MAX_LENGTH_BYTES = 5  # B < 2^32 < 2^35


def write_varint(value: int) -> bytes:
    """Seven bits per byte, least significant first, bit 7 set on all bytes but the last."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data: bytes, position: int, end: int, max_bytes: int) -> tuple[int, int]:
    """Read a varint from data[position:end].

    Returns:
        The value and the position after it.

    Raises:
        StreamExhausted: data ends inside it.
        CorruptStream: it is longer than max_bytes or not minimal.
    """
    value = 0
    for i in range(max_bytes):
        if position + i >= end:
            raise StreamExhausted(f"varint at byte {position}: data ends at byte {end}")
        byte = data[position + i]
        value |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            if byte == 0 and i > 0:
                raise CorruptStream(f"varint at byte {position}: superfluous zero byte")
            return value, position + i + 1
    raise CorruptStream(f"varint at byte {position}: longer than {max_bytes} bytes")


def write_symbol(symbol: int, low: int, high: int) -> bytes:
    """Code an int16 symbol outside low..high as its distance from the nearer border."""
    if symbol > high:
        return write_varint(2 * (symbol - high - 1))
    return write_varint(2 * (low - 1 - symbol) + 1)


def read_symbol(data: bytes, position: int, end: int, low: int, high: int) -> tuple[int, int]:
    """Read what `write_symbol` wrote; returns the symbol and the position after it.

    Raises:
        StreamExhausted, CorruptStream: as `read_varint`, and when the symbol is not int16.
    """
    coded, after = read_varint(data, position, end, MAX_SYMBOL_BYTES)
    distance = coded >> 1
    symbol = low - 1 - distance if coded & 1 else high + 1 + distance
    if not -(1 << 15) <= symbol < 1 << 15:
        raise CorruptStream(f"escape at byte {position}: symbol {symbol} is not int16")
    return symbol, after
