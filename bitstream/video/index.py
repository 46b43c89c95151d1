"""The index of a video: where its key frames are, and how much there is of all (VIDEO.md, 6)."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from bitstream.checksum import crc32
from bitstream.chunks import Chunk
from bitstream.constants import VideoChunkType, chunk_name
from bitstream.errors import BadField, BitstreamError, MissingChunk
from bitstream.ranges import require_range
from bitstream.reader import ByteReader
from bitstream.video.constants import MAX_TIME
from bitstream.video.fields import (
    get_signed,
    put_signed,
)
from bitstream.video.limits import VideoLimits
from bitstream.video.packets import AudioPacket, Packet
from bitstream.writer import ByteWriter

_INDX = chunk_name(VideoChunkType.INDX)
_LEAST_ENTRY = 3  # bytes
_MAX_ENTRY = 30
_MAX_OTHER = 1024 + 32 * _MAX_ENTRY


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """A key frame and what follows it.

    Attributes:
        pts: when it is shown, in ticks of the video; the least of its GOP.
        offset: of its chunk from the magic, in bytes.
        frames: number of frames up to the next key frame, itself included.
        number: number of frames before it.
    """

    pts: int
    offset: int
    frames: int
    number: int


@dataclass(frozen=True, slots=True)
class TrackTotals:
    """How much there is of an audio track.

    Attributes:
        packets: their number.
        start: least pts, in ticks of the track; 0 without packets.
        end: greatest pts + duration, likewise.
    """

    packets: int = 0
    start: int = 0
    end: int = 0

    @property
    def duration(self) -> int:
        """From start to end, in ticks of the track."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class VideoIndex:
    """The key frames of a video and its totals.

    Attributes:
        entries: the key frames, in the order of file and time.
        frames: number of all frames.
        end: greatest pts + duration of all frames, in ticks of the video.
        tracks: totals of each audio track.
        complete: False if the file has no sound index, and walking it ended at damage.
    """

    entries: tuple[IndexEntry, ...]
    frames: int
    end: int
    tracks: tuple[TrackTotals, ...]
    complete: bool = True

    @property
    def start(self) -> int:
        """When the first frame is shown, in ticks of the video; 0 without frames."""
        return self.entries[0].pts if self.entries else 0

    @property
    def duration(self) -> int:
        """From the first frame to the end of the last, in ticks of the video."""
        return self.end - self.start if self.entries else 0

    def before_time(self, pts: int) -> IndexEntry:
        """Returns the last key frame that is shown at a time or before; else the first.

        Raises:
            MissingChunk: there is none.
        """
        return self._entry(bisect_right(self.entries, pts, key=lambda entry: entry.pts))

    def before_frame(self, number: int) -> IndexEntry:
        """Returns the key frame of the GOP that has the frame `number`, from 0; else the first.

        GOPs follow each other in the order of display, so numbers in the file and in display differ
        only within a GOP.

        Raises:
            MissingChunk: there is none.
        """
        return self._entry(bisect_right(self.entries, number, key=lambda entry: entry.number))

    def _entry(self, after: int) -> IndexEntry:
        if not self.entries:
            raise MissingChunk("video has no key frame", expected="KEYF")
        return self.entries[max(after - 1, 0)]


