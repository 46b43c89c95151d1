"""Whole pictures sample by sample: lossless, or with a largest error. Needs no model's weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import bitstream
from codec.errors import UnknownModel, WeightsMismatch
from codec.image.alpha import encode_alpha
from codec.models import registry
from entropy.predictive import native as predictive
from entropy.predictive.native import Strength
from networks.native import thread_count

if TYPE_CHECKING:
    from collections.abc import Callable

    from codec.image.picture import Picture

__all__ = ["check_coder", "decode_predictive", "encode_exact", "learned_part", "strength_of"]


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
    header = bitstream.Header(
        width=picture.width, height=picture.height, channels=picture.channels,
        alpha=picture.alpha is not None, model_id=coder.id, weights_hash=coder.weights_hash,
        level=0, tile_log2=tile_log2, bit_depth=8 * picture.samples.dtype.itemsize,
    )  # fmt: skip
    return bitstream.write(
        bitstream.Container(
            header=header,
            tiles=tiles,
            alpha=None if picture.alpha is None else encode_alpha(picture.alpha),
            icc=picture.icc,
            exif=picture.exif,
            xmp=picture.xmp,
            modes=coder.modes(error),
        ),
        limits,
    )


def check_coder(modes: bitstream.Modes) -> None:
    """Whether this program has the predictive coder of a file.

    Raises:
        UnknownModel: it does not know it.
        WeightsMismatch: it has others under that id.
    """
    entry = registry.by_id(modes.coder_id)
    if entry.profile != registry.PREDICTIVE:
        raise UnknownModel(f"model id {entry.id} ({entry.name}) is no predictive coder")
    if entry.weights_hash != modes.weights_hash:
        raise WeightsMismatch(
            f"the file was made with weights {modes.weights_hash.hex()} of {entry.name}, "
            f"here are {entry.weights_hash.hex()}"
        )


def decode_predictive(
    container: bitstream.Container,
    area: tuple[int, int, int, int],
    out: NDArray[Any] | None = None,
    *,
    threads: int = 0,
    progress: Callable[[float], object] | None = None,
) -> NDArray[Any]:
    """The samples of an area, (height, width, C) uint8 or uint16.

    Args:
        container: a file with modes.
        area: x, y, width, height in pixels.
        out: what the model's tiles decode to, written into; None where everything is predictive.
        threads, progress: as in `encode_exact`.

    Raises:
        EntropyCodingError: a payload is damaged.
    """
    header, modes = container.header, container.modes
    assert modes is not None
    only = out is None
    if out is None:
        dtype = np.uint16 if header.bit_depth > 8 else np.uint8
        out = np.zeros((area[3], area[2], header.channels), dtype)
    predictive.decode(
        container.tile, (header.width, header.height), header.tile_log2, modes.error, area, out,
        only=only, threads=thread_count(threads), progress=progress,
    )  # fmt: skip
    return out


def learned_part(container: bitstream.Container, index: int) -> bytes | None:
    """What the model has to decode of a tile, None if nothing.

    Raises:
        BadChecksum, EntropyCodingError: the tile is damaged.
    """
    _, _, width, height = container.grid.rectangle(index)
    return predictive.tile_parts(container.tile(index), (width, height)).learned
