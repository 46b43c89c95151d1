"""The table of video codecs that a document shows between its marks."""

from __future__ import annotations

from pathlib import Path

from bench.marks import between
from bench.video.points import load_points
from bench.video.rates import bd_of

__all__ = ["BEGIN", "END", "FILES", "filled"]

BEGIN, END = "<!-- video:begin -->\n", "<!-- video:end -->\n"
FILES = ("peers.json", "ours.json")
ANCHORS = ("x265-medium-zl", "x265-medium")
ROWS = {
    "ours-ra": "**ours**", "x265-slower": "HEVC (x265, slower)",
    "svtav1-p6": "AV1 (SVT-AV1, preset 6)", "ours-ld": "**ours**, `--lowdelay`",
    "x265-medium": "HEVC (x265, medium)", "vp9-good2": "VP9 (libvpx, good 2)",
    "x264-medium": "AVC (x264, medium)", "x265-medium-zl": "HEVC (x265, medium, zerolatency)",
    "x264-medium-zl": "AVC (x264, medium, zerolatency)",
}  # fmt: skip
"""Codecs by their names in files of points, and what a reader calls them."""


def table(folder: Path) -> str:
    """The rows of `ROWS` from the points in a folder, the least bits first.

    Raises:
        ValueError: a codec is not measured on every clip.
    """
    points = {}
    for name in FILES:
        points.update(load_points(folder / name))
    rows = ["| codec | bits against x265 medium, zerolatency | against x265 medium |"]
    rows.append("| --- | ---: | ---: |")
    rates = {codec: [bd_of(points[codec], points[anchor]) for anchor in ANCHORS] for codec in ROWS}
    for codec in sorted(ROWS, key=lambda name: rates[name][0].mean or 0.0):
        shown = []
        for anchor, rate in zip(ANCHORS, rates[codec], strict=True):
            if rate.mean is None or rate.missing:
                raise ValueError(f"{codec} is not measured on every clip: {rate.missing}")
            shown.append("0" if codec == anchor else f"{rate.mean:+.1f} %")
        rows.append(f"| {ROWS[codec]} | {shown[0]} | {shown[1]} |")
    return "\n".join(rows) + "\n"


def filled(text: str, folder: Path) -> str:
    """A document with its table made anew from the points in a folder.

    Raises:
        ValueError: the marks are not there.
    """
    return between(text, BEGIN, END, lambda: table(folder))
