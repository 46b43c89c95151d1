"""Where decoded pictures and sound go: what all outputs share, and those that need no PyAV.

A file gets its name when it is complete; images of a run that is stopped are removed.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, BinaryIO, Self

from codec.image.atomic import atomic_write, check_target
from codec.video.color import rgb_of
from codec.video.sequences import name_of
from codec.video.types import VideoFrame
from codec.video.y4m import Y4mWriter

if TYPE_CHECKING:
    from bitstream.video import AudioPacket, VideoHead

__all__ = ["CONTAINERS", "ImageSink", "SinkOptions", "VideoSink", "Y4mSink"]

CONTAINERS = {"mp4": "mp4", "mov": "mov", "mkv": "matroska"}
"""Types of files with sound, and PyAV's names of them."""

_USUAL_RATE = Fraction(25)


@dataclass(frozen=True, slots=True)
class SinkOptions:
    """How an output is written.

    Args:
        format: mp4, mov, mkv or y4m; None: from the name.
        codec: "h264", or "ffv1" for mkv; None: ffv1 for mkv, else h264.
        quality: 1..100 of h264 and of jpg and webp images; 100 is lossless with h264 and webp.
        audio: whether sound is written where the type holds it.
        rate: pictures a second, for types that have one rate; None: that of the video.
        force: whether what is there may be replaced.
    """

    format: str | None = None
    codec: str | None = None
    quality: int = 95
    audio: bool = True
    rate: Fraction | None = None
    force: bool = False


class VideoSink(ABC):
    """An output. As a context it is completed at the end, or removed after an exception.

    Attributes:
        notes: what is worth telling the user: what the type does not hold.
    """

    def __init__(self) -> None:
        self.notes: list[str] = []
        self._stack = ExitStack()

    @abstractmethod
    def write(self, frame: VideoFrame) -> None:
        """Writes the next picture in the order in which they are shown."""

    def write_audio(self, packet: AudioPacket) -> None:  # noqa: B027
        """Writes a packet of sound, if the output holds sound."""

    def finish(self) -> None:  # noqa: B027
        """Writes what is left."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            if kind is None:
                self.finish()
        except BaseException as error:
            self._stack.__exit__(type(error), error, error.__traceback__)
            raise
        self._stack.__exit__(kind, *rest)  # type: ignore[arg-type]

    def _open(self, target: str | BinaryIO, force: bool) -> BinaryIO:
        """The file of a target that is complete or absent; a file object as it is."""
        if not isinstance(target, str):
            return target
        return self._stack.enter_context(atomic_write(target, force=force))


class Y4mSink(VideoSink):
    """Uncompressed pictures; see `codec.video.y4m`."""

    def __init__(self, target: str | BinaryIO, head: VideoHead, options: SinkOptions) -> None:
        super().__init__()
        rate = options.rate or _rate_of(head)
        self._file = self._open(target, options.force)
        try:
            self._writer = Y4mWriter(self._file, head, rate)
        except BaseException as error:
            self._stack.__exit__(type(error), error, error.__traceback__)
            raise
        self._step = 1 / rate / Fraction(*head.time_base)
        self._last: int | None = None
        if head.tracks and options.audio:
            self.notes.append("y4m holds no sound: it is left out")
        if head.rotation:
            self.notes.append(f"y4m holds no rotation: players turn it by {head.rotation} degrees")

    def write(self, frame: VideoFrame) -> None:
        if self._last is not None and abs(frame.pts - self._last - self._step) > 1:
            self._uneven()
        self._last = frame.pts
        self._writer.write(frame.planes)

    def _uneven(self) -> None:
        note = "y4m has one rate: the uneven times of the pictures are not kept"
        if note not in self.notes:
            self.notes.append(note)

    def finish(self) -> None:
        self._file.flush()


class ImageSink(VideoSink):
    """Images with numbers from 1."""

    def __init__(self, pattern: str, head: VideoHead, options: SinkOptions) -> None:
        from codec.image.writing import find_format

        super().__init__()
        self._pattern, self._head, self._options = pattern, head, options
        self._format = find_format(pattern)
        self._format.check(head.width, head.height, alpha=False)
        check_target(name_of(pattern, 1), force=options.force)
        self._written: list[str] = []
        if head.tracks and options.audio:
            self.notes.append("images hold no sound: it is left out")
        if head.rotation:
            self.notes.append(
                f"images are not turned: players turn them by {head.rotation} degrees"
            )

    def write(self, frame: VideoFrame) -> None:
        from codec.image.picture import Picture
        from codec.image.writing import image_bytes

        rgb = rgb_of(frame.planes, matrix=self._head.matrix, full_range=self._head.full_range)
        name = name_of(self._pattern, len(self._written) + 1)
        data = image_bytes(Picture.from_numpy(rgb), self._format, quality=self._options.quality)
        with atomic_write(name, force=self._options.force) as file:
            file.write(data)
        self._written.append(name)

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is not None:
            for name in self._written:
                os.unlink(name)
        super().__exit__(kind, *rest)


def _rate_of(head: VideoHead) -> Fraction:
    rate = Fraction(*head.frame_rate)
    return rate if rate > 0 else _USUAL_RATE
