"""Files of profile vq with damaged or missing tiles: what of them can still be decoded."""

from __future__ import annotations

import logging
from dataclasses import replace

import bitstream
from codec.models import registry

__all__ = ["lost_of"]

_log = logging.getLogger(__name__)

_LEARNED = b"\x00"
"""The kind that a tile of the model alone begins with, where tiles have modes."""


def lost_of(data: bytes, limits: bitstream.Limits) -> bitstream.Container | None:
    """The container of a damaged file that can be decoded with guesses; None of a file that is
    whole.

    Raises:
        BitstreamError: it is damaged before its tiles; or it is of another profile, or the tile
            holds samples coded one by one, and is damaged.
    """
    salvaged = bitstream.salvage(data, limits)
    if not salvaged.damaged:
        return None
    container = salvaged.container
    if registry.by_id(container.header.model_id).profile != registry.VECTORS:
        raise _refusal(container, salvaged.damaged[0], "of another profile than vq")
    _log.warning(
        "%d of %d tiles are damaged or missing: what is lost of them is guessed",
        len(salvaged.damaged),
        len(container.tiles),
    )
    if container.modes is None:
        return container
    tiles = list(container.tiles)
    for n in salvaged.damaged:
        if tiles[n] and tiles[n][:1] != _LEARNED:
            raise _refusal(container, n, "with samples that are coded one by one")
        tiles[n] = tiles[n] or _LEARNED
    return replace(container, tiles=tiles)


def _refusal(container: bitstream.Container, tile: int, what: str) -> bitstream.BadChecksum:
    x, y, _, _ = container.grid.rectangle(tile)
    return bitstream.BadChecksum(
        f"tile {tile}, at pixel {x},{y}, is damaged or missing; in a file {what} nothing is guessed"
    )
