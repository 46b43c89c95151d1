"""Properties of the container: round trip, one file per content, every damage is seen."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitstream import (
    BitstreamError,
    Container,
    TileGrid,
    Truncated,
    inspect,
    read,
    read_header,
    write,
)
from tests.strategies_container import (
    HEAD,
    START,
    TILE,
    chunk,
    containers,
    four_tiles,
    one_tile,
)

SMALL_FILES = {
    "one tile": write(one_tile()),
    "four tiles and all chunks": write(four_tiles()),
    "unknown ignorable chunk": START + HEAD + chunk(0xC0, b"unknown") + TILE,
}


def read_everything(data: bytes) -> tuple[Container, list[bytes]]:
    container = read(data)
    return container, list(container.tiles)


@settings(deadline=None, max_examples=60)
@given(containers())
def test_round_trip(container: Container) -> None:
    data = write(container)
    again = read(data)
    assert again == container
    assert write(again) == data
    assert read_header(data) == container.header
    assert inspect(data).problem is None


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_tiles_of_a_crop_are_those_that_overlap_it(data: st.DataObject) -> None:
    width, height = data.draw(st.integers(1, 300)), data.draw(st.integers(1, 300))
    grid = TileGrid(width, height, data.draw(st.integers(6, 8)))
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    crop_width = data.draw(st.integers(1, width - x))
    crop_height = data.draw(st.integers(1, height - y))
    expected = []
    for index in range(grid.count):
        tile = grid.rectangle(index)
        if (
            tile.x < x + crop_width
            and x < tile.x + tile.width
            and tile.y < y + crop_height
            and y < tile.y + tile.height
        ):
            expected.append(index)
    assert grid.touched_by((x, y, crop_width, crop_height)) == tuple(expected)


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(10, 15))
def test_tiles_cover_the_picture_without_overlap(width: int, height: int, tile_log2: int) -> None:
    grid = TileGrid(width, height, tile_log2)
    columns = [grid.rectangle(i) for i in range(grid.columns)]
    rows = [grid.rectangle(i * grid.columns) for i in range(grid.rows)]
    assert [tile.x for tile in columns] == [i * grid.side for i in range(grid.columns)]
    assert [tile.y for tile in rows] == [i * grid.side for i in range(grid.rows)]
    assert sum(tile.width for tile in columns) == width
    assert sum(tile.height for tile in rows) == height
    assert min(tile.width * tile.height for tile in columns + rows) >= 1


@pytest.mark.parametrize("name", SMALL_FILES)
def test_truncation_at_every_byte_raises_truncated(name: str) -> None:
    data = SMALL_FILES[name]
    for size in range(len(data)):
        with pytest.raises(Truncated):
            read(data[:size])


@pytest.mark.parametrize("name", SMALL_FILES)
def test_every_flipped_bit_is_seen(name: str) -> None:
    data = SMALL_FILES[name]
    for position, bit in product(range(len(data)), range(8)):
        damaged = bytearray(data)
        damaged[position] ^= 1 << bit
        with pytest.raises(BitstreamError):
            read_everything(bytes(damaged))


@pytest.mark.parametrize("name", SMALL_FILES)
def test_every_removed_or_doubled_byte_is_seen(name: str) -> None:
    data = SMALL_FILES[name]
    for position in range(len(data)):
        with pytest.raises(BitstreamError):
            read_everything(data[:position] + data[position + 1 :])
        with pytest.raises(BitstreamError):
            read_everything(data[: position + 1] + data[position:])


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200))
def test_any_bytes_give_a_named_error(data: bytes) -> None:
    for candidate in (data, START + data, START + HEAD + data):
        try:
            container, tiles = read_everything(candidate)
        except BitstreamError:
            continue
        assert len(tiles) == container.grid.count
