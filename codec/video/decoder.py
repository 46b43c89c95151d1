"""VideoDecoder: packets in the order of coding to pictures in the order of showing.

Decisions of a frame are one chain, its samples are not: while the samples of a frame are made, on
all threads, one more thread reads the decisions of the next.
"""

from __future__ import annotations

import heapq
import threading
from itertools import count
from typing import TYPE_CHECKING

from codec.errors import InvalidStructure
from codec.video.coder import FrameCoder, Parsed
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
        self._pending: tuple[FramePacket, Parsed] | None = None
        self._order = count()
        self._started = False

    def decode(self, packet: FramePacket) -> list[VideoFrame]:
        """Decodes a packet; returns the pictures that no later packet can come before.

        Raises:
            CodecError, EntropyCodingError: the packet is damaged, or does not begin at a key frame.
        """
        if not packet.key and not self._started:
            raise InvalidStructure("a video is decoded from a key frame on")
        self._started = True
        parsed = self._parse_beside(packet)
        frames = self._all() if packet.key else self._early()
        self._pending = packet, parsed
        return frames

    def flush(self) -> list[VideoFrame]:
        """The pictures that wait, in the order of showing: no packet follows, or a key frame.

        Raises:
            EntropyCodingError: the last packet is damaged; what lies before it comes with the next
                call.
        """
        self._reconstruct()
        return self._all()

    def _parse_beside(self, packet: FramePacket) -> Parsed:
        """Parses a packet while the one before it is reconstructed."""
        if self._pending is None:
            return self._coder.parse(packet.payload, packet.references, packet.slot)
        found: list[Parsed] = []
        failed: list[BaseException] = []

        def parse() -> None:
            try:
                found.append(self._coder.parse(packet.payload, packet.references, packet.slot))
            except BaseException as error:
                failed.append(error)

        thread = threading.Thread(target=parse, name="codec-parse")
        thread.start()
        try:
            self._reconstruct()
        finally:
            thread.join()
        if failed:
            raise failed[0]
        return found[0]

    def _reconstruct(self) -> None:
        """Makes the picture of the packet that is parsed."""
        if self._pending is None:
            return
        (packet, parsed), self._pending = self._pending, None
        planes = self._coder.reconstruct(parsed)
        frame = VideoFrame(planes, packet.pts, packet.duration)
        heapq.heappush(self._waiting, (packet.pts, next(self._order), frame))

    def _early(self) -> list[VideoFrame]:
        """The pictures that no later packet can come before; one packet is still parsed."""
        frames = []
        while len(self._waiting) > self._reorder:
            frames.append(heapq.heappop(self._waiting)[2])
        return frames

    def _all(self) -> list[VideoFrame]:
        frames = []
        while self._waiting:
            frames.append(heapq.heappop(self._waiting)[2])
        return frames

    def reset(self) -> None:
        """Forgets all that was decoded, before a seek."""
        self._waiting.clear()
        self._pending = None
        self._started = False
