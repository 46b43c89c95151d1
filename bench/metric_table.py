"""The README's table by metric, from the JSON file of `python -m bench metrics-bd`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.marks import between

__all__ = ["BEGIN", "END", "FILE", "filled", "table"]

BEGIN, END = "<!-- metrics:begin -->\n", "<!-- metrics:end -->\n"
FILE = "kodak-avif.json"
"""Rates against AVIF."""
_NAMES = {
    "visual": "**ours**, `--tune visual`", "vtm": "VVC (VTM 17.2, intra)", "wavelet": "**ours**",
    "avif": "AVIF (speed 4)", "jxl": "JPEG XL (effort 7)",
}  # fmt: skip
_COLUMNS = {
    "ms-ssim-y": "MS-SSIM, luma", "ssimulacra2": "SSIMULACRA2", "cvvdp": "ColorVideoVDP",
    "vmaf": "VMAF", None: "mean of JPEG AI's seven", "psnr": "PSNR",
}  # fmt: skip
"""Metrics; None is the mean."""


def table(told: dict[str, Any]) -> str:
    """BD-rates of the codecs that the README names, the least bits by the mean first.

    Args:
        told: what the file holds.

    Raises:
        KeyError: it lacks a codec or a metric.
    """
    codecs, anchor = told["codecs"], told["anchor"]
    means = {name: codecs[name]["mean_of_seven"] for name in _NAMES if name != anchor}
    lines = [["codec", *_COLUMNS.values()], ["---", *["---:"] * len(_COLUMNS)]]
    for name in sorted(_NAMES, key=lambda name: means.get(name, 0.0)):
        if name == anchor:
            lines.append([_NAMES[name], *["0"] * len(_COLUMNS)])
            continue
        rates = [
            means[name] if metric is None else codecs[name]["metrics"][metric]["bd_rate"]
            for metric in _COLUMNS
        ]
        lines.append([_NAMES[name], *(f"{rate:+.1f} %" for rate in rates)])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def filled(text: str, folder: Path) -> str:
    """A document with its table made anew.

    Raises:
        ValueError: the marks are not there, or the file is from something else.
    """

    def make() -> str:
        try:
            return table(json.loads((folder / FILE).read_text()))
        except KeyError as error:
            raise ValueError(f"{FILE} lacks {error}") from error

    return between(text, BEGIN, END, make)
