"""What a video file says about itself, without decoding it; every checksum is verified.

Standard library only: no NumPy, no weights.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, BinaryIO

from codec.errors import CodecError, convert, translated
from codec.options import Limits

if TYPE_CHECKING:
    from bitstream.video import PacketInfo, VideoHead

__all__ = ["TrackInfo", "VideoInfo", "describe"]

_CHROMA = ("4:2:0", "4:4:4")
_MATRICES = {1: "BT.709", 5: "BT.601", 6: "BT.601"}


@dataclass(slots=True)
class TrackInfo:
    """A track of sound: its codec, what it holds, and how much of the file it takes."""

    codec: str
    sample_rate: int
    channels: int
    layout: str
    language: str
    packets: int = 0
    bytes: int = 0


@dataclass(slots=True)
class VideoInfo:
    """What a file says about itself.

    Attributes:
        width, height: in luma samples, not turned.
        chroma: "4:2:0" or "4:4:4".
        matrix: "BT.709" or "BT.601".
        full_range: whether samples use 0..255.
        rotation: degrees clockwise that a player turns the picture.
        aspect: width and height of a sample.
        time_base: seconds a tick.
        frame_rate: nominal, None if variable or unknown.
        frames, key_frames: their numbers.
        longest_gop: pictures from one key frame to the next, at most.
        duration: from the first picture to the end of the last, in seconds.
        bytes: of the file.
        frame_bytes: of the pictures with their framing.
        bitrate: of the file without sound, in bits a second.
        bpp: bits a pixel of the same.
        levels: pictures by level.
        reorder: how many pictures a decoder holds back.
        model_id, weights_hash, inter_id, inter_hash: the models it was made with.
        tracks: of sound.
        problem: the first thing that is wrong, or None.
    """

    width: int
    height: int
    chroma: str
    matrix: str
    full_range: bool
    rotation: int
    aspect: tuple[int, int]
    time_base: tuple[int, int]
    frame_rate: float | None
    reorder: int
    model_id: int
    weights_hash: str
    inter_id: int
    inter_hash: str
    frames: int = 0
    key_frames: int = 0
    longest_gop: int = 0
    duration: float = 0.0
    bytes: int = 0
    frame_bytes: int = 0
    bitrate: float = 0.0
    bpp: float = 0.0
    levels: dict[int, int] = field(default_factory=dict)
    tracks: list[TrackInfo] = field(default_factory=list)
    problem: CodecError | None = None

    def as_dict(self) -> dict[str, Any]:
        """The fields for JSON; `problem` becomes its name and text."""
        values = asdict(self) | {"kind": "video"}
        values["levels"] = {str(level): count for level, count in sorted(self.levels.items())}
        if self.problem is not None:
            values["problem"] = {"error": type(self.problem).__name__, "message": str(self.problem)}
        return values


def describe(file: BinaryIO, limits: Limits | None = None) -> Iterator[PacketInfo | VideoInfo]:
    """Walks a file.

    Args:
        file: stands at the start; need not be seekable.
        limits: the largest picture taken.

    Yields:
        Each chunk behind the header, and at last the description of the whole.

    Raises:
        CodecError: the header cannot be read.
        OSError: the file cannot be read.
    """
    from bitstream.video import AudioPacket, inspect
    from codec.video.streams import open_stream

    reader = open_stream(file, limits)
    found = _of_head(reader.head)
    begin, end, gop, last = None, 0, 0, 0
    levels: Counter[int] = Counter()
    chunks = inspect(reader)
    while True:
        try:
            with translated():
                chunk = next(chunks, None)
        except CodecError as error:
            found.problem = convert(error)
            break
        if chunk is None:
            break
        last = chunk.offset + chunk.size
        packet = chunk.packet
        if isinstance(packet, AudioPacket):
            found.tracks[packet.track].packets += 1
            found.tracks[packet.track].bytes += len(packet.payload)
        elif packet is not None:
            gop = 1 if packet.key else gop + 1
            found.frames += 1
            found.key_frames += packet.key
            found.longest_gop = max(found.longest_gop, gop)
            found.frame_bytes += chunk.size
            levels[packet.level] += 1
            begin = packet.pts if begin is None else min(begin, packet.pts)
            end = max(end, packet.pts + packet.duration)
        yield chunk
    found.levels = dict(levels)
    found.bytes = last
    ticks = Fraction(*reader.head.time_base)
    found.duration = float((end - (begin or 0)) * ticks)
    bits = 8 * (last - sum(track.bytes for track in found.tracks))
    found.bitrate = bits / found.duration if found.duration else 0.0
    found.bpp = bits / (found.width * found.height * found.frames) if found.frames else 0.0
    yield found


def _of_head(head: VideoHead) -> VideoInfo:
    rate = Fraction(*head.frame_rate)
    return VideoInfo(
        width=head.width,
        height=head.height,
        chroma=_CHROMA[int(head.chroma)],
        matrix=_MATRICES[head.matrix],
        full_range=head.full_range,
        rotation=head.rotation,
        aspect=head.aspect,
        time_base=head.time_base,
        frame_rate=float(rate) if rate else None,
        reorder=head.reorder,
        model_id=head.model_id,
        weights_hash=head.weights_hash.hex(),
        inter_id=head.inter_id,
        inter_hash=head.inter_hash.hex(),
        tracks=[
            TrackInfo(track.codec, track.sample_rate, track.channels, track.layout, track.language)
            for track in head.tracks
        ],
    )
