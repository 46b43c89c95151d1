"""Lanes and the payload around them: how many, and where their parts lie."""

from __future__ import annotations

from dataclasses import dataclass

from entropy.coder import escape
from entropy.coder.tables import PRECISION_BITS
from entropy.errors import CorruptStream, StreamExhausted

__all__ = [
    "COST_BITS",
    "LOWER",
    "LOWER_BITS",
    "MAX_LANES",
    "Payload",
    "build_payload",
    "choose_lanes",
    "entry_cost",
    "parse_payload",
]

LOWER_BITS = 24
LOWER = 1 << LOWER_BITS
WORD_BITS = 16
STATE_BYTES = 5  # a state is below 2^40
MAX_LANES = 32
BYTES_PER_LANE = 8192  # a lane costs 4 bytes on average: 0.05 %
COST_BITS = 11  # costs count 2^-11 bit
_ESCAPES_FLAG = 0x80
_LANES_MASK = 0x07
EMPTY = b"\x00"


@dataclass(frozen=True)
class Payload:
    """A payload taken apart; no parts at all (states == ()) when nothing was coded."""

    states: tuple[int, ...]
    words: tuple[int, ...]
    escapes: bytes


def entry_cost(frequency: int) -> int:
    """Bits of an entry in units of 2^-11 bit, in integers only (SPEC.md, number of lanes)."""
    result = frequency.bit_length() - 1
    y = frequency << (31 - result)
    for _ in range(COST_BITS):
        y = y * y >> 31
        result <<= 1
        if y >= 1 << 32:
            y >>= 1
            result += 1
    return (PRECISION_BITS << COST_BITS) - result


def choose_lanes(cost: int) -> int:
    """Number of lanes for coded symbols whose entry costs sum to `cost`."""
    ideal_bytes = cost >> (COST_BITS + 3)
    lanes = 1
    while lanes < MAX_LANES and 2 * lanes * BYTES_PER_LANE <= ideal_bytes:
        lanes *= 2
    return lanes


def build_payload(payload: Payload) -> bytes:
    """Put the parts of a payload together."""
    if not payload.states:
        return EMPTY
    head = len(payload.states).bit_length() - 1
    length = b""
    if payload.escapes:
        head |= _ESCAPES_FLAG
        length = escape.write_varint(len(payload.escapes))
    states = b"".join(state.to_bytes(STATE_BYTES, "little") for state in payload.states)
    words = b"".join(word.to_bytes(2, "little") for word in payload.words)
    return bytes((head,)) + length + states + words + payload.escapes


def parse_payload(data: bytes) -> Payload:
    """Take a payload apart.

    Raises:
        StreamExhausted: it is shorter than it announces.
        CorruptStream: a rule of SPEC.md is broken.
    """
    if not data:
        raise StreamExhausted("payload: 0 bytes, expected at least 1")
    if data == EMPTY:
        return Payload((), (), b"")
    lanes = 1 << (data[0] & _LANES_MASK)
    if lanes > MAX_LANES or data[0] & ~(_LANES_MASK | _ESCAPES_FLAG):
        raise CorruptStream(f"payload byte 0: found {data[0]:#04x}, not a lane count")
    position, escape_bytes = 1, 0
    if data[0] & _ESCAPES_FLAG:
        escape_bytes, position = escape.read_varint(
            data, position, len(data), escape.MAX_LENGTH_BYTES
        )
        if not 1 <= escape_bytes < 1 << 32:
            raise CorruptStream(f"payload byte 1: escape stream of {escape_bytes} bytes")
    words_at = position + lanes * STATE_BYTES
    words_end = len(data) - escape_bytes
    if words_end < words_at:
        raise StreamExhausted(
            f"payload: {len(data)} bytes, expected at least {words_at + escape_bytes}"
        )
    if (words_end - words_at) % 2:
        raise CorruptStream(f"payload: {words_end - words_at} bytes of words, expected even")
    states = tuple(
        int.from_bytes(data[at : at + STATE_BYTES], "little")
        for at in range(position, words_at, STATE_BYTES)
    )
    for lane, state in enumerate(states):
        if state < LOWER:
            raise CorruptStream(f"payload: state of lane {lane} is {state}, below {LOWER}")
    words = tuple(
        int.from_bytes(data[at : at + 2], "little") for at in range(words_at, words_end, 2)
    )
    return Payload(states, words, data[words_end:])
