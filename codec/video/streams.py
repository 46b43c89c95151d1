"""Opening files of ours as streams of packets, within limits. Needs no NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from codec.errors import translated
from codec.options import Limits

if TYPE_CHECKING:
    from bitstream.video import VideoLimits, VideoStreamReader

__all__ = ["open_stream", "video_limits"]


def video_limits(limits: Limits) -> VideoLimits:
    """The limits of the container; where those of pictures are the usual ones, so are they."""
    from bitstream.video import VideoLimits

    usual, given = VideoLimits(), {}
    for name in ("max_pixels", "max_dimension"):
        value = getattr(limits, name)
        given[name] = getattr(usual, name) if value == getattr(Limits(), name) else value
    return VideoLimits(**given)


def open_stream(
    file: BinaryIO, limits: Limits | None = None, *, recover: bool = False
) -> VideoStreamReader:
    """Reads the header of a file.

    Raises:
        CodecError: it is not one of ours, or over a limit.
    """
    from bitstream.video import VideoStreamReader

    with translated():
        return VideoStreamReader(file, video_limits(limits or Limits()), recover=recover)
