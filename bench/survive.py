"""Does every picture survive? Random synthetic pictures, each coded at a random level.

    python -m bench survive --count 10000

A picture is destroyed where what comes back is more than `TOLERANCE` dB worse than its mean colour
alone would be. Kinds: stripes and checkers of any period and angle, text, noise of any size,
saturated blocks, dots, gradients, edges, and one of these pasted into another.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

import codec

__all__ = ["KINDS", "TOLERANCE", "Found", "measure", "picture"]

TOLERANCE = 2.0
"""dB below the mean colour alone that count as destroyed."""
GOOD_ENOUGH = 36.0
"""dB: what is nearly one colour, which its mean gives exactly, need not come back better."""
SIDES = (16, 200)
LEVELS = 64

RGB = NDArray[np.uint8]
Random = np.random.Generator


@dataclass(frozen=True, slots=True)
class Found:
    """One picture: what it was, and PSNR in dB of the file and of the mean colour alone."""

    seed: int
    kind: str
    size: tuple[int, int]
    level: int
    bytes: int
    psnr: float
    mean_colour: float

    @property
    def margin(self) -> float:
        """By how many dB the file is better than the mean colour."""
        return self.psnr - self.mean_colour


def _colours(random: Random, count: int) -> RGB:
    """Colours, saturated ones as often as others."""
    plain = random.integers(0, 256, (count, 3))
    pure = random.integers(0, 2, (count, 3)) * 255
    return np.where(random.random((count, 1)) < 0.5, pure, plain).astype(np.uint8)


def _stripes(random: Random, height: int, width: int) -> RGB:
    y, x = np.mgrid[:height, :width]
    angle = random.choice([0.0, math.pi / 2, random.uniform(0, math.pi)])
    phase = (x * math.cos(angle) + y * math.sin(angle)) / random.choice([1, 2, 3, 5, 8, 13, 40])
    return np.asarray(_colours(random, 2)[np.floor(phase).astype(int) % 2])


def _checker(random: Random, height: int, width: int) -> RGB:
    y, x = np.mgrid[:height, :width] // int(random.choice([1, 2, 3, 4, 8, 16]))
    return np.asarray(_colours(random, 2)[(x + y) % 2])


def _text(random: Random, height: int, width: int) -> RGB:
    back, *fronts = (tuple(int(v) for v in c) for c in _colours(random, 4))
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
    colours = _colours(random, rows * columns).reshape(rows, columns, 3)
    return np.asarray(colours.repeat(side, 0).repeat(side, 1)[:height, :width])


def _dots(random: Random, height: int, width: int) -> RGB:
    back, front = _colours(random, 2)
    image = np.broadcast_to(back, (height, width, 3)).copy()
    image[random.random((height, width)) < random.choice([0.001, 0.01, 0.05])] = front
    return image


def _gradient(random: Random, height: int, width: int) -> RGB:
    y, x = np.mgrid[:height, :width]
    start, end = _colours(random, 2).astype(float)
    share = (x / width * random.random() + y / height * random.random())[..., None]
    return np.asarray((start + (end - start) * share).clip(0, 255).astype(np.uint8))


def _waves(random: Random, height: int, width: int) -> RGB:
    """A chirp: every frequency up to the finest."""
    y, x = np.mgrid[:height, :width]
    wave = np.sin((x * x + y * y) / random.uniform(4, 400))
    return np.asarray((127.5 + 127.5 * wave[..., None] * random.random(3)).astype(np.uint8))


KINDS: dict[str, Callable[[Random, int, int], RGB]] = {
    "stripes": _stripes,
    "checker": _checker,
    "text": _text,
    "noise": _noise,
    "blocks": _blocks,
    "dots": _dots,
    "gradient": _gradient,
    "waves": _waves,
}


def picture(seed: int) -> tuple[str, RGB]:
    """What a picture is made of, and its pixels; the same for the same seed."""
    random = np.random.default_rng(seed)
    names = list(KINDS)
    height, width = (int(v) for v in random.integers(*SIDES, 2))
    name = names[int(random.integers(len(names)))]
    image = KINDS[name](random, height, width).copy()
    if random.random() < 0.3:
        other = names[int(random.integers(len(names)))]
        y, x = int(random.integers(height)), int(random.integers(width))
        part = KINDS[other](random, height - y, width - x)
        image[y:, x:] = part
        name = f"{name} with {other}"
    return name, np.ascontiguousarray(image)


def _psnr(a: RGB, b: RGB) -> float:
    mse = float(np.square(a.astype(np.float64) - b).mean())
    return math.inf if mse == 0 else 10 * math.log10(255.0**2 / mse)


def survived(seed: int) -> Found:
    """Codes a picture at a level that follows from the seed."""
    kind, pixels = picture(seed)
    level = seed * 37 % LEVELS
    data = codec.encode(pixels, level=level)
    mean = np.broadcast_to(np.rint(pixels.reshape(-1, 3).mean(0)).astype(np.uint8), pixels.shape)
    height, width = pixels.shape[:2]
    found = _psnr(codec.decode(data), pixels)
    beside = min(_psnr(np.asarray(mean), pixels), GOOD_ENOUGH)
    return Found(seed, kind, (width, height), level, len(data), found, beside)


def measure(count: int, first: int = 0, out: Path | None = None) -> list[Found]:
    """Codes pictures `first` .. `first + count - 1`; the worst come first."""
    found = []
    with click.progressbar(range(first, first + count), label="pictures") as seeds:
        found = sorted((survived(seed) for seed in seeds), key=lambda f: f.margin)
    if out is not None:
        worst = [asdict(f) | {"margin": round(f.margin, 3)} for f in found[:20]]
        text = {"count": count, "first": first, "tolerance_db": TOLERANCE, "worst": worst}
        out.write_text(json.dumps(text, indent=1) + "\n")
    return found
