"""From measured points to report.html, plots and a table: curves, figures and their sources."""

from __future__ import annotations

import json
import math
from html import escape
from pathlib import Path

from bench import speed
from bench.bd import Delta
from bench.chart import Axis, Series, chart, legend, tip_script
from bench.pairs import Pair
from bench.peers import own
from bench.summary import ANCHORS, Result, deltas, published

__all__ = ["plot", "table", "write"]

TEMPLATE = Path(__file__).parent / "page.html"
OURS = own.NAMES
DRAWN = ("VTM", "AV1", "MLIC++", "DCVC-RT-Intra", "bmshj2018-hyperprior")
"""Published curves that are drawn; the table has all of them."""
HEAD = ["codec", "BD-rate", "BD-PSNR", "encode", "decode", "version or source"]
RATES = Axis("bits per pixel", 0.0, 2.0)
QUALITIES = Axis("PSNR over RGB (dB)", 24.0, 42.0)


def write(
    measured: list[Result],
    out: Path,
    pairs: list[Pair] | None = None,
    speeds: list[speed.Row] | None = None,
) -> list[Path]:
    """report.html, rd.svg, speed.svg, rd.png and table.md in `out`; returns their paths.

    Args:
        measured: curves.
        pairs: pictures to show side by side.
        speeds: what `python -m bench speed` found.

    Raises:
        ValueError: no codec has a complete setting.
    """
    measured = [result for result in measured if result.means]
    if not measured:
        raise ValueError("no codec has a setting with every image")
    literature = published()
    rates = deltas(literature[0], [*measured, *literature])
    rows_of = {row.codec: row for row in speeds or []}
    head, *rows = _table(measured, literature, rates, rows_of)
    rd = _rd_series(measured, literature)
    speed_chart = _speed_chart(_speed_series(measured, rates, rows_of))
    text = TEMPLATE.read_text()
    values = {
        "rd": chart(rd, RATES, QUALITIES),
        "legend": legend(rd),
        "speed": speed_chart,
        "table": _html_table(rows, head),
        "speeds": _speeds_table(speeds or []),
        "figures": _figures(),
        "tip": tip_script(),
        "pairs": json.dumps([_pair(pair) for pair in pairs or []]),
    }
    for name, value in values.items():
        text = text.replace(f"<!--{name}-->", value)
    files = {
        "report.html": text,
        "rd.svg": _rd_file(rd),
        "speed.svg": speed_chart,
        "table.md": _markdown([head, *rows]),
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (out / name).write_text(content)
    _png(rd, out / "rd.png")
    return [out / name for name in [*files, "rd.png"]]


def table(measured: list[Result], literature: list[Result], speeds: list[speed.Row]) -> str:
    """The table of BD-rates as Markdown, against the first published curve."""
    rates = deltas(published()[0], [*measured, *literature])
    return _markdown(_table(measured, literature, rates, {row.codec: row for row in speeds}))


def plot(measured: list[Result]) -> str:
    """Measured and published curves as an SVG file."""
    return _rd_file(_rd_series(measured, published()))


def _rd_file(series: list[Series]) -> str:
    return chart(series, RATES, QUALITIES, key=True) + "\n"


def _markdown(table: list[list[str]]) -> str:
    head, *rows = table
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _table(
    measured: list[Result],
    literature: list[Result],
    rates: dict[tuple[str, str], Delta | str],
    speeds: dict[str, speed.Row],
) -> list[list[str]]:
    """The head of the table and its rows, by BD-rate; those without one at the end. Where VTM was
    measured here, a column more has the BD-rate against that.
    """
    here = next((result for result in measured if result.codec == "vtm"), None)
    all_of_them = [*measured, *literature]
    beside = {} if here is None else deltas(here, all_of_them)

    def order(result: Result) -> float:
        delta = rates[result.codec, result.version]
        return delta.rate if isinstance(delta, Delta) else math.inf

    rows = []
    for result in sorted(all_of_them, key=order):
        delta = rates[result.codec, result.version]
        quality = ""
        if isinstance(delta, Delta) and not math.isnan(delta.psnr):
            quality = f"{delta.psnr:+.2f} dB"
        cells = [_rate(delta)]
        if here is not None:
            cells.append(_rate(beside[result.codec, result.version]))
        cells.append(quality)
        if result.source:
            name, where = f"{result.codec} {result.version}".strip(), f"published: {result.source}"
            cells += ["", ""]
        else:
            name, where = result.codec, result.version
            about = "" if name in speeds else "about "
            cells += [f"{about}{_speed(value)}" for value in _speeds(result, speeds)]
        rows.append([name, *cells, where])
    head = HEAD if here is None else [*HEAD[:2], f"against {here.version} here", *HEAD[2:]]
    return [head, *rows]


def _rate(delta: Delta | str) -> str:
    """A BD-rate with what must be known of it, or why there is none."""
    if isinstance(delta, str):
        return f"none: {delta}"
    doubt = "" if delta.agrees else f" (Akima {delta.rate_akima:+.1f} %)"
    part = "" if delta.overlap > 0.95 else f", {delta.overlap:.0%} of the range"
    return f"{round(delta.rate, 1) + 0.0:+.1f} %{doubt}{part}"  # no -0.0


def _speed(value: float) -> str:
    """Two digits, or all before the point."""
    return f"{value:.0f} MP/s" if value >= 10 else f"{value:.2g} MP/s"


def _speeds(result: Result, speeds: dict[str, speed.Row]) -> tuple[float, float]:
    """Encode and decode in megapixels per second: as `python -m bench speed` found, else the median
    over the settings of what `rd` took.
    """
    if row := speeds.get(result.codec):
        return row.encode_mp_s, row.decode_mp_s
    middle = len(result.means) // 2
    encode = sorted(mean.encode_mp_s for mean in result.means)[middle]
    return encode, sorted(mean.decode_mp_s for mean in result.means)[middle]


def _rd_series(measured: list[Result], literature: list[Result]) -> list[Series]:
    """Measured curves, ours first and bold, then the published ones that are drawn."""
    drawn = [r for r in literature if r.codec in DRAWN]
    ours_first = sorted(measured, key=lambda result: result.codec not in OURS)
    return [
        Series(
            result.codec if not result.source else f"{result.codec} {result.version} (published)",
            [(mean.bpp, mean.psnr) for mean in result.means],
            [f"{mean.bpp:.3f} bpp, {mean.psnr:.2f} dB" for mean in result.means],
            dashed=bool(result.source),
            bold=result.codec in OURS,
        )
        for result in [*ours_first, *drawn]
    ]


def _speed_series(
    measured: list[Result],
    rates: dict[tuple[str, str], Delta | str],
    speeds: dict[str, speed.Row],
) -> list[Series]:
    found = []
    for result in measured:
        delta = rates[result.codec, result.version]
        if isinstance(delta, Delta):
            decode = _speeds(result, speeds)[1]
            label = f"decodes {_speed(decode)} at {delta.rate:+.1f} %"
            bold = result.codec in OURS
            found.append(
                Series(result.codec, [(decode, delta.rate)], [label], line=False, bold=bold)
            )
    return found


def _speed_chart(series: list[Series]) -> str:
    """BD-rate against decoding speed, axes around what there is."""
    if not series:
        return "<p>No measured codec has a BD-rate.</p>"
    speeds = [one.points[0][0] for one in series]
    rates = [one.points[0][1] for one in series]
    x = Axis("decoding, megapixels per second", min(speeds) / 3, max(speeds) * 5, log=True)
    y = Axis("BD-rate against VTM (%)", min(0.0, *rates) - 10, max(rates) + 10)
    return chart(series, x, y)


def _speeds_table(rows: list[speed.Row]) -> str:
    if not rows:
        return "<p>Not measured: python -m bench speed.</p>"
    return _html_table(speed.cells(rows), speed.HEAD)


def _html_table(rows: list[list[str]], head: list[str]) -> str:
    lines = ["<tr>" + "".join(f"<th>{cell}</th>" for cell in head) + "</tr>"]
    for row in rows:
        ours = ' class="ours"' if row[0] in OURS else ""
        lines.append(f"<tr{ours}>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>")
    return "<table>" + "".join(lines) + "</table>"


def _figures() -> str:
    """Figures that were printed without points."""
    figures = json.loads(ANCHORS.read_text())["figures"]
    items = [
        f"<li>{escape(f['codec'])}: {f['bd_rate_percent']:+.2f} % against {escape(f['anchor'])} "
        f"({escape(f['source'])})</li>"
        for f in figures
    ]
    return f"<ul>{''.join(items)}</ul>"


def _pair(pair: Pair) -> dict[str, object]:
    return {
        "title": pair.title,
        "versions": [
            {
                "name": shown.name,
                "note": f"{shown.bytes:,} bytes"
                + (f", {shown.psnr:.2f} dB" if math.isfinite(shown.psnr) else ""),
                "uri": shown.uri,
            }
            for shown in pair.versions
        ],
    }


def _png(series: list[Series], path: Path) -> None:
    """The curves for places that show no SVG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5.2), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    for one in series:
        axes.plot(
            *zip(*one.points, strict=True), label=one.name, linewidth=2.4 if one.bold else 1.1,
            linestyle="--" if one.dashed else "-", marker="" if one.dashed else ".",
        )  # fmt: skip
    axes.set(xlabel=RATES.title, ylabel=QUALITIES.title, xlim=(0, 2), ylim=(24, 42))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.savefig(path)
