"""A structured description of a file, for people and for tests: what stands where, is it whole?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from bitstream.checksum import Buffer
from bitstream.chunks import Chunk, read_chunk
from bitstream.constants import ID_MASK, MAGIC, VERSION, ChunkType
from bitstream.container import grid_of, read, read_header
from bitstream.errors import BitstreamError
from bitstream.header import Header
from bitstream.limits import Limits
from bitstream.reader import ByteReader, as_view
from bitstream.tiles import Rectangle, StoredTiles, TileGrid


@dataclass(frozen=True, slots=True)
class ChunkInfo:
    """A chunk of a file.

    Attributes:
        name: four letters.
        code: the type byte.
        ignorable: whether a reader that does not know it may skip it.
        offset: of its first byte, the type, in the file.
        size: bytes of the whole chunk.
        length: bytes of its payload.
        crc_ok: whether its check matches; for the tile chunk, whether all its tiles' do.
    """

    name: str
    code: int
    ignorable: bool
    offset: int
    size: int
    length: int
    crc_ok: bool


@dataclass(frozen=True, slots=True)
class TileInfo:
    """A tile of a file: its number, what it covers in pixels, where its payload stands in bytes."""

    index: int
    rectangle: Rectangle
    offset: int
    length: int
    crc_ok: bool


@dataclass(frozen=True, slots=True)
class FileInfo:
    """All that can be said of a file without decoding it.

    Attributes:
        size: bytes of the file.
        version: of the format.
        header: all fields of the header.
        grid: the tile grid.
        chunks: in the order of the file, as far as they can be told apart.
        tiles: in the order of the file; empty if their index cannot be read.
        problem: the first thing that is wrong, or None if `read` and every tile succeed.
    """

    size: int
    version: int
    header: Header
    grid: TileGrid
    chunks: tuple[ChunkInfo, ...]
    tiles: tuple[TileInfo, ...]
    problem: BitstreamError | None


def inspect(data: Buffer, limits: Limits | None = None) -> FileInfo:
    """Describes a file, also a damaged one as long as its header is whole.

    Args:
        data: the file.
        limits: what to accept; None is the default `Limits()`.

    Raises:
        BitstreamError: the header cannot be read, see `read_header`.
    """
    limits = limits or Limits()
    view = as_view(data)
    limits.check_file(len(view))
    header = read_header(view, limits)
    grid = grid_of(header)
    chunks = []
    tiles: tuple[TileInfo, ...] = ()
    for chunk in islice(_walk(view), ID_MASK):
        crc_ok = chunk.is_whole()
        if chunk.code == ChunkType.TILE:
            tiles = _describe_tiles(chunk, grid)
            crc_ok = bool(tiles) and all(tile.crc_ok for tile in tiles)
        chunks.append(
            ChunkInfo(
                name=chunk.name,
                code=chunk.code,
                ignorable=chunk.ignorable,
                offset=chunk.offset,
                size=chunk.size,
                length=len(chunk.payload),
                crc_ok=crc_ok,
            )
        )
    return FileInfo(
        size=len(view),
        version=VERSION,
        header=header,
        grid=grid,
        chunks=tuple(chunks),
        tiles=tiles,
        problem=_first_problem(view, limits, tiles),
    )


def _walk(view: memoryview) -> Iterator[Chunk]:
    """Yields the chunks up to TILE, or up to where the framing is broken."""
    reader = ByteReader(view[len(MAGIC) + 1 :], base=len(MAGIC) + 1)
    while reader.remaining:
        try:
            chunk = read_chunk(reader)
        except BitstreamError:
            return
        yield chunk
        if chunk.code == ChunkType.TILE:
            return


def _describe_tiles(chunk: Chunk, grid: TileGrid) -> tuple[TileInfo, ...]:
    try:
        tiles = StoredTiles(chunk, grid.count)
    except BitstreamError:
        return ()
    return tuple(
        TileInfo(i, grid.rectangle(i), *tiles.span(i), tiles.is_whole(i)) for i in range(len(tiles))
    )


def _first_problem(
    view: memoryview, limits: Limits, tiles: tuple[TileInfo, ...]
) -> BitstreamError | None:
    try:
        container = read(view, limits)
        for tile in tiles:
            if not tile.crc_ok:
                container.tile(tile.index)
    except BitstreamError as error:
        return error
    return None
