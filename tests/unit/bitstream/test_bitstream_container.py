"""Whole files: layout, one test per error, limits, overhead."""

from __future__ import annotations

import pickle
import time
import zlib
from dataclasses import replace

import pytest

import bitstream
from bitstream import (
    HEADER_PROBE_BYTES,
    BadChecksum,
    BadField,
    BadMagic,
    BitstreamError,
    ChunkOrder,
    Container,
    DuplicateChunk,
    LimitExceeded,
    Limits,
    MissingChunk,
    TrailingData,
    Truncated,
    UnknownCriticalChunk,
    UnsupportedVersion,
    has_magic,
    read,
    read_header,
    write,
)
from tests.strategies_container import (
    HEAD,
    HEAD_WITH_ALPHA,
    START,
    TILE,
    chunk,
    four_tiles,
    head_payload,
    one_tile,
    sample_header,
    varint,
)

# Layout


def test_one_tile_has_the_bytes_of_the_specification() -> None:
    head = chunk(0x01, bytes.fromhex("64 46 17 00 0201 deadbeef 28 07"))
    assert write(one_tile()) == b"\x8aLIC\x01" + head + chunk(0x7F, b"the only tile")


def test_many_tiles_have_the_bytes_of_the_specification() -> None:
    tiles = [b"tile zero", b"", b"tile two, longer", b"tile three"]
    lengths = bytes([9, 0, 16])
    size = 3 + 3 * 4 + sum(map(len, tiles))
    checks = [zlib.crc32(bytes([0x7F, size]) + lengths + tile) for tile in tiles]
    stored = [check.to_bytes(4, "little") for check in checks]
    expected = b"".join([bytes([0x7F, size]), lengths, *stored[:3], *tiles, stored[3]])
    data = write(four_tiles())
    assert data.endswith(expected)
    before = data[: -len(expected)]
    assert before == START + chunk(0x01, bytes.fromhex("64 46 37 00 0201 deadbeef 28 06")) + chunk(
        0x02, b"icc profile"
    ) + chunk(0x83, b"MM\x00*exif") + chunk(0x84, b"<xmp/>") + chunk(0x05, b"alpha plane")


@pytest.mark.parametrize("make", [one_tile, four_tiles])
def test_what_was_written_is_read(make: type) -> None:
    container = make()
    data = write(container)
    assert read(data) == container
    assert write(read(data)) == data
    assert write(container) == data


def test_empty_metadata_are_not_absent_metadata() -> None:
    container = read(write(replace(one_tile(), exif=b"")))
    assert container.exif == b""
    assert container.xmp is None


@pytest.mark.parametrize(
    ("width", "height", "tile_log2", "payload", "overhead"),
    [
        (100, 100, 7, 100, 29),
        (768, 512, 10, 3000, 32),
        (16383, 16383, 14, 16383, 32),
        (32768, 8192, 15, 2**21 + 1, 35),
    ],
)
def test_overhead_of_one_tile_is_at_most_36_bytes(
    width: int, height: int, tile_log2: int, payload: int, overhead: int
) -> None:
    header = sample_header(width=width, height=height, tile_log2=tile_log2)
    data = write(Container(header=header, tiles=[bytes(payload)]))
    assert len(data) - payload == overhead <= 36


def test_each_further_tile_costs_its_length_and_four_bytes() -> None:
    header = sample_header(width=1280, height=128)
    data = write(Container(header=header, tiles=[bytes(1000)] * 10))
    assert len(data) == 10_000 + 32 + 9 * (2 + 4)


def test_header_is_found_in_the_first_bytes_of_a_file() -> None:
    header = sample_header(
        width=32768, height=8192, tile_log2=15, extension=bytes(255 - 16), level=63
    )
    data = write(Container(header=header, tiles=[bytes(1000)]))
    assert read_header(data[:HEADER_PROBE_BYTES]) == header


def test_header_is_read_although_everything_behind_it_is_damaged() -> None:
    data = write(four_tiles())
    assert read_header(data[:23] + b"\xff" * 100) == four_tiles().header


def test_magic_is_recognised() -> None:
    assert has_magic(write(one_tile()))
    assert has_magic(memoryview(b"\x8aLIC"))
    assert not has_magic(b"\x8aLI")
    assert not has_magic(b"\x89PNG\r\n\x1a\n")


# One test per error


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n", b"x", b"\x8aLID\x01", b"\x0aLIC\x01"])
def test_foreign_data_raise_bad_magic(data: bytes) -> None:
    with pytest.raises(BadMagic) as caught:
        read(data)
    assert caught.value.offset == 0


@pytest.mark.parametrize("data", [b"", b"\x8a", b"\x8aLI", b"\x8aLIC"])
def test_beginning_of_a_file_raises_truncated(data: bytes) -> None:
    with pytest.raises(Truncated):
        read(data)


def test_file_without_its_tiles_raises_truncated() -> None:
    with pytest.raises(Truncated, match="before chunk TILE"):
        read(START + HEAD)


