"""Reads a video from a stream: header, packets in the order of the file, index, any key frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from bitstream.constants import MAGIC, MAX_HEAD_BYTES, VERSION, ChunkType, VideoChunkType
from bitstream.errors import (
    BadField,
    BadMagic,
    BitstreamError,
    MissingChunk,
    Truncated,
    UnsupportedVersion,
)
from bitstream.video.constants import TAIL_SIZE
from bitstream.video.head import AudioTrack, VideoHead, decode_head, decode_track
from bitstream.video.index import IndexEntry, VideoIndex, decode_index
from bitstream.video.limits import VideoLimits
from bitstream.video.packets import AudioPacket, Packet
from bitstream.video.recovery import Damage, Recovery
from bitstream.video.source import Shared, Source
from bitstream.video.walker import Item, Walker, check_head, check_length, is_skipped, refuse

_HEAD = ChunkType.HEAD.name


class VideoStreamReader:
    """A video that is read as a stream; iterating it gives its packets in the order of the file.

    Memory does not grow with the length of the video. What needs seeking says so; a stream that
    can seek may be iterated again, and by several iterators in turn.

    Args:
        stream: binary, stands at the magic. Nothing else may move it while it is read.
        limits: what to accept; None is the default `VideoLimits()`.
        recover: whether iterating steps over damage, reported in `damage`, instead of raising.

    Attributes:
        head: the header with its tracks.
        damage: what the iterator that was begun last has not been able to read, with `recover`.

    Raises:
        BitstreamError: the header cannot be read; so do iterating and seeking, for what they read.
            VIDEO.md, section 9, says which error is raised when.
    """

    def __init__(
        self, stream: BinaryIO, limits: VideoLimits | None = None, *, recover: bool = False
    ) -> None:
        self.damage: list[Damage] = []
        self._limits = limits or VideoLimits()
        self._recover = recover
        self._shared = Shared(stream)
        self._index: VideoIndex | None = None
        source = Source(self._shared)
        self.head = _read_front(source, self._limits)
        self._begin = source.offset
        self._source: Source | None = source  # for the first iterator: it has looked ahead

    def __iter__(self) -> Iterator[Packet]:
        """Yields the packets from the first on."""
        return (item.packet for item in self.items() if item.packet is not None)

    def items(self) -> Iterator[Item]:
        """Yields all chunks behind the header, with their packets."""
        source = self._source or Source(self._shared, self._begin)
        self._source = None
        return self._walk(Walker(source, self.head, self._limits))

    def read_at(self, entry: IndexEntry) -> Iterator[Packet]:
        """Yields the packets from a key frame of the index on, to the end of the file.

        Raises:
            BadField: there is no such key frame.
            io.UnsupportedOperation: the stream cannot seek.
        """
        source = Source(self._shared, entry.offset)
        walker = Walker(source, self.head, self._limits, entry)
        return (item.packet for item in self._walk(walker) if item.packet is not None)

    def index(self) -> VideoIndex:
        """Returns the key frames: from the index at the end, or by walking if that is damaged.

        Walking ends at the first damage, with `recover` at the end of the file.

        Raises:
            io.UnsupportedOperation: the stream cannot seek.
        """
        if self._index is None:
            try:
                self._index = self._stored_index()
            except BitstreamError:
                self._index = self._walked_index()
        return self._index

    def _walk(self, walker: Walker) -> Iterator[Item]:
        if not self._recover:
            return walker.items()
        self.damage = []
        return Recovery(walker, self.damage).items()

    def _stored_index(self) -> VideoIndex:
        # 1. TAIL is the end of the file.
        end = self._shared.size() - TAIL_SIZE
        source = Source(self._shared, max(end, 0))
        tail = source.chunk(source.framing())
        tail.verify()
        if tail.code != VideoChunkType.TAIL or tail.size != TAIL_SIZE:
            raise MissingChunk("file does not end with TAIL", found=tail.name)
        # 2. It says where INDX is.
        offset = int.from_bytes(tail.payload, "little")
        if not self._begin < offset < end:
            raise BadField("offset of the index", found=offset, chunk=tail.name)
        source = Source(self._shared, offset)
        framing = source.framing()
        check_length(framing, self._limits)
        chunk = source.chunk(framing)
        chunk.verify()
        if chunk.code != VideoChunkType.INDX:
            raise MissingChunk("TAIL names what is no index", found=chunk.name)
        return decode_index(chunk, len(self.head.tracks), self._limits)

    def _walked_index(self) -> VideoIndex:
        walker = Walker(Source(self._shared, self._begin), self.head, self._limits)
        items = Recovery(walker, []).items() if self._recover else walker.items()
        entries: list[IndexEntry] = []
        try:
            for item in items:
                packet = item.packet
                if packet is None or isinstance(packet, AudioPacket):
                    continue
                if item.number is not None:
                    self._limits.check("number of keys", len(entries) + 1, "max_index_entries")
                    entries.append(IndexEntry(packet.pts, item.chunk.offset, 0, item.number))
                entries[-1] = replace(entries[-1], frames=entries[-1].frames + 1)
        except BitstreamError:
            pass  # whoever reads up to there is told
        built = walker.built
        totals = tuple(built.totals)
        return VideoIndex(tuple(entries), walker.rules.frames, built.end, totals, complete=False)


def _read_front(source: Source, limits: VideoLimits) -> VideoHead:
    """Reads magic, version, HEAD and every TRAK."""
    # 1. Magic and version.
    magic = source.ahead(0, source.look(len(MAGIC)))
    if not MAGIC.startswith(magic):
        raise BadMagic(
            "not a file of this format", found=magic.hex(" "), expected=MAGIC.hex(" "), offset=0
        )
    source.take(len(MAGIC), "the magic")
    version = source.take(1, "the version")[0]
    if version != VERSION:
        raise UnsupportedVersion(
            "format version", found=version, expected=VERSION, offset=len(MAGIC)
        )

    # 2. HEAD.
    framing = source.framing()
    if framing.length > MAX_HEAD_BYTES and framing.code == ChunkType.HEAD:
        raise BadField(
            "header is too long",
            found=f"{framing.length} bytes",
            expected=f"at most {MAX_HEAD_BYTES}",
            offset=framing.offset,
            chunk=_HEAD,
        )
    check_length(framing, limits)
    chunk = source.chunk(framing)
    chunk.verify()
    if chunk.code != ChunkType.HEAD:
        raise MissingChunk(
            "file does not begin with its header",
            found=chunk.name,
            expected=_HEAD,
            offset=chunk.offset,
        )
    head, count = decode_head(chunk.open())
    check_head(head, limits, count, chunk.payload_offset)
    source.skip(chunk.size)

    # 3. The tracks.
    tracks: list[AudioTrack] = []
    while len(tracks) < count:
        if not source.look(1):
            raise Truncated("data end before the last chunk TRAK", offset=source.offset)
        framing = source.framing()
        check_length(framing, limits)
        chunk = source.chunk(framing)
        chunk.verify()
        if chunk.code == VideoChunkType.TRAK:
            tracks.append(decode_track(chunk.open()))
        elif chunk.code in tuple(VideoChunkType):
            raise MissingChunk(
                "fewer tracks than the header says",
                found=f"{chunk.name} behind {len(tracks)}",
                expected=count,
                offset=chunk.offset,
            )
        elif not is_skipped(chunk):
            refuse(chunk)
        source.skip(chunk.size)
    return replace(head, tracks=tuple(tracks))
