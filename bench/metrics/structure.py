"""Metrics of the packages pytorch-msssim and piq, with the planes that JPEG AI gives them.

JPEG AI's quality assessment measures MS-SSIM, IW-SSIM and VIF on luma and FSIM in colour (FSIMc).
FSIMc, of the package piq, takes RGB in 0..1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from pytorch_msssim import ms_ssim as _ms_ssim

from bench.metrics.base import MetricMissing, Score
from bench.metrics.views import Views

__all__ = ["build_fsim", "build_iw_ssim", "build_ms_ssim_y", "build_vif"]


def build_ms_ssim_y(paths: Mapping[str, str]) -> Score:
    """MS-SSIM on luma (Wang, Simoncelli, Bovik 2003)."""

    def score(views: Views) -> float:
        return float(_ms_ssim(*views.luma_tensors, data_range=1))

    return score


def _piq() -> Any:
    """The package, whose import fails in several ways where torchvision does not fit torch."""
    try:
        import piq
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise MetricMissing(f"install piq, and torchvision of this torch ({reason})") from error
    return piq


def build_iw_ssim(paths: Mapping[str, str]) -> Score:
    """Information content weighted SSIM on luma (Wang, Li 2011)."""
    piq = _piq()

    def score(views: Views) -> float:
        original, decoded = views.luma_tensors
        try:
            with torch.no_grad():
                return float(piq.information_weighted_ssim(decoded, original, data_range=1.0))
        except RuntimeError:  # the covariance of a picture without content has no inverse
            return float("nan")

    return score


def build_vif(paths: Mapping[str, str]) -> Score:
    """Visual information fidelity of pixels, VIFp, on luma (Sheikh, Bovik 2006)."""
    piq = _piq()

    def score(views: Views) -> float:
        original, decoded = views.luma_tensors
        with torch.no_grad():
            return float(piq.vif_p(decoded, original, data_range=1.0))

    return score


def build_fsim(paths: Mapping[str, str]) -> Score:
    """Feature similarity with chroma, FSIMc, on RGB (Zhang, Zhang, Mou, Zhang 2011)."""
    piq = _piq()

    def score(views: Views) -> float:
        original, decoded = (image / 255 for image in views.rgb_tensors)
        with torch.no_grad():
            return float(piq.fsim(decoded, original, data_range=1.0, chromatic=True))

    return score
