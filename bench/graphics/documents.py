"""Pages of documents: PDF by reportlab, drawn by PDFium as a viewer or a fax would."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from PIL import Image

from bench.graphics.base import ROOT, NotMade, save

__all__ = ["make"]

_PAGES = (
    ("text", 0, 110, ""),
    ("text-one-bit", 0, 150, "1"),
    ("table", 1, 110, ""),
    ("grey", 2, 130, "L"),
)
"""Name, number of the page, dots per inch, and the mode it is reduced to."""


def make(folder: Path) -> list[str]:
    """Four pages. Raises NotMade where a package is missing."""
    try:
        import pypdfium2
        from reportlab.platypus import SimpleDocTemplate
    except ImportError as error:
        raise NotMade("install reportlab and pypdfium2") from error
    file = io.BytesIO()
    SimpleDocTemplate(file, title="Pages").build(_story())
    made = []
    document = pypdfium2.PdfDocument(file.getvalue())
    for name, number, dpi, mode in _PAGES:
        drawn = document[number].render(scale=dpi / 72)
        image = drawn.to_pil().convert("RGB")
        if mode:
            image = image.convert(mode, dither=Image.Dither.NONE)
        made.append(save(image, folder / f"page-{name}.png"))
    document.close()
    return made


def _story() -> list[Any]:
    """A page of headings and paragraphs, one of a table, and one of code: the project's own."""
    from reportlab.lib import colors
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import PageBreak, Paragraph, Preformatted, Table

    styles = getSampleStyleSheet()
    text = (
        (ROOT / "docs" / "training-log.md").read_text().replace("&", "&amp;").replace("<", "&lt;")
    )
    paragraphs = [p for p in text.split("\n\n") if not p.startswith((" ", "|", "```"))]
    first = [
        Paragraph(p.lstrip("# "), styles["Heading2" if p.startswith("#") else "BodyText"])
        for p in paragraphs
    ]
    rows = [["position", "name", "units", "price", "sum"]]
    rows += [
        [
            str(n), f"part no. {n * 7919 % 1000:03}", str(n % 9 + 1), f"{n * 1.37:.2f}",
            f"{n * 1.37 * (n % 9 + 1):.2f}",
        ]
        for n in range(1, 36)
    ]  # fmt: skip
    style = [
        ("GRID", (0, 0), (-1, -1), 0.5, colors.grey),
        ("BACKGROUND", (0, 0), (-1, 0), colors.lightblue),
    ]
    code = (ROOT / "bench" / "bd.py").read_text().splitlines()[:60]
    return [
        *_fitting(first), PageBreak(), Table(rows, style=style), PageBreak(),
        Preformatted("\n".join(code), styles["Code"]),
    ]  # fmt: skip


def _fitting(paragraphs: list[Any], height: float = 640, width: float = 440) -> list[Any]:
    """As many paragraphs as fill a page, in points."""
    taken, used = [], 0.0
    for paragraph in paragraphs:
        used += (
            paragraph.wrap(width, height)[1]
            + paragraph.style.spaceBefore
            + paragraph.style.spaceAfter
        )
        if used > height:
            break
        taken.append(paragraph)
    return taken