class IndexBuilder:
    """Collects the index while packets pass.

    Args:
        tracks: number of audio tracks.
        keep: whether the entries are wanted afterwards. If not, only their checksum is kept, which
            is enough to tell whether an index is the right one: constant memory.
    """

    __slots__ = (
        "_check", "_entries", "_gop", "_keep", "_last", "_size", "end", "frames", "keys", "totals",
    )  # fmt: skip

    def __init__(self, tracks: int, *, keep: bool) -> None:
        self._keep = keep
        self._entries = bytearray()
        self._gop: IndexEntry | None = None
        self._last = IndexEntry(0, 0, 0, 0)
        self._size = 0
        self._check = 0
        self.keys = 0
        self.frames = 0
        self.end = 0
        self.totals = [TrackTotals()] * tracks

    def add(self, packet: Packet, offset: int) -> None:
        """Counts a packet whose chunk stands at an offset; it obeys the rules."""
        end = packet.pts + packet.duration
        if isinstance(packet, AudioPacket):
            old = self.totals[packet.track]
            if old.packets:
                totals = TrackTotals(old.packets + 1, min(old.start, packet.pts), max(old.end, end))
            else:
                totals = TrackTotals(1, packet.pts, end)
            self.totals[packet.track] = totals
            return
        if packet.key:
            self._close_gop()
            self._gop = IndexEntry(packet.pts, offset, 0, self.frames)
            self.keys += 1
        self.frames += 1
        self.end = max(self.end, end)

    def payload(self) -> bytes:
        """Returns the payload of INDX; only if entries were kept."""
        self._close_gop()
        writer = ByteWriter()
        writer.varint(self.keys, "number of keys")
        writer.put(self._entries)
        self._put_totals(writer)
        return writer.getvalue()

    def verify(self, chunk: Chunk) -> None:
        """Raises `BadField` if INDX, up to its extension, is not the one due here."""
        self._close_gop()
        totals = ByteWriter()
        self._put_totals(totals)
        due = totals.getvalue()
        reader = chunk.open()
        try:
            right = (
                reader.varint("number of keys") == self.keys
                and crc32(reader.take(self._size, "the entries")) == self._check
                and bytes(reader.take(len(due), "the totals")) == due
            )
        except BitstreamError:
            right = False
        if not right:
            raise BadField("index is not that of this file", offset=chunk.offset, chunk=_INDX)

    def _put_totals(self, writer: ByteWriter) -> None:
        writer.varint(self.end - self._last.pts, "end")
        for totals in self.totals:
            writer.varint(totals.packets, "packets")
            if totals.packets:
                put_signed(writer, totals.start, "start")
                writer.varint(totals.duration, "length")

    def _close_gop(self) -> None:
        gop = self._gop
        if gop is None:
            return
        writer = ByteWriter()
        writer.varint(gop.pts - self._last.pts, "pts")
        writer.varint(gop.offset - self._last.offset, "offset")
        writer.varint(self.frames - gop.number, "frames")
        entry = writer.getvalue()
        self._size += len(entry)
        self._check = crc32(entry, self._check)
        if self._keep:
            self._entries += entry
        self._last, self._gop = gop, None


def decode_index(chunk: Chunk, tracks: int, limits: VideoLimits) -> VideoIndex:
    """Reads INDX.

    Args:
        chunk: INDX, whose check matches.
        tracks: number of audio tracks.
        limits: what to accept.

    Raises:
        BadField: a value is outside of its range, or points behind the index.
        LimitExceeded: there are too many entries.
        Truncated: the payload ends before its last field.
    """
    reader = chunk.open()
    try:
        return _decode_index(reader, chunk.offset, tracks, limits)
    except BitstreamError as error:
        error.offset = chunk.offset if error.offset is None else error.offset
        error.chunk = _INDX
        raise


def _decode_index(
    reader: ByteReader, end_of_packets: int, tracks: int, limits: VideoLimits
) -> VideoIndex:
    # 1. How many: no list is built that the chunk cannot fill.
    keys = reader.varint("number of keys")
    limits.check("number of keys", keys, "max_index_entries")
    require_range("number of keys", keys, 1, reader.remaining // _LEAST_ENTRY)

    # 2. The entries, in ascending order of everything.
    entries = []
    pts = offset = frames = 0
    for i in range(keys):
        later, further = reader.varint("pts"), reader.varint("offset")
        in_gop = reader.varint("frames")
        pts, offset = pts + later, offset + further
        require_range("pts", later, bool(i), MAX_TIME)
        require_range("pts", pts, 0, MAX_TIME)
        require_range("offset", further, 1, end_of_packets)
        require_range("offset", offset, 1, end_of_packets - 1)
        require_range("frames", in_gop, 1, end_of_packets)
        entries.append(IndexEntry(pts, offset, in_gop, frames))
        frames += in_gop

    # 3. The totals.
    end = pts + reader.varint("end")
    require_range("end", end, 0, 2 * MAX_TIME)
    totals = tuple(_get_totals(reader) for _ in range(tracks))
    return VideoIndex(tuple(entries), frames, end, totals)


def _get_totals(reader: ByteReader) -> TrackTotals:
    packets = reader.varint("packets")
    if not packets:
        return TrackTotals()
    start = get_signed(reader, "start")
    length = reader.varint("length")
    require_range("start", start, -MAX_TIME, MAX_TIME)
    require_range("length", length, 0, 3 * MAX_TIME)
    return TrackTotals(packets, start, start + length)


def index_bytes(limits: VideoLimits) -> int:
    """Returns how many bytes the payload of INDX may have; 0 is unlimited."""
    entries = limits.max_index_entries
    return entries and entries * _MAX_ENTRY + _MAX_OTHER
