"""Weights files and checkpoints against each other: BD-rate by ideal code length.

What a training or an export is worth, in minutes, before anything is registered: no files are
written, tiles and headers are left out. `bench rd` says what files of the registered model take.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch

from bench.bd import Curve, compare
from codec.train.validate import model_of, validate

LEVELS = (4, 12, 20, 28, 36, 44, 52, 60)


@dataclass(frozen=True, slots=True)
class Row:
    """One file: its mean rates and qualities by level, and its BD-rate against the first, in
    percent, over all qualities that both have.
    """

    name: str
    curve: Curve
    rate: float


def measure(
    files: list[Path], images: Path, every: int = 1, levels: tuple[int, ...] = LEVELS
) -> list[Row]:
    """Every file on every n-th image of a folder, against the first file.

    Raises:
        OptionError, WeightsMismatch: a file is not a model.
        ValueError: two models have no quality in common, or a curve does not rise.
    """
    rows: list[Row] = []
    for file in files:
        found = validate(model_of(file), images, torch.device("cpu"), levels, every=every)
        curve = Curve(tuple(p["bpp"] for p in found), tuple(p["psnr"] for p in found))
        rate = compare(rows[0].curve, curve, (0.0, math.inf)).rate if rows else 0.0
        rows.append(Row(file.name, curve, rate))
    return rows


def markdown(rows: list[Row]) -> str:
    """A table of BD-rates and of what every level takes."""
    lines = ["| weights | BD-rate | bpp / dB by level |", "| --- | --- | --- |"]
    for row in rows:
        points = zip(row.curve.bpp, row.curve.psnr, strict=True)
        told = ", ".join(f"{bpp:.3f} / {psnr:.2f}" for bpp, psnr in points)
        lines.append(f"| {row.name} | {row.rate:+.2f} % | {told} |")
    return "\n".join(lines)
