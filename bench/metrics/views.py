"""An original and what was decoded, in the forms in which metrics want to see them."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from bench.yuv import PEAK, RGB, Planes, to_planes

__all__ = ["Mask", "Views", "mask_file", "read_mask"]

Mask = NDArray[np.bool_]
"""(H, W): where there is text."""


class Views:
    """A pair of pictures of the same size. What is derived from them is made once.

    Args:
        original, decoded: (H, W, 3) uint8, sRGB.
        mask: where the original has text, if that is known.

    Raises:
        ValueError: the pictures, or the mask, differ in size.
    """

    def __init__(self, original: RGB, decoded: RGB, mask: Mask | None = None) -> None:
        if original.shape != decoded.shape:
            raise ValueError(f"decoded {decoded.shape}, expected {original.shape}")
        if mask is not None and mask.shape != original.shape[:2]:
            raise ValueError(f"mask {mask.shape}, expected {original.shape[:2]}")
        self.original, self.decoded, self.mask = original, decoded, mask

    @cached_property
    def planes(self) -> tuple[Planes, Planes]:
        """Y, Cb, Cr of BT.709, full range, 10 bits, of both: JPEG AI measures at 10 bits too."""
        return to_planes(self.original), to_planes(self.decoded)

    @cached_property
    def luma(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(H, W) of both, 0..1."""
        original, decoded = (planes[0] / PEAK for planes in self.planes)
        return original, decoded

    @cached_property
    def luma_tensors(self) -> tuple[Tensor, Tensor]:
        """`luma` as (1, 1, H, W) float32."""
        original, decoded = (torch.from_numpy(y)[None, None].float() for y in self.luma)
        return original, decoded

    @cached_property
    def rgb_tensors(self) -> tuple[Tensor, Tensor]:
        """(1, 3, H, W) float32 of both, 0..255."""
        original, decoded = (
            torch.from_numpy(np.moveaxis(image, 2, 0).copy()).float()[None]
            for image in (self.original, self.decoded)
        )
        return original, decoded


def mask_file(image: Path) -> Path:
    """Where the mask of an image lies: NAME.mask.png beside NAME.png."""
    return image.with_name(f"{image.stem}.mask.png")


def read_mask(image: Path) -> Mask | None:
    """Where an image has text, or None where no mask lies beside it."""
    file = mask_file(image)
    if not file.exists():
        return None
    with Image.open(file) as opened:
        mask: Mask = np.array(opened.convert("L")) > 127
    return mask
