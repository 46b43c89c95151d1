"""Files of profile vq with damaged or missing tiles: what of them can still be decoded."""

from __future__ import annotations

import logging
from dataclasses import replace

import bitstream
from codec.models import registry

__all__ = ["MARGIN_PX", "conceal", "damaged_within"]

MARGIN_PX = 144
"""How far around a tile its latents change pixels: the reach of the synthesis."""
_LEARNED = b"\x00"
"""The kind that a tile of the model alone begins with, where tiles have modes."""
_NOTHING = b"\x80"
"""The start of a number that never ends: no packet can be read from it."""
_log = logging.getLogger(__name__)


def damaged_within(
    salvaged: bitstream.Salvaged, area: tuple[int, int, int, int]
) -> tuple[int, ...]:
    """Numbers of the damaged tiles that the pixels of an area depend on."""
    needed = salvaged.container.grid.touched_by(area, MARGIN_PX)
    return tuple(n for n in salvaged.damaged if n in set(needed))


def conceal(salvaged: bitstream.Salvaged, area: tuple[int, int, int, int]) -> bitstream.Container:
    """What there is of a file, for a decoder that guesses the rest.

    Where tiles have modes, a damaged one is taken for one of the model alone: packets that it has
    are found by their checks, and what was coded sample by sample is guessed with the rest.

    Raises:
        BitstreamError: a tile that is needed is damaged, and the file is of another profile.
    """
    container = salvaged.container
    damaged = damaged_within(salvaged, area)
    if damaged and registry.by_id(container.header.model_id).profile != registry.VECTORS:
        x, y, _, _ = container.grid.rectangle(damaged[0])
        raise bitstream.BadChecksum(
            f"tile {damaged[0]}, at pixel {x},{y}, is damaged or missing; in a file of another "
            f"profile than vq nothing is guessed"
        )
    if damaged:
        _log.warning(
            "%d of %d tiles are damaged or missing: what is lost of them is guessed",
            len(damaged),
            len(container.tiles),
        )
    if container.modes is None:
        return container
    tiles = list(container.tiles)
    for n in salvaged.damaged:
        tiles[n] = _LEARNED + (tiles[n][1:] or _NOTHING)
    return replace(container, tiles=tiles)
