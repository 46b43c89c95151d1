"""Charts by matplotlib, as papers and notebooks show them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench.graphics.base import NotMade, save

__all__ = ["make"]


def make(folder: Path) -> list[str]:
    """Five charts. Raises NotMade where matplotlib is missing."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise NotMade("install matplotlib") from error
    made = []
    for name, (size, draw) in _CHARTS.items():
        figure = Figure(figsize=size, dpi=110, layout="constrained")
        canvas: Any = FigureCanvasAgg(figure)
        draw(figure, np.random.default_rng(len(name)))
        canvas.draw()
        made.append(
            save(Image.fromarray(np.asarray(canvas.buffer_rgba())), folder / f"chart-{name}.png")
        )
    return made


def _lines(figure: Any, random: np.random.Generator) -> None:
    axes = figure.add_subplot()
    x = np.linspace(0, 12, 300)
    for number in range(6):
        axes.plot(x, np.cumsum(random.normal(0, 1, 300)) + number * 8, label=f"series {number}")
    axes.set(title="Six random walks", xlabel="time, s", ylabel="value")
    axes.grid(True, linestyle=":")
    axes.legend(ncols=3)


def _scatter(figure: Any, random: np.random.Generator) -> None:
    axes = figure.add_subplot()
    x = random.normal(0, 1, 1500)
    colours = axes.scatter(
        x, x * 0.6 + random.normal(0, 0.5, 1500), c=random.random(1500), s=18, alpha=0.7
    )
    figure.colorbar(colours, label="weight")
    axes.set(title="Correlated", xlabel="first", ylabel="second")


def _heat_map(figure: Any, random: np.random.Generator) -> None:
    axes = figure.add_subplot()
    values = random.integers(0, 100, (12, 14))
    axes.imshow(values, cmap="viridis")
    for (y, x), value in np.ndenumerate(values):
        axes.text(x, y, str(value), ha="center", va="center", color="w" if value < 60 else "k")
    axes.set(title="Counts by hour and day", xlabel="hour", ylabel="day")


def _bars(figure: Any, random: np.random.Generator) -> None:
    left, right = figure.subplots(1, 2)
    for number, hatch in enumerate(("", "//", "..", "xx")):
        left.bar(np.arange(6) * 5 + number, random.uniform(1, 9, 6), hatch=hatch, edgecolor="k")
    left.set_xticks(np.arange(6) * 5 + 1.5, [f"group {n}" for n in range(6)], rotation=45)
    right.pie(random.uniform(1, 5, 7), labels=[f"part {n}" for n in range(7)], autopct="%d %%")


def _surface(figure: Any, random: np.random.Generator) -> None:
    axes = figure.add_subplot(projection="3d")
    x, y = np.meshgrid(np.linspace(-3, 3, 60), np.linspace(-3, 3, 60))
    axes.plot_surface(x, y, np.sin(x * x + y) * np.cos(y), cmap="coolwarm", linewidth=0.2, ec="k")


_CHARTS: dict[str, tuple[tuple[float, float], Callable[[Any, np.random.Generator], None]]] = {
    "lines": ((9, 6), _lines),
    "scatter": ((8, 6), _scatter),
    "heat-map": ((8, 7), _heat_map),
    "bars": ((10, 5), _bars),
    "surface": ((7, 7), _surface),
}
