"""Measured points on disk: one JSON object a line, appended as they come, so that a run that was
stopped goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Key", "Point", "Store", "data_hash", "file_hash"]


class Key(NamedTuple):
    """What makes two measurements the same one."""

    codec: str
    version: str
    setting: float
    image_sha256: str


_UNWRITABLE = {"psnr": math.inf, "psnr_yuv": math.inf, "ms_ssim": math.nan}
"""What null stands for in a file: JSON has no infinity."""


@dataclass(frozen=True, slots=True)
class Point:
    """One image at one setting of one codec; bench/README.md defines the numbers.

    metrics: those that were asked for beyond the first three, by name, NaN where one is not defined
        for the image. Absent from a file where there are none.
    """

    codec: str
    version: str
    setting: float
    image: str
    image_sha256: str
    width: int
    height: int
    bytes: int
    psnr: float
    psnr_yuv: float
    ms_ssim: float
    encode_s: float
    decode_s: float
    metrics: dict[str, float] = field(default_factory=dict, hash=False)

    @property
    def key(self) -> Key:
        return Key(self.codec, self.version, self.setting, self.image_sha256)

    @property
    def bpp(self) -> float:
        """Bits per pixel, of every byte of the file."""
        return 8 * self.bytes / (self.width * self.height)


class Store:
    """Points of a file, read when opened. A later line about the same measurement replaces the
    earlier one.

    Raises:
        ValueError: a line is no point; a last line that was cut off is dropped, and overwritten.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._points: dict[Key, Point] = {}
        content = path.read_bytes() if path.exists() else b""
        whole = content[: content.rfind(b"\n") + 1]
        for number, line in enumerate(whole.decode().splitlines(), 1):
            try:
                values = json.loads(line)
                values |= {k: v for k, v in _UNWRITABLE.items() if values[k] is None}
                self._keep(Point(**values | {"metrics": _read(values.get("metrics", {}))}))
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise ValueError(f"{path.name}, line {number}: not a point: {error}") from error
        if len(whole) < len(content):
            path.write_bytes(whole)

    @property
    def points(self) -> list[Point]:
        """In the order in which they were first measured."""
        return list(self._points.values())

    def keys(self, metrics: Iterable[str] = ()) -> set[Key]:
        """Of the points that are there, and have these metrics."""
        wanted = set(metrics)
        return {key for key, point in self._points.items() if wanted <= point.metrics.keys()}

    def _keep(self, point: Point) -> None:
        """A point that is measured again keeps the metrics that were not."""
        earlier = self._points.get(point.key)
        if earlier is not None:
            point = replace(point, metrics=earlier.metrics | point.metrics)
        self._points[point.key] = point

    def add(self, point: Point) -> None:
        """Append a point, at once on disk."""
        self._keep(point)
        values = _written(asdict(self._points[point.key]))
        values["metrics"] = _written(values["metrics"])
        if not values["metrics"]:
            del values["metrics"]
        with self._path.open("a") as file:
            file.write(json.dumps(values) + "\n")


def _written(values: dict[str, Any]) -> dict[str, Any]:
    """Null for what JSON has no number for."""
    return {
        k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in values.items()
    }


def _read(metrics: dict[str, float | None]) -> dict[str, float]:
    return {name: math.nan if value is None else value for name, value in metrics.items()}


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def data_hash(hashes: Iterable[str]) -> str:
    """SHA-256 of the sorted hashes of different files, in hexadecimal: names a set of images."""
    return hashlib.sha256("".join(sorted(set(hashes))).encode()).hexdigest()
