"""One page from points: tables of BD-rate, curves, PSNR by frame, and films to compare."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from pathlib import Path

import numpy as np

from bench.chart import Axis, Series, chart, legend, tip_script
from bench.video.ours import is_ours
from bench.video.player import Film
from bench.video.points import Point
from bench.video.rates import ANCHORS, table

__all__ = ["at_bytes", "write"]

TEMPLATE = Path(__file__).parent / "page.html"
LARGEST = 15_000_000
"""Bytes that the page should stay under."""

Points = Mapping[str, Mapping[str, Sequence[Point]]]


def write(points: Points, films: Sequence[Film], out: Path, notes: Sequence[str] = ()) -> None:
    """The page.

    Args:
        points: codec -> clip -> points.
        films: what the player offers.
        notes: sentences on how the figures came to be, below the tables.

    Raises:
        ValueError: no anchor was measured.
    """
    order = sorted(points, key=lambda codec: (not is_ours(codec), codec))
    clips = sorted({clip for by_clip in points.values() for clip in by_clip})
    known = [anchor for anchor in ANCHORS if anchor in points]
    if not known:
        raise ValueError(f"none of {', '.join(ANCHORS)} was measured")
    values = {
        "tables": "".join(_table(points, anchor) for anchor in known),
        "notes": "".join(f"<p>{escape(note)}</p>" for note in notes),
        "legend": legend([_series(codec, [], []) for codec in order]),
        "clips": "".join(_clip(points, order, clip) for clip in clips),
        "tip": tip_script(),
        "films": json.dumps([_film(film) for film in films]),
    }
    text = TEMPLATE.read_text()
    for name, value in values.items():
        text = text.replace(f"<!--{name}-->", value)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text)


def at_bytes(points: Sequence[Point], budget: float) -> list[float] | None:
    """PSNR by frame at a number of bytes, between the two settings next to it, in proportion to
    the logarithm of their bytes; None where the settings do not reach so far.
    """
    rising = sorted(points, key=lambda point: point.bytes)
    for low, high in pairwise(rising):
        if low.bytes <= budget <= high.bytes and low.psnr_by_frame and low.bytes < high.bytes:
            part = math.log(budget / low.bytes) / math.log(high.bytes / low.bytes)
            a, b = np.array(low.psnr_by_frame), np.array(high.psnr_by_frame)
            mixed: list[float] = (a + part * (b - a)).tolist()
            return mixed
    return None


def _table(points: Points, anchor: str) -> str:
    head, rows = table(points, anchor)
    lines = ["<tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in head) + "</tr>"]
    for row in rows:
        ours = ' class="ours"' if is_ours(row[0]) else ""
        lines.append(f"<tr{ours}>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>")
    return (
        f"<h3>BD-rate against {escape(anchor)}</h3>"
        f'<div class="wide"><table>{"".join(lines)}</table></div>'
    )


def _series(
    codec: str, points: Sequence[tuple[float, float]], labels: Sequence[str]
) -> Series:  # fmt: skip
    return Series(codec, points, labels, bold=is_ours(codec))


def _clip(points: Points, order: Sequence[str], clip: str) -> str:
    """The two charts of a clip. Codecs that lack it keep their colour."""
    here = {codec: points[codec].get(clip, ()) for codec in order}
    rd = [
        _series(
            codec,
            [(p.bpp, p.psnr) for p in found],
            [f"{p.setting:g}: {p.bytes:,} bytes, {p.bpp:.4f} bpp, {p.psnr:.2f} dB" for p in found],
        )
        for codec, found in here.items()
    ]
    rates = [p.bpp for found in here.values() for p in found]
    heights = [p.psnr for found in here.values() for p in found]
    x = Axis("bits per pixel", min(rates) / 1.1, max(rates) * 1.1, log=True)
    parts = [f"<h3>{escape(clip)}</h3><div class='two'><figure>"]
    parts.append(chart(rd, x, _range("PSNR 4:2:0 (dB)", heights)))
    parts.append("</figure><figure class='frames'>")
    budget = _budget(here)
    parts.append(_frames(here, budget) if budget else "")
    if budget:
        parts.append(f"<figcaption>At {budget:,} bytes, between settings.</figcaption>")
    return "".join([*parts, "</figure></div>"])


def _budget(here: Mapping[str, Sequence[Point]]) -> int:
    """Bytes at which frames are compared: of the middle point of ours, else of the anchor's."""
    for codec in [*filter(is_ours, here), *ANCHORS]:
        if found := sorted(p.bytes for p in here.get(codec, ())):
            return found[(len(found) - 1) // 2]
    return 0


def _frames(here: Mapping[str, Sequence[Point]], budget: int) -> str:
    """PSNR by frame of the codecs that reach these bytes."""
    curves = {codec: at_bytes(found, budget) or [] for codec, found in here.items()}
    heights = [value for curve in curves.values() for value in curve]
    if not heights:
        return ""
    count = max(map(len, curves.values()))
    series = [
        _series(
            codec,
            list(enumerate(curve)),
            [f"frame {n}, {value:.2f} dB" for n, value in enumerate(curve)],
        )
        for codec, curve in curves.items()
    ]
    x = Axis("frame", 0, max(count - 1, 1))
    return chart(series, x, _range("PSNR 4:2:0 (dB)", heights))


def _range(title: str, values: Sequence[float]) -> Axis:
    return Axis(title, math.floor(min(values) - 0.2), math.ceil(max(values) + 0.2))


def _film(film: Film) -> dict[str, object]:
    return {
        "clip": film.clip, "width": film.width, "height": film.height, "rate": film.rate,
        "fidelity": round(film.fidelity, 1), "uri": film.uri,
        "versions": [
            {
                "name": shown.name,
                "note": shown.note,
                "psnr": [round(value, 2) for value in shown.by_frame],
            }
            for shown in film.versions
        ],
    }  # fmt: skip
