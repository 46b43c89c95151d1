"""The mode chunk: its bytes, its rules, and what it has to do with the header."""

from __future__ import annotations

from dataclasses import replace

import pytest

import bitstream
from bitstream import BadField, Container, Modes, Truncated
from tests.strategies_container import HEAD, TILE, chunk, one_tile, sample_header

START = b"\x8aLIC\x01"
MODES = Modes(coder_id=12, weights_hash=b"\xca\xfe\xba\xbe", error=300)
PAYLOAD = b"\x0c\x00\xca\xfe\xba\xbe\xac\x02"


def predictive(**changes: int) -> Container:
    header = replace(
        sample_header(), model_id=12, weights_hash=MODES.weights_hash, level=0, **changes
    )
    return replace(one_tile(), header=header, modes=MODES)


def test_bytes_are_those_of_the_specification() -> None:
    data = bitstream.write(replace(one_tile(), modes=MODES))

    assert chunk(0x06, PAYLOAD) in data
    assert bitstream.read(data).modes == MODES


def test_a_file_without_the_chunk_has_no_modes() -> None:
    assert bitstream.read(bitstream.write(one_tile())).modes is None


def test_extension_is_kept() -> None:
    longer = replace(MODES, extension=b"later")

    data = bitstream.write(replace(one_tile(), modes=longer))

    assert bitstream.read(data).modes == longer
    assert bitstream.write(bitstream.read(data)) == data


@pytest.mark.parametrize(
    ("changes", "whole"),
    [({}, True), ({"coder_id": 13}, False), ({"weights_hash": b"1234"}, False)],
)
def test_whole_means_that_the_header_names_the_coder(changes: dict, whole: bool) -> None:
    assert replace(MODES, **changes).whole(predictive().header) is whole


def test_sixteen_bits_where_all_is_predictive() -> None:
    data = bitstream.write(predictive(bit_depth=16))

    assert bitstream.read(data).header.bit_depth == 16
    assert bitstream.read_header(data).bit_depth == 16


@pytest.mark.parametrize("modes", [None, replace(MODES, coder_id=13)])
def test_sixteen_bits_elsewhere_are_refused(modes: Modes | None) -> None:
    with pytest.raises(BadField, match="16 bits"):
        bitstream.write(replace(predictive(bit_depth=16), modes=modes))


def test_a_level_of_a_predictive_picture_is_refused() -> None:
    file = predictive()

    with pytest.raises(BadField, match="level"):
        bitstream.write(replace(file, header=replace(file.header, level=1)))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"coder_id": 65536}, "coder_id"),
        ({"error": -1}, "error"),
        ({"error": 65536}, "error"),
        ({"weights_hash": b"123"}, "weights_hash"),
    ],
)
def test_values_out_of_range_are_refused(changes: dict, field: str) -> None:
    with pytest.raises(BadField, match=field):
        replace(MODES, **changes)


@pytest.mark.parametrize("length", range(len(PAYLOAD)))
def test_a_payload_that_is_too_short_is_refused(length: int) -> None:
    with pytest.raises(Truncated):
        bitstream.read(START + HEAD + chunk(0x06, PAYLOAD[:length]) + TILE)


@pytest.mark.parametrize(
    ("payload", "match"),
    [(PAYLOAD[:-2] + b"\x80\x80\x04", "error"), (PAYLOAD + bytes(248), "too long")],
)
def test_a_wrong_payload_is_refused(payload: bytes, match: str) -> None:
    with pytest.raises(BadField, match=match):
        bitstream.read(START + HEAD + chunk(0x06, payload) + TILE)


def test_an_extension_that_is_too_long_is_refused() -> None:
    with pytest.raises(BadField, match="too long"):
        bitstream.write(replace(one_tile(), modes=replace(MODES, extension=bytes(249))))