@pytest.mark.parametrize("version", [0, 2, 255])
def test_other_version_raises_unsupported_version(version: int) -> None:
    with pytest.raises(UnsupportedVersion) as caught:
        read(b"\x8aLIC" + bytes([version]) + HEAD + TILE)
    assert caught.value.offset == 4


def test_reserved_header_value_raises_unsupported_version() -> None:
    with pytest.raises(UnsupportedVersion, match="kind"):
        read(START + chunk(0x01, head_payload(samples=0x57)) + TILE)


def test_damaged_header_raises_bad_checksum() -> None:
    data = bytearray(write(one_tile()))
    data[8] ^= 4
    with pytest.raises(BadChecksum) as caught:
        read(data)
    assert (caught.value.offset, caught.value.chunk) == (5, "HEAD")


def test_damaged_ignorable_chunk_raises_bad_checksum() -> None:
    data = START + HEAD + chunk(0xC0, b"unknown") + TILE
    with pytest.raises(BadChecksum):
        read(data.replace(b"unknown", b"unknowN"))


def test_damaged_only_tile_raises_bad_checksum_when_asked_for() -> None:
    container = read(write(one_tile()).replace(b"only", b"0nly"))
    assert container.header == one_tile().header
    with pytest.raises(BadChecksum):
        container.tile(0)


def test_length_that_is_not_minimal_raises_bad_field() -> None:
    body = b"\x7f\x81\x00x"
    data = START + HEAD + body + zlib.crc32(body).to_bytes(4, "little")
    with pytest.raises(BadField, match="not minimal"):
        read(data)


def test_id_zero_raises_bad_field() -> None:
    with pytest.raises(BadField, match="id is 0"):
        read(START + HEAD + chunk(0x00, b"") + TILE)
    with pytest.raises(BadField, match="id is 0"):
        read(START + HEAD + chunk(0x80, b"") + TILE)


@pytest.mark.parametrize("code", [0x03, 0x04, 0x82, 0x85, 0xFF])
def test_known_chunk_with_the_wrong_ignorable_bit_raises_bad_field(code: int) -> None:
    with pytest.raises(BadField, match="ignorable bit"):
        read(START + HEAD_WITH_ALPHA + chunk(code, b"x") + TILE)


def test_header_that_is_too_long_raises_bad_field() -> None:
    with pytest.raises(BadField, match="too long"):
        read(START + chunk(0x01, head_payload() + bytes(250)) + TILE)


def test_header_that_is_too_short_raises_truncated() -> None:
    with pytest.raises(Truncated) as caught:
        read(START + chunk(0x01, head_payload()[:-1]) + TILE)
    assert caught.value.chunk == "HEAD"


def test_alpha_that_the_header_denies_raises_bad_field() -> None:
    with pytest.raises(BadField) as caught:
        read(START + HEAD + chunk(0x05, b"alpha") + TILE)
    assert caught.value.chunk == "ALPH"


def test_missing_alpha_raises_missing_chunk() -> None:
    with pytest.raises(MissingChunk, match="ALPH"):
        read(START + HEAD_WITH_ALPHA + TILE)


def test_missing_header_raises_missing_chunk() -> None:
    with pytest.raises(MissingChunk, match="HEAD"):
        read(START + TILE)


def test_second_header_raises_duplicate_chunk() -> None:
    with pytest.raises(DuplicateChunk):
        read(START + HEAD + HEAD + TILE)


def test_second_unknown_chunk_raises_duplicate_chunk() -> None:
    with pytest.raises(DuplicateChunk):
        read(START + HEAD + chunk(0xC0, b"") * 2 + TILE)


def test_chunks_in_the_wrong_order_raise_chunk_order() -> None:
    with pytest.raises(ChunkOrder) as caught:
        read(START + HEAD + chunk(0x84, b"xmp") + chunk(0x02, b"icc") + TILE)
    assert caught.value.chunk == "ICCP"


def test_unknown_critical_chunk_is_refused() -> None:
    with pytest.raises(UnknownCriticalChunk) as caught:
        read(START + HEAD + chunk(0x40, b"unknown") + TILE)
    assert caught.value.chunk == "?x40"


def test_damage_of_an_unknown_critical_chunk_is_reported_as_damage() -> None:
    data = START + HEAD + chunk(0x40, b"unknown") + TILE
    with pytest.raises(BadChecksum):
        read(data.replace(b"unknown", b"unknowN"))


def test_unknown_ignorable_chunk_is_skipped() -> None:
    container = read(START + HEAD + chunk(0xC0, b"unknown") + TILE)
    assert write(container) == START + HEAD + TILE


@pytest.mark.parametrize("tail", [b"\x00", TILE, chunk(0xC0, b"unknown")])
def test_anything_after_the_tiles_raises_trailing_data(tail: bytes) -> None:
    data = START + HEAD + TILE
    with pytest.raises(TrailingData) as caught:
        read(data + tail)
    assert caught.value.offset == len(data)


