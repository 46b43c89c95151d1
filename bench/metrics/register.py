"""The metrics by name: which there are, which can run here, and how one pair is measured."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.metrics.base import Metric, MetricMissing, Score
from bench.metrics.defects import BLOCK, build_colour_shift, build_text_error
from bench.metrics.judges import build_cvvdp, build_ssimulacra2
from bench.metrics.laplacian import build_nlpd
from bench.metrics.point import MS_SSIM_SIDE
from bench.metrics.psnr_hvs import build_psnr_hvs
from bench.metrics.structure import build_fsim, build_iw_ssim, build_ms_ssim_y, build_vif
from bench.metrics.views import Views, mask_file, read_mask
from bench.metrics.vmaf import build_vmaf
from bench.metrics.wasserstein import build_wd
from bench.yuv import RGB

__all__ = [
    "GROUPS", "JPEG_AI", "JUDGES", "METRICS", "POINT", "Measured", "make", "names_of", "needs_mask",
    "score",
]  # fmt: skip

POINT = {"psnr": "psnr", "psnr-yuv": "psnr_yuv", "ms-ssim": "ms_ssim"}
"""Names of what every point has anyway, and its fields."""


def _negated(value: float) -> float:
    return -value


def _of_one(value: float) -> float:
    return 1 - value


_SEVEN = (
    Metric("ms-ssim-y", build_ms_ssim_y, MS_SSIM_SIDE),
    Metric("vif", build_vif, 41),
    Metric("fsim", build_fsim, 32),
    Metric("nlpd", build_nlpd, 32, _of_one),
    Metric("iw-ssim", build_iw_ssim, MS_SSIM_SIDE),
    Metric("vmaf", build_vmaf, 32),
    Metric("psnr-hvs", build_psnr_hvs),
)
_OTHERS = (
    Metric("ssimulacra2", build_ssimulacra2, 8),
    Metric("cvvdp", build_cvvdp, 32),
    Metric("wd", build_wd, 32, _negated),
    Metric("text-error", build_text_error, quality=_negated),
    Metric("colour-shift", build_colour_shift, BLOCK, _negated),
)
METRICS: Mapping[str, Metric] = {metric.name: metric for metric in _SEVEN + _OTHERS}
JPEG_AI = tuple(metric.name for metric in _SEVEN)
"""Of which JPEG AI's reports give the mean of the BD-rates."""
JUDGES = tuple(metric.name for metric in _OTHERS)
GROUPS = {"jpeg-ai": JPEG_AI, "judges": JUDGES}
"""Names that stand for several."""

_ONE_AT_A_TIME = threading.Lock()
"""Several codecs may run side by side; a network's features fill a gigabyte once only."""


def names_of(text: str) -> list[str]:
    """The metrics of a list with commas, groups spelled out, each once.

    Raises:
        ValueError: a name that is none.
    """
    found: dict[str, None] = {}
    for name in (part.strip() for part in text.split(",")):
        if not name:
            continue
        if name not in {*POINT, *METRICS, *GROUPS}:
            known = ", ".join([*POINT, *METRICS, *GROUPS])
            raise ValueError(f"no metric is called {name!r}; known: {known}")
        found |= dict.fromkeys(GROUPS.get(name, (name,)))
    return list(found)


def make(
    names: Iterable[str], paths: Mapping[str, str] | None = None
) -> tuple[dict[str, Score], dict[str, str]]:
    """The metrics of those names that can run here, beyond what every point has, and why the others
    cannot.

    Args:
        paths: of programs, "vmaf" -> path.
    """
    found: dict[str, Score] = {}
    missing: dict[str, str] = {}
    for name in names:
        if name in POINT:
            continue
        try:
            found[name] = METRICS[name].build(paths or {})
        except MetricMissing as error:
            missing[name] = f"{name}: {error}"
    return found, missing


def needs_mask(names: Iterable[str], files: Iterable[Path]) -> dict[str, str]:
    """Why text-error cannot be measured, where it is wanted and no image has a mask."""
    if "text-error" not in names or any(mask_file(file).exists() for file in files):
        return {}
    told = "text-error: no NAME.mask.png beside the images; text-set makes pictures that have them"
    return {"text-error": told}


@dataclass(frozen=True, slots=True)
class Measured:
    """Metrics that can run, for the images of one run."""

    scores: Mapping[str, Score]

    def __call__(self, original: RGB, decoded: RGB, file: Path) -> dict[str, float]:
        """By name; `file` is the original's, beside which its mask may lie."""
        if not self.scores:
            return {}
        views = Views(original, decoded, read_mask(file))
        return {name: score(name, found, views) for name, found in self.scores.items()}


def score(name: str, found: Score, views: Views) -> float:
    """One metric of one pair; NaN for pictures that are too small for it.

    Raises:
        ValueError: the metric failed, with its name.
    """
    if min(views.original.shape[:2]) < METRICS[name].smallest:
        return math.nan
    try:
        with _ONE_AT_A_TIME:
            return found(views)
    except (ValueError, RuntimeError, AssertionError) as error:
        raise ValueError(f"{name}: {error}") from error
