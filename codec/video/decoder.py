"""VideoDecoder: packets in the order of coding to pictures in the order of showing."""

from __future__ import annotations

import heapq
from itertools import count
from typing import TYPE_CHECKING

from codec.errors import InvalidStructure
from codec.video.coder import FrameCoder
from codec.video.types import VideoFrame

if TYPE_CHECKING:
    from bitstream.video import FramePacket, VideoHead

__all__ = ["VideoDecoder"]


class VideoDecoder:
    """Decodes a video from a key frame on.

    Args:
        head: of the video.
        threads: 0 for all processors.

    Raises:
        UnknownModel, WeightsMismatch: as `FrameCoder`.
    """

    def __init__(self, head: VideoHead, threads: int = 0) -> None:
        self._coder = FrameCoder(head, threads)
        self._reorder = head.reorder
        self._waiting: list[tuple[int, int, VideoFrame]] = []
        self._order = count()
        self._started = False

    def decode(self, packet: FramePacket) -> list[VideoFrame]:
        """Decodes a packet; returns the pictures that no later packet can come before.

        Raises:
            CodecError, EntropyCodingError: the packet is damaged, or does not begin at a key frame.
        """
        if not packet.key and not self._started:
            raise InvalidStructure("a video is decoded from a key frame on")
        frames = self.flush() if packet.key else []
        planes = self._coder.decode(packet.payload, packet.references, packet.slot)
        self._started = True
        frame = VideoFrame(planes, packet.pts, packet.duration)
        heapq.heappush(self._waiting, (packet.pts, next(self._order), frame))
        while len(self._waiting) > self._reorder:
            frames.append(heapq.heappop(self._waiting)[2])
        return frames

    def flush(self) -> list[VideoFrame]:
        """The pictures that wait, in the order of showing: there is no later packet, or a key frame."""
        frames = []
        while self._waiting:
            frames.append(heapq.heappop(self._waiting)[2])
        return frames

    def reset(self) -> None:
        """Forgets all that was decoded, before a seek."""
        self._waiting.clear()
        self._started = False
