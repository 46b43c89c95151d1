"""Walks the chunks of a video behind its header, in order, each verified (VIDEO.md, 1 and 4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from bitstream.chunks import Chunk
from bitstream.constants import ChunkType, VideoChunkType, chunk_name
from bitstream.errors import (
    BadField,
    BitstreamError,
    ChunkOrder,
    DuplicateChunk,
    LimitExceeded,
    MissingChunk,
    TrailingData,
    Truncated,
    UnknownCriticalChunk,
)
from bitstream.video.constants import TAIL_BYTES
from bitstream.video.head import VideoHead
from bitstream.video.index import IndexBuilder, IndexEntry, decode_index, index_bytes
from bitstream.video.limits import VideoLimits
from bitstream.video.packets import Numbered, Packet, decode_packet, decode_sequence
from bitstream.video.rules import Rules
from bitstream.video.source import Framing, Source

_IDS = {int(ChunkType.HEAD), *(int(kind) for kind in VideoChunkType)}
_HEAD = ChunkType.HEAD.name
PACKETS = (VideoChunkType.KEYF, VideoChunkType.FRAM, VideoChunkType.AUDI)


@dataclass(frozen=True, slots=True)
class Item:
    """A chunk and, if it holds one, its packet.

    Attributes:
        chunk: verified.
        packet: what it holds; None for all chunks but those of packets.
        number: of a key frame: frames before it; None otherwise.
        frames: of INDX: all frames; None otherwise.
    """

    chunk: Chunk
    packet: Packet | None = None
    number: int | None = None
    frames: int | None = None


class Walker:
    """Gives chunk after chunk.

    Args:
        source: stands at a chunk behind the header.
        head: the header with its tracks.
        limits: what to accept.
        start: the key frame where the source stands; None: at the first chunk behind the header.

    Attributes:
        rules: what was seen so far.
        built: the index of what was seen so far.
        damaged: whether something was left out; set by recovery.
        done: whether TAIL was seen.
    """

    def __init__(
        self,
        source: Source,
        head: VideoHead,
        limits: VideoLimits,
        start: IndexEntry | None = None,
    ) -> None:
        self.source = source
        self.limits = limits
        self.rules = Rules(head)
        self.built = IndexBuilder(len(head.tracks), keep=False)
        self.damaged = False
        self.done = False
        self._head = head
        self._start = start
        self._first = start is not None
        self._index_at: int | None = None
        if start is not None:
            self.rules.start_at(start.number)

    def items(self) -> Iterator[Item]:
        """Yields the chunks up to TAIL.

        Raises:
            BitstreamError: something is wrong; VIDEO.md, section 9, says which error is raised
                when.
        """
        while not self.done:
            framing = self.framing()
            chunk = self.source.chunk(framing)
            chunk.verify()
            item = self.use(chunk)
            self.source.skip(chunk.size)
            yield item
        self.check_end()

    def framing(self, start: int = 0) -> Framing:
        """Looks at type and length of a chunk at a distance, and compares them with the limits."""
        if not start and not self.source.look(1):
            raise Truncated("data end before chunk TAIL", offset=self.source.offset)
        framing = self.source.framing(start)
        check_length(framing, self.limits)
        return framing

    def use(self, chunk: Chunk) -> Item:
        """Judges a verified chunk, takes note of it if it is right, and reads its packet."""
        try:
            return self._use(chunk)
        except BitstreamError as error:
            error.offset = chunk.offset if error.offset is None else error.offset
            error.chunk = chunk.name if error.chunk is None else error.chunk
            raise

    def check_end(self) -> None:
        """Raises `TrailingData` if something follows; TAIL has been seen."""
        if self.source.look(1):
            raise TrailingData("bytes after the end of the file", offset=self.source.offset)

    def _use(self, chunk: Chunk) -> Item:
        if self._first and not self.damaged:
            self._check_first(chunk)
        if chunk.code in PACKETS:
            if self._index_at is not None:
                raise ChunkOrder("packet after the index")
            return self._use_packet(chunk)
        if chunk.code == VideoChunkType.INDX:
            return self._use_index(chunk)
        if chunk.code == VideoChunkType.TAIL:
            self._use_tail(chunk)
        elif not is_skipped(chunk):
            refuse(chunk)
        return Item(chunk)

    def _use_packet(self, chunk: Chunk) -> Item:
        key = chunk.code == VideoChunkType.KEYF
        self.rules.check_sequence(decode_sequence(chunk), key=key)
        if chunk.code == VideoChunkType.FRAM and self.rules.before is None:
            raise MissingChunk(
                "frame before the first key frame", expected=VideoChunkType.KEYF.name
            )
        numbered = decode_packet(chunk, self.rules.before)
        self._check_start(numbered)
        self.rules.check(numbered)
        self.rules.admit(numbered)
        if numbered.number is not None and self.damaged:
            self.built.frames = numbered.number
        self.built.add(numbered.packet, chunk.offset)
        return Item(chunk, numbered.packet, numbered.number)

    def _use_index(self, chunk: Chunk) -> Item:
        if self._index_at is not None:
            raise DuplicateChunk("index stands here again")
        if not self.built.keys and not self.damaged:
            raise MissingChunk("video has no frame", expected=VideoChunkType.KEYF.name)
        index = decode_index(chunk, len(self._head.tracks), self.limits)
        if self._start is None and not self.damaged:
            self.built.verify(chunk)
        if index.frames != self.rules.frames and not self.rules.damaged:
            raise BadField("frames of the index", found=index.frames, expected=self.rules.frames)
        self._index_at = chunk.offset
        return Item(chunk, frames=index.frames)

    def _use_tail(self, chunk: Chunk) -> None:
        offset = int.from_bytes(chunk.payload, "little")
        if self._index_at is None and not self.damaged:
            raise MissingChunk("video has no index", expected=VideoChunkType.INDX.name)
        if self._index_at is not None and offset != self._index_at:
            raise BadField("offset of the index", found=offset, expected=self._index_at)
        self.done = True

    def _check_first(self, chunk: Chunk) -> None:
        if chunk.code != VideoChunkType.KEYF:
            raise BadField("index names what is no key frame", found=chunk.name)
        self._first = False

    def _check_start(self, numbered: Numbered) -> None:
        start = self._start
        if start is None or self.built.keys or self.damaged:
            return
        if numbered.packet.pts != start.pts:
            raise BadField(
                "index names another key frame", found=numbered.packet.pts, expected=start.pts
            )


def check_length(framing: Framing, limits: VideoLimits) -> None:
    """Compares the length of a chunk behind the header with its limit, before it is read.

    Raises:
        LimitExceeded: it is larger.
        BadField: it is TAIL and of another length.
    """
    code, length, offset, name = framing.code, framing.length, framing.offset, framing.name
    if code == VideoChunkType.TAIL:
        if length != TAIL_BYTES:
            raise BadField("length", found=length, expected=TAIL_BYTES, offset=offset, chunk=name)
    elif code == VideoChunkType.INDX:
        most = index_bytes(limits)
        if most and length > most:
            raise LimitExceeded(
                "size of the index exceeds what max_index_entries need",
                found=length,
                expected=f"at most {most}",
                offset=offset,
                chunk=name,
            )
    elif code == VideoChunkType.TRAK:
        limits.check("size of a track", length, "max_track_bytes", offset=offset, chunk=name)
    else:
        limits.check("size of a packet", length, "max_packet_bytes", offset=offset, chunk=name)


def refuse(chunk: Chunk) -> NoReturn:
    """Raises the error of a chunk that may not stand where it does."""
    offset, name = chunk.offset, chunk.name
    if chunk.id == 0:
        raise BadField("chunk id is 0", expected="1 to 127", offset=offset, chunk=name)
    if chunk.code == ChunkType.HEAD:
        raise DuplicateChunk("header stands here again", offset=offset, chunk=name)
    if chunk.code == VideoChunkType.TRAK:
        raise ChunkOrder("track behind the last of the header", offset=offset, chunk=name)
    if chunk.id in _IDS and chunk.ignorable:
        raise BadField(
            "chunk has the wrong ignorable bit",
            found=f"type {chunk.code:#04x}",
            expected=f"{chunk.id:#04x}",
            offset=offset,
            chunk=chunk_name(chunk.id),
        )
    raise UnknownCriticalChunk(
        "unknown chunk that must not be skipped; a newer version of this software may read it",
        found=f"type {chunk.code:#04x}",
        offset=offset,
        chunk=name,
    )


def is_skipped(chunk: Chunk) -> bool:
    """Whether a reader that does not know a chunk skips it; the ids of videos are known."""
    return chunk.id != 0 and chunk.ignorable and chunk.id not in _IDS


def check_head(
    head: VideoHead, limits: VideoLimits, tracks: int, offset: int | None = None
) -> None:
    """Raises `LimitExceeded` if a header is beyond the limits."""
    for what, value, name in (
        ("width", head.width, "max_dimension"),
        ("height", head.height, "max_dimension"),
        ("number of pixels", head.width * head.height, "max_pixels"),
        ("number of tracks", tracks, "max_tracks"),
    ):
        limits.check(what, value, name, offset=offset, chunk=_HEAD)
