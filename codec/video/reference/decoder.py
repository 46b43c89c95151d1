"""The decoder of a video: key frames with their stills, other frames (INTER.md, Payloads)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from codec.errors import InvalidField, TruncatedFile
from codec.frame.model import loaded
from codec.models.weights import read_verified
from codec.video.coder import models_of
from codec.video.reference.slots import ReferenceCoder
from codec.video.types import Planes
from entropy.coder.escape import MAX_LENGTH_BYTES, read_varint
from entropy.errors import CorruptStream, StreamExhausted

if TYPE_CHECKING:
    from bitstream.video import VideoHead

__all__ = ["ReferenceDecoder", "planes_of_still"]

Ints = NDArray[np.int64]
_STILL_LEVELS = 64
_TILES = range(6, 16)
_BT709 = Fraction(2126, 10000), Fraction(722, 10000)
_BT601 = Fraction(299, 1000), Fraction(114, 1000)


class ReferenceDecoder:
    """Decodes the frames of one video, one after another, slowly.

    Args:
        head: of the video.

    Raises:
        UnknownModel, WeightsMismatch: it names models or weights that are not here.
    """

    def __init__(self, head: VideoHead) -> None:
        still, inter = models_of(head)
        self._head, self._still = head, loaded(still)
        weights = read_verified(inter)
        self.coder = ReferenceCoder(head.width, head.height, int(head.chroma) == 0, weights)

    def decode(self, payload: bytes, references: Sequence[int], slot: int | None) -> Planes:
        """The planes, uint8, of a frame; of a key frame if there are no references.

        Raises:
            EntropyCodingError, InvalidField, TruncatedFile: the payload is damaged.
        """
        if not references:
            payload = self._decode_still(payload)
        self.coder.decode(payload, references, slot)
        shown = (np.minimum((p + 2) >> 2, 255).astype(np.uint8) for p in self.coder.planes())
        return cast(Planes, tuple(shown))

    def planes10(self) -> list[NDArray[np.uint16]]:
        """Y, U, V of 10 bits of the frame that was decoded last."""
        return self.coder.planes()

    def _decode_still(self, payload: bytes) -> bytes:
        """Decodes the still of a key frame; returns the inter frame after it."""
        if len(payload) < 2:
            raise TruncatedFile("a key frame ends before its still begins")
        level, tile_log2 = payload[:2]
        if level >= _STILL_LEVELS or tile_log2 not in _TILES:
            raise InvalidField(f"a key frame's still has level {level}, tile_log2 {tile_log2}")
        size = self._head.width, self._head.height
        at, ends = 2, [0]
        for _ in range(-(-size[0] >> tile_log2) * -(-size[1] >> tile_log2)):
            try:
                length, at = read_varint(payload, at, len(payload), MAX_LENGTH_BYTES)
            except StreamExhausted as error:
                raise TruncatedFile(str(error)) from error
            except CorruptStream as error:
                raise InvalidField(str(error)) from error
            ends.append(ends[-1] + length)
        tiles, rest = payload[at : at + ends[-1]], payload[at + ends[-1] :]
        if len(tiles) < ends[-1]:
            raise TruncatedFile("a key frame ends before its still does")
        rgb = self._still.decode(
            lambda n: tiles[ends[n] : ends[n + 1]], size, level, tile_log2, (0, 0, *size), threads=1
        )
        head = self._head
        self.coder.put_still(
            planes_of_still(rgb, head.matrix, head.full_range, int(head.chroma) == 0)
        )
        return rest


def planes_of_still(
    rgb: NDArray[np.uint8], matrix: int, full_range: bool, subsampled: bool
) -> list[Ints]:
    """Y, U, V of 10 bits of a decoded still (H, W, 3)."""
    kr, kb = _BT709 if matrix == 1 else _BT601
    kg = 1 - kr - kb
    luma, chroma, black = (1, 1, 0) if full_range else (Fraction(219, 255), Fraction(224, 255), 16)
    y = _mixed(rgb, (kr * luma, kg * luma, kb * luma), 12) + 4 * black
    of_u, of_v = Fraction(chroma) / (2 - 2 * kb), Fraction(chroma) / (2 - 2 * kr)
    half = Fraction(chroma) / 2
    planes = [y]
    for factors in ((-kr * of_u, -kg * of_u, half), (half, -kg * of_v, -kb * of_v)):
        plane = _mixed(rgb, factors, 8)
        if subsampled:
            plane = _halved(_halved(plane).T).T
        planes.append(((plane + 8) >> 4) + 512)
    return [plane.clip(0, 1023) for plane in planes]


def _mixed(rgb: NDArray[np.uint8], factors: Sequence[Fraction], shift: int) -> Ints:
    fixed = [int((f * (1 << 14) + Fraction(1, 2)) // 1) for f in factors]
    return (rgb.astype(np.int64) @ np.array(fixed, np.int64) + (1 << (shift - 1))) >> shift


def _halved(plane: Ints) -> Ints:
    """Half the columns."""
    odd = plane.shape[1] % 2
    p = np.pad(np.pad(plane, ((0, 0), (0, odd)), "edge"), ((0, 0), (1, 1)), "edge")
    near, far = p[:, 1:-1:2] + p[:, 2::2], p[:, :-2:2] + p[:, 3::2]
    return (5 * near - far + 4) >> 3
