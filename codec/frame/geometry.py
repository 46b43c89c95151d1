"""From pixels to latents and back: padding, windows with margins, and the tiles under them.

The image is continued to multiples of 64 pixels (one hyper-latent), so its latents form a grid of
multiples of 4. Transforms run over windows of that grid; a margin around each, cut off at the edges
of the grid only, makes the inside equal to what the whole image would give. Rectangles are (x, y,
width, height) in latents unless a name says _px.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = [
    "ALIGN_PX",
    "LATENT_PX",
    "WINDOW_PX",
    "Area",
    "covering",
    "latent_size",
    "pixels_of",
    "tile_area",
    "windows",
]

LATENT_PX = 16
"""Pixels per latent, on each axis."""
ALIGN_PX = 64
"""Pixels per hyper-latent, on each axis."""
WINDOW_PX = 2048
"""Side of a window: its activations, not those of the image, bound the memory."""


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of the latent grid."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    def grown(self, margin: int, bounds: Area) -> Area:
        """This area with `margin` more on each side, cut off at `bounds`."""
        x, y = max(self.x - margin, bounds.x), max(self.y - margin, bounds.y)
        right = min(self.right + margin, bounds.right)
        bottom = min(self.bottom + margin, bounds.bottom)
        return Area(x, y, right - x, bottom - y)

    def whole_windows(self) -> Area:
        """The hyper-latents that it touches: areas that windows of attention divide."""
        side = ALIGN_PX // LATENT_PX
        x, y = self.x // side * side, self.y // side * side
        right, bottom = (-(-n // side) * side for n in (self.right, self.bottom))
        return Area(x, y, right - x, bottom - y)

    def overlap(self, other: Area) -> Area:
        """The common part, of width or height 0 where there is none."""
        x, y = max(self.x, other.x), max(self.y, other.y)
        width = max(0, min(self.right, other.right) - x)
        return Area(x, y, width, max(0, min(self.bottom, other.bottom) - y))

    def slices(self, origin: Area) -> tuple[slice, slice]:
        """(rows, columns) of this area in an array that starts at `origin`."""
        top, left = self.y - origin.y, self.x - origin.x
        return slice(top, top + self.height), slice(left, left + self.width)


def latent_size(pixels: int) -> int:
    """Latents along a side of that many pixels, a multiple of 4."""
    return -(-pixels // ALIGN_PX) * (ALIGN_PX // LATENT_PX)


def covering(x_px: int, y_px: int, width_px: int, height_px: int) -> Area:
    """The latents whose pixels touch a rectangle of pixels."""
    x, y = x_px // LATENT_PX, y_px // LATENT_PX
    right = -(-(x_px + width_px) // LATENT_PX)
    bottom = -(-(y_px + height_px) // LATENT_PX)
    return Area(x, y, right - x, bottom - y)


def tile_area(rectangle: tuple[int, int, int, int]) -> Area:
    """The latents of a tile whose pixels are x, y, width, height: it has padding of its own."""
    x, y, width, height = rectangle
    return Area(x // LATENT_PX, y // LATENT_PX, latent_size(width), latent_size(height))


def pixels_of(area: Area, width_px: int, height_px: int) -> tuple[int, int, int, int]:
    """x, y, width, height of the pixels of an area, cut off at the edges of the image."""
    x, y = area.x * LATENT_PX, area.y * LATENT_PX
    right, bottom = area.right * LATENT_PX, area.bottom * LATENT_PX
    return x, y, min(right, width_px) - x, min(bottom, height_px) - y


def windows(area: Area, side_px: int) -> Iterator[Area]:
    """Parts of `area` in rows, each within one cell of the grid of `side_px` squares."""
    side = side_px // LATENT_PX
    for top in range(area.y // side * side, area.bottom, side):
        for left in range(area.x // side * side, area.right, side):
            yield Area(left, top, side, side).overlap(area)
