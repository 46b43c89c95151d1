"""Which output a name asks for, and opening it.

out.y4m, -            Y4mSink        exact; no sound, no rotation, one rate
frames/%05d.png       ImageSink      RGB images, one a picture; no sound, no times
out.mkv               MuxSink        FFV1: exact; times in milliseconds
out.mp4, out.mov      MuxSink        H.264, near transparent; exact times
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

from codec.errors import OptionError
from codec.video.outputs import CONTAINERS, ImageSink, SinkOptions, VideoSink, Y4mSink
from codec.video.sequences import is_pattern

if TYPE_CHECKING:
    from bitstream.video import VideoHead

__all__ = ["FORMATS", "find_video_format", "open_sink"]

FORMATS = ("mp4", "mov", "mkv", "y4m", "images")

_SUFFIXES = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "mkv", ".y4m": "y4m"}


def find_video_format(name: str | None, format: str | None = None) -> str:
    """Which of `FORMATS` a name asks for.

    Args:
        name: of the output; None or "-" for a pipe.
        format: what the user said, or None.

    Raises:
        OptionError: it is not known, or the name does not suit it.
    """
    if format is not None:
        wanted = format.lower().removeprefix(".")
        if wanted not in FORMATS[:-1]:
            raise OptionError(
                f"no video format {format!r:.50}; choose among {', '.join(FORMATS[:-1])}"
            )
        return wanted
    if name is None or name == "-":
        return "y4m"
    if is_pattern(name):
        return "images"
    found = _SUFFIXES.get(os.path.splitext(name)[1].lower())
    if found is None:
        raise OptionError(
            f"{name!r} does not end like a video that is written: .mp4, .mov, .mkv, .y4m, or "
            f"images with a number: frames/%05d.png"
        )
    return found


def open_sink(target: str | BinaryIO, head: VideoHead, options: SinkOptions) -> VideoSink:
    """Opens an output.

    Args:
        target: a path, a pattern of paths, or a binary file object for y4m, mkv and mp4.
        head: of the video.
        options: how it is written.

    Raises:
        OptionError: the type is not known, or does not suit the target or the codec.
        UnsupportedVideo: the type cannot hold the sound.
        OutputExists, OutputError: as `atomic_write`.
    """
    format = find_video_format(target if isinstance(target, str) else None, options.format)
    if options.codec is not None and format not in CONTAINERS:
        raise OptionError(f"{format} has no choice of codecs (--output-codec)")
    if format == "y4m":
        return Y4mSink(target, head, options)
    if format == "images":
        assert isinstance(target, str)
        return ImageSink(target, head, options)
    from codec.video.sink import MuxSink

    return MuxSink(target, head, options, format)
