"""The table of lossless codecs in a document, from the JSON files of `python -m bench lossless`."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from bench.lossless import Row, read_rows
from bench.marks import between

__all__ = ["BEGIN", "END", "filled", "read_sets", "table"]

BEGIN, END = "<!-- lossless:begin -->\n", "<!-- lossless:end -->\n"
_NAMES = {
    "png": "PNG (optimised)", "webp": "WebP (method 6)", "jxl-e3": "JPEG XL (effort 3)",
    "jxl-e7": "JPEG XL (effort 7)", "jxl-e9": "JPEG XL (effort 9)", "ffv1": "FFV1",
    "ours": "**ours**",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pictures:
    """What one run found: on which pictures, with which largest error, by codec."""

    title: str
    near: int
    rows: dict[str, Row]


def read_sets(folder: Path) -> list[Pictures]:
    """Every run whose file lies in the folder, by the names of the files.

    Raises:
        ValueError: there is none, or a file is from something else.
    """
    found = []
    for file in sorted(folder.glob("*.json")):
        rows = {row.codec.partition(",")[0]: row for row in read_rows(file)}
        told = json.loads(file.read_text())
        found.append(Pictures(told["title"] or file.stem, told["near_lossless"], rows))
    if not found:
        raise ValueError(f"{folder.name} holds no results")
    return found


def table(sets: list[Pictures]) -> str:
    """Bits per pixel by codec and set of pictures, the smallest first, then ours with an error,
    with its PSNR; speeds are all pixels over all seconds of all sets.
    """
    titles = list(dict.fromkeys(one.title for one in sets))
    by_codec: dict[tuple[int, str], dict[str, Row]] = defaultdict(dict)
    for one in sets:
        for name, row in one.rows.items():
            by_codec[one.near, name][one.title] = row
    lines = [["codec", *titles, "encode", "decode"], ["---", *["---:"] * (len(titles) + 2)]]
    for (near, name), rows in sorted(by_codec.items(), key=lambda item: _order(titles, item)):
        together = Row(name, "", [coded for row in rows.values() for coded in row.pictures])
        cells = [_cell(rows.get(title), near) for title in titles]
        speeds = [f"{v:.2g} MP/s" for v in (together.encode_mp_s, together.decode_mp_s)]
        lines.append([_label(name, near), *cells, *speeds])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _order(
    titles: list[str], item: tuple[tuple[int, str], dict[str, Row]]
) -> tuple[int, int, float]:
    """Lossless before near-lossless, complete rows first, then by the mean of the sets."""
    (near, _), rows = item
    return near, len(titles) - len(rows), sum(row.bpp for row in rows.values()) / len(rows)


def _label(name: str, near: int) -> str:
    base, _, effort = name.partition("-e")
    label = _NAMES.get(name, f"{_NAMES.get(base, base)}, `--effort {effort}`")
    return f"{label}, largest error {near}" if near else label


def _cell(row: Row | None, near: int) -> str:
    if row is None:
        return ""
    return f"{row.bpp:.3f} ({row.psnr:.1f} dB)" if near else f"{row.bpp:.3f}"


def filled(text: str, folder: Path) -> str:
    """A document with its table made anew.

    Raises:
        ValueError: the marks are not there, or the folder holds no results.
    """
    return between(text, BEGIN, END, lambda: table(read_sets(folder)))
