"""RGB of 8 bits to the other forms of a picture: grey, with alpha, 16 bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.pictures.basic import RGB, Random

__all__ = ["Samples", "formatted"]

Samples = NDArray[np.uint8 | np.uint16]
Plane = NDArray[np.uint8]

_SHARES = {"RGB": 0.5, "grey": 0.2, "grey as RGB": 0.05, "RGBA": 0.18, "grey and alpha": 0.07}
"""Which form, and how often."""
_DEEP = 0.15
"""Share of the pictures with 16 bits a sample."""


def formatted(random: Random, image: RGB) -> tuple[str, Samples]:
    """A form's name, and the picture in it."""
    form = str(random.choice(list(_SHARES), p=list(_SHARES.values())))
    samples: Samples = image
    if form.startswith("grey"):
        grey = image[:, :, :1] if random.random() < 0.5 else _luma(image)
        samples = grey.repeat(3, 2) if form == "grey as RGB" else grey
    if random.random() < _DEEP:
        depth, samples = _deep(random, samples)
        form = f"{form}, {depth}"
    if "RGBA" in form or "alpha" in form:
        name, alpha = _alpha(random, image)
        deep = samples.dtype == np.uint16
        wide = alpha.astype(np.uint16) * 257 if deep else alpha
        samples = np.concatenate([samples, wide[:, :, None]], axis=2)
        form = f"{form} ({name})"
    elif samples.shape[2] == 1 and random.random() < 0.5:
        samples = samples[:, :, 0]
    return form, np.ascontiguousarray(samples)


def _luma(image: RGB) -> Plane:
    """(H, W, 1): a weighted sum of the channels."""
    sums = image.astype(np.uint16) @ np.array([77, 150, 29], np.uint16)
    return np.asarray(sums >> 8, np.uint8)[:, :, None]


def _alpha(random: Random, image: RGB) -> tuple[str, Plane]:
    """An alpha plane: constant, a mask, a ramp, or whatever the picture is made of."""
    height, width = image.shape[:2]
    y, x = np.mgrid[:height, :width]
    inside = (x - width / 2) ** 2 + (y - height / 2) ** 2 < (min(height, width) / 2) ** 2
    planes = {
        "opaque": np.full((height, width), 255),
        "clear": np.zeros((height, width)),
        "disc": inside * 255,
        "ramp": x * 255 // max(1, width - 1),
        "its own": image[:, :, 2],
        "dots": (random.random((height, width)) < 0.05) * 255,
    }
    name = str(random.choice(list(planes)))
    return name, planes[name].astype(np.uint8)


def _deep(random: Random, samples: Samples) -> tuple[str, NDArray[np.uint16]]:
    """Samples of 16 bits: really of 16, or of fewer and stretched in one of the usual ways."""
    wide = samples.astype(np.int64)
    low = random.integers(0, 256, samples.shape)
    bits = int(random.choice([9, 10, 12, 14]))
    few = (wide << (bits - 8)) | (low >> (16 - bits))
    across = np.arange(1, samples.shape[1] + 1)[None, :, None]
    made: dict[str, NDArray[np.int64]] = {
        "8 bits times 257": wide * 257,
        "8 bits shifted": wide << 8,
        "16 bits": (wide << 8) | low,
        f"{bits} bits below": few,
        f"{bits} bits above": few << (16 - bits),
        "full noise": random.integers(0, 65536, samples.shape),
        "8 bits below": wide,
        "ends": np.where(wide > 127, 65535, 0),
        "smooth": wide * across % 65536,
    }
    name = str(random.choice(list(made)))
    return name, made[name].astype(np.uint16)
