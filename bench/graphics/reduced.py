"""Photographs in few colours: what palettes, printers and old screens make of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from bench.graphics.base import ROOT, save
from bench.images import image_files

__all__ = ["make"]

Reduction = Callable[[Image.Image], Image.Image]
_BAYER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]])


def make(folder: Path, photographs: Path | None) -> list[str]:
    """Five reductions, each of another photograph where there are enough."""
    files = [ROOT / "examples" / "kodim23.png"]
    if photographs is not None:
        files += image_files(photographs)
    made = []
    for number, (name, reduce) in enumerate(_REDUCTIONS.items()):
        with Image.open(files[number % len(files)]) as image:
            made.append(save(reduce(image.convert("RGB")), folder / f"dither-{name}.png"))
    return made


def _quantised(colours: int, dither: Image.Dither) -> Reduction:
    def reduce(image: Image.Image) -> Image.Image:
        return image.quantize(palette=image.quantize(colours), dither=dither)

    return reduce


def _bayer(image: Image.Image) -> Image.Image:
    """Two levels of each channel, thresholds of Bayer's matrix of 4 x 4."""
    samples = np.array(image)
    height, width = samples.shape[:2]
    thresholds = np.tile(_BAYER, (-(-height // 4), -(-width // 4)))[:height, :width] * 16 + 8
    return Image.fromarray(((samples > thresholds[..., None]) * 255).astype(np.uint8))


_REDUCTIONS: dict[str, Reduction] = {
    "floyd-steinberg-2": lambda image: image.convert("1"),
    "floyd-steinberg-16": _quantised(16, Image.Dither.FLOYDSTEINBERG),
    "floyd-steinberg-256": _quantised(256, Image.Dither.FLOYDSTEINBERG),
    "bayer-8": _bayer,
    "colours-64": _quantised(64, Image.Dither.NONE),
}
