"""Small pictures of every kind that the predictive coders tell apart."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

__all__ = ["PICTURES"]


def _texture(height: int, width: int, channels: int) -> np.ndarray:
    rng = np.random.default_rng(9)
    y, x = np.mgrid[:height, :width]
    waves = 90 + 60 * np.sin(x / 9)[..., None] + 40 * np.cos((x + 2 * y) / 13)[..., None]
    return (waves + rng.normal(0, 4, (height, width, channels))).clip(0, 255).astype(np.uint8)


def _deep(pixels: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(4)
    return pixels.astype(np.uint16) * 256 + rng.integers(0, 256, pixels.shape, np.uint16)


def _text() -> np.ndarray:
    y, x = np.mgrid[:70, :150]
    return np.where(((x // 3 * y // 4) % 5 < 2)[..., None], (20, 30, 90), (250, 250, 245)).astype(
        "u1"
    )


def _jpeg() -> np.ndarray:
    data = io.BytesIO()
    Image.fromarray(_texture(96, 80, 3)).save(data, "JPEG", quality=90, subsampling=0)
    return np.array(Image.open(data))


PICTURES = {
    "texture": _texture(90, 100, 3),
    "grey": _texture(70, 64, 1),
    "small": _texture(5, 3, 3),
    "deep": _deep(_texture(40, 70, 3)),
    "deep grey": _deep(_texture(64, 70, 1)),
    "text": _text(),
    "noise": np.random.default_rng(1).integers(0, 256, (33, 40, 3), np.uint8),
    "jpeg": _jpeg(),
}
