"""Pictures that people keep and that are no photographs: made by real programs, or from public
repositories. Nothing of it is committed; the command makes it anew.

    python -m bench graphics OUT --clone NAME=PATH

    browser.py    pages of pages.py through headless Chromium
    terminal.py   xterm in a virtual screen (Xvfb): listings, history, code, processes
    charts.py     matplotlib
    documents.py  PDF by reportlab, drawn by PDFium
    reduced.py    photographs in few colours, with dithers
    clones.py     pictures out of public repositories

    OUT/graphics               PNG, RGB without alpha: for `lossless` and `equal-bytes`
    OUT/collections/pillow     test images of Pillow, as they are: for `collections`
    OUT/collections/pngsuite   PngSuite, as it is

What cannot be made here is named, and the rest is made.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench.graphics import browser, charts, clones, documents, reduced, terminal
from bench.graphics.base import NotMade
from bench.graphics.clones import REPOSITORIES

__all__ = ["REPOSITORIES", "NotMade", "gather"]


def gather(
    out: Path, given: dict[str, Path], photographs: Path | None
) -> tuple[list[str], list[str]]:
    """Makes and gathers everything.

    Args:
        given: clones that are there already, by name.
        photographs: folder of more photographs to reduce, or None for the example alone.

    Returns:
        What was made, and what could not be, a line each.
    """
    folder, tests = out / "graphics", out / "collections"
    folder.mkdir(parents=True, exist_ok=True)
    sources: dict[str, Callable[[], list[str]]] = {
        "browser": lambda: browser.make(folder),
        "terminal": lambda: terminal.make(folder),
        "charts": lambda: charts.make(folder),
        "documents": lambda: documents.make(folder),
        "reduced": lambda: reduced.make(folder, photographs),
        "spyder": lambda: clones.screenshots(given.get("spyder"), folder),
        "pillow": lambda: clones.collection("pillow", given.get("pillow"), tests / "pillow"),
        "pngsuite": lambda: clones.collection(
            "pngsuite", given.get("pngsuite"), tests / "pngsuite"
        ),
    }
    made, problems = [], []
    for name, make in sources.items():
        try:
            made += [f"{name}: {line}" for line in make()]
        except NotMade as error:
            problems.append(f"{name}: {error}")
    return made, problems
