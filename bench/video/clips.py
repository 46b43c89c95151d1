"""Lossless clips as planes of 8 bits, 4:2:0, and back into PyAV's frames and Y4M."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.images import NoImages
from bench.store import file_hash

__all__ = ["Clip", "Planes", "clip_files", "read_clip", "read_planes", "to_frame", "to_planes"]

Plane = NDArray[np.uint8]
Planes = tuple[Plane, Plane, Plane]
"""Y (h, w), U and V (ceil(h/2), ceil(w/2))."""
_SUFFIXES = {".mkv", ".mp4", ".y4m", ".avi", ".mov", ".webm"}


@dataclass(frozen=True, slots=True)
class Clip:
    """Frames of a file, in the order in which they are shown.

    Attributes:
        path: the file that was read.
        rate: frames a second.
        colour: matrix, primaries, transfer and range, ffmpeg's numbers, as the file has them.
        whole: whether `frames` are all of the file's.
        sha256: of the file.
    """

    path: Path
    frames: list[Planes]
    rate: Fraction
    colour: tuple[int, int, int, int]
    whole: bool
    sha256: str

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in luma samples."""
        height, width = self.frames[0][0].shape
        return width, height

    @property
    def pixels(self) -> int:
        """Luma samples of all frames."""
        width, height = self.size
        return width * height * len(self.frames)


def clip_files(places: list[Path]) -> list[Path]:
    """Files that were named, and those in the folders that were named, in order.

    Raises:
        NoImages: there are none.
    """
    found = []
    for place in places:
        if place.is_dir():
            found += sorted(file for file in place.iterdir() if file.suffix.lower() in _SUFFIXES)
        else:
            found.append(place)
    if not found:
        raise NoImages(f"no clip in {', '.join(map(str, places))}")
    return found


def read_clip(path: Path, frames: int | None = None) -> Clip:
    """A clip, or its first `frames` frames.

    Raises:
        ValueError: no video, or not 4:2:0 of 8 bits.
    """
    import av

    with av.open(str(path)) as container:
        if not container.streams.video:
            raise ValueError(f"{path.name}: no video in it")
        stream = container.streams.video[0]
        context = stream.codec_context
        if context.pix_fmt not in ("yuv420p", "yuvj420p"):
            raise ValueError(f"{path.name}: 8 bits and 4:2:0 expected, found {context.pix_fmt}")
        rate = Fraction(stream.average_rate or 25)
        colour = (
            int(context.colorspace), int(context.color_primaries), int(context.color_trc),
            int(context.color_range),
        )  # fmt: skip
        kept: list[Planes] = []
        whole = True
        for frame in container.decode(video=0):
            if len(kept) == frames:
                whole = False
                break
            kept.append(to_planes(frame))
    if not kept:
        raise ValueError(f"{path.name}: no frame in it")
    return Clip(path, kept, rate, colour, whole, file_hash(path))


def read_planes(path: Path) -> list[Planes]:
    """All frames of a file, for what a decoder wrote."""
    import av

    with av.open(str(path)) as container:
        return [to_planes(frame) for frame in container.decode(video=0)]


def to_planes(frame: Any) -> Planes:
    """The samples of a frame of PyAV's, copied. Raises ValueError where it is not 4:2:0, 8 bits."""
    if frame.format.name not in ("yuv420p", "yuvj420p"):
        raise ValueError(f"8 bits and 4:2:0 expected, found {frame.format.name}")
    y, u, v = (
        np.frombuffer(bytes(p), np.uint8).reshape(-1, p.line_size)[: p.height, : p.width].copy()
        for p in frame.planes
    )
    return y, u, v


def to_frame(planes: Planes, number: int = 0) -> Any:
    """A frame of PyAV's with its number as time."""
    import av

    height, width = planes[0].shape
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane, values in zip(frame.planes, planes, strict=True):
        rows = np.zeros((plane.height, plane.line_size), np.uint8)
        rows[:, : plane.width] = values
        plane.update(rows.tobytes())
    frame.pts = number
    return frame
