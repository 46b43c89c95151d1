"""BD-rate of codecs on clips: PCHIP by clip, then the mean over clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import bjontegaard

from bench.bd import Curve
from bench.summary import hull
from bench.video.points import Point

__all__ = ["Rates", "bd_of", "markdown", "table"]

ANCHORS = ("x265-medium-zl", "x265-medium")


@dataclass(frozen=True, slots=True)
class Rates:
    """BD-rates in percent against an anchor (negative: fewer bits): by clip, and their mean.

    Attributes:
        missing: clip -> why it has none; such a clip is not in the mean.
        overlap: the least part of the anchor's qualities that a clip's curve reaches, 0..1.
    """

    by_clip: dict[str, float]
    missing: dict[str, str]
    overlap: float

    @property
    def mean(self) -> float | None:
        return sum(self.by_clip.values()) / len(self.by_clip) if self.by_clip else None


def bd_of(
    points_by_clip: Mapping[str, Sequence[Point]],
    anchor_points_by_clip: Mapping[str, Sequence[Point]],
) -> Rates:
    """BD-rate of a codec by clip, over the qualities that both curves have."""
    rates, missing, overlap = {}, {}, 1.0
    for clip, anchor_points in anchor_points_by_clip.items():
        try:
            if clip not in points_by_clip:
                raise ValueError("not measured")
            rates[clip], part = _rate(_curve(anchor_points), _curve(points_by_clip[clip]))
            overlap = min(overlap, part)
        except ValueError as error:
            missing[clip] = str(error)
    return Rates(rates, missing, overlap)


def _curve(points: Sequence[Point]) -> Curve:
    """The points in rising order, less those that spend more bits for less quality."""
    return hull([(point.bpp, point.psnr) for point in points])


def _rate(anchor: Curve, curve: Curve) -> tuple[float, float]:
    """BD-rate in percent by PCHIP through the points, and the part of the anchor's range."""
    low, high = max(anchor.psnr[0], curve.psnr[0]), min(anchor.psnr[-1], curve.psnr[-1])
    if low >= high:
        raise ValueError(
            f"no common quality: {curve.psnr[0]:.2f}..{curve.psnr[-1]:.2f} dB against "
            f"{anchor.psnr[0]:.2f}..{anchor.psnr[-1]:.2f} dB"
        )
    rate = bjontegaard.bd_rate(
        anchor.bpp, anchor.psnr, curve.bpp, curve.psnr, method="pchip",
        require_matching_points=False, min_overlap=0,
    )  # fmt: skip
    return float(rate), (high - low) / (anchor.psnr[-1] - anchor.psnr[0])


def table(
    points: Mapping[str, Mapping[str, Sequence[Point]]], anchor: str
) -> tuple[list[str], list[list[str]]]:
    """Head and rows, fewest bits first: codec, BD-rate against `anchor` by clip, mean, frames a
    second.

    Raises:
        ValueError: the anchor was not measured.
    """
    if anchor not in points:
        raise ValueError(f"{anchor} was not measured; there are {', '.join(points)}")
    found = {codec: bd_of(clips, points[anchor]) for codec, clips in points.items()}
    names = list(points[anchor])

    def order(codec: str) -> float:
        mean = found[codec].mean
        return 1e9 if mean is None else mean

    rows = []
    for codec in sorted(points, key=order):
        rates = found[codec]
        cells = [_cell(rates.by_clip.get(clip)) for clip in names]
        rows.append([codec, *cells, _mean(rates, len(names)), *_speeds(points[codec])])
    return ["codec", *names, "mean", "encode", "decode"], rows


def _cell(rate: float | None) -> str:
    return "" if rate is None else f"{round(rate, 1) + 0.0:+.1f} %"  # no -0.0


def _mean(rates: Rates, clips: int) -> str:
    """The mean, and what must be known of it."""
    if rates.mean is None:
        return f"none: {next(iter(rates.missing.values()))}"
    fewer = f" ({len(rates.by_clip)} of {clips} clips)" if rates.missing else ""
    part = f" ({rates.overlap:.0%} of the range)" if rates.overlap < 0.8 else ""
    return f"{_cell(rates.mean)}{fewer}{part}"


def _speeds(clips: Mapping[str, Sequence[Point]]) -> list[str]:
    """Median frames a second over all points."""
    found = []
    for name in ("enc_fps", "dec_fps"):
        values = sorted(getattr(point, name) for points in clips.values() for point in points)
        middle = values[len(values) // 2] if values else 0.0
        found.append(f"{middle:.0f}/s" if middle >= 10 else f"{middle:.2g}/s" if middle else "")
    return found


def markdown(head: list[str], rows: list[list[str]]) -> str:
    """A table of Markdown's."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
