"""Training photographs in memory: decoded once, cropped and flipped at random wherever the model
is.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from codec.errors import OptionError

LARGEST = 2.0
"""By how much a crop is shrunk at most."""
TOGETHER = 4
"""Crops that are shrunk alike."""
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
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            loaded = list(pool.map(load_rgb, image_files(folders)))
        self._begins = [0, *accumulate(image.shape[0] * image.shape[1] for image in loaded)]
        sizes = [image.shape[:2] for image in loaded]
        pixels = torch.empty(self._begins[-1], 3, dtype=torch.uint8)
        while loaded:  # the last first, so that each can go
            image, begin = loaded.pop(), self._begins[len(loaded)]
            pixels[begin : begin + image.shape[0] * image.shape[1]] = image.flatten(0, 1)
        self._pixels = pixels.to(device)
        self.images = [
            self._pixels[begin : begin + height * width].view(height, width, 3)
            for begin, (height, width) in zip(self._begins, sizes, strict=False)
        ]
        areas = np.array([i.shape[0] * i.shape[1] for i in self.images], dtype=np.float64)
        self._shares = np.cumsum(areas / areas.sum())[:-1]
        self.reseed(seed)

    @property
    def largest_side(self) -> int:
        """Of the squares that fit into a photograph, in pixels."""
        return max(min(image.shape[:2]) for image in self.images)

    def reseed(self, seed: int) -> None:
        """Start the random sequence anew."""
        self.random = np.random.default_rng(seed)

    def batch(self, count: int, side: int) -> Tensor:
        """(count, side, side, 3) uint8, where the photographs are.

        Raises:
            OptionError: no photograph is that large.
        """
        if side > self.largest_side:
            raise OptionError(
                f"crops of {side} pixels: the largest photograph holds {self.largest_side}"
            )
        small = int(self.random.binomial(count, self._shrunk))
        parts = [self._crops(count - small, side)] if small < count else []
        for first in range(0, small, TOGETHER):
            larger = round(side * float(self.random.uniform(1, LARGEST)))
            crops = self._crops(min(TOGETHER, small - first), min(larger, self.largest_side))
            parts.append(_shrink(crops, side))
        batch = torch.cat(parts)
        order = torch.from_numpy(self.random.permutation(count))
        return batch[order.to(batch.device, non_blocking=True)]

    def _crops(self, count: int, side: int) -> Tensor:
        """(count, side, side, 3) uint8, each seen one of eight ways: all read at once, from their
        first pixels and with their steps along rows and columns.
        """
        walks = torch.tensor([self._walk(side) for _ in range(count)])
        begin, down, right = walks.to(self._pixels.device, non_blocking=True).T[..., None, None]
        along = torch.arange(side, device=self._pixels.device)
        return self._pixels[begin + along[:, None] * down + along * right]

    def _walk(self, side: int) -> tuple[int, int, int]:
        """Of one crop: its first pixel, the step to the next row, and to the next column."""
        r = self.random
        while True:
            n = int(np.searchsorted(self._shares, r.random(), side="right"))
            height, width = self.images[n].shape[:2]
            if min(height, width) >= side:
                break
        begin = self._begins[n] + int(r.integers(height - side + 1)) * width
        begin += int(r.integers(width - side + 1))
        steps = [width, 1]
        for axis in (0, 1):
            if r.integers(2):  # flipped
                begin += (side - 1) * steps[axis]
                steps[axis] = -steps[axis]
        if r.integers(2):  # transposed
            steps.reverse()
        return begin, steps[0], steps[1]

    def levels(self, count: int, levels: int) -> Tensor:
        """(count,) int64 quality levels, one from each of `count` equal parts of the range, in
        random order.
        """
        parts = (np.arange(count) + self.random.random(count)) / count * levels
        return torch.from_numpy(self.random.permutation(parts.astype(np.int64)))


def _shrink(crops: Tensor, side: int) -> Tensor:
    """(N, larger, larger, 3) uint8 -> (N, side, side, 3)."""
    planes = F.interpolate(
        crops.permute(0, 3, 1, 2).float(), size=(side, side), mode="bicubic", antialias=True
    )
    return planes.permute(0, 2, 3, 1).round().clamp(0, 255).to(torch.uint8)
