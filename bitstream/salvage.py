"""What is left of a file whose tiles are damaged or cut off: `salvage`.

Header, metadata, alpha and modes must be whole. Of the tiles, the bytes are taken where the index
says that they are, whatever they are; if the index itself is damaged, all tiles are empty. What to
do with such bytes is for the caller to know (SPEC.md, section 6).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise

from bitstream.checksum import Buffer, crc32
from bitstream.constants import CHECK_BYTES
from bitstream.container import (
    Container,
    container_of,
    grid_of,
    read_before_tiles,
    read_start,
)
from bitstream.errors import BitstreamError
from bitstream.limits import Limits
from bitstream.reader import ByteReader, as_view

__all__ = ["Salvaged", "salvage"]


@dataclass(frozen=True, slots=True)
class Salvaged:
    """A file as far as it is there.

    container: its tiles are bytes that nobody vouches for. damaged: numbers of the tiles whose
    check does not match, or that are missing.
    """

    container: Container
    damaged: tuple[int, ...]


def salvage(data: Buffer, limits: Limits | None = None) -> Salvaged:
    """Reads a file whose tiles may be damaged, or that may end early.

    Args:
        data: what there is of the file.
        limits: what to accept; None is the default `Limits()`.

    Raises:
        BitstreamError: as `read`, for what stands before the tiles.
    """
    limits = limits or Limits()
    view = as_view(data)
    limits.check_file(len(view))
    reader = ByteReader(view)
    header, previous = read_start(reader, limits)
    chunks, _ = read_before_tiles(reader, previous)
    tiles, damaged = _tiles(reader, grid_of(header).count)
    return Salvaged(container_of(header, chunks, tiles, reader.offset, limits), damaged)


def _tiles(reader: ByteReader, count: int) -> tuple[list[bytes], tuple[int, ...]]:
    """Bytes of the tiles, and which of them are not what was written."""
    nothing = [b""] * count, tuple(range(count))
    start = reader.offset
    try:
        reader.u8("the type of a chunk")
        length = reader.varint("the length of chunk TILE")
        framing = crc32(reader.since(start))
        if reader.remaining < (count - 1) * (1 + CHECK_BYTES):
            return nothing
        first = reader.offset
        lengths = [reader.varint("the length of a tile") for _ in range(count - 1)]
        prefix = crc32(reader.since(first), framing)
        checks = [reader.u32("the check of a tile") for _ in range(count - 1)]
    except BitstreamError:
        return nothing
    last = length - (reader.offset - first) - sum(lengths)
    if last < 0:
        return nothing
    rest = reader.take(reader.remaining, "tiles")
    ends = list(accumulate([*lengths, last], initial=0))
    if len(rest) >= ends[-1] + CHECK_BYTES:
        checks.append(int.from_bytes(rest[ends[-1] : ends[-1] + CHECK_BYTES], "little"))
    tiles = [bytes(rest[a:b]) for a, b in pairwise(ends)]
    whole = [crc32(tile, prefix) == check for tile, check in zip(tiles, checks, strict=False)]
    whole += [False] * (count - len(whole))
    return tiles, tuple(n for n in range(count) if not whole[n])
