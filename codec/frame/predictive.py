"""Decoding of files whose tiles have modes: what is coded sample by sample, and what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import bitstream
from codec.errors import UnknownModel
from codec.models import registry
from entropy.predictive import native as predictive
from networks.native import thread_count

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["check_coder", "decode_predictive", "learned_part"]


def check_coder(modes: bitstream.Modes) -> None:
    """Whether this program has the predictive coder of a file.

    Raises:
        UnknownModel: it does not know it.
        WeightsMismatch: it has others under that id.
    """
    entry = registry.by_id(modes.coder_id)
    if entry.profile != registry.PREDICTIVE:
        raise UnknownModel(f"model id {entry.id} ({entry.name}) is no predictive coder")
    entry.require_weights(modes.weights_hash)


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
        threads: of the processor, 0 for all.
        progress: called with the finished share, 0..1; may raise to stop.

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
