"""Metrics that none of our models is trained on, of packages: SSIMULACRA2 and ColorVideoVDP."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch

from bench.equal_bytes import ssimulacra2
from bench.metrics.base import MetricMissing, Score
from bench.metrics.views import Views
from bench.peers import PeerMissing

__all__ = ["DISPLAY", "build_cvvdp", "build_ssimulacra2"]

DISPLAY = "standard_4k"
"""Of ColorVideoVDP: 30 inches, 3840 x 2160, seen from 0.75 m, 75 pixels a degree, 200 cd/m2."""


def build_ssimulacra2(paths: Mapping[str, str]) -> Score:
    """Of the package ssimulacra2: 100 is equal."""
    try:
        score = ssimulacra2()
    except PeerMissing as error:
        raise MetricMissing("install ssimulacra2") from error

    def found(views: Views) -> float:
        value = score(views.original, views.decoded)
        return math.nan if value is None else value

    return found


def build_cvvdp(paths: Mapping[str, str]) -> Score:
    """ColorVideoVDP of the package cvvdp, in JOD: 10 is equal (Mantiuk and others 2024)."""
    try:
        import pycvvdp
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        raise MetricMissing(f"install cvvdp ({type(error).__name__}: {error})") from error
    metric = pycvvdp.cvvdp(display_name=DISPLAY, quiet=True)

    def score(views: Views) -> float:
        with torch.no_grad():
            jod, _ = metric.predict(views.decoded, views.original, dim_order="HWC")
        return float(jod)

    return score
