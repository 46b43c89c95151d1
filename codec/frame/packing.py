"""The file of a picture whose tiles are coded: its header, metadata and alpha around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import bitstream

if TYPE_CHECKING:
    from codec.image.picture import Picture
    from codec.models.registry import ModelEntry

__all__ = ["packed"]


def packed(
    picture: Picture,
    tiles: Sequence[bytes],
    *,
    entry: ModelEntry,
    level: int,
    tile_log2: int,
    alpha: bytes | None,
    modes: bitstream.Modes | None,
    limits: bitstream.Limits | None,
) -> bytes:
    """The bytes of a file.

    Args:
        picture: what the tiles hold, with the metadata that is to be kept.
        tiles: payloads.
        entry, level: what coded them.
        tile_log2: side of a tile = 2^tile_log2 pixels.
        alpha: the coded alpha plane, there if and only if the picture has one.
        modes: the predictive coder, where tiles have modes.
        limits: what a reader of the file will take; None is the default `bitstream.Limits()`.
    """
    header = bitstream.Header(
        width=picture.width, height=picture.height, channels=picture.channels,
        alpha=alpha is not None, model_id=entry.id, weights_hash=entry.weights_hash, level=level,
        tile_log2=tile_log2, bit_depth=picture.bits,
    )  # fmt: skip
    return bitstream.write(
        bitstream.Container(
            header=header, tiles=tiles, alpha=alpha, icc=picture.icc, exif=picture.exif,
            xmp=picture.xmp, modes=modes,
        ),
        limits,
    )  # fmt: skip
