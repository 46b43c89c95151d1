"""Packets of a video, of frames and of audio, and their bytes (VIDEO.md, 4 and 5)."""

from __future__ import annotations

from dataclasses import dataclass

from bitstream.chunks import Chunk
from bitstream.constants import MAX_LEVEL, VideoChunkType
from bitstream.errors import BadField, BitstreamError
from bitstream.ranges import require_range
from bitstream.reader import ByteReader
from bitstream.video.constants import (
    MAX_REFERENCES,
    MAX_TIME,
    MAX_TRACKS,
    NO_SLOT,
    SLOTS,
    SYNC,
)
from bitstream.video.fields import (
    get_signed,
    put_signed,
)
from bitstream.writer import ByteWriter

_TIME_FOLLOWS = 0x40
_DURATION_FOLLOWS = 0x80
_KEY = 0x20


@dataclass(frozen=True, slots=True)
class FramePacket:
    """A coded frame.

    Args:
        key: whether it is a key frame: decoded without any other, and so are those after it.
        level: quality of this frame, 0 to 63.
        references: the slots it is predicted from, at most four, each once; none in a key frame.
        slot: 0 to 7: where the decoded picture is kept; None: nowhere.
        pts: when it is shown, in ticks of the video, 0 to 2^61.
        duration: how long, in ticks, 0 to 2^61; 0 is unknown.
        payload: opaque here.

    Raises:
        BadField: a value is outside of its range.
    """

    key: bool
    level: int
    references: tuple[int, ...]
    slot: int | None
    pts: int
    duration: int
    payload: bytes

    def __post_init__(self) -> None:
        require_range("level", self.level, 0, MAX_LEVEL)
        require_range("number of references", len(self.references), 0, MAX_REFERENCES)
        for reference in self.references:
            require_range("reference", reference, 0, SLOTS - 1)
        if len(set(self.references)) != len(self.references):
            raise BadField("reference twice", found=self.references, expected="different slots")
        if self.key and self.references:
            raise BadField("references of a key frame", found=self.references, expected="none")
        if self.slot is not None:
            require_range("slot", self.slot, 0, SLOTS - 1)
        require_range("pts", self.pts, 0, MAX_TIME)
        require_range("duration", self.duration, 0, MAX_TIME)


@dataclass(frozen=True, slots=True)
class AudioPacket:
    """A packet of audio, as the codec of its track made it.

    Args:
        track: which of the header's tracks, from 0.
        pts: when it is heard, in ticks of the track, -2^61 to 2^61.
        duration: how long, in ticks, 0 to 2^61; 0 is unknown.
        payload: opaque here.
        key: whether a decoder may start here.

    Raises:
        BadField: a value is outside of its range.
    """

    track: int
    pts: int
    duration: int
    payload: bytes
    key: bool = True

    def __post_init__(self) -> None:
        require_range("track", self.track, 0, MAX_TRACKS - 1)
        require_range("pts", self.pts, -MAX_TIME, MAX_TIME)
        require_range("duration", self.duration, 0, MAX_TIME)


Packet = FramePacket | AudioPacket


@dataclass(frozen=True, slots=True)
class Numbered:
    """A packet and the numbers that its chunk adds.

    Args:
        packet: the packet.
        sequence: packets before it, modulo 256.
        number: of a key frame: frames before it; None otherwise.
    """

    packet: Packet
    sequence: int
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Times:
    """Times of the frame before, from which the next one's are expected."""

    pts: int
    duration: int

    @property
    def expected(self) -> int:
        """When the next frame is expected to be shown."""
        return self.pts + self.duration


def chunk_type(packet: Packet) -> VideoChunkType:
    """Returns the type of the chunk that holds a packet."""
    if isinstance(packet, AudioPacket):
        return VideoChunkType.AUDI
    return VideoChunkType.KEYF if packet.key else VideoChunkType.FRAM


