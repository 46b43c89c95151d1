"""What the page plays: a clip, ours and peers at about equal bytes, as one film.

The versions lie below each other in one H.264 film, which a page cuts apart: so every browser shows
them at the same frame. Its loss is told beside it, it is far under those that are shown.
"""

from __future__ import annotations

import base64
import io
from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.video.clips import Clip, Plane, Planes, to_frame, to_planes
from bench.video.peers import Coded, VideoPeer
from bench.video.quality import compare

__all__ = ["Film", "Shown", "film", "near_bytes"]

CRF = 11
"""Of the film on the page."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A version of the clip: bytes None for the original, whose PSNR by frame is empty."""

    name: str
    bytes: int | None
    psnr: float
    by_frame: tuple[float, ...]

    @property
    def note(self) -> str:
        """Bytes and quality in words."""
        return "" if self.bytes is None else f"{self.bytes:,} bytes, {self.psnr:.2f} dB"


@dataclass(frozen=True, slots=True)
class Film:
    """Versions, from the top, each of `height` rows; the film as MP4; and the PSNR in dB of what
    it shows of the least faithful row.
    """

    clip: str
    width: int
    height: int
    rate: float
    versions: tuple[Shown, ...]
    data: bytes
    fidelity: float

    @property
    def uri(self) -> str:
        return "data:video/mp4;base64," + base64.b64encode(self.data).decode()


def film(clip: Clip, ours: VideoPeer, setting: float, peers: list[VideoPeer]) -> Film:
    """Ours at a setting, and each peer at its coarsest step that spends no fewer bytes.

    Raises:
        PeerFailed: a codec failed.
    """
    coded = ours.encode(clip, setting)
    found = [(f"{ours.name}, {setting:g}", ours, coded)]
    for peer in peers:
        step, other = near_bytes(peer, clip, coded.bytes)
        found.append((f"{peer.name}, {step:g}", peer, other))
    rows, shown = [clip.frames], [Shown("original", None, 0.0, ())]
    for name, peer, one in found:
        frames = peer.decode(one).frames
        quality = compare(clip.frames, frames)
        rows.append(frames)
        shown.append(Shown(name, one.bytes, quality.psnr, quality.by_frame))
    height = clip.size[1] + clip.size[1] % 2
    stacked = [_stack(planes) for planes in zip(*rows, strict=True)]
    data, fidelity = _mp4(clip, stacked, len(rows))
    return Film(
        clip.name, clip.size[0], height, float(clip.rate), tuple(shown), data, fidelity
    )  # fmt: skip


def near_bytes(peer: VideoPeer, clip: Clip, budget: int) -> tuple[float, Coded]:
    """The coarsest of the peer's steps that spends at least `budget` bytes, or its finest."""
    tried: dict[float, Coded] = {}

    def spent(step: float) -> int:
        tried[step] = peer.encode(clip, step)
        return tried[step].bytes

    steps = peer.steps
    step = steps[min(bisect_left(steps, budget, key=spent), len(steps) - 1)]
    return step, tried.get(step) or peer.encode(clip, step)


def _stack(rows: tuple[Planes, ...]) -> Planes:
    """Pictures below each other, their sides made even by their edges."""
    y, u, v = (np.concatenate([_even(row, n) for row in rows]) for n in range(3))
    return y, u, v


def _even(planes: Planes, number: int) -> Plane:
    height, width = planes[0].shape
    plane = planes[number]
    if number:
        return plane
    return np.pad(plane, ((0, height % 2), (0, width % 2)), "edge")


def _mp4(clip: Clip, frames: list[Planes], rows: int) -> tuple[bytes, float]:
    """The film, and the least PSNR that a row of it has."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        options = {"crf": str(CRF), "preset": "slow", "threads": "1"}
        stream: Any = container.add_stream("libx264", rate=clip.rate, options=options)
        stream.height, stream.width = frames[0][0].shape
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.colorspace, context.color_primaries, context.color_trc, context.color_range = (
            clip.colour
        )
        context.gop_size = 12
        for number, planes in enumerate(frames):
            frame = to_frame(planes, number)
            frame.time_base = 1 / clip.rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    file.seek(0)
    with av.open(file, "r") as made:
        seen = [to_planes(frame) for frame in made.decode(video=0)]
    least = min(
        compare([_row(p, n, rows) for p in frames], [_row(p, n, rows) for p in seen]).psnr
        for n in range(rows)
    )
    return file.getvalue(), least


def _row(planes: Planes, number: int, rows: int) -> Planes:
    """One version of a stacked picture."""
    y, u, v = (np.split(plane, rows)[number] for plane in planes)
    return y, u, v
