"""Pictures with lines of text drawn onto them, and where the text is.

    python -m bench text-set KODAK OUT      OUT/NAME.png, OUT/NAME.mask.png

Every image gets lines in three sizes at places that a seed of its name gives, black or white,
whichever contrasts more with what lies below. The font is Pillow's own. The mask is where the
picture differs from the image, a pixel wider: where a codec smears a letter, that counts too.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from bench.images import load
from bench.metrics.views import Mask, mask_file
from bench.yuv import RGB

__all__ = ["SIZES", "draw_text", "write_text_set"]

SIZES = (12, 18, 32)
"""Of the font, in pixels."""
LINES = 3
"""Of each size, fewer where the image is too small."""
TRIES = 50
"""Places tried for a line that does not touch another one."""
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def draw_text(image: RGB, seed: int) -> tuple[RGB, Mask]:
    """The image with lines of words on it, and where they are."""
    random = np.random.default_rng(seed)
    picture = Image.fromarray(image)
    taken = np.zeros(image.shape[:2], np.bool_)
    for size in SIZES:
        for _ in range(LINES):
            _draw_line(picture, taken, size, random)
    drawn: RGB = np.asarray(picture).copy()
    changed = Image.fromarray(np.any(drawn != image, 2))
    wider = changed.convert("L").filter(ImageFilter.MaxFilter(3))
    return drawn, np.asarray(wider) > 127


def _draw_line(
    picture: Image.Image, taken: NDArray[np.bool_], size: int, random: np.random.Generator
) -> None:
    """One line at the first place tried that is free; none where there is none."""
    text = _words(random)
    font = ImageFont.load_default(size)
    left, top, right, bottom = (round(v) for v in font.getbbox(text))
    width, height = right - left, bottom - top
    if width >= picture.width or height >= picture.height:
        return
    for _ in range(TRIES):
        x = int(random.integers(0, picture.width - width))
        y = int(random.integers(0, picture.height - height))
        place = taken[y : y + height, x : x + width]
        if place.any():
            continue
        place[:] = True
        below = np.asarray(picture.crop((x, y, x + width, y + height)).convert("L"))
        colour = (0, 0, 0) if below.mean() > 127 else (255, 255, 255)
        ImageDraw.Draw(picture).text((x - left, y - top), text, fill=colour, font=font)
        return


def _words(random: np.random.Generator) -> str:
    """Three words of two to seven random letters and digits: nothing that a network has read."""
    letters = list(LETTERS)
    return " ".join("".join(random.choice(letters, random.integers(2, 8))) for _ in range(3))


def write_text_set(files: Iterable[Path], out: Path) -> list[Path]:
    """Write the picture and the mask of every image; the pictures are returned."""
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for file in files:
        picture, mask = draw_text(load(file), zlib.crc32(file.stem.encode()))
        path = out / f"{file.stem}.png"
        Image.fromarray(picture).save(path)
        Image.fromarray(mask).save(mask_file(path))
        written.append(path)
    return written
