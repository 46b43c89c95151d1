"""Whole pictures sample by sample: lossless, or with a largest error. Needs no model's weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codec.frame.packing import packed
from codec.image.alpha import encode_alpha
from codec.models import registry
from entropy.predictive import native as predictive
from entropy.predictive.native import Strength
from networks.native import thread_count

if TYPE_CHECKING:
    from collections.abc import Callable

    import bitstream
    from codec.image.picture import Picture

__all__ = ["encode_exact", "strength_of"]


def strength_of(effort: int) -> Strength:
    """How hard the predictive coders try at an effort, 1..10."""
    if effort <= 3:
        return Strength.FAST
    return Strength.NORMAL if effort <= 7 else Strength.FULL


def encode_exact(
    picture: Picture,
    error: int,
    *,
    tile: int,
    effort: int,
    threads: int = 0,
    progress: Callable[[float], object] | None = None,
    limits: bitstream.Limits | None = None,
) -> bytes:
    """The file of a picture whose samples are off by at most `error`.

    Args:
        picture: with the metadata that is to be kept, 8 or 16 bits.
        error: 0 for exact samples, up to 65535. Alpha is exact always.
        tile: side of a tile in pixels, a power of two.
        effort: 1..10.
        threads: of the processor, 0 for all; the bytes do not depend on it.
        progress: called with the finished share, 0..1; may raise to stop.
        limits: what a reader of the file will take; None is the default `bitstream.Limits()`.
    """
    coder = registry.predictive()
    tile_log2 = tile.bit_length() - 1
    tiles = predictive.encode(
        picture.samples, tile_log2, error, strength=strength_of(effort),
        threads=thread_count(threads), progress=progress,
    )  # fmt: skip
    return packed(
        picture, tiles, entry=coder, level=0, tile_log2=tile_log2,
        alpha=None if picture.alpha is None else encode_alpha(picture.alpha),
        modes=coder.modes(error), limits=limits,
    )  # fmt: skip
