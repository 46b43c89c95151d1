"""Decoding a file completely, and measuring it against its source."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from codec.errors import OptionError
from codec.options import Limits
from codec.video.decoding import played
from codec.video.streams import open_stream
from codec.video.types import Planes, VideoFrame

if TYPE_CHECKING:
    from bitstream.video import AudioPacket, VideoHead
    from codec.video.inputs import VideoSource

__all__ = ["VideoVerification", "verify_video"]

_CAP = 100.0
"""dB of planes that are equal, in the mean over pictures."""


@dataclass(slots=True)
class VideoVerification:
    """What came of decoding a file completely.

    Attributes:
        width, height: in luma samples.
        frames: number of pictures.
        duration: from the first to the end of the last, in seconds.
        digest: SHA-256 of all samples: Y, U, V of each picture in the order of display. The same
            on every machine.
        identical: whether every sample equals the source; None without a source, as all below.
        psnr_y, psnr_u, psnr_v: dB, mean over the pictures; 100 for planes that are equal.
        psnr: (6 Y + U + V) / 8 of these.
        worst: the least such value of a picture, and `worst_frame` its number.
        times_identical: whether every picture has its time.
        audio_identical: whether all packets of sound are the same; None if there are none.
    """

    width: int
    height: int
    frames: int
    duration: float
    digest: str
    identical: bool | None = None
    psnr_y: float | None = None
    psnr_u: float | None = None
    psnr_v: float | None = None
    psnr: float | None = None
    worst: float | None = None
    worst_frame: int | None = None
    times_identical: bool | None = None
    audio_identical: bool | None = None


def verify_video(
    file: BinaryIO,
    source: VideoSource | None = None,
    *,
    threads: int = 0,
    limits: Limits | None = None,
    progress: Callable[[int], None] | None = None,
) -> VideoVerification:
    """Decodes a file and compares it with its source, picture by picture.

    Args:
        file: stands at the start; need not be seekable.
        source: what it was made from, or None.
        threads: see `VideoDecoder`.
        limits: the largest picture taken.
        progress: is told how many pictures are done.

    Raises:
        CodecError: the file does not decode, or the source cannot be read.
        OptionError: the source has another size, kind or number of pictures.
    """
    reader = open_stream(file, limits)
    head = reader.head
    if source is not None:
        _check_same_kind(head, source.head)
    sums, sounds = hashlib.sha256(), hashlib.sha256()
    theirs = None if source is None else _Pictures(source)
    measured = _Measured()
    count = heard = begin = end = 0
    times = True
    ticks = Fraction(*head.time_base)
    for item in played(reader, threads=threads):
        if not isinstance(item, VideoFrame):
            heard += 1
            _hash_sound(sounds, item)
            continue
        for plane in item.planes:
            sums.update(np.ascontiguousarray(plane).data)
        if theirs is not None:
            other = next(theirs.frames, None)
            if other is None:
                raise OptionError(f"the source has {count} pictures, the file more")
            measured.add(other.planes, item.planes)
            times &= other.pts * Fraction(*theirs.source.head.time_base) == item.pts * ticks
        begin = item.pts if count == 0 else begin
        end = max(end, item.pts + item.duration)
        count += 1
        if progress is not None:
            progress(count)
    found = VideoVerification(
        head.width, head.height, count, float((end - begin) * ticks), sums.hexdigest()
    )
    if theirs is not None:
        if next(theirs.frames, None) is not None:
            raise OptionError(f"the file has {count} pictures, the source more")
        measured.state(found)
        found.times_identical = times
        if head.tracks or theirs.heard:
            found.audio_identical = heard == theirs.heard and (
                sounds.digest() == theirs.sounds.digest()
            )
    return found


class _Pictures:
    """The pictures of a source, its sound summed up beside them."""

    def __init__(self, source: VideoSource) -> None:
        self.source = source
        self.heard = 0
        self._tracks = [hashlib.sha256() for _ in source.head.tracks]
        self.sounds = hashlib.sha256()
        self.frames = self._pictures()

    def _pictures(self) -> Iterator[VideoFrame]:
        for item in self.source:
            if isinstance(item, VideoFrame):
                yield item
            else:
                self.heard += 1
                _hash_sound(self.sounds, item)


class _Measured:
    """PSNR of each plane, summed over pictures."""

    def __init__(self) -> None:
        self._sums = [0.0, 0.0, 0.0]
        self._count = 0
        self._equal = True
        self._worst, self._worst_frame = math.inf, 0

    def add(self, source: Planes, decoded: Planes) -> None:
        values = []
        for a, b in zip(source, decoded, strict=True):
            difference = a.astype(np.int16) - b
            squares = int(np.square(difference, dtype=np.int32).sum(dtype=np.int64))
            self._equal &= squares == 0
            value = 10 * math.log10(255 * 255 * a.size / squares) if squares else _CAP
            values.append(min(value, _CAP))
        for n, value in enumerate(values):
            self._sums[n] += value
        mixed = (6 * values[0] + values[1] + values[2]) / 8
        if mixed < self._worst:
            self._worst, self._worst_frame = mixed, self._count
        self._count += 1

    def state(self, found: VideoVerification) -> None:
        """Writes the means down."""
        found.identical = self._equal
        y, u, v = (total / self._count for total in self._sums)
        found.psnr_y, found.psnr_u, found.psnr_v = y, u, v
        found.psnr = (6 * y + u + v) / 8
        found.worst, found.worst_frame = self._worst, self._worst_frame


def _hash_sound(sums: hashlib._Hash, packet: AudioPacket) -> None:
    sums.update(f"{packet.track} {packet.pts} {len(packet.payload)} ".encode())
    sums.update(packet.payload)


def _check_same_kind(head: VideoHead, source: VideoHead) -> None:
    for name, ours, theirs in (
        ("size", (head.width, head.height), (source.width, source.height)),
        ("chroma", head.chroma.name, source.chroma.name),
        ("range", head.full_range, source.full_range),
    ):
        if ours != theirs:
            raise OptionError(
                f"the source has {name} {theirs}, the file {ours}: not the same video"
            )
