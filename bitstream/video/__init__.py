"""The container of videos (bitstream/VIDEO.md; standard library only).

writer = VideoStreamWriter(stream, head)         # any stream, a pipe too
writer.write(packet)                             # FramePacket or AudioPacket, as they come
writer.finish()

reader = VideoStreamReader(stream)               # reader.head; what is wrong is a BitstreamError
for packet in reader: ...                        # constant memory; everything is verified
entry = reader.index().before_time(pts)          # the key frame at or before a time
for packet in reader.read_at(entry): ...
"""

from __future__ import annotations

from bitstream.video.constants import (
    MAX_REFERENCES,
    MAX_REORDER,
    MAX_SIDE,
    MAX_TIME,
    MAX_TRACKS,
    SLOTS,
)
from bitstream.video.describe import PacketInfo, inspect
from bitstream.video.head import AudioTrack, Chroma, VideoHead
from bitstream.video.index import IndexEntry, TrackTotals, VideoIndex
from bitstream.video.limits import VideoLimits
from bitstream.video.packets import AudioPacket, FramePacket, Packet
from bitstream.video.recovery import Damage
from bitstream.video.stream_reader import VideoStreamReader
from bitstream.video.stream_writer import VideoStreamWriter

__all__ = [
    "MAX_REFERENCES",
    "MAX_REORDER",
    "MAX_SIDE",
    "MAX_TIME",
    "MAX_TRACKS",
    "SLOTS",
    "AudioPacket",
    "AudioTrack",
    "Chroma",
    "Damage",
    "FramePacket",
    "IndexEntry",
    "Packet",
    "PacketInfo",
    "TrackTotals",
    "VideoHead",
    "VideoIndex",
    "VideoLimits",
    "VideoStreamReader",
    "VideoStreamWriter",
    "inspect",
]
