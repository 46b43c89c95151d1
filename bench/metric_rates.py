"""BD-rates by metric: of every image by itself, then the mean over the images, as JPEG AI reports.

    python -m bench metrics-bd POINTS... --anchor vtm

Rates are compared where the anchor spends 0.06 to 1 bit per pixel, on the metric's own scale; those
that fall with quality are turned round first, NLPD as 1 - NLPD. PCHIP over the logarithm of rate.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.bd import Curve, compare
from bench.metrics import JPEG_AI, METRICS, POINT
from bench.store import Point, data_hash
from bench.summary import hull

__all__ = ["RATES", "Cell", "Rates", "as_json", "markdown", "rates"]

RATES = (0.06, 1.0)
"""Bits per pixel of the anchor between which curves are compared."""
MEAN = "mean of seven"


@dataclass(frozen=True, slots=True)
class Cell:
    """One codec by one metric.

    rate: BD-rate against the anchor in percent, mean over the images; negative: fewer bits.
    images: how many of them have it.
    overlap: how much of the anchor's qualities the codec's curves reach, mean, 0..1.
    """

    rate: float
    images: int
    overlap: float


@dataclass(frozen=True, slots=True)
class Rates:
    """Cells by codec, then by metric; a codec lacks those that no image has."""

    anchor: str
    images: int
    data_sha256: str
    cells: dict[str, dict[str, Cell]]

    def mean_of_seven(self, codec: str) -> float | None:
        """JPEG AI's figure, where the codec has all seven."""
        cells = self.cells[codec]
        if not all(name in cells for name in JPEG_AI):
            return None
        return float(np.mean([cells[name].rate for name in JPEG_AI]))


def rates(points: list[Point], anchor: str) -> Rates:
    """Of every codec against the anchor.

    Raises:
        ValueError: no codec, or more than one version of it, is called `anchor`; one codec has
            several versions.
    """
    groups: dict[str, dict[str, list[Point]]] = defaultdict(lambda: defaultdict(list))
    versions: dict[str, set[str]] = defaultdict(set)
    for point in points:
        groups[point.codec][point.image_sha256].append(point)
        versions[point.codec].add(point.version)
    for codec, found in versions.items():
        if len(found) > 1:
            raise ValueError(f"{codec} has points of {len(found)} versions: {', '.join(found)}")
    if anchor not in groups:
        raise ValueError(f"no points of the anchor {anchor!r}; there are {', '.join(groups)}")
    hashes = {point.image_sha256 for point in points}
    cells = {
        codec: _cells(groups[anchor], images) for codec, images in groups.items() if codec != anchor
    }
    return Rates(anchor, len(hashes), data_hash(hashes), cells)


def _cells(anchor: dict[str, list[Point]], other: dict[str, list[Point]]) -> dict[str, Cell]:
    found = {}
    for metric in (*POINT, *METRICS):
        rows = [_delta(anchor[h], other[h], metric) for h in other if h in anchor]
        kept = [row for row in rows if row is not None]
        if kept:
            rate, overlap = np.mean(kept, axis=0).tolist()
            found[metric] = Cell(rate, len(kept), overlap)
    return found


def _delta(anchor: list[Point], other: list[Point], metric: str) -> tuple[float, float] | None:
    """BD-rate and overlap on one image; None where one has no curve, or they share no quality."""
    try:
        found = compare(_curve(anchor, metric), _curve(other, metric), RATES)
    except ValueError:
        return None
    return found.rate, found.overlap


def _curve(points: list[Point], metric: str) -> Curve:
    """Rate against quality; points that spend more for less are left out. Raises ValueError."""
    return hull([(point.bpp, _quality(point, metric)) for point in points])


def _quality(point: Point, metric: str) -> float:
    """A number that rises with quality; NaN where the point lacks the metric."""
    if metric in POINT:
        return float(getattr(point, POINT[metric]))
    return METRICS[metric].quality(point.metrics.get(metric, float("nan")))


def markdown(found: Rates) -> str:
    """Codecs by metrics, with the number of images behind each figure; the best of seven first."""
    present = {name for cells in found.cells.values() for name in cells}
    seven = [name for name in JPEG_AI if name in present]
    others = [name for name in (*METRICS, *POINT) if name in present and name not in JPEG_AI]
    titles = ["codec", *seven, MEAN, *others]
    lines = [_line(titles), _line(["---", *["---:"] * (len(titles) - 1)])]

    def order(codec: str) -> float:
        mean = found.mean_of_seven(codec)
        return float("inf") if mean is None else mean

    for codec in sorted(found.cells, key=order):
        cells, mean = found.cells[codec], found.mean_of_seven(codec)
        lines.append(_line([
            codec, *(_text(cells.get(name)) for name in seven),
            "" if mean is None else f"**{mean:+.1f}**", *(_text(cells.get(n)) for n in others),
        ]))  # fmt: skip
    return "".join(lines)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _text(cell: Cell | None) -> str:
    """Percent, and of how many images; the overlap where under 95 %."""
    if cell is None:
        return ""
    reach = "" if cell.overlap >= 0.95 else f", {100 * cell.overlap:.0f} % of range"
    return f"{cell.rate:+.1f} ({cell.images}{reach})"


def as_json(found: Rates) -> dict[str, Any]:
    """For the JSON file."""
    codecs = {
        codec: {
            "mean_of_seven": found.mean_of_seven(codec),
            "metrics": {
                name: {
                    "bd_rate": round(c.rate, 4), "images": c.images, "overlap": round(c.overlap, 4),
                }
                for name, c in cells.items()
            },
        }
        for codec, cells in found.cells.items()
    }  # fmt: skip
    return {
        "anchor": found.anchor, "images": found.images, "data_sha256": found.data_sha256,
        "bpp": list(RATES), "codecs": codecs,
    }  # fmt: skip
