"""Quality of decoded frames: PSNR of 4:2:0 planes, MS-SSIM of luma, and why there is no VMAF."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass

import numpy as np

from bench.video.clips import Planes

__all__ = ["CAP", "Quality", "compare", "frame_psnr", "missing_vmaf", "ms_ssim"]

CAP = 100.0
"""PSNR, in dB, that counts for a plane without a difference."""


@dataclass(frozen=True, slots=True)
class Quality:
    """PSNR in dB: by frame (6 Y + U + V) / 8, its mean, and the means of the planes."""

    psnr: float
    y: float
    u: float
    v: float
    by_frame: tuple[float, ...]


def frame_psnr(original: Planes, decoded: Planes) -> tuple[float, float, float]:
    """PSNR of each plane, at most `CAP`. Raises ValueError where sizes differ."""
    found = []
    for a, b in zip(original, decoded, strict=True):
        if a.shape != b.shape:
            raise ValueError(f"a plane has {b.shape} samples, expected {a.shape}")
        error = np.square(a.astype(np.int32) - b).mean(dtype=np.float64)
        found.append(min(CAP, 10 * math.log10(255**2 / error)) if error else CAP)
    return found[0], found[1], found[2]


def compare(original: list[Planes], decoded: list[Planes]) -> Quality:
    """PSNR of a clip: of every plane of every frame, then the mean.

    Raises:
        ValueError: numbers or sizes of frames differ.
    """
    if len(original) != len(decoded):
        raise ValueError(f"{len(decoded)} frames were decoded, expected {len(original)}")
    planes = np.array([frame_psnr(a, b) for a, b in zip(original, decoded, strict=True)])
    by_frame = planes @ np.array([6, 1, 1]) / 8
    y, u, v = planes.mean(0).tolist()
    return Quality(float(by_frame.mean()), y, u, v, tuple(by_frame.round(4).tolist()))


def ms_ssim(original: list[Planes], decoded: list[Planes]) -> float:
    """MS-SSIM of luma, mean over frames.

    Raises:
        ImportError: pytorch-msssim is not installed.
        ValueError: a side of the frame is under 161 samples.
    """
    import torch
    from pytorch_msssim import ms_ssim as measure

    if min(original[0][0].shape) <= 160:
        raise ValueError("MS-SSIM needs 161 samples a side or more")
    found = []
    for a, b in zip(original, decoded, strict=True):
        x, y = (torch.from_numpy(p[0].astype(np.float32))[None, None] for p in (a, b))
        found.append(float(measure(x, y, data_range=255)))
    return sum(found) / len(found)


def missing_vmaf() -> str:
    """Why there is no VMAF here: PyAV is built without the filter, and no program is installed."""
    if shutil.which("vmaf"):
        return "VMAF: the program vmaf is here but this benchmark does not run it"
    return "VMAF: not at hand (PyAV is built without libvmaf, no program vmaf)"
