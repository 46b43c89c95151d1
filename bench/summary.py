"""Points of single images to curves: means over the images at each setting, and deltas."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.bd import Curve, Delta, compare
from bench.store import Point, data_hash

__all__ = [
    "ANCHORS",
    "Mean",
    "Report",
    "Result",
    "deltas",
    "hull",
    "published",
    "read_report",
    "results",
    "summarise",
    "write_report",
]

ANCHORS = Path(__file__).parent / "anchors" / "kodak.json"


@dataclass(frozen=True, slots=True)
class Mean:
    """Means over all images at one setting; speeds are all pixels over all seconds."""

    setting: float
    bpp: float
    psnr: float
    psnr_yuv: float
    ms_ssim: float
    encode_mp_s: float
    decode_mp_s: float


@dataclass(frozen=True, slots=True)
class Result:
    """A codec's curve, measured here or published.

    complete: whether every setting has every image; only those that have make a mean.
    source: where a published curve comes from, empty where it was measured.
    """

    codec: str
    version: str
    means: tuple[Mean, ...]
    complete: bool = True
    source: str = ""

    def curve(self) -> Curve:
        """Rate against PSNR, points that no better one follows left out. Raises ValueError."""
        return hull([(m.bpp, m.psnr) for m in self.means])


def hull(points: list[tuple[float, float]]) -> Curve:
    """The points in rising order, less those that spend more bits for less quality."""
    kept: list[tuple[float, float]] = []
    for bpp, psnr in sorted(points):
        if not np.isfinite(psnr) or (kept and psnr <= kept[-1][1]) or (kept and bpp <= kept[-1][0]):
            continue
        kept.append((bpp, psnr))
    return Curve(tuple(b for b, _ in kept), tuple(q for _, q in kept))


def results(points: list[Point]) -> list[Result]:
    """One result for every codec and version, in the order in which they first appear."""
    images = {point.image_sha256 for point in points}
    groups: dict[tuple[str, str], dict[float, dict[str, Point]]] = defaultdict(
        lambda: defaultdict(dict)
    )
    for point in points:
        groups[point.codec, point.version][point.setting][point.image_sha256] = point
    found = []
    for (codec, version), settings in groups.items():
        full = {s: list(p.values()) for s, p in sorted(settings.items()) if p.keys() == images}
        means = tuple(_mean(setting, at) for setting, at in full.items())
        found.append(Result(codec, version, means, complete=len(full) == len(settings)))
    return found


def _mean(setting: float, points: list[Point]) -> Mean:
    pixels = sum(p.width * p.height for p in points) / 1e6

    def mean(name: str) -> float:
        return float(np.mean([getattr(p, name) for p in points]))

    return Mean(
        setting, mean("bpp"), mean("psnr"), mean("psnr_yuv"), mean("ms_ssim"),
        pixels / max(1e-9, sum(p.encode_s for p in points)),
        pixels / max(1e-9, sum(p.decode_s for p in points)),
    )  # fmt: skip


def published(path: Path = ANCHORS) -> list[Result]:
    """Curves of the literature, from the data beside this file."""
    entries: list[dict[str, Any]] = json.loads(path.read_text())["curves"]
    nothing = float("nan")
    return [
        Result(
            entry["codec"],
            entry["version"],
            tuple(
                Mean(i, b, q, nothing, nothing, nothing, nothing)
                for i, (b, q) in enumerate(zip(entry["bpp"], entry["psnr"], strict=True))
            ),
            source=entry["source"],
        )
        for entry in entries
    ]


@dataclass(frozen=True, slots=True)
class Report:
    """What results.json holds: the curves of one set of images, and the runs they come from."""

    data_sha256: str
    images: int
    runs: list[dict[str, Any]]
    codecs: list[Result]

    def with_others(self, earlier: Report) -> Report:
        """This, and the codecs that only an earlier report has, with the runs that measured them.

        Raises:
            ValueError: the earlier one is of other images.
        """
        if earlier.data_sha256 != self.data_sha256:
            raise ValueError(f"other curves: of other images ({earlier.data_sha256[:16]})")
        names = {result.codec for result in self.codecs}
        taken = [result for result in earlier.codecs if result.codec not in names]
        wanted = {result.codec for result in taken}
        runs = [run for run in earlier.runs if _measured(run, wanted)]
        return replace(self, runs=[*runs, *self.runs], codecs=[*self.codecs, *taken])


def _measured(run: dict[str, Any], codecs: set[str]) -> bool:
    """Whether a run may have measured one of the codecs: a command need not name any."""
    named = re.search(r"--codecs[ =](\S+)", str(run["command"]))
    return named is None or not codecs.isdisjoint(named[1].split(","))


def summarise(points: list[Point], runs: list[dict[str, Any]]) -> Report:
    """The report of measured points."""
    hashes = {point.image_sha256 for point in points}
    return Report(data_hash(hashes), len(hashes), runs, results(points))


def write_report(path: Path, report: Report) -> None:
    """results.json, which is kept; NaN becomes null."""

    def clean(value: Any) -> Any:
        return None if isinstance(value, float) and not np.isfinite(value) else value

    codecs = [
        {
            "codec": result.codec,
            "version": result.version,
            "complete": result.complete,
            "means": [{k: clean(v) for k, v in asdict(mean).items()} for mean in result.means],
        }
        for result in report.codecs
    ]
    told = {
        "data_sha256": report.data_sha256, "images": report.images, "runs": report.runs,
        "codecs": codecs,
    }  # fmt: skip
    path.write_text(json.dumps(told, indent=1) + "\n")


def read_report(path: Path) -> Report:
    """What `write_report` wrote. Raises ValueError, KeyError where it is something else."""
    nothing = float("nan")
    told = json.loads(path.read_text())
    codecs = [
        Result(
            entry["codec"],
            entry["version"],
            tuple(
                Mean(**{k: nothing if v is None else v for k, v in mean.items()})
                for mean in entry["means"]
            ),
            entry["complete"],
        )
        for entry in told["codecs"]
    ]
    return Report(told["data_sha256"], told["images"], told["runs"], codecs)


def deltas(anchor: Result, others: list[Result]) -> dict[tuple[str, str], Delta | str]:
    """BD figures against the anchor by codec and version, or why there are none."""
    found: dict[tuple[str, str], Delta | str] = {}
    for other in others:
        try:
            found[other.codec, other.version] = compare(anchor.curve(), other.curve())
        except ValueError as error:
            found[other.codec, other.version] = str(error)
    return found
