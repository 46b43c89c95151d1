"""The basic kinds of synthetic pictures, in RGB: what photographs never show, one function each.

Every function takes a random generator and a size, and draws the same for the same generator.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

__all__ = ["BASIC", "RGB", "Kind", "Random", "colours"]

RGB = NDArray[np.uint8]
"""(H, W, 3) uint8."""
Random = np.random.Generator
Kind = Callable[[Random, int, int], RGB]
"""Draws a picture of a height and a width."""


def colours(random: Random, count: int) -> RGB:
    """Colours, saturated ones as often as others."""
    plain = random.integers(0, 256, (count, 3))
    pure = random.integers(0, 2, (count, 3)) * 255
    return np.where(random.random((count, 1)) < 0.5, pure, plain).astype(np.uint8)


def _stripes(random: Random, height: int, width: int) -> RGB:
    y, x = np.mgrid[:height, :width]
    angle = random.choice([0.0, math.pi / 2, random.uniform(0, math.pi)])
    phase = (x * math.cos(angle) + y * math.sin(angle)) / random.choice([1, 2, 3, 5, 8, 13, 40])
    return np.asarray(colours(random, 2)[np.floor(phase).astype(int) % 2])


def _checker(random: Random, height: int, width: int) -> RGB:
    y, x = np.mgrid[:height, :width] // int(random.choice([1, 2, 3, 4, 8, 16]))
    return np.asarray(colours(random, 2)[(x + y) % 2])


def _text(random: Random, height: int, width: int) -> RGB:
    back, *fronts = (tuple(int(v) for v in c) for c in colours(random, 4))
    image = Image.new("RGB", (width, height), back)
    draw = ImageDraw.Draw(image)
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789(){}[]+-*/#@&"
    for row in range(0, height, int(random.integers(8, 20))):
        line = "".join(random.choice(list(letters), 40))
        draw.text((int(random.integers(-9, 9)), row), line, fill=fronts[int(random.integers(3))])
    return np.array(image)


def _noise(random: Random, height: int, width: int) -> RGB:
    grain = int(random.choice([1, 1, 2, 4]))
    shape = (-(-height // grain), -(-width // grain), int(random.choice([1, 3])))
    kind = random.integers(3)
    noise: NDArray[np.float64]
    if kind == 0:
        noise = random.normal(random.uniform(0, 255), random.uniform(5, 120), shape)
    elif kind == 1:
        noise = random.uniform(0, 255, shape)
    else:
        noise = np.where(random.random(shape) < random.uniform(0.02, 0.98), 255.0, 0.0)
    wide = np.broadcast_to(noise, (*shape[:2], 3)).repeat(grain, 0).repeat(grain, 1)
    return np.asarray(wide[:height, :width].clip(0, 255).astype(np.uint8))


def _blocks(random: Random, height: int, width: int) -> RGB:
    side = int(random.choice([2, 4, 8, 16, 32]))
    rows, columns = -(-height // side), -(-width // side)
    tints = colours(random, rows * columns).reshape(rows, columns, 3)
    return np.asarray(tints.repeat(side, 0).repeat(side, 1)[:height, :width])


def _dots(random: Random, height: int, width: int) -> RGB:
    back, front = colours(random, 2)
    image = np.broadcast_to(back, (height, width, 3)).copy()
    image[random.random((height, width)) < random.choice([0.001, 0.01, 0.05])] = front
    return image


def _gradient(random: Random, height: int, width: int) -> RGB:
    y, x = np.mgrid[:height, :width]
    start, end = colours(random, 2).astype(float)
    share = (x / width * random.random() + y / height * random.random())[..., None]
    return np.asarray((start + (end - start) * share).clip(0, 255).astype(np.uint8))


def _waves(random: Random, height: int, width: int) -> RGB:
    """A chirp: every frequency up to the finest."""
    y, x = np.mgrid[:height, :width]
    wave = np.sin((x * x + y * y) / random.uniform(4, 400))
    return np.asarray((127.5 + 127.5 * wave[..., None] * random.random(3)).astype(np.uint8))


BASIC: dict[str, Kind] = {
    "stripes": _stripes,
    "checker": _checker,
    "text": _text,
    "noise": _noise,
    "blocks": _blocks,
    "dots": _dots,
    "gradient": _gradient,
    "waves": _waves,
}
