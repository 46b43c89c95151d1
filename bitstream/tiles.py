"""Tiles: the arithmetic of their grid, and the chunk that holds them (SPEC.md, sections 3 and 4).

payload of TILE = | lengths of tiles 0..n-2 | checks of tiles 0..n-2 | payloads of tiles 0..n-1 |

check of tile i = CRC-32 of  framing of the chunk, all lengths, payload of tile i
(the check of tile n-1 stands where every chunk has its check)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple, overload

from bitstream.checksum import crc32
from bitstream.chunks import Chunk, chunk_framing
from bitstream.constants import CHECK_BYTES, ChunkType
from bitstream.errors import BadChecksum, BadField, OutOfRange
from bitstream.writer import ByteWriter


class Rectangle(NamedTuple):
    """A part of the picture, in pixels; (x, y) is its top left corner."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class TileGrid:
    """How a picture is cut into tiles: squares of 2^tile_log2 pixels in row-major order.

    The last column and the last row may be smaller.
    """

    width: int
    height: int
    tile_log2: int

    @property
    def side(self) -> int:
        """Side of a whole tile, in pixels."""
        return 1 << self.tile_log2

    @property
    def columns(self) -> int:
        return (self.width + self.side - 1) >> self.tile_log2

    @property
    def rows(self) -> int:
        return (self.height + self.side - 1) >> self.tile_log2

    @property
    def count(self) -> int:
        """Number of tiles."""
        return self.columns * self.rows

    def rectangle(self, index: int) -> Rectangle:
        """Returns the part of the picture that a tile covers.

        Raises:
            OutOfRange: there is no such tile.
        """
        check_index(index, self.count)
        row, column = divmod(index, self.columns)
        x, y = column << self.tile_log2, row << self.tile_log2
        return Rectangle(x, y, min(self.side, self.width - x), min(self.side, self.height - y))

    def touched_by(self, area: tuple[int, int, int, int], margin: int = 0) -> tuple[int, ...]:
        """Returns the tiles that a rectangle touches, in ascending order.

        Args:
            area: (x, y, width, height), not empty, inside the picture.
            margin: pixels that are needed around it; where they are outside the picture they
                are left out.

        Raises:
            OutOfRange: the rectangle is empty or not inside the picture.
        """
        x, y, width, height = area
        inside = x >= 0 and y >= 0 and x + width <= self.width and y + height <= self.height
        if not inside or width < 1 or height < 1:
            raise OutOfRange(
                "rectangle is not inside the picture",
                found=f"{width}x{height} at ({x}, {y})",
                expected=f"inside {self.width}x{self.height}",
            )
        left = max(x - margin, 0) >> self.tile_log2
        right = min(x + width + margin, self.width) - 1 >> self.tile_log2
        top = max(y - margin, 0) >> self.tile_log2
        bottom = min(y + height + margin, self.height) - 1 >> self.tile_log2
        return tuple(
            row * self.columns + column
            for row in range(top, bottom + 1)
            for column in range(left, right + 1)
        )


class TileSpan(NamedTuple):
    """Where the payload of a tile stands in the file, in bytes."""

    offset: int
    length: int


class StoredTiles(Sequence[bytes]):
    """The tiles of a file that was read: each is verified when, and only when, it is asked for.

    Args:
        chunk: the tile chunk.
        count: number of tiles, which the caller has compared with its limits.

    Raises:
        BadField: the lengths do not fit into the chunk.
        Truncated: the chunk ends inside its index.
    """

    __slots__ = ("_checks", "_chunk", "_ends", "_prefix")

    def __init__(self, chunk: Chunk, count: int) -> None:
        # 1. An index entry has at least 5 bytes: no list is built that the chunk cannot fill.
        reader = chunk.open()
        least = (count - 1) * (1 + CHECK_BYTES)
        if reader.remaining < least:
            raise BadField(
                f"chunk is too short for the index of {count} tiles",
                found=f"{reader.remaining} bytes",
                expected=f"at least {least}",
                offset=reader.offset,
                chunk=chunk.name,
            )
        # 2. The index.
        start = reader.offset
        lengths = [reader.varint("the length of a tile") for _ in range(count - 1)]
        prefix = crc32(reader.since(start), crc32(chunk.framing))
        checks = [reader.u32("the check of a tile") for _ in range(count - 1)]
        # 3. The last tile has the rest.
        rest = reader.remaining - sum(lengths)
        if rest < 0:
            raise BadField(
                "tiles are longer than their chunk",
                found=f"{sum(lengths)} bytes",
                expected=f"at most {reader.remaining}",
                offset=start,
                chunk=chunk.name,
            )
        first = reader.offset - chunk.payload_offset
        self._chunk = chunk
        self._prefix = prefix
        self._checks = [*checks, chunk.check]
        self._ends = list(accumulate([*lengths, rest], initial=first))

    def __len__(self) -> int:
        return len(self._checks)

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        if isinstance(index, slice):
            return [self._verified(i) for i in range(len(self))[index]]
        return self._verified(range(len(self))[index])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # compares by content, like a list

    def span(self, index: int) -> TileSpan:
        """Returns where the payload of a tile stands in the file.

        Raises:
            OutOfRange: there is no such tile.
        """
        check_index(index, len(self))
        start, end = self._ends[index], self._ends[index + 1]
        return TileSpan(self._chunk.payload_offset + start, end - start)

    def is_whole(self, index: int) -> bool:
        """Tells whether the check of a tile matches.

        Raises:
            OutOfRange: there is no such tile.
        """
        check_index(index, len(self))
        return crc32(self._payload(index), self._prefix) == self._checks[index]

    def _payload(self, index: int) -> memoryview:
        return self._chunk.payload[self._ends[index] : self._ends[index + 1]]

    def _verified(self, index: int) -> bytes:
        payload = self._payload(index)
        computed = crc32(payload, self._prefix)
        if computed != self._checks[index]:
            raise BadChecksum(
                f"CRC-32 of tile {index} does not match",
                found=f"{computed:08x}",
                expected=f"{self._checks[index]:08x}",
                offset=self.span(index).offset,
                chunk=self._chunk.name,
            )
        return bytes(payload)


def put_tiles(writer: ByteWriter, tiles: Sequence[bytes]) -> None:
    """Writes the tile chunk, the counterpart of `StoredTiles`; there is at least one tile."""
    index = ByteWriter()
    for tile in tiles[:-1]:
        index.varint(len(tile), "tile length")
    lengths = index.getvalue()
    size = len(lengths) + CHECK_BYTES * (len(tiles) - 1) + sum(map(len, tiles))
    framing = chunk_framing(ChunkType.TILE, size)
    prefix = crc32(lengths, crc32(framing))
    checks = [crc32(tile, prefix) for tile in tiles]
    writer.put(framing)
    writer.put(lengths)
    for check in checks[:-1]:
        writer.u32(check, "tile check")
    for tile in tiles:
        writer.put(tile)
    writer.u32(checks[-1], "tile check")


def check_index(index: int, count: int) -> None:
    """Raises `OutOfRange` if there is no tile with this number."""
    if not 0 <= index < count:
        raise OutOfRange("no such tile", found=index, expected=f"0 to {count - 1}")
