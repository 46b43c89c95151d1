"""The three numbers that every point has; bench/README.md defines them."""

from __future__ import annotations

import math

import numpy as np
import torch
from pytorch_msssim import ms_ssim as _ms_ssim

from bench.psnr import psnr
from bench.yuv import PEAK, RGB, to_planes

__all__ = ["MS_SSIM_SIDE", "measure", "ms_ssim"]

MS_SSIM_SIDE = 161
"""Smallest side, in pixels, that five scales of an 11-tap window need."""


def measure(original: RGB, decoded: RGB) -> dict[str, float]:
    """psnr (RGB), psnr_yuv (6:1:1, BT.709) in dB, infinite where equal, and ms_ssim (RGB, NaN where
    the image is too small for five scales).

    Raises:
        ValueError: the images differ in size.
    """
    error = psnr(original, decoded)
    y, cb, cr = (
        psnr(a, b, PEAK) for a, b in zip(to_planes(original), to_planes(decoded), strict=True)
    )
    return {
        "psnr": error,
        "psnr_yuv": (6 * y + cb + cr) / 8,
        "ms_ssim": ms_ssim(original, decoded),
    }


def ms_ssim(original: RGB, decoded: RGB) -> float:
    """Multi-scale structural similarity over RGB (Wang, Simoncelli, Bovik 2003), package
    pytorch-msssim.
    """
    if min(original.shape[:2]) < MS_SSIM_SIDE:
        return math.nan
    planes = [
        torch.from_numpy(np.moveaxis(image, 2, 0).copy()).float()[None]
        for image in (original, decoded)
    ]
    return float(_ms_ssim(*planes, data_range=255))
