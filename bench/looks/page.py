"""The page: one file without network, from the template, its style and its script beside this."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from bench.looks.versions import Look, Shown
from bench.peers import own

__all__ = ["TITLES", "write"]

TITLES = {
    "wavelet": "ours, for PSNR",
    "visual": "ours, visual",
    "avif": "AVIF",
    "jxl": "JPEG XL",
    "webp": "WebP",
    "jpeg": "JPEG",
    "jpeg2000": "JPEG 2000",
    "vtm": "VTM",
}
"""What people read; other codecs are called by their name."""
_HERE = Path(__file__).parent


def write(
    looks: Sequence[Look], codecs: Sequence[str], missing: Sequence[str], notes: Mapping[str, str],
    out: Path,
) -> None:  # fmt: skip
    """Writes the page.

    Args:
        codecs: names in their order on the page; every look has them.
        missing: codecs that cannot run, and what failed, a line each.
        notes: what is told of how the page came to be, by its heading.
        out: the file.
    """
    head = {
        "pictures": [look.title for look in looks],
        "rates": [rate.bpp for rate in looks[0].rates],
        "codecs": [
            {"name": name, "title": _title(name), "ours": name in own.NAMES} for name in codecs
        ],
    }
    values = {
        "style": (_HERE / "page.css").read_text(),
        "script": (_HERE / "page.js").read_text(),
        "missing": "".join(f"<li>missing: {escape(line)}</li>" for line in missing),
        "notes": "".join(
            f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in notes.items()
        ),
        "head": _json(head),
        "pictures": "\n".join(
            f'<script type="application/json" id="picture-{n}">{_json(_picture(look))}</script>'
            for n, look in enumerate(looks)
        ),
    }
    text = (_HERE / "page.html").read_text()
    for name, value in values.items():
        text = text.replace(f"<!--{name}-->", value)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text)


def _title(name: str) -> str:
    """Of a codec; NAME-eEFFORT is NAME with an effort."""
    profile, _, effort = name.partition("-e")
    if effort.isdecimal() and profile in TITLES:
        return f"{TITLES[profile]}, effort {effort}"
    return TITLES.get(name, name)


def _picture(look: Look) -> dict[str, Any]:
    region = look.region
    return {
        "title": look.title, "width": look.width, "height": look.height,
        "region": [region.x, region.y, region.width, region.height], "uri": look.uri,
        "rates": [
            {
                "bpp": rate.bpp,
                "versions": {name: _version(made) for name, made in rate.made.items()},
            }
            for rate in look.rates
        ],
    }  # fmt: skip


def _version(made: Shown | str) -> dict[str, Any]:
    if isinstance(made, str):
        return {"problem": made}
    return made.figures.as_json() | {"uri": made.uri}


def _json(value: object) -> str:
    """JSON that may stand within a <script>."""
    return json.dumps(value, separators=(",", ":")).replace("</", "<\\/").replace("<!", "<\\u0021")
