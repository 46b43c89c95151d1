"""Training photographs in memory: decoded once, cropped and flipped at random wherever the model
is.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from codec.errors import OptionError

LARGEST = 2.0
"""By how much a crop is shrunk at most."""
SUFFIXES = {".png", ".webp", ".jpg", ".jpeg", ".tif", ".tiff", ".ppm", ".bmp"}


def image_files(folders: list[Path]) -> list[Path]:
    """All image files in the folders (not below them), sorted by name. Raises FileNotFoundError if
    none.
    """
    files = sorted(
        f for folder in folders for f in Path(folder).iterdir() if f.suffix.lower() in SUFFIXES
    )
    if not files:
        raise FileNotFoundError(f"no image files in {', '.join(map(str, folders))}")
    return files


def load_rgb(file: Path) -> Tensor:
    """The image as (H, W, 3) uint8 RGB."""
    with Image.open(file) as image:
        return torch.from_numpy(np.array(image.convert("RGB")))


class Crops:
    """Random crops of photographs held in memory on `device`.

    An image is drawn with probability proportional to its area; a crop is flipped and transposed at
    random, which makes eight views of every crop.

    Args:
        shrunk: share of the crops that are taken larger, up to LARGEST times, and shrunk.
    """

    def __init__(
        self, folders: list[Path], device: torch.device, seed: int, shrunk: float = 0.0
    ) -> None:
        self._shrunk = shrunk
        self.images = [load_rgb(f).to(device) for f in image_files(folders)]
        areas = np.array([i.shape[0] * i.shape[1] for i in self.images], dtype=np.float64)
        self._share = areas / areas.sum()
        self.reseed(seed)

    @property
    def largest_side(self) -> int:
        """Of the squares that fit into a photograph, in pixels."""
        return max(min(image.shape[:2]) for image in self.images)

    def reseed(self, seed: int) -> None:
        """Start the random sequence anew."""
        self._random = np.random.default_rng(seed)

    def batch(self, count: int, side: int) -> Tensor:
        """(count, side, side, 3) uint8.

        Raises:
            OptionError: no photograph is that large.
        """
        if side > self.largest_side:
            raise OptionError(
                f"crops of {side} pixels: the largest photograph holds {self.largest_side}"
            )
        return torch.stack([self._view(side) for _ in range(count)])

    def _view(self, side: int) -> Tensor:
        """(side, side, 3) uint8, perhaps shrunk from a larger crop."""
        if not self._shrunk or self._random.random() >= self._shrunk:
            return self._crop(side)
        larger = round(side * float(self._random.uniform(1, LARGEST)))
        crop = self._crop(min(larger, self.largest_side))
        small = F.interpolate(
            crop.permute(2, 0, 1)[None].float(), size=(side, side), mode="bicubic", antialias=True
        )
        return small[0].permute(1, 2, 0).round().clamp(0, 255).to(torch.uint8)

    def _crop(self, side: int) -> Tensor:
        r = self._random
        while True:
            image = self.images[int(r.choice(len(self.images), p=self._share))]
            if min(image.shape[:2]) >= side:
                break
        top = int(r.integers(image.shape[0] - side + 1))
        left = int(r.integers(image.shape[1] - side + 1))
        crop = image[top : top + side, left : left + side]
        flips = [axis for axis in (0, 1) if r.integers(2)]
        crop = crop.flip(flips) if flips else crop
        return crop.transpose(0, 1) if r.integers(2) else crop

    def levels(self, count: int, levels: int) -> Tensor:
        """(count,) int64 quality levels, one from each of `count` equal parts of the range, in
        random order.
        """
        parts = (np.arange(count) + self._random.random(count)) / count * levels
        return torch.from_numpy(self._random.permutation(parts.astype(np.int64)))
