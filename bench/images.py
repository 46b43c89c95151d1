"""The images of a folder, as arrays. Needs no torch: what a codec needs of memory is measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from bench.yuv import RGB

__all__ = ["NoImages", "image_files", "load"]

SUFFIXES = {".png", ".ppm", ".tif", ".tiff", ".bmp", ".webp"}


class NoImages(Exception):
    """A folder holds no image, or one that cannot be read."""


def image_files(folder: Path, every: int = 1) -> list[Path]:
    """Every n-th image of a folder, by name, all of them readable; NAME.mask.png is none.

    Raises:
        NoImages: there is none, or one cannot be read.
    """
    found = (f for f in folder.iterdir() if f.suffix.lower() in SUFFIXES)
    files = sorted(f for f in found if not f.stem.endswith(".mask"))[::every]
    if not files:
        raise NoImages(f"no images in {folder}; looked for {', '.join(sorted(SUFFIXES))}")
    for file in files:
        load(file)
    return files


def load(file: Path) -> RGB:
    """An image as (H, W, 3) uint8. Raises NoImages."""
    try:
        with Image.open(file) as image:
            return np.array(image.convert("RGB"))
    except (OSError, UnidentifiedImageError, ValueError) as error:
        raise NoImages(f"{file}: cannot be read: {error}") from error
