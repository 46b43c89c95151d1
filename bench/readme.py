"""What the benchmark writes into documents, between marks: the table and the plot, or seven rows;
and the tables of `bench.lossless_table`, `bench.metric_table` and `bench.video.short`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from bench import lossless_table, metric_table
from bench.bd import Delta
from bench.report import OURS, plot, table
from bench.speed import Row, read_rows
from bench.summary import Result, deltas, published, read_report
from bench.video import short

BEGIN, END = "<!-- benchmark:begin -->\n", "<!-- benchmark:end -->\n"
FEW_BEGIN, FEW_END = "<!-- summary:begin -->\n", "<!-- summary:end -->\n"
FEW = {
    "wavelet-e9": "**ours**, `--effort 9`", "vtm": "VVC (VTM 17.2, intra)", "wavelet": "**ours**",
    "x265": "HEVC (x265, very slow)", "avif": "AVIF (speed 4)",
    "light": "**ours**, `-p wavelet-light`", "jxl": "JPEG XL (effort 7)",
}  # fmt: skip
"""Rows of the short table, and what it calls them."""
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


def few(measured: list[Result], speeds: list[Row]) -> str:
    """Seven rows: rate for the same PSNR against VTM as measured, and speed on two cores."""
    by_name = {result.codec: result for result in measured}
    rates = deltas(by_name["vtm"], measured)
    timed = {row.codec: row for row in speeds}
    rows = [["codec", "bits for the same PSNR", "encode", "decode"], ["---"] * 4]
    for name, label in FEW.items():
        result = by_name[name]
        delta = rates[name, result.version]
        rate = f"{delta.rate:+.1f} %" if isinstance(delta, Delta) else str(delta)
        times = [
            f"{value:.2g} MP/s" if name in timed else ""
            for value in (
                (timed[name].encode_mp_s, timed[name].decode_mp_s) if name in timed else (0.0, 0.0)
            )
        ]
        rows.append([label, "0" if name == "vtm" else rate, *times])
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def updated(text: str, measured: list[Result], speeds: list[Row], picture: str) -> str:
    """A document with its parts made anew.

    Raises:
        ValueError: no marks are there.
    """
    found = False
    parts: tuple[tuple[str, str, Callable[[], str]], ...] = (
        (BEGIN, END, lambda: block(measured, speeds, picture)),
        (FEW_BEGIN, FEW_END, lambda: few(measured, speeds)),
    )
    for begin, end, make in parts:
        before, first, rest = text.partition(begin)
        _, last, after = rest.partition(end)
        if first and last:
            text, found = before + begin + make() + end + after, True
    if not found:
        raise ValueError(
            f"a document without {BEGIN.strip()} or {FEW_BEGIN.strip()} and their ends"
        )
    return text


def write(path: Path, folder: Path) -> None:
    """Update a document, and rd.svg that it shows, from results.json and, where it is there,
    speed.json in `folder`; or its table by metric, of lossless codecs, or of videos, where that is
    what the folder holds.

    Raises:
        ValueError: the marks are not there, or a file is not what its name says.
        StopIteration: the results have no curve of ours.
    """
    if all((folder / name).exists() for name in short.FILES):
        path.write_text(short.filled(path.read_text(), folder))
        return
    if (folder / metric_table.FILE).exists():
        path.write_text(metric_table.filled(path.read_text(), folder))
        return
    if not (folder / "results.json").exists():
        path.write_text(lossless_table.filled(path.read_text(), folder))
        return
    picture = folder / "rd.svg"
    shown = Path(os.path.relpath(picture, path.parent)).as_posix()
    measured, speeds = read_report(folder / "results.json").codecs, read_rows(folder / "speed.json")
    text = updated(path.read_text(), measured, speeds, shown)
    picture.write_text(plot(measured))
    path.write_text(text)
