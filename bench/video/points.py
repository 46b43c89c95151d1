"""Measured points of clips in one JSON file: by clip, by codec, finest setting first.

    {"runs": [...], "clips": {"parkour": {"frames": 48, "width": 432, "height": 240, "rate": "24",
     "sha256": "...", "codecs": {"x264-medium": {"version": "...", "points": [{...}]}}}}}

A plain {clip: {codec: [{"bpp": ..., "psnr": ...}]}} is read as well.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from bench.video.clips import Clip

__all__ = ["Book", "Point", "load_points"]


@dataclass(frozen=True, slots=True)
class Point:
    """A clip coded at one setting.

    Attributes:
        bpp: 8 x `bytes` / luma samples of all frames.
        psnr: (6 Y + U + V) / 8 in dB, mean over frames; `y`, `u`, `v` those of the planes.
        setting: QP, CRF or quality.
        bytes: that count; `header`, `text`: those that do not (see `bench.video.peers`).
        enc_fps, dec_fps: frames a second.
        psnr_by_frame: (6 Y + U + V) / 8.
        ms_ssim: of luma, where it was asked for.
    """

    bpp: float
    psnr: float
    setting: float = 0.0
    bytes: int = 0
    header: int = 0
    text: int = 0
    y: float = 0.0
    u: float = 0.0
    v: float = 0.0
    enc_fps: float = 0.0
    dec_fps: float = 0.0
    ms_ssim: float | None = None
    psnr_by_frame: tuple[float, ...] = ()


_FIELDS = {field.name for field in fields(Point)}


def _point(given: dict[str, Any]) -> Point:
    known = {name: value for name, value in given.items() if name in _FIELDS}
    return Point(**known | {"psnr_by_frame": tuple(known.get("psnr_by_frame", ()))})


class Book:
    """The file of points: read where it is there, written after every codec of a clip.

    Raises:
        ValueError: the file is no file of points.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._told: dict[str, Any] = {"runs": [], "clips": {}}
        if path.exists():
            told = json.loads(path.read_text())
            if "clips" not in told:
                raise ValueError(f"{path.name}: no file of measured points")
            self._told = told

    @property
    def clips(self) -> dict[str, Any]:
        return dict(self._told["clips"])

    def add_run(self, run: dict[str, Any]) -> None:
        """How the points that follow came to be."""
        self._told["runs"].append(run)

    def has(self, clip: Clip, codec: str) -> bool:
        """Whether the codec's points of this clip are there.

        Raises:
            ValueError: they are of another clip of the same name, or of other frames.
        """
        kept = self._told["clips"].get(clip.name)
        if kept is None:
            return False
        found = (kept["frames"], kept["sha256"])
        if found != (len(clip.frames), clip.sha256):
            raise ValueError(
                f"{self.path.name} has {kept['frames']} frames of another {clip.name}"
                if kept["sha256"] != clip.sha256
                else f"{self.path.name} has {kept['frames']} frames of {clip.name}, "
                f"not {len(clip.frames)}: give another file"
            )
        return codec in kept["codecs"]

    def put(self, clip: Clip, codec: str, version: str, points: list[Point]) -> None:
        """Keep the points of a codec in place of those that were there, and write the file."""
        width, height = clip.size
        entry = self._told["clips"].setdefault(clip.name, {
            "frames": len(clip.frames), "width": width, "height": height, "rate": str(clip.rate),
            "sha256": clip.sha256, "codecs": {},
        })  # fmt: skip
        rows = [{k: v for k, v in asdict(point).items() if v is not None} for point in points]
        entry["codecs"][codec] = {"version": version, "points": rows}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_name(self.path.name + ".part")
        part.write_text(_text(self._told))
        os.replace(part, self.path)

    def points(self) -> dict[str, dict[str, list[Point]]]:
        """codec -> clip -> points."""
        return _by_codec({
            clip: {codec: entry["points"] for codec, entry in kept["codecs"].items()}
            for clip, kept in self._told["clips"].items()
        })  # fmt: skip


def load_points(path: Path) -> dict[str, dict[str, list[Point]]]:
    """codec -> clip -> points of a file of either form.

    Raises:
        ValueError: the file has neither.
    """
    told = json.loads(path.read_text())
    if "clips" in told:
        return Book(path).points()
    try:
        return _by_codec(told)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{path.name}: no file of measured points") from error


def _by_codec(
    clips: dict[str, dict[str, list[dict[str, Any]]]],
) -> dict[str, dict[str, list[Point]]]:
    found: dict[str, dict[str, list[Point]]] = {}
    for clip, codecs in clips.items():
        for codec, points in codecs.items():
            found.setdefault(codec, {})[clip] = [_point(point) for point in points]
    return found


def _text(told: dict[str, Any]) -> str:
    """JSON with one point a line."""
    rows: dict[str, str] = {}

    def mark(value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: mark(inner, key) for key, inner in value.items()}
        if name != "points":
            return value
        marks = [f"point {len(rows) + number}" for number in range(len(value))]
        rows.update(zip(marks, map(json.dumps, value), strict=True))
        return marks

    text = json.dumps(mark(told), indent=1)
    return re.sub(r'"(point \d+)"', lambda found: rows[found.group(1)], text) + "\n"
