"""What the benchmark measures of one decoded image; bench/README.md defines every number.

`measure` gives the three numbers that every point has. `make` gives the other metrics, by name,
that can run on this machine.
"""

from __future__ import annotations

from bench.metrics.base import Metric, MetricMissing, Score
from bench.metrics.point import measure, ms_ssim
from bench.metrics.register import (
    GROUPS,
    JPEG_AI,
    JUDGES,
    METRICS,
    POINT,
    Measured,
    make,
    names_of,
    needs_mask,
    score,
)
from bench.metrics.views import Views

__all__ = [
    "GROUPS", "JPEG_AI", "JUDGES", "METRICS", "POINT", "Measured", "Metric", "MetricMissing",
    "Score", "Views", "make", "measure", "ms_ssim", "names_of", "needs_mask", "score",
]  # fmt: skip
