"""Writes a video to a stream, from front to back: header, packets as they come, index."""

from __future__ import annotations

from typing import BinaryIO

from bitstream.chunks import put_chunk
from bitstream.constants import MAGIC, VERSION, ChunkType, VideoChunkType
from bitstream.errors import ChunkOrder, MissingChunk
from bitstream.video.constants import TAIL_BYTES
from bitstream.video.head import VideoHead, encode_head, encode_track
from bitstream.video.index import IndexBuilder
from bitstream.video.limits import VideoLimits
from bitstream.video.packets import FramePacket, Packet, chunk_type, encode_packet
from bitstream.video.rules import Rules
from bitstream.video.walker import check_head
from bitstream.writer import ByteWriter


class VideoStreamWriter:
    """A video that is being written; the same head and packets always give the same bytes.

    The header is written at once, each packet as it comes. The stream never seeks and is not
    closed. A packet that is refused leaves everything as it was.

    Args:
        stream: binary; what stands before its present place is none of our business.
        head: the header with its tracks.
        limits: a video that a reader with these limits would refuse is not written; None is the
            default `VideoLimits()`.

    Attributes:
        head: the header.
        frames: number of frames so far.
        size: number of bytes so far.

    Raises:
        BadField: the header or a track does not fit its chunk.
        LimitExceeded: the header is beyond the limits.
    """

    def __init__(
        self, stream: BinaryIO, head: VideoHead, limits: VideoLimits | None = None
    ) -> None:
        self.head = head
        self.size = 0
        self._stream = stream
        self._limits = limits or VideoLimits()
        self._rules = Rules(head)
        self._index = IndexBuilder(len(head.tracks), keep=True)
        self._finished = False
        check_head(head, self._limits, len(head.tracks))
        writer = ByteWriter()
        writer.put(MAGIC)
        writer.u8(VERSION, "version")
        put_chunk(writer, ChunkType.HEAD, encode_head(head))
        for track in head.tracks:
            payload = encode_track(track)
            name = VideoChunkType.TRAK.name
            self._limits.check("size of a track", len(payload), "max_track_bytes", chunk=name)
            put_chunk(writer, VideoChunkType.TRAK, payload)
        self._put(writer.getvalue())

    @property
    def frames(self) -> int:
        return self._rules.frames

    def write(self, packet: Packet) -> None:
        """Writes a packet.

        Raises:
            MissingChunk: it is a frame, and no key frame was written before it.
            BadField: its track, its references or its times break a rule of VIDEO.md, section 4.
            LimitExceeded: it is too large, or there are too many key frames.
            ChunkOrder: the video is finished.
        """
        if self._finished:
            raise ChunkOrder("packet after the index", chunk=chunk_type(packet).name)
        # 1. Everything that may be refused is, before anything changes.
        code = chunk_type(packet)
        numbered = self._rules.number(packet)
        self._rules.check(numbered)
        payload = encode_packet(numbered, self._rules.before)
        self._limits.check("size of a packet", len(payload), "max_packet_bytes", chunk=code.name)
        if isinstance(packet, FramePacket) and packet.key:
            keys = self._index.keys + 1
            self._limits.check("number of keys", keys, "max_index_entries", chunk=code.name)

        # 2. Written, and taken note of.
        writer = ByteWriter()
        put_chunk(writer, code, payload)
        self._rules.admit(numbered)
        self._index.add(packet, self.size)
        self._put(writer.getvalue())

    def finish(self) -> None:
        """Writes the index; once, whatever the number of calls.

        Raises:
            MissingChunk: there is no frame.
        """
        if self._finished:
            return
        if not self._index.keys:
            raise MissingChunk("video has no frame", expected=VideoChunkType.KEYF.name)
        offset = self.size
        writer = ByteWriter()
        put_chunk(writer, VideoChunkType.INDX, self._index.payload())
        put_chunk(writer, VideoChunkType.TAIL, offset.to_bytes(TAIL_BYTES, "little"))
        self._finished = True
        self._put(writer.getvalue())

    def _put(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            written = self._stream.write(view)
            if written is None:
                raise BlockingIOError("the stream does not block, and is full")
            view = view[written:]
        self.size += len(data)
