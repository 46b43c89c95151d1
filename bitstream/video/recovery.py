"""Reads what a damaged video still has: finds where to go on, says what was lost (VIDEO.md, 7)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bitstream.chunks import Chunk
from bitstream.constants import MAX_VARINT_BYTES, VideoChunkType
from bitstream.errors import BadChecksum, BitstreamError
from bitstream.video.constants import SEQUENCE, SYNC
from bitstream.video.packets import decode_sequence
from bitstream.video.source import Framing
from bitstream.video.walker import PACKETS, Item, Walker

_BLOCK = 2**16
_FRAMING = 1 + MAX_VARINT_BYTES
_REFILL = 4
_UNLIMITED = 2**30
MAX_DAMAGES = 1000
"""So many are reported one by one, which bounds the memory that they take."""


@dataclass(frozen=True, slots=True)
class Damage:
    """A part of a video that could not be read.

    Attributes:
        offset: of the first damage, in bytes.
        end: where frames go on, or the file ends. Audio in between may have been read.
        error: what was found at the offset.
        frames: number of frames that are lost; None if nothing tells.
    """

    offset: int
    end: int
    error: BitstreamError
    frames: int | None


class Recovery:
    """Walks a video and steps over damage.

    Args:
        walker: stands behind the header, or at a key frame.
        damages: where to report what was lost.
    """

    def __init__(self, walker: Walker, damages: list[Damage]) -> None:
        self._walker = walker
        self._source = walker.source
        self._damages = damages
        self._open: tuple[int, BitstreamError] | None = None
        # Bytes whose checks may be computed; work stays proportional to the size of the file.
        self._credit = _REFILL * walker.limits.max_packet_bytes or _UNLIMITED

    def items(self) -> Iterator[Item]:
        """Yields the chunks that are whole and obey the rules, up to TAIL or the end."""
        walker = self._walker
        while not walker.done:
            try:
                chunk = self._look(walker.framing())
            except BitstreamError as error:
                if isinstance(error, BadChecksum) and self._only_audio(error):
                    continue
                self._note(error)
                if not self._find_next():
                    self._close(None)
                    return
                continue
            frames = walker.rules.frames
            if walker.rules.damaged and chunk.code == VideoChunkType.FRAM:
                item = None
                self._pass_over(chunk)
            else:
                item = self._use(chunk)
            self._advance(chunk.size)
            if item is None:
                continue
            total = item.number if item.frames is None else item.frames
            if total is not None and self._open is not None:
                self._close(max(total - frames, 0), chunk.offset)
            yield item
        try:
            walker.check_end()
        except BitstreamError as error:
            self._note(error)
        self._close(None)

    def _look(self, framing: Framing) -> Chunk:
        """A chunk whose check matches, for as long as the credit lasts."""
        chunk = self._source.chunk(framing) if framing.whole <= self._credit else None
        if chunk is None:
            raise BadChecksum(
                "too much damage to look at so large a chunk",
                found=f"{framing.whole} bytes",
                expected=f"at most {self._credit}",
                offset=framing.offset,
                chunk=framing.name,
            )
        self._credit -= chunk.size
        chunk.verify()
        return chunk

    def _use(self, chunk: Chunk) -> Item | None:
        fresh = not self._walker.rules.damaged
        try:
            return self._walker.use(chunk)
        except BitstreamError as error:
            self._note(error)
            # What is missing before a key frame does not touch it.
            return self._use(chunk) if fresh and chunk.code == VideoChunkType.KEYF else None

    def _pass_over(self, chunk: Chunk) -> None:
        """Leaves out a frame whose references may be lost."""
        rules = self._walker.rules
        try:
            sequence = decode_sequence(chunk)
            rules.check_sequence(sequence)
        except BitstreamError as error:
            self._note(error)
        else:
            rules.pass_over(sequence)

    def _note(self, error: BitstreamError) -> None:
        self._walker.damaged = True
        self._walker.rules.wait_for_key()
        self._open = self._open or (self._source.offset, error)

    def _close(self, frames: int | None, end: int | None = None) -> None:
        if self._open is not None and len(self._damages) < MAX_DAMAGES:
            offset, error = self._open
            end = self._source.offset if end is None else end
            self._damages.append(Damage(offset, end, error, frames))
        self._open = None

    def _advance(self, size: int) -> None:
        self._source.skip(size)
        self._credit += _REFILL * size

    # Where to go on

    def _only_audio(self, error: BadChecksum) -> bool:
        """Steps over a damaged packet of audio if it is certain that nothing else is lost."""
        walker, rules = self._walker, self._walker.rules
        due = rules.sequence
        damaged = walker.framing()
        if damaged.code != VideoChunkType.AUDI or due is None or rules.damaged:
            return False
        try:
            following = self._look(walker.framing(damaged.whole))
            sound = following.code in PACKETS
            sound = sound and decode_sequence(following) == (due + 1) % SEQUENCE
        except BitstreamError:
            return False
        if sound:
            walker.damaged = True
            rules.pass_over(due)
            self._open = self._open or (self._source.offset, error)
            self._close(0, following.offset)
            self._advance(damaged.whole)
        return sound

    def _find_next(self) -> bool:
        """Goes to the next chunk that is whole; False: there is none up to the end."""
        try:
            damaged = self._walker.framing()
            self._look(self._walker.framing(damaged.whole))
        except BitstreamError:
            return self._find_key()
        self._advance(damaged.whole)
        return True

    def _find_key(self) -> bool:
        """Searches for the sync of a key frame that is whole, behind the present offset."""
        source, floor = self._source, self._source.offset + 1
        begin = 1
        while True:
            there = source.look(begin + _BLOCK)
            at = source.find(SYNC, begin, there)
            if at < 0:
                if there < begin + _BLOCK:
                    self._advance(there)
                    return False
                searched = there - len(SYNC) + 1
            else:
                start = self._key_before(at)
                if start is not None and source.offset + start >= floor:
                    self._advance(start)
                    return True
                searched = at + 1
            # What is kept may be the framing before a sync.
            dropped = max(searched - _FRAMING, 0)
            self._advance(dropped)
            begin = searched - dropped

    def _key_before(self, sync: int) -> int | None:
        """Returns the distance of the key frame whose sync is at a distance, if it is whole."""
        before = self._source.ahead(max(sync - _FRAMING, 0), sync)
        size = 1  # of the length, read backwards: only its last byte is below 0x80
        while size < len(before) and before[-size - 1] >= 0x80:
            size += 1
        start = sync - size - 1
        if len(before) <= size or before[-size - 1] != VideoChunkType.KEYF:
            return None
        try:
            framing = self._walker.framing(start)
            if framing.size != size + 1:
                return None
            self._look(framing)
        except BitstreamError:
            return None
        return start
