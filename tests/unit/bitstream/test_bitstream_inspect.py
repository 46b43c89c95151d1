"""The structured description of a file."""

from __future__ import annotations

import pytest

from bitstream import (
    BadChecksum,
    LimitExceeded,
    Limits,
    Rectangle,
    TrailingData,
    Truncated,
    inspect,
    write,
)
from tests.strategies_container import HEAD, START, TILE, chunk, four_tiles, one_tile


def test_whole_file_is_described() -> None:
    data = write(four_tiles())
    info = inspect(data)
    assert info.problem is None
    assert (info.size, info.version, info.header) == (len(data), 1, four_tiles().header)
    assert [item.name for item in info.chunks] == ["HEAD", "ICCP", "EXIF", "XMP ", "ALPH", "TILE"]
    assert [item.ignorable for item in info.chunks] == [False, False, True, True, False, False]
    assert all(item.crc_ok for item in info.chunks)
    ends = [item.offset + item.size for item in info.chunks]
    assert [5, *ends[:-1]] == [item.offset for item in info.chunks]
    assert ends[-1] == len(data)
    for tile, payload in zip(info.tiles, four_tiles().tiles, strict=True):
        assert data[tile.offset : tile.offset + tile.length] == payload
        assert tile.crc_ok
    assert info.tiles[3].rectangle == Rectangle(64, 64, 36, 6)


def test_damaged_tile_is_named() -> None:
    info = inspect(write(four_tiles()).replace(b"tile two", b"tile 2wo"))
    assert [tile.crc_ok for tile in info.tiles] == [True, True, False, True]
    assert [item.crc_ok for item in info.chunks] == [True] * 5 + [False]
    assert isinstance(info.problem, BadChecksum)


def test_damaged_chunk_is_named_and_the_rest_described() -> None:
    info = inspect(write(four_tiles()).replace(b"<xmp/>", b"<xmq/>"))
    assert [item.name for item in info.chunks if not item.crc_ok] == ["XMP "]
    assert len(info.tiles) == 4
    assert isinstance(info.problem, BadChecksum)


def test_truncated_file_is_described_as_far_as_it_goes() -> None:
    info = inspect(write(four_tiles())[:-1])
    assert [item.name for item in info.chunks] == ["HEAD", "ICCP", "EXIF", "XMP ", "ALPH"]
    assert info.tiles == ()
    assert isinstance(info.problem, Truncated)


def test_damaged_index_leaves_no_tiles() -> None:
    info = inspect(write(four_tiles())[:-80] + chunk(0x7F, b"short"))
    assert info.tiles == ()
    assert info.problem is not None


def test_trailing_data_are_a_problem() -> None:
    assert isinstance(inspect(write(one_tile()) + b"x").problem, TrailingData)


def test_unknown_chunk_has_a_name_of_four_characters() -> None:
    info = inspect(START + HEAD + chunk(0xC0, b"unknown") + TILE)
    assert [item.name for item in info.chunks] == ["HEAD", "?xC0", "TILE"]
    assert info.problem is None


def test_number_of_described_chunks_is_bounded() -> None:
    info = inspect(START + HEAD + chunk(0xC0, b"") * 5000 + TILE)
    assert len(info.chunks) == 127
    assert info.problem is not None


def test_unreadable_header_raises() -> None:
    with pytest.raises(Truncated):
        inspect(write(one_tile())[:10])


def test_limits_hold() -> None:
    with pytest.raises(LimitExceeded):
        inspect(write(one_tile()), Limits(max_file_bytes=10))
