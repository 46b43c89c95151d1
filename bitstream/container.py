"""A whole file: `read`, `write`, and `read_header` for those who want no more than that.

file = magic, version | HEAD | ICCP? | EXIF? | XMP? | ALPH? | MODE? | TILE
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bitstream.checksum import Buffer
from bitstream.chunks import Chunk, check_sequence, put_chunk, read_chunk
from bitstream.constants import (
    KNOWN_IDS,
    MAGIC,
    MAX_HEAD_BYTES,
    VERSION,
    ChunkType,
    chunk_name,
)
from bitstream.errors import (
    BadField,
    MissingChunk,
    TrailingData,
    Truncated,
)
from bitstream.header import Header, decode_header, encode_header
from bitstream.limits import Limits
from bitstream.metadata import Metadata
from bitstream.modes import Modes, check_modes, decode_modes, encode_modes
from bitstream.reader import ByteReader, as_view, read_version
from bitstream.tiles import StoredTiles, TileGrid, check_index, put_tiles
from bitstream.writer import ByteWriter

_ALPH = chunk_name(ChunkType.ALPH)
_HEAD = chunk_name(ChunkType.HEAD)
_TILE = chunk_name(ChunkType.TILE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """The content of a file.

    Args:
        header: size, model, quality, tile size.
        tiles: one opaque payload per tile, row by row. In a container that was read this is a
            lazy sequence over the file's bytes: a tile is verified when it is asked for.
        alpha: opaque payload of the alpha plane; present if and only if `header.alpha`.
        icc: ICC profile, byte for byte.
        exif: EXIF from its TIFF header on, byte for byte.
        xmp: XMP packet, byte for byte.
        modes: the predictive coder, where tiles have modes.
    """

    header: Header
    tiles: Sequence[bytes]
    alpha: bytes | None = None
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    modes: Modes | None = None

    @property
    def grid(self) -> TileGrid:
        """The tile grid of the picture."""
        return grid_of(self.header)

    def tile(self, index: int) -> bytes:
        """Returns the payload of one tile; no other tile is looked at.

        Raises:
            OutOfRange: there is no such tile.
            BadChecksum: the tile is damaged.
        """
        check_index(index, len(self.tiles))
        return self.tiles[index]


def grid_of(header: Header) -> TileGrid:
    """Returns the tile grid that a header describes."""
    return TileGrid(header.width, header.height, header.tile_log2)


def has_magic(prefix: Buffer) -> bool:
    """Tells from the first bytes of a file whether it is one of this format, any version."""
    return bytes(prefix[: len(MAGIC)]) == MAGIC


def read_header(data: Buffer, limits: Limits | None = None) -> Header:
    """Reads the header and nothing behind it.

    Args:
        data: a file, or at least its first `HEADER_PROBE_BYTES` bytes.
        limits: what to accept; None is the default `Limits()`.

    Raises:
        BitstreamError: see `read`.
    """
    header, _ = read_start(ByteReader(as_view(data)), limits or Limits())
    return header


def read(data: Buffer, limits: Limits | None = None) -> Container:
    """Reads a whole file: structure, header, metadata and alpha are verified, tiles are not yet.

    Args:
        data: the file. The container refers to it and does not copy the tiles.
        limits: what to accept; None is the default `Limits()`.

    Raises:
        Truncated, BadMagic, UnsupportedVersion, BadChecksum, BadField, LimitExceeded,
        TrailingData, MissingChunk, DuplicateChunk, ChunkOrder, UnknownCriticalChunk:
            the file is not one, is damaged, or is beyond this version or the limits; SPEC.md,
            section 6, says which error is raised when.
    """
    limits = limits or Limits()
    view = as_view(data)
    limits.check_file(len(view))
    reader = ByteReader(view)

    # 1. Magic, version, header.
    header, previous = read_start(reader, limits)

    # 2. The optional chunks. Ids ascend and TILE has the greatest, so it ends the file.
    chunks, previous = read_before_tiles(reader, previous)
    if not reader.remaining:
        raise Truncated("data end before chunk TILE", offset=reader.offset)
    tile = read_chunk(reader)
    check_sequence(tile, previous)

    # 3. Every byte belongs to something, and the chunks agree with the header.
    if reader.remaining:
        raise TrailingData(
            "bytes after the end of the file",
            found=f"{reader.remaining} bytes",
            offset=reader.offset,
        )
    tiles = StoredTiles(tile, grid_of(header).count)
    return container_of(header, chunks, tiles, tile.offset, limits)


def read_before_tiles(reader: ByteReader, previous: Chunk) -> tuple[dict[ChunkType, Chunk], Chunk]:
    """Reads and verifies the chunks between header and tiles.

    Args:
        reader: stands behind the header; at TILE afterwards, or at the end of the data.
        previous: the header's chunk.

    Returns: the chunks that are known, and the last one that was read.
    """
    chunks: dict[ChunkType, Chunk] = {}
    while reader.remaining and not reader.comes(ChunkType.TILE):
        chunk = read_chunk(reader)
        chunk.verify()
        check_sequence(chunk, previous)
        previous = chunk
        if chunk.id in KNOWN_IDS:
            chunks[KNOWN_IDS[chunk.id]] = chunk
    return chunks, previous


def container_of(
    header: Header, chunks: dict[ChunkType, Chunk], tiles: Sequence[bytes], end: int, limits: Limits
) -> Container:
    """A container of verified chunks, and of its tiles, which stand at an offset `end`.

    Raises:
        BitstreamError: the chunks do not agree with the header, or are over a limit.
    """
    alpha = chunks.get(ChunkType.ALPH)
    _check_alpha(header, alpha is not None, alpha.offset if alpha else end)
    metadata = Metadata.from_chunks(chunks, limits)
    modes = decode_modes(chunks[ChunkType.MODE]) if ChunkType.MODE in chunks else None
    check_modes(header, modes)
    return Container(
        header=header,
        tiles=tiles,
        alpha=None if alpha is None else bytes(alpha.payload),
        icc=metadata.icc,
        exif=metadata.exif,
        xmp=metadata.xmp,
        modes=modes,
    )


def write(container: Container, limits: Limits | None = None) -> bytes:
    """Returns the file of a container; the same container always gives the same bytes.

    Args:
        container: its tiles must fit the grid of its header.
        limits: a file that a reader with these limits would refuse is not written; None is the
            default `Limits()`.

    Raises:
        BadField: the tiles do not fit the grid, or a value does not fit its field.
        MissingChunk: the header says alpha and there is none.
        LimitExceeded: the file would exceed the limits.
        BadChecksum: the tiles come from a file and one of them is damaged.
    """
    limits = limits or Limits()
    header, tiles = container.header, list(container.tiles)
    count = container.grid.count
    _check_limits(header, limits)
    _check_alpha(header, container.alpha is not None)
    check_modes(header, container.modes)
    if len(tiles) != count:
        raise BadField("number of tiles", found=len(tiles), expected=count, chunk=_TILE)
    metadata = Metadata(icc=container.icc, exif=container.exif, xmp=container.xmp)

    writer = ByteWriter()
    writer.put(MAGIC)
    writer.u8(VERSION, "version")
    put_chunk(writer, ChunkType.HEAD, encode_header(header))
    for kind, payload in metadata.to_chunks(limits):
        put_chunk(writer, kind, payload)
    if container.alpha is not None:
        put_chunk(writer, ChunkType.ALPH, container.alpha)
    if container.modes is not None:
        put_chunk(writer, ChunkType.MODE, encode_modes(container.modes))
    put_tiles(writer, tiles)
    data = writer.getvalue()
    limits.check_file(len(data))
    return data


def read_start(reader: ByteReader, limits: Limits) -> tuple[Header, Chunk]:
    """Reads magic, version and the header chunk; returns the header and its chunk."""
    read_version(reader)
    chunk = read_chunk(reader)
    chunk.verify()
    check_sequence(chunk, None)
    if len(chunk.payload) > MAX_HEAD_BYTES:
        raise BadField(
            "header is too long",
            found=f"{len(chunk.payload)} bytes",
            expected=f"at most {MAX_HEAD_BYTES}",
            offset=chunk.offset,
            chunk=_HEAD,
        )
    header = decode_header(chunk.open())
    _check_limits(header, limits, chunk.payload_offset)
    return header, chunk


def _check_limits(header: Header, limits: Limits, offset: int | None = None) -> None:
    limits.check_size(header.width, header.height, offset=offset, chunk=_HEAD)
    limits.check_tiles(grid_of(header).count, offset=offset, chunk=_HEAD)


def _check_alpha(header: Header, present: bool, offset: int | None = None) -> None:
    if header.alpha and not present:
        raise MissingChunk("header says alpha and there is none", expected=_ALPH, offset=offset)
    if present and not header.alpha:
        raise BadField("alpha, but header says there is none", offset=offset, chunk=_ALPH)
