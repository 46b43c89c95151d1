"""Header <-> bytes."""

from __future__ import annotations

from typing import Any

import pytest

from bitstream import BadField, Header, Truncated, UnsupportedVersion
from bitstream.header import decode_header, encode_header
from bitstream.reader import ByteReader, as_view
from tests.strategies_container import head_payload, sample_header


def decode(payload: bytes) -> Header:
    return decode_header(ByteReader(as_view(payload), base=7, chunk="HEAD"))


def test_header_has_the_bytes_of_the_specification() -> None:
    header = sample_header(width=300, alpha=True, extension=b"later")
    expected = "ac02 46 37 00 0201 deadbeef 28 07" + b"later".hex()
    assert encode_header(header) == bytes.fromhex(expected)
    assert decode(encode_header(header)) == header


@pytest.mark.parametrize(
    "changes",
    [
        {"width": 1, "height": 1},
        {"width": 2**30, "height": 2**30},
        {"channels": 1},
        {"channels": 1, "alpha": True},
        {"level": 0, "tile_log2": 6, "model_id": 0},
        {"level": 63, "tile_log2": 15, "model_id": 65535},
        {"extension": bytes(241)},
    ],
)
def test_extreme_headers_come_back(changes: dict[str, Any]) -> None:
    header = sample_header(**changes)
    assert decode(encode_header(header)) == header


@pytest.mark.parametrize(
    "changes",
    [
        {"width": 0},
        {"height": 0},
        {"width": 2**30 + 1},
        {"height": -1},
        {"channels": 2},
        {"channels": 4},
        {"level": 64},
        {"level": -1},
        {"tile_log2": 5},
        {"tile_log2": 16},
        {"model_id": 65536},
        {"weights_hash": b"abc"},
        {"bit_depth": 0},
        {"bit_depth": 17},
        {"kind": 4},
        {"color": 256},
    ],
)
def test_value_out_of_range_raises_bad_field(changes: dict[str, Any]) -> None:
    with pytest.raises(BadField):
        sample_header(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"width": 0},
        {"width": 2**30 + 1},
        {"height": 2**64 - 1},
        {"level": 64},
        {"tile_log2": 5},
        {"tile_log2": 16},
    ],
)
def test_stored_value_out_of_range_raises_bad_field_and_says_where(changes: dict[str, int]) -> None:
    with pytest.raises(BadField) as caught:
        decode(head_payload(**changes))
    assert (caught.value.offset, caught.value.chunk) == (7, "HEAD")


@pytest.mark.parametrize("changes", [{"bit_depth": 10}, {"color": 1}, {"kind": 1}])
def test_reserved_value_raises_unsupported_version(changes: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedVersion):
        sample_header(**changes)


@pytest.mark.parametrize("changes", [{"samples": 0x19}, {"samples": 0x57}, {"color": 1}])
def test_stored_reserved_value_raises_unsupported_version(changes: dict[str, int]) -> None:
    with pytest.raises(UnsupportedVersion) as caught:
        decode(head_payload(**changes))
    assert caught.value.chunk == "HEAD"


def test_header_cut_anywhere_raises_truncated() -> None:
    payload = encode_header(sample_header(width=300))
    for size in range(len(payload)):
        with pytest.raises(Truncated):
            decode(payload[:size])


def test_extension_that_is_too_long_raises_bad_field() -> None:
    with pytest.raises(BadField, match="too long"):
        encode_header(sample_header(extension=bytes(256)))
