"""A description of a video, chunk by chunk, for people and for tests: what stands where?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from bitstream.video.limits import VideoLimits
from bitstream.video.packets import Packet
from bitstream.video.stream_reader import VideoStreamReader


@dataclass(frozen=True, slots=True)
class PacketInfo:
    """A chunk behind the header.

    Attributes:
        name: four letters: KEYF, FRAM, AUDI, INDX, TAIL, or such as ?xC0 of unknown ones.
        offset: of its first byte, from the magic.
        size: bytes of the whole chunk.
        packet: what it holds; None for all chunks but KEYF, FRAM and AUDI.
        number: of KEYF: frames before it; None otherwise.
    """

    name: str
    offset: int
    size: int
    packet: Packet | None
    number: int | None

    @property
    def overhead(self) -> int:
        """Bytes that are not payload of a packet."""
        return self.size - (0 if self.packet is None else len(self.packet.payload))


def inspect(
    source: BinaryIO | VideoStreamReader, limits: VideoLimits | None = None
) -> Iterator[PacketInfo]:
    """Describes the chunks behind the header one by one, in the order of the file.

    Args:
        source: a stream that stands at the magic, or a reader, also one that recovers.
        limits: what to accept of a stream; None is the default `VideoLimits()`.

    Raises:
        BitstreamError: something is wrong; what stands before it has been given by then.
    """
    reader = source if isinstance(source, VideoStreamReader) else VideoStreamReader(source, limits)
    for item in reader.items():
        chunk = item.chunk
        yield PacketInfo(chunk.name, chunk.offset, chunk.size, item.packet, item.number)
