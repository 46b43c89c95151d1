"""Ours at one quality, and others at the same bytes: PSNR and SSIMULACRA2, picture by picture.

    python -m bench equal-bytes --images DIR --codecs avif,webp --out FILE.json

The other codec spends the smallest file, of its whole qualities, that is not smaller than ours, or
its largest: the comparison favours it. Where even its smallest file is larger, that one is taken.
"""

from __future__ import annotations

import io
import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import codec
from bench.images import load
from bench.peers import RGB, Peer, PeerMissing
from bench.psnr import psnr

__all__ = [
    "CEILING_DB", "OURS", "Score", "Version", "at_bytes", "foot", "head", "line", "measure",
    "ssimulacra2",
]  # fmt: skip

OURS = "ours"
CEILING_DB = 60.0
"""What a picture counts for in a mean of PSNR, at most: one that came back exactly has none."""
SCORED_PX = 8
"""Smallest side that SSIMULACRA2 takes."""
_FINEST = {"avif": 100, "webp": 100, "jxl": 99, "jpeg": 95}
"""Finest whole quality of a codec; else its last setting."""

Score = Callable[[RGB, RGB], float | None]


@dataclass(frozen=True, slots=True)
class Version:
    """One picture by one codec. psnr is infinite where it came back exactly; ssimulacra2 is None
    for a picture with a side under `SCORED_PX`.
    """

    codec: str
    image: str
    width: int
    height: int
    bytes: int
    psnr: float
    ssimulacra2: float | None

    def as_json(self) -> dict[str, Any]:
        """For the JSON file; an infinite PSNR is null."""
        return {
            "codec": self.codec, "image": self.image, "width": self.width, "height": self.height,
            "bytes": self.bytes, "psnr": round(self.psnr, 3) if math.isfinite(self.psnr) else None,
            "ssimulacra2": None if self.ssimulacra2 is None else round(self.ssimulacra2, 3),
        }  # fmt: skip


def ssimulacra2() -> Score:
    """The measure of the package ssimulacra2: 100 is equal, 90 cannot be told apart, 70 is of high
    quality, 30 of low quality, and it goes below zero.

    Raises:
        PeerMissing: the package is not there.
    """
    try:
        from ssimulacra2 import compute_ssimulacra2
    except ImportError as error:
        raise PeerMissing("SSIMULACRA2: install ssimulacra2") from error

    def score(original: RGB, decoded: RGB) -> float | None:
        if min(original.shape[:2]) < SCORED_PX:
            return None
        return float(compute_ssimulacra2(_file(original), _file(decoded)))

    return score


def _file(image: RGB) -> io.BytesIO:
    """A picture as a file in memory: the package reads nothing else."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PPM")
    file.seek(0)
    return file


def at_bytes(peer: Peer, image: RGB, budget: int) -> bytes:
    """The file of the coarsest whole quality that spends at least `budget` bytes, or the finest."""
    finest = _FINEST.get(peer.name, round(peer.settings[-1]))
    files: dict[int, bytes] = {}

    def size(setting: int) -> int:
        files[setting] = peer.encode(image, setting)
        return len(files[setting])

    setting = bisect_left(range(finest), budget, key=size)
    return files[setting] if setting in files else peer.encode(image, setting)


def measure(
    file: Path, peers: list[Peer], quality: float, score: Score, **options: Any
) -> list[Version]:
    """Ours first, then the others.

    Args:
        options: further ones of `codec.encode`.

    Raises:
        PeerFailed, CodecError: a codec does not take the picture.
    """
    image = load(file)
    data = codec.encode(image, quality=quality, **options)
    versions = [(OURS, data, codec.decode(data))]
    for peer in peers:
        theirs = at_bytes(peer, image, len(data))
        versions.append((peer.name, theirs, peer.decode(theirs)))
    height, width = image.shape[:2]
    return [
        Version(
            name, file.name, width, height, len(coded), psnr(image, decoded),
            score(image, decoded),
        )
        for name, coded, decoded in versions
    ]  # fmt: skip


def head(codecs: list[str]) -> str:
    """The first two lines of the table: ours, and the others beside it."""
    cells = ["picture", "bytes"] + [f"{name}, dB / SSIMULACRA2" for name in codecs]
    return _line(cells) + _line(["---", *["---:"] * (len(cells) - 1)])


def line(row: list[Version]) -> str:
    """A picture's line of the table."""
    others = [_cell(version) + _beside(version, row[0]) for version in row[1:]]
    return _line([row[0].image, str(row[0].bytes), _cell(row[0]), *others])


def foot(rows: list[list[Version]]) -> str:
    """The last two lines: means, and how many pictures ours is better on."""
    columns = list(zip(*rows, strict=True))
    wins = [""] + [_wins(columns[0], column) for column in columns[1:]]
    return _line(["mean", "", *map(_mean, columns)]) + _line(["ours better on", "", *wins])


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _cell(version: Version) -> str:
    psnr = f"{version.psnr:.2f}" if math.isfinite(version.psnr) else "exact"
    score = "" if version.ssimulacra2 is None else f" / {version.ssimulacra2:.1f}"
    return psnr + score


def _beside(version: Version, ours: Version) -> str:
    """How many more bytes the other codec spends, where that is over 2 %, or fewer."""
    more = 100 * (version.bytes / ours.bytes - 1)
    return f" ({more:+.0f} % bytes)" if abs(more) > 2 else ""


def _mean(column: tuple[Version, ...]) -> str:
    psnr = float(np.mean([min(version.psnr, CEILING_DB) for version in column]))
    scores = [version.ssimulacra2 for version in column if version.ssimulacra2 is not None]
    return f"{psnr:.2f} / {float(np.mean(scores)):.1f}" if scores else f"{psnr:.2f}"


def _wins(ours: tuple[Version, ...], theirs: tuple[Version, ...]) -> str:
    pairs = list(zip(ours, theirs, strict=True))
    psnr = sum(a.psnr > b.psnr for a, b in pairs)
    scored = [
        (a.ssimulacra2, b.ssimulacra2)
        for a, b in pairs
        if a.ssimulacra2 is not None and b.ssimulacra2 is not None
    ]
    return f"{psnr} / {sum(a > b for a, b in scored)} of {len(pairs)}"
