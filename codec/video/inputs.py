"""Where pictures and sound come from: what all sources share.

A source gives pictures in the order in which they are shown, and sound between them as it lies in
the file. Memory does not grow with the length.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Self

from codec.options import Limits

if TYPE_CHECKING:
    from bitstream.video import AudioPacket, VideoHead
    from codec.video.types import VideoFrame

__all__ = ["SourceOptions", "VideoSource"]


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """How an input is read.

    Args:
        rate: pictures a second, of sequences of images; 25 by default.
        subsampled: whether RGB becomes 4:2:0; otherwise 4:4:4.
        audio: whether sound is taken.
        ignore_alpha: whether transparency is dropped; otherwise it is refused.
        recover: whether a damaged source ends where the damage is, instead of with an error.
        start: seconds; what is before is left out.
        duration: seconds of what is taken.
        limits: the largest picture taken.
    """

    rate: Fraction | None = None
    subsampled: bool = False
    audio: bool = True
    ignore_alpha: bool = False
    recover: bool = False
    start: Fraction | None = None
    duration: Fraction | None = None
    limits: Limits = field(default_factory=Limits)


class VideoSource(ABC):
    """Pictures and sound of one input.

    Attributes:
        head: what the video is; the ids and hashes of its models are empty.
        frames: number of pictures if the input states it, else None.
        notes: what is worth telling the user: what was left out, or taken in spite of damage.
    """

    def __init__(self, head: VideoHead, frames: int | None = None) -> None:
        self.head = head
        self.frames = frames
        self.notes: list[str] = []

    @abstractmethod
    def __iter__(self) -> Iterator[VideoFrame | AudioPacket]:
        """Pictures in the order of their times, and packets of sound; once.

        Raises:
            UnreadableVideo: the input is damaged, has no pictures, or its times go backwards.
            UnsupportedVideo: a later picture is of another size or kind.
        """

    def close(self) -> None:  # noqa: B027
        """Closes what was opened."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
