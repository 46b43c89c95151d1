"""Text and shapes of user interfaces drawn into training crops: what photographs lack.

A model that is trained on texture alone takes letters for texture. Where something is drawn is
known, so the loss can hold it to the samples there.
"""

from __future__ import annotations

import string

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

__all__ = ["draw"]

LETTERS = string.ascii_letters + string.digits + ".,:;!?-+()/%   "
SIZES = (9, 11, 12, 13, 14, 16, 20, 26, 34)
"""Of letters, in pixels."""
KINDS = ("lines", "page", "label", "shapes")


def draw(crops: Tensor, share: float, random: np.random.Generator) -> Tensor:
    """Draw into about `share` of the crops, in place.

    crops: (B, side, side, 3) uint8. Returns a mask (B, side, side) of float32: 1 where something
        was drawn, letters with what is around them.
    """
    mask = torch.zeros(crops.shape[:3], device=crops.device)
    if not share:
        return mask  # and no number is drawn, so recipes without a share see the crops they saw
    for n in np.flatnonzero(random.random(len(crops)) < share):
        picture, drawn = _drawn(crops[n].cpu().numpy(), random)
        crops[n] = torch.from_numpy(picture.copy()).to(crops.device)
        mask[n] = torch.from_numpy(drawn).to(crops.device)
    return mask


def _drawn(
    crop: NDArray[np.uint8], random: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """One crop with something on it, and where that is."""
    image, mask = Image.fromarray(crop), Image.new("L", crop.shape[1::-1])
    canvas, marks = ImageDraw.Draw(image), ImageDraw.Draw(mask)
    side = crop.shape[0]
    kind = KINDS[int(random.integers(len(KINDS)))]
    ink, paper = _colours(random)
    box = _box(side, random)
    if kind == "shapes":
        for _ in range(int(random.integers(3, 12))):
            _draw_shape(canvas, marks, side, random)
    else:
        if kind == "page":
            box = (0, 0, side, side)
        if kind != "lines":
            canvas.rectangle(box, fill=paper)
        marks.rectangle(box, fill=255)
        _write(canvas, box, ink, random)
    picture = np.asarray(image)
    marked = (np.asarray(mask) > 0) | (picture != crop).any(-1)  # letters reach out of their box
    return picture, marked.astype(np.float32)


def _draw_shape(
    canvas: ImageDraw.ImageDraw, marks: ImageDraw.ImageDraw, side: int, random: np.random.Generator
) -> None:
    """One shape of an interface in some colour, and its mark."""
    place = _box(side, random)
    colour, _ = _colours(random)
    shape = str(random.choice(["rectangle", "ellipse", "rounded", "line"]))
    width = int(random.integers(1, 4))
    for to, ink in ((canvas, colour), (marks, 255)):
        if shape == "line":
            to.line(place, fill=ink, width=width)
        elif shape == "rounded":
            to.rounded_rectangle(place, 6, fill=ink)
        else:
            getattr(to, shape)(place, outline=ink, width=width)


def _write(
    canvas: ImageDraw.ImageDraw,
    box: tuple[int, int, int, int],
    ink: tuple[int, int, int],
    random: np.random.Generator,
) -> None:
    """Lines of random letters in a rectangle."""
    left, top, right, bottom = box
    size = int(random.choice(SIZES))
    font = ImageFont.load_default(size)
    for y in range(top + 1, bottom, round(size * 1.25)):
        count = int(random.integers(2, 3 + 2 * (right - left) // size))
        canvas.text((left + 2, y), "".join(random.choice(list(LETTERS), count)), ink, font=font)


def _colours(random: np.random.Generator) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Ink and paper: black on white as often as anything else."""
    if random.random() < 0.4:
        dark, light = (int(random.integers(0, 60)),) * 3, (int(random.integers(215, 256)),) * 3
        return (dark, light) if random.random() < 0.7 else (light, dark)
    first, other = random.integers(0, 256, (2, 3)).tolist()
    return tuple(first), tuple(other)


def _box(side: int, random: np.random.Generator) -> tuple[int, int, int, int]:
    """A rectangle inside a square, at least 16 pixels each way."""
    x, y = (np.sort(random.choice(side // 16 + 1, 2, replace=False)) * 16 for _ in range(2))
    return int(x[0]), int(y[0]), min(side, int(x[1])), min(side, int(y[1]))
