"""Lane count and payload framing."""

from __future__ import annotations

import math

import pytest

from entropy import CorruptStream, StreamExhausted
from entropy.coder.interleave import (
    LOWER,
    Payload,
    build_payload,
    choose_lanes,
    entry_cost,
    parse_payload,
)


def test_cost_is_the_truncated_logarithm() -> None:
    for frequency in [*range(1, 3000), *range(3000, 65536, 37), 65535]:
        exact = (16 - math.log2(frequency)) * 2048
        assert 0 <= entry_cost(frequency) - exact < 1 + 1e-6


@pytest.mark.parametrize(
    ("ideal_bytes", "lanes"),
    [
        *[(0, 1), (16383, 1), (16384, 2), (32767, 2), (32768, 4), (65536, 8), (131072, 16)],
        *[(262143, 16), (262144, 32), (1 << 30, 32)],
    ],
)
def test_one_lane_for_eight_kilobytes(ideal_bytes: int, lanes: int) -> None:
    assert choose_lanes(ideal_bytes << 14) == lanes


@pytest.mark.parametrize("lanes", [1, 2, 4, 8, 16, 32])
@pytest.mark.parametrize("escapes", [b"", b"e", b"e" * 200])
def test_payload_round_trips(lanes: int, escapes: bytes) -> None:
    payload = Payload(tuple(LOWER + i for i in range(lanes)), (0, 1, 0xFFFF), escapes)
    assert parse_payload(build_payload(payload)) == payload


def test_payload_bytes_follow_the_specification() -> None:
    payload = Payload((0x0102030405, LOWER), (0xABCD,), b"\x07")
    assert build_payload(payload) == bytes.fromhex("81 01 0504030201 0000000100 cdab 07")


def test_no_states_take_one_byte() -> None:
    empty = Payload((), (), b"")
    assert build_payload(empty) == b"\0"
    assert parse_payload(b"\0") == empty


@pytest.mark.parametrize("head", [0x06, 0x07, 0x08, 0x10, 0x20, 0x40, 0x86])
def test_unknown_head_raises_corrupt(head: int) -> None:
    with pytest.raises(CorruptStream, match="byte 0"):
        parse_payload(bytes([head]) + bytes(200))


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ("", StreamExhausted),
        ("01", StreamExhausted),
        ("00 00000001", StreamExhausted),
        ("00 ffffff0000", CorruptStream),
        ("00 0000000100 00", CorruptStream),
        ("80", StreamExhausted),
        ("80 00 0000000100", CorruptStream),
        ("80 8000 0000000100 00", CorruptStream),
        ("80 ffffffffff01 0000000100", CorruptStream),
        ("80 ffffffff1f 0000000100", CorruptStream),
        ("80 ffffffff0f 0000000100", StreamExhausted),
        ("80 02 0000000100 00", StreamExhausted),
    ],
    ids=[
        *["nothing", "no states", "short state", "state below 2^24", "odd words"],
        *["no length", "length 0", "long length", "varint of 6 bytes", "length over 32 bits"],
        *["length beyond the end", "escapes cut short"],
    ],
)
def test_contradiction_raises_its_error(data: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        parse_payload(bytes.fromhex(data))