def test_tiles_longer_than_their_chunk_raise_bad_field() -> None:
    head = chunk(0x01, head_payload(tile_log2=6))
    payload = bytes([1, 1, 100]) + bytes(12) + b"xyz"
    with pytest.raises(BadField, match="longer than their chunk"):
        read(START + head + chunk(0x7F, payload))


def test_chunk_too_short_for_its_index_raises_bad_field() -> None:
    head = chunk(0x01, head_payload(tile_log2=6))
    with pytest.raises(BadField, match="index of 4 tiles"):
        read(START + head + chunk(0x7F, bytes(14)))


def test_index_that_runs_out_of_its_chunk_raises_truncated() -> None:
    head = chunk(0x01, head_payload(tile_log2=6))
    with pytest.raises(Truncated):
        read(START + head + chunk(0x7F, varint(300) * 3 + bytes(10)))


def test_every_error_is_a_bitstream_error_and_survives_pickling() -> None:
    for name in bitstream.__all__:
        kind = getattr(bitstream, name)
        if isinstance(kind, type) and issubclass(kind, Exception):
            error = kind("what", found=1, expected=2, offset=3, chunk="HEAD")
            assert isinstance(error, BitstreamError)
            assert str(pickle.loads(pickle.dumps(error))) == (
                "what in chunk HEAD at byte 3: found 1, expected 2"
            )


# Writing


def test_wrong_number_of_tiles_is_not_written() -> None:
    with pytest.raises(BadField, match="number of tiles"):
        write(replace(one_tile(), tiles=[]))
    with pytest.raises(BadField, match="number of tiles"):
        write(replace(one_tile(), tiles=[b"a", b"b"]))


def test_alpha_and_header_that_disagree_are_not_written() -> None:
    with pytest.raises(BadField):
        write(replace(one_tile(), alpha=b"alpha"))
    with pytest.raises(MissingChunk):
        write(replace(four_tiles(), alpha=None))


def test_damaged_tiles_are_not_written_again() -> None:
    container = read(write(one_tile()).replace(b"only", b"0nly"))
    with pytest.raises(BadChecksum):
        write(container)


# Limits


@pytest.mark.parametrize(
    ("limits", "name"),
    [
        (Limits(max_pixels=6999), "max_pixels"),
        (Limits(max_dimension=99), "max_dimension"),
        (Limits(max_tiles=3), "max_tiles"),
        (Limits(max_metadata_bytes=10), "max_metadata_bytes"),
        (Limits(max_file_bytes=100), "max_file_bytes"),
    ],
)
def test_more_than_the_limit_raises_limit_exceeded(limits: Limits, name: str) -> None:
    data = write(four_tiles())
    with pytest.raises(LimitExceeded, match=name):
        read(data, limits)
    with pytest.raises(LimitExceeded, match=name):
        write(four_tiles(), limits)


def test_exactly_the_limit_is_accepted() -> None:
    data = write(four_tiles())
    limits = Limits(
        max_pixels=7000,
        max_dimension=100,
        max_tiles=4,
        max_metadata_bytes=11,
        max_file_bytes=len(data),
    )
    assert read(data, limits) == four_tiles()
    assert write(four_tiles(), limits) == data


@pytest.mark.parametrize(
    ("width", "height"), [(32769, 1), (1, 32769), (16384, 16385), (2**30, 2**30)]
)
def test_default_limits_refuse_a_header_that_is_too_large(width: int, height: int) -> None:
    data = START + chunk(0x01, head_payload(width=width, height=height, tile_log2=15)) + TILE
    with pytest.raises(LimitExceeded) as caught:
        read_header(data)
    assert caught.value.chunk == "HEAD"


def test_default_limits_accept_the_largest_picture() -> None:
    header = sample_header(width=16384, height=16384, tile_log2=14)
    assert read(write(Container(header=header, tiles=[b"x"]))).grid.count == 1


def test_zero_is_unlimited() -> None:
    limits = Limits(max_pixels=0, max_dimension=0, max_tiles=0)
    data = START + chunk(0x01, head_payload(width=2**30, height=2**30, tile_log2=6)) + TILE
    assert read_header(data, limits).width == 2**30


def test_claimed_tiles_without_bytes_are_refused_at_once() -> None:
    limits = Limits(max_pixels=0, max_dimension=0, max_tiles=0)
    data = START + chunk(0x01, head_payload(width=2**30, height=2**30, tile_log2=6)) + TILE
    start = time.perf_counter()
    with pytest.raises(BadField, match="index of"):
        read(data, limits)
    assert time.perf_counter() - start < 1


def test_negative_limit_raises_bad_field() -> None:
    with pytest.raises(BadField):
        Limits(max_tiles=-1)


def test_many_tiles_are_read_in_bounded_time() -> None:
    header = sample_header(width=16384, height=4096, tile_log2=6)
    data = write(Container(header=header, tiles=[b"x"] * 16384))
    start = time.perf_counter()
    container = read(data)
    assert container.tile(16383) == b"x"
    assert time.perf_counter() - start < 2
