"""What can be saved of a damaged file."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bitstream import BitstreamError, LimitExceeded, Limits, read, salvage, write
from tests.strategies_container import four_tiles


@pytest.fixture
def data() -> bytes:
    return write(replace(four_tiles(), icc=b"profile"))


def test_a_whole_file_is_what_read_gives(data: bytes) -> None:
    found = salvage(data)

    assert found.damaged == ()
    assert found.container == read(data)


def test_every_cut_gives_the_tiles_that_are_left(data: bytes) -> None:
    tiles = read(data).tiles
    begins = read(data).tiles.span(0).offset  # type: ignore[attr-defined]

    for end in range(begins, len(data)):
        found = salvage(data[:end])
        for n, (whole, saved) in enumerate(zip(tiles, found.container.tiles, strict=True)):
            assert whole.startswith(saved)
            assert (n in found.damaged) or saved == whole
        assert found.container.icc == b"profile"
        assert 3 in found.damaged  # its check is the end of the file


def test_every_changed_byte_of_the_tiles_is_noticed(data: bytes) -> None:
    span = read(data).tiles.span(0)  # type: ignore[attr-defined]

    for at in range(span.offset, len(data)):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        assert salvage(changed).damaged


def test_a_damaged_index_leaves_nothing_that_is_taken_for_whole(data: bytes) -> None:
    whole = read(data)
    begins = whole.tiles.span(0).offset  # type: ignore[attr-defined]
    chunk = begins - 20

    for at in range(chunk, begins):
        changed = data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :]
        try:
            found = salvage(changed)
        except BitstreamError:
            continue  # it hit what stands before the tiles
        for n in set(range(4)) - set(found.damaged):
            assert found.container.tiles[n] == whole.tiles[n]


@pytest.mark.parametrize("end", range(30))
def test_what_stands_before_the_tiles_must_be_whole(data: bytes, end: int) -> None:
    with pytest.raises(BitstreamError):
        salvage(data[:end])


def test_limits_hold(data: bytes) -> None:
    with pytest.raises(LimitExceeded):
        salvage(data, Limits(max_pixels=10))
