"""The part of README.md that the benchmark writes, between two marks."""

from __future__ import annotations

from pathlib import Path

from bench.report import OURS, table
from bench.summary import Result, published

BEGIN, END = "<!-- benchmark:begin -->\n", "<!-- benchmark:end -->\n"
BESIDE = ("VTM", "AV1", "MLIC++", "DCVC-RT-Intra", "bmshj2018-hyperprior")
"""Published curves in the README's table; the report has all."""


def block(measured: list[Result]) -> str:
    """Our curve, and the table of codecs, as Markdown."""
    own = next(result for result in measured if result.codec in OURS)
    rows = [
        ["level", *(f"{mean.setting:.0f}" for mean in own.means)],
        ["---"] * (1 + len(own.means)),
        ["bpp", *(f"{mean.bpp:.3f}" for mean in own.means)],
        ["PSNR, dB", *(f"{mean.psnr:.2f}" for mean in own.means)],
        ["MS-SSIM", *(f"{mean.ms_ssim:.4f}" for mean in own.means)],
    ]
    curve = "".join(f"| {' | '.join(cells)} |\n" for cells in rows)
    beside = [result for result in published() if result.codec in BESIDE]
    return f"{own.version}:\n\n{curve}\n{table(measured, beside)}"


def updated(readme: str, measured: list[Result]) -> str:
    """The README with its part made anew.

    Raises:
        ValueError: the marks are not there.
    """
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README without {BEGIN.strip()} and {END.strip()}")
    return before + BEGIN + block(measured) + END + after


def write(path: Path, measured: list[Result]) -> None:
    """Update a README file."""
    path.write_text(updated(path.read_text(), measured))
