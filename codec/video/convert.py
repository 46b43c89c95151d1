"""Y, U, V to RGB and back, in integers: between a video's planes and the still model.

From RGB is normative (entropy/INTER.md, Key frames): a decoder does it. To RGB is the encoder's
alone, but the same everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from codec.video.types import Planes

__all__ = ["Colour", "planes10_of_rgb", "rgb_of_planes"]

Ints = NDArray[np.int32]

_BITS = 14
"""Fraction of the coefficients."""
_KR_KB = {1: (Fraction(2126, 10000), Fraction(722, 10000))}
"""Weights of red and blue in luma, by the matrix's number in ITU-T H.273; others are BT.601's."""
_BT601 = (Fraction(299, 1000), Fraction(114, 1000))


@dataclass(frozen=True, slots=True)
class Colour:
    """How a video's planes stand for colours.

    Attributes:
        matrix: 1 for BT.709, 5 or 6 for BT.601 (H.273).
        full_range: whether samples use 0..255, or 16..235 and 16..240.
        subsampled: 4:2:0, else 4:4:4.
    """

    matrix: int
    full_range: bool
    subsampled: bool

    @property
    def weights(self) -> tuple[Fraction, Fraction, Fraction]:
        """Of red, green and blue in luma."""
        red, blue = _KR_KB.get(self.matrix, _BT601)
        return red, 1 - red - blue, blue

    @property
    def scales(self) -> tuple[Fraction, Fraction, int]:
        """Range of luma and of chroma, of 255, and luma's black, of 8 bits."""
        if self.full_range:
            return Fraction(1), Fraction(1), 0
        return Fraction(219, 255), Fraction(224, 255), 16


def _fixed(value: Fraction) -> int:
    """In units of 2^-14, to the nearest, halves up."""
    scaled = value * (1 << _BITS) + Fraction(1, 2)
    return scaled.numerator // scaled.denominator


def planes10_of_rgb(
    rgb: NDArray[np.uint8], colour: Colour
) -> tuple[NDArray[np.uint16], NDArray[np.uint16], NDArray[np.uint16]]:
    """Y, U, V of 10 bits, 0..1023, of a picture (H, W, 3).

    With c in units of 2^-14, Y = (c . rgb + 2^11) >> 12 plus four times its black; U and V keep
    four more bits until they are halved, along rows and then columns, by (-1, 5, 5, -1) / 8.
    """
    red, green, blue = colour.weights
    luma, chroma, black = colour.scales
    planes = rgb.astype(np.int32)
    r, g, b = planes[..., 0], planes[..., 1], planes[..., 2]

    def mixed(by: tuple[Fraction, Fraction, Fraction], bits: int) -> Ints:
        """A weighted sum with so many bits of fraction."""
        shift = _BITS - bits
        total = _fixed(by[0]) * r + _fixed(by[1]) * g + _fixed(by[2]) * b
        return (total + (1 << (shift - 1))) >> shift

    y = mixed((red * luma, green * luma, blue * luma), 2) + 4 * black
    to_u, to_v = chroma / (2 * (1 - blue)), chroma / (2 * (1 - red))
    u = mixed((-red * to_u, -green * to_u, (1 - blue) * to_u), 6)
    v = mixed(((1 - red) * to_v, -green * to_v, -blue * to_v), 6)
    if colour.subsampled:
        u, v = _halved(_halved(u).T).T, _halved(_halved(v).T).T
    middle = 4 * 128

    def narrowed(plane: Ints) -> NDArray[np.uint16]:
        return np.ascontiguousarray(np.clip(plane, 0, 1023).astype(np.uint16))

    return (
        narrowed(y),
        narrowed(((u + 8) >> 4) + middle),
        narrowed(((v + 8) >> 4) + middle),
    )


def _halved(plane: Ints) -> Ints:
    """Half as many columns: (-1, 5, 5, -1) / 8 around each pair, edges continued."""
    if plane.shape[1] % 2:
        plane = np.concatenate([plane, plane[:, -1:]], axis=1)
    wide = np.pad(plane, ((0, 0), (1, 1)), "edge")
    inner = wide[:, 1:-1:2] + wide[:, 2::2][:, : plane.shape[1] // 2]
    outer = wide[:, 0:-2:2] + wide[:, 3::2]
    return (5 * inner - outer + 4) >> 3


def rgb_of_planes(planes: Planes, colour: Colour) -> NDArray[np.uint8]:
    """A picture (H, W, 3) of planes of 8 bits. Chroma of 4:2:0 is doubled by (3, 1) / 4."""
    red, green, blue = colour.weights
    luma, chroma, black = colour.scales
    y = (planes[0].astype(np.int32) - black) * _fixed(1 / luma)
    u, v = (plane.astype(np.int32) - 128 for plane in planes[1:])
    fine = 0
    if colour.subsampled:
        height, width = planes[0].shape
        u, v = (_doubled(_doubled(p).T).T[:height, :width] for p in (u, v))
        fine = 4

    def channel(by_u: Fraction, by_v: Fraction) -> Ints:
        # U and V have `fine` bits of fraction
        colours = u * _fixed(by_u / chroma) + v * _fixed(by_v / chroma)
        total = y + ((colours + ((1 << fine) >> 1)) >> fine)
        return (total + (1 << (_BITS - 1))) >> _BITS

    of_red, of_blue = 2 * (1 - red), 2 * (1 - blue)
    rgb = np.stack(
        [
            channel(Fraction(0), of_red),
            channel(-of_blue * blue / green, -of_red * red / green),
            channel(of_blue, Fraction(0)),
        ],
        axis=-1,
    )
    return np.clip(rgb, 0, 255).astype(np.uint8)


def _doubled(plane: Ints) -> Ints:
    """Twice as many columns, times four: three parts of the nearer sample, one of the other."""
    wide = np.pad(plane, ((0, 0), (1, 1)), "edge")
    out = np.empty((plane.shape[0], 2 * plane.shape[1]), np.int32)
    out[:, 0::2] = wide[:, :-2] + 3 * wide[:, 1:-1]
    out[:, 1::2] = 3 * wide[:, 1:-1] + wide[:, 2:]
    return out
