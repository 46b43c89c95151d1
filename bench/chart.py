"""Line and scatter charts as SVG text that stands alone and reads in light and dark.

Every point carries its label as a <title>, which the page shows on hover and on touch; a chart
without scripts still has the titles.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

WIDTH, HEIGHT = 720, 460
LEFT, RIGHT, TOP, BOTTOM = 58, 16, 14, 48
KEY_ROW = 18
COLOURS = (
    "#d1495b", "#2e86ab", "#f18f01", "#3b8b5a", "#7b4fa6", "#8d6b4f", "#c2549d", "#5c677d",
    "#0fa3b1", "#a3a300", "#e56b6f", "#4d7c0f", "#6366f1", "#b45309", "#0f766e", "#9f1239",
)  # fmt: skip


def tip_script() -> str:
    """What makes a page show the title of a chart's point beside the pointer; it needs `#tip`."""
    return (Path(__file__).parent / "tip.js").read_text()


@dataclass(frozen=True, slots=True)
class Series:
    """Points of one codec with a label each; published curves are dashed, `line` joins them."""

    name: str
    points: Sequence[tuple[float, float]]
    labels: Sequence[str]
    dashed: bool = False
    line: bool = True
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Axis:
    """A title, the range and whether the scale is logarithmic."""

    title: str
    low: float
    high: float
    log: bool = False

    def place(self, start: float, end: float) -> Callable[[float], float]:
        """Value -> position between start and end."""
        scale = math.log10 if self.log else float
        low, high = scale(self.low), scale(self.high)
        return lambda value: start + (scale(value) - low) / (high - low) * (end - start)

    def ticks(self) -> list[float]:
        """Round values within the range, about six."""
        if self.log:
            decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            found = [m * 10.0**d for d in decades for m in (1, 2, 5)]
        else:
            rough = (self.high - self.low) / 6
            unit = 10.0 ** math.floor(math.log10(rough))
            steps = [m * unit for m in (1, 2, 5, 10)]
            step = min(steps, key=lambda s: abs(math.log(s / rough)))
            first = math.ceil(self.low / step)
            found = [i * step for i in range(first, math.floor(self.high / step + 1e-9) + 1)]
        return [t for t in found if self.low <= t <= self.high * (1 + 1e-9)]


def chart(series: Sequence[Series], x: Axis, y: Axis, key: bool = False) -> str:
    """The chart as an <svg> element.

    Args:
        key: name the series below, and on white: for a file shown as an image.
    """
    to_x, to_y = x.place(LEFT, WIDTH - RIGHT), y.place(HEIGHT - BOTTOM, TOP)
    height = HEIGHT + (KEY_ROW * -(-len(series) // 2) if key else 0)
    parts = [
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height}" xmlns="http://www.w3.org/2000/svg" '
        f'role="img" aria-label="{escape(y.title)} against {escape(x.title)}" '
        'font-family="system-ui, sans-serif" font-size="13">'
    ]
    if key:
        parts.append(f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>')
    for tick in x.ticks():
        at = to_x(tick)
        parts.append(_line(at, TOP, at, HEIGHT - BOTTOM))
        parts.append(_text(at, HEIGHT - BOTTOM + 18, f"{tick:g}", "middle"))
    for tick in y.ticks():
        at = to_y(tick)
        parts.append(_line(LEFT, at, WIDTH - RIGHT, at))
        parts.append(_text(LEFT - 8, at + 4, f"{tick:g}", "end"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, x.title, "middle"))
    parts.append(
        f'<text x="16" y="{(TOP + HEIGHT - BOTTOM) / 2:.1f}" fill="currentColor" '
        f'text-anchor="middle" transform="rotate(-90 16 {(TOP + HEIGHT - BOTTOM) / 2:.1f})">'
        f"{escape(y.title)}</text>"
    )
    for n, one in enumerate(series):
        parts.append(_series(one, _colour(n), x, y, to_x, to_y))
    if key:
        parts.append(_key(series))
    return "\n".join([*parts, "</svg>"])


def _series(
    one: Series,
    colour: str,
    x: Axis,
    y: Axis,
    to_x: Callable[[float], float],
    to_y: Callable[[float], float],
) -> str:
    inside = [
        (to_x(a), to_y(b), label)
        for (a, b), label in zip(one.points, one.labels, strict=True)
        if x.low <= a <= x.high and y.low <= b <= y.high
    ]
    parts = [f'<g class="series" data-name="{escape(one.name)}" color="{colour}">']
    if one.line and len(inside) > 1:
        path = "L".join(f"{a:.1f} {b:.1f}" for a, b, _ in inside)
        parts.append(_path(one, path, colour))
    radius = 4.5 if one.bold else 1.8 if one.dashed else 3
    for a, b, label in inside:
        parts.append(
            f'<circle cx="{a:.1f}" cy="{b:.1f}" r="{radius}" fill="{colour}">'
            f"<title>{escape(one.name)}: {escape(label)}</title></circle>"
        )
    if not one.line:
        parts += [_text(a + 8, b + 4, one.name, "start") for a, b, _ in inside]
    return "".join([*parts, "</g>"])


def _key(series: Sequence[Series]) -> str:
    """The names beside a piece of their line, in two columns below the chart."""
    parts = []
    for n, one in enumerate(series):
        x, y = LEFT + n % 2 * (WIDTH - LEFT) // 2, HEIGHT + KEY_ROW * (n // 2) + KEY_ROW // 2
        parts.append(_path(one, f"{x} {y}h22", _colour(n)))
        parts.append(f'<text x="{x + 30}" y="{y + 4}" font-size="11">{escape(one.name)}</text>')
    return "\n".join(parts)


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _path(one: Series, path: str, colour: str) -> str:
    """A line in the manner of the series, from its first point on."""
    dash = ' stroke-dasharray="5 4"' if one.dashed else ""
    width = 3 if one.bold else 1.6
    return f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dash}/>'


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
        'stroke="currentColor" stroke-opacity="0.15"/>'
    )


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="currentColor" text-anchor="{anchor}">'
        f"{escape(text)}</text>"
    )


def legend(series: Sequence[Series]) -> str:
    """The names in their colours, as an HTML list."""
    items = [
        f'<li><span style="border-top:{4 if one.bold else 2}px '
        f'{"dashed" if one.dashed else "solid"} {_colour(n)}"></span>'
        f"{escape(one.name)}</li>"
        for n, one in enumerate(series)
    ]
    return f'<ul class="legend">{"".join(items)}</ul>'
