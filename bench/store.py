"""Measured points on disk: one JSON object a line, appended as they come, so that a run that was
stopped goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

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
    """One image at one setting of one codec; bench/README.md defines the numbers."""

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

    @property
    def key(self) -> Key:
        return Key(self.codec, self.version, self.setting, self.image_sha256)

    @property
    def bpp(self) -> float:
        """Bits per pixel, of every byte of the file."""
        return 8 * self.bytes / (self.width * self.height)


class Store:
    """Points of a file, read when opened.

    Raises:
        ValueError: a line is no point; a last line that was cut off is dropped, and overwritten.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.points: list[Point] = []
        content = path.read_bytes() if path.exists() else b""
        whole = content[: content.rfind(b"\n") + 1]
        for number, line in enumerate(whole.decode().splitlines(), 1):
            try:
                values = json.loads(line)
                values |= {k: v for k, v in _UNWRITABLE.items() if values[k] is None}
                self.points.append(Point(**values))
            except (ValueError, TypeError, KeyError) as error:
                raise ValueError(f"{path.name}, line {number}: not a point: {error}") from error
        if len(whole) < len(content):
            path.write_bytes(whole)

    def keys(self) -> set[Key]:
        """Of the points that are there."""
        return {point.key for point in self.points}

    def add(self, point: Point) -> None:
        """Append a point, at once on disk."""
        values = {
            k: None if isinstance(v, float) and not math.isfinite(v) else v
            for k, v in asdict(point).items()
        }
        with self._path.open("a") as file:
            file.write(json.dumps(values) + "\n")
        self.points.append(point)


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def data_hash(hashes: Iterable[str]) -> str:
    """SHA-256 of the sorted hashes of different files, in hexadecimal: names a set of images."""
    return hashlib.sha256("".join(sorted(set(hashes))).encode()).hexdigest()