def encode_packet(numbered: Numbered, before: Times | None) -> bytes:
    """Returns the payload of the chunk of a packet.

    Args:
        numbered: the packet.
        before: the frame before it; None is enough for key frames and audio.
    """
    writer, packet = ByteWriter(), numbered.packet
    if isinstance(packet, AudioPacket):
        writer.u8(numbered.sequence, "sequence")
        writer.u8(packet.track | bool(packet.key) * _KEY, "flags")
        put_signed(writer, packet.pts, "pts")
        writer.varint(packet.duration, "duration")
    elif packet.key:
        assert numbered.number is not None
        writer.put(SYNC)
        writer.u8(numbered.sequence, "sequence")
        writer.varint(numbered.number, "number")
        writer.u8(packet.level, "level")
        writer.u8(_slot_code(packet.slot), "slot")
        writer.varint(packet.pts, "pts")
        writer.varint(packet.duration, "duration")
    else:
        assert before is not None
        late, other = packet.pts - before.expected, packet.duration != before.duration
        flags = bool(late) * _TIME_FOLLOWS | other * _DURATION_FOLLOWS
        writer.u8(numbered.sequence, "sequence")
        writer.u8(packet.level | flags, "flags")
        writer.u8(_slot_code(packet.slot) | len(packet.references) << 4, "slots")
        for i in range(0, len(packet.references), 2):
            low, high = (*packet.references, 0)[i : i + 2]
            writer.u8(low | high << 4, "references")
        if late:
            put_signed(writer, late, "pts")
        if other:
            writer.varint(packet.duration, "duration")
    writer.put(packet.payload)
    return writer.getvalue()


def decode_packet(chunk: Chunk, before: Times | None) -> Numbered:
    """Reads the chunk of a packet, the counterpart of `encode_packet`.

    Raises:
        BadField: a value is outside of its range, or is written although it must not be.
        Truncated: the payload ends before its last field.
    """
    reader = chunk.open()
    try:
        if chunk.code == VideoChunkType.AUDI:
            return _decode_audio(reader)
        if chunk.code == VideoChunkType.KEYF:
            return _decode_key(reader)
        assert before is not None
        return _decode_frame(reader, before)
    except BitstreamError as error:
        error.offset = chunk.offset if error.offset is None else error.offset
        error.chunk = chunk.name
        raise


def decode_sequence(chunk: Chunk) -> int:
    """Reads only the sequence number of the chunk of a packet."""
    reader = chunk.open()
    if chunk.code == VideoChunkType.KEYF:
        _get_sync(reader)
    return reader.u8("sequence")


def _get_sync(reader: ByteReader) -> None:
    sync = bytes(reader.take(len(SYNC), "sync"))
    if sync != SYNC:
        raise BadField("sync", found=sync.hex(" "), expected=SYNC.hex(" "))


def _decode_audio(reader: ByteReader) -> Numbered:
    sequence, flags = reader.u8("sequence"), reader.u8("flags")
    require_range("flags", flags, 0, 2 * _KEY - 1)
    pts, duration = get_signed(reader, "pts"), reader.varint("duration")
    payload = bytes(reader.take(reader.remaining, "the payload"))
    packet = AudioPacket(flags & _KEY - 1, pts, duration, payload, bool(flags & _KEY))
    return Numbered(packet, sequence)


def _decode_key(reader: ByteReader) -> Numbered:
    _get_sync(reader)
    sequence, number = reader.u8("sequence"), reader.varint("number")
    level, slot = reader.u8("level"), _slot(reader.u8("slot"))
    pts, duration = reader.varint("pts"), reader.varint("duration")
    payload = bytes(reader.take(reader.remaining, "the payload"))
    return Numbered(FramePacket(True, level, (), slot, pts, duration, payload), sequence, number)


def _decode_frame(reader: ByteReader, before: Times) -> Numbered:
    # 1. The fields that are always there.
    sequence, flags, slots = reader.u8("sequence"), reader.u8("flags"), reader.u8("slots")
    count = slots >> 4
    require_range("number of references", count, 0, MAX_REFERENCES)
    halves = []
    for _ in range(0, count, 2):
        byte = reader.u8("references")
        halves += [byte & 15, byte >> 4]
    if any(halves[count:]):
        raise BadField("half of no reference", found=halves[-1], expected=0)

    # 2. Times, each written only where it is not the expected one.
    pts, duration = before.expected, before.duration
    if flags & _TIME_FOLLOWS:
        late = get_signed(reader, "pts")
        if not late:
            raise BadField("pts is the expected one and written", found=0, expected="not 0")
        pts += late
    if flags & _DURATION_FOLLOWS:
        duration = reader.varint("duration")
        if duration == before.duration:
            raise BadField("duration is the expected one and written", found=duration)

    # 3. The rest.
    payload = bytes(reader.take(reader.remaining, "the payload"))
    level, slot = flags & MAX_LEVEL, _slot(slots & 15)
    packet = FramePacket(False, level, tuple(halves[:count]), slot, pts, duration, payload)
    return Numbered(packet, sequence)


def _slot_code(slot: int | None) -> int:
    return NO_SLOT if slot is None else slot


def _slot(code: int) -> int | None:
    require_range("slot", code, 0, NO_SLOT)
    return None if code == NO_SLOT else code
