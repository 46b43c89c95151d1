"""A coder in the place of the real one: exact, fast, with pictures out of order.

Pictures are kept compressed by zlib. Where the level is below 60 the last bits of the samples are
dropped, so that fewer levels mean fewer bytes, a sixth of an octave a level.
"""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np

from bitstream.video import Chroma, FramePacket, VideoHead
from codec.errors import DamagedFile
from codec.video.options import VideoOptions
from codec.video.types import Planes, VideoFrame, chroma_size

__all__ = ["VideoDecoder", "VideoEncoder"]


class VideoEncoder:
    """Key frames at the interval; between them pairs of pictures, the later one first."""

    def __init__(self, head: VideoHead, options: VideoOptions) -> None:
        self._lowdelay = options.lowdelay
        self.head = replace(
            head, model_id=7, weights_hash=b"seen", reorder=0 if options.lowdelay else 1
        )
        self._level = options.base_level
        rate = head.frame_rate[0] / head.frame_rate[1] if head.frame_rate[0] else 25
        keyint = options.keyint
        self._keyint = round(2 * rate) if keyint is None else keyint or 10**9
        self._count = 0
        self._held: tuple[VideoFrame, int] | None = None

    def push(self, frame: VideoFrame, level: int | None = None) -> list[FramePacket]:
        self._level = self._level if level is None else level
        key = self._count % self._keyint == 0
        self._count += 1
        if key:
            return [*self._release(), self._packet(frame, self._level, key=True)]
        if self._lowdelay:
            return [self._packet(frame, self._level)]
        if self._held is None:
            self._held = frame, self._level
            return []
        return [self._packet(frame, self._level), *self._release()]

    def finish(self) -> list[FramePacket]:
        return self._release()

    def _release(self) -> list[FramePacket]:
        held, self._held = self._held, None
        return [] if held is None else [self._packet(*held)]

    def _packet(self, frame: VideoFrame, level: int, key: bool = False) -> FramePacket:
        data = b"".join(plane.tobytes() for plane in frame.planes)
        whole = zlib.compress(data)
        size = int(len(data) * 2 ** ((level - 60) / 6))  # what a coder of that level would take
        payload = whole + bytes(max(size - len(whole), 0))
        return FramePacket(
            key, level, () if key else (0,), 0 if key else None, frame.pts, frame.duration, payload
        )


class VideoDecoder:
    """Gives pictures as soon as none before them can follow."""

    decoded = 0
    """Pictures that all decoders have decoded; for tests of seeking."""

    def __init__(self, head: VideoHead, threads: int = 0) -> None:
        self._head = head
        self._waiting: list[VideoFrame] = []

    def decode(self, packet: FramePacket) -> list[VideoFrame]:
        VideoDecoder.decoded += 1
        self._waiting.append(VideoFrame(self._planes(packet.payload), packet.pts, packet.duration))
        self._waiting.sort(key=lambda frame: frame.pts)
        ready = []
        while len(self._waiting) > self._head.reorder:
            ready.append(self._waiting.pop(0))
        return ready

    def flush(self) -> list[VideoFrame]:
        ready, self._waiting = self._waiting, []
        return ready

    def reset(self) -> None:
        self._waiting = []

    def _planes(self, payload: bytes) -> Planes:
        try:
            data = zlib.decompressobj().decompress(payload)
        except zlib.error as error:
            raise DamagedFile(f"payload: {error}") from error
        head = self._head
        across, down = chroma_size(head.width, head.height, head.chroma == Chroma.YUV420)
        y, c = head.width * head.height, across * down
        flat = np.frombuffer(data, np.uint8)
        if flat.size != y + 2 * c:
            raise DamagedFile("payload of another size")
        return (
            flat[:y].reshape(head.height, head.width),
            flat[y : y + c].reshape(down, across),
            flat[y + c :].reshape(down, across),
        )
