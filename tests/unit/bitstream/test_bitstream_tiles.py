"""The arithmetic of the tile grid, and lazy access to stored tiles."""

from __future__ import annotations

import pytest

from bitstream import BadChecksum, OutOfRange, Rectangle, TileGrid, read, write
from tests.strategies_container import four_tiles


@pytest.mark.parametrize(
    ("width", "height", "tile_log2", "columns", "rows"),
    [
        (1, 1, 6, 1, 1),
        (64, 64, 6, 1, 1),
        (65, 64, 6, 2, 1),
        (64, 65, 6, 1, 2),
        (129, 191, 6, 3, 3),
        (16384, 16384, 9, 32, 32),
        (32768, 8192, 15, 1, 1),
    ],
)
def test_grid_size(width: int, height: int, tile_log2: int, columns: int, rows: int) -> None:
    grid = TileGrid(width, height, tile_log2)
    assert (grid.columns, grid.rows, grid.count) == (columns, rows, columns * rows)


def test_last_column_and_last_row_are_smaller() -> None:
    grid = TileGrid(129, 70, 6)
    assert [grid.rectangle(i) for i in range(grid.count)] == [
        Rectangle(0, 0, 64, 64),
        Rectangle(64, 0, 64, 64),
        Rectangle(128, 0, 1, 64),
        Rectangle(0, 64, 64, 6),
        Rectangle(64, 64, 64, 6),
        Rectangle(128, 64, 1, 6),
    ]


def test_picture_of_one_pixel_is_one_tile_of_one_pixel() -> None:
    grid = TileGrid(1, 1, 9)
    assert grid.rectangle(0) == Rectangle(0, 0, 1, 1)
    assert grid.touched_by((0, 0, 1, 1), margin=1000) == (0,)


@pytest.mark.parametrize("index", [-1, 6])
def test_tile_outside_of_the_grid_raises_out_of_range(index: int) -> None:
    with pytest.raises(OutOfRange):
        TileGrid(129, 70, 6).rectangle(index)


@pytest.mark.parametrize(
    ("area", "margin", "expected"),
    [
        ((0, 0, 129, 70), 0, (0, 1, 2, 3, 4, 5)),
        ((0, 0, 64, 64), 0, (0,)),
        ((0, 0, 65, 64), 0, (0, 1)),
        ((63, 63, 2, 2), 0, (0, 1, 3, 4)),
        ((128, 69, 1, 1), 0, (5,)),
        ((64, 0, 64, 64), 0, (1,)),
        ((64, 0, 64, 64), 1, (0, 1, 2, 3, 4, 5)),
        ((10, 10, 1, 1), 53, (0,)),
        ((10, 10, 1, 1), 54, (0, 1, 3, 4)),
    ],
)
def test_tiles_that_a_crop_touches(
    area: tuple[int, int, int, int], margin: int, expected: tuple[int, ...]
) -> None:
    assert TileGrid(129, 70, 6).touched_by(area, margin) == expected


@pytest.mark.parametrize(
    "area",
    [(-1, 0, 5, 5), (0, -1, 5, 5), (0, 0, 0, 5), (0, 0, 5, 0), (129, 0, 1, 1), (0, 0, 1, 71)],
)
def test_crop_that_is_not_inside_raises_out_of_range(area: tuple[int, int, int, int]) -> None:
    with pytest.raises(OutOfRange):
        TileGrid(129, 70, 6).touched_by(area)


def test_stored_tiles_behave_like_a_list() -> None:
    written = four_tiles()
    tiles = read(write(written)).tiles
    assert len(tiles) == 4
    assert list(tiles) == written.tiles
    assert tiles == written.tiles
    assert written.tiles == tiles
    assert tiles[-1] == b"tile three"
    assert tiles[1:3] == [b"", b"tile two, longer"]
    assert tiles != [b"another"] * 4
    assert tiles != 4
    with pytest.raises(IndexError):
        tiles[4]


@pytest.mark.parametrize("index", [-1, 4])
def test_tile_that_is_not_there_raises_out_of_range(index: int) -> None:
    container = read(write(four_tiles()))
    with pytest.raises(OutOfRange):
        container.tile(index)


def test_damaged_tile_harms_no_other() -> None:
    data = bytearray(write(four_tiles()))
    data[data.index(b"tile two")] ^= 1
    container = read(data)
    assert [container.tile(i) for i in (0, 1, 3)] == [b"tile zero", b"", b"tile three"]
    with pytest.raises(BadChecksum, match="tile 2") as caught:
        container.tile(2)
    assert caught.value.offset == data.index(b"uile two")


def test_damaged_tile_length_is_seen_in_every_tile() -> None:
    data = bytearray(write(four_tiles()))
    lengths = data.index(bytes([0x7F])) + 2
    assert list(data[lengths : lengths + 3]) == [9, 0, 16]
    data[lengths], data[lengths + 1] = 8, 1
    container = read(data)
    for index in range(4):
        with pytest.raises(BadChecksum):
            container.tile(index)
