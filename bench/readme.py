"""The part of README.md that the benchmark writes, between two marks, and its plot."""

from __future__ import annotations

import os
from pathlib import Path

from bench.report import OURS, plot, table
from bench.speed import Row, read_rows
from bench.summary import Result, published, read_report

BEGIN, END = "<!-- benchmark:begin -->\n", "<!-- benchmark:end -->\n"
BESIDE = ("VTM", "AV1", "MLIC++", "DCVC-RT-Intra", "bmshj2018-hyperprior")
"""Published curves in the README's table; the report has all."""


def block(measured: list[Result], speeds: list[Row], picture: str) -> str:
    """Our curve, the plot and the table of codecs, as Markdown.

    Args:
        picture: path of the plot as the README names it.
    """
    own = next(result for result in measured if result.codec == OURS[0])
    rows = [
        ["level", *(f"{mean.setting:.0f}" for mean in own.means)],
        ["---"] * (1 + len(own.means)),
        ["bpp", *(f"{mean.bpp:.3f}" for mean in own.means)],
        ["PSNR, dB", *(f"{mean.psnr:.2f}" for mean in own.means)],
        ["MS-SSIM", *(f"{mean.ms_ssim:.4f}" for mean in own.means)],
    ]
    curve = "".join(f"| {' | '.join(cells)} |\n" for cells in rows)
    beside = [result for result in published() if result.codec in BESIDE]
    shown = f"![Rate and distortion of codecs]({picture})"
    return f"{own.version}:\n\n{curve}\n{shown}\n\n{table(measured, beside, speeds)}"


def updated(readme: str, measured: list[Result], speeds: list[Row], picture: str) -> str:
    """The README with its part made anew.

    Raises:
        ValueError: the marks are not there.
    """
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README without {BEGIN.strip()} and {END.strip()}")
    return before + BEGIN + block(measured, speeds, picture) + END + after


def write(path: Path, folder: Path) -> None:
    """Update a README file, and rd.svg that it shows, from results.json and, where it is there,
    speed.json in `folder`.

    Raises:
        ValueError: the marks are not there, or a file is not what its name says.
        StopIteration: the results have no curve of ours.
    """
    picture = folder / "rd.svg"
    shown = Path(os.path.relpath(picture, path.parent)).as_posix()
    measured, speeds = read_report(folder / "results.json").codecs, read_rows(folder / "speed.json")
    text = updated(path.read_text(), measured, speeds, shown)
    picture.write_text(plot(measured))
    path.write_text(text)
