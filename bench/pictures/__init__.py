"""Pictures that are no photographs, of every kind, size and sample format, from a seed.

    seed ──► size ──► kinds.py: RGB, one kind pasted into another now and then
                 ──► formats.py: grey, RGB, with alpha; 8 or 16 bits

    basic.py    stripes, checkers, text, noise ...: also what `bench survive` draws
    more.py     dithers, palettes, sprites, screens, pages, crops, awkward ones
    formats.py  RGB of 8 bits to every other form

`python -m tests.fuzz.lossless` codes 20,000 of them.
"""

from __future__ import annotations

import numpy as np

from bench.pictures.basic import RGB, Random
from bench.pictures.formats import Samples, formatted
from bench.pictures.more import KINDS

__all__ = ["KINDS", "LARGEST", "Samples", "picture"]

SIDE = 200
"""Pixels: sides are up to this, small ones as likely as large ones (their logarithm is uniform)."""
LARGEST = 640
"""Pixels: of the few pictures that are larger than that."""


def picture(seed: int) -> tuple[str, Samples]:
    """What a picture is made of, and its samples: (H, W) or (H, W, C), C = 1 grey, 2 grey and
    alpha, 3 RGB, 4 RGB and alpha; uint8 or uint16. The same for the same seed.
    """
    random = np.random.default_rng([seed, 0x70696378])
    height, width = _size(random)
    name = list(KINDS)[seed % len(KINDS)]
    image = KINDS[name](random, height, width).copy()
    if random.random() < 0.25:
        other, part = _part(random, height, width)
        y, x = int(random.integers(height)), int(random.integers(width))
        image[y:, x:] = part[: height - y, : width - x]
        name = f"{name} with {other}"
    form, samples = formatted(random, image)
    return f"{name}, {form}", samples


def _size(random: Random) -> tuple[int, int]:
    """Height and width: mostly small, some a single row or column, some of several tiles."""
    if random.random() < 0.01:
        height, width = (int(v) for v in random.integers(SIDE, LARGEST + 1, 2))
        return height, width
    height, width = (int(v) for v in np.exp(random.uniform(0, np.log(SIDE + 1), 2)))
    if random.random() < 0.03:
        height, width = (1, width * 2) if random.random() < 0.5 else (height * 2, 1)
    return height, width


def _part(random: Random, height: int, width: int) -> tuple[str, RGB]:
    """Another kind, to be pasted."""
    name = list(KINDS)[int(random.integers(len(KINDS)))]
    return name, KINDS[name](random, height, width)
