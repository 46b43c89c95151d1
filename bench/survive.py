"""Does every picture survive? Random synthetic pictures, each coded at a random level.

    python -m bench survive --count 10000

A picture is destroyed where what comes back is more than `TOLERANCE` dB worse than its mean colour
alone would be. Kinds: stripes and checkers of any period and angle, text, noise of any size,
saturated blocks, dots, gradients, edges, and one of these pasted into another.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np

import codec
from bench.pictures.basic import BASIC, RGB
from bench.psnr import psnr

__all__ = ["TOLERANCE", "Found", "measure", "picture"]

TOLERANCE = 2.0
"""dB below the mean colour alone that count as destroyed."""
GOOD_ENOUGH = 36.0
"""dB: what is nearly one colour, which its mean gives exactly, need not come back better."""
SIDES = (16, 200)
LEVELS = 64


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


def picture(seed: int) -> tuple[str, RGB]:
    """What a picture is made of, and its pixels; the same for the same seed."""
    random = np.random.default_rng(seed)
    names = list(BASIC)
    height, width = (int(v) for v in random.integers(*SIDES, 2))
    name = names[int(random.integers(len(names)))]
    image = BASIC[name](random, height, width).copy()
    if random.random() < 0.3:
        other = names[int(random.integers(len(names)))]
        y, x = int(random.integers(height)), int(random.integers(width))
        part = BASIC[other](random, height - y, width - x)
        image[y:, x:] = part
        name = f"{name} with {other}"
    return name, np.ascontiguousarray(image)


def survived(seed: int) -> Found:
    """Codes a picture at a level that follows from the seed."""
    kind, pixels = picture(seed)
    level = seed * 37 % LEVELS
    data = codec.encode(pixels, level=level)
    mean = np.broadcast_to(np.rint(pixels.reshape(-1, 3).mean(0)).astype(np.uint8), pixels.shape)
    height, width = pixels.shape[:2]
    found = psnr(codec.decode(data), pixels)
    beside = min(psnr(np.asarray(mean), pixels), GOOD_ENOUGH)
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
