"""What writers and readers of videos refuse: one test per rule and error of VIDEO.md, 4 and 9."""

from __future__ import annotations

import io
from typing import Any

import pytest

from bitstream import (
    BadChecksum,
    BadField,
    BadMagic,
    BitstreamError,
    ChunkOrder,
    DuplicateChunk,
    LimitExceeded,
    MissingChunk,
    TrailingData,
    Truncated,
    UnknownCriticalChunk,
    UnsupportedVersion,
)
from bitstream.video import (
    MAX_TIME,
    AudioPacket,
    FramePacket,
    Packet,
    VideoLimits,
    VideoStreamWriter,
    inspect,
)
from tests.strategies_container import START, chunk, varint
from tests.strategies_video import (
    AUDI,
    FRAM,
    HEAD,
    INDX,
    KEYF,
    SYNC,
    TAIL,
    TRAK,
    TWO_TRACKS,
    frame,
    head_payload,
    key,
    key_payload,
    low_delay,
    pieces,
    random_access,
    read_all,
    rebuilt,
    sample_head,
    small_file,
    sound,
    written,
)

FRONT = START + chunk(HEAD, head_payload())
KEY = chunk(KEYF, key_payload())


# Values of packets


@pytest.mark.parametrize(
    "make",
    [
        lambda: key(0, level=64),
        lambda: key(0, level=-1),
        lambda: key(0, 8),
        lambda: key(-1),
        lambda: key(MAX_TIME + 1),
        lambda: key(0, duration=-1),
        lambda: key(0, duration=MAX_TIME + 1),
        lambda: key(0, references=(1,)),
        lambda: frame(1, (8,)),
        lambda: frame(1, (-1,)),
        lambda: frame(1, (1, 1)),
        lambda: frame(1, (0, 1, 2, 3, 4)),
        lambda: sound(0, 32),
        lambda: sound(0, -1),
        lambda: sound(MAX_TIME + 1),
        lambda: sound(-MAX_TIME - 1),
        lambda: sound(0, duration=-1),
    ],
)
def test_value_out_of_range_raises_bad_field(make: Any) -> None:
    with pytest.raises(BadField):
        make()


# Sequences of packets: the writer refuses them and goes on as if they had not been


@pytest.mark.parametrize(
    ("before", "bad", "error", "words"),
    [
        ([], frame(0, ()), MissingChunk, "before the first key frame"),
        ([key(0, 0)], frame(1, (1,)), BadField, "empty slots"),
        ([key(0, None)], frame(1, (0,)), BadField, "empty slots"),
        ([key(0, 0), frame(1, (0,), 1), key(2, 0)], frame(3, (1,)), BadField, "empty slots"),
        ([key(5)], frame(5), BadField, "after its key frame"),
        ([key(5)], frame(4), BadField, "after its key frame"),
        ([key(0), frame(7)], frame(7), BadField, "same time"),
        ([key(0), frame(7)], key(7), BadField, "after all before it"),
        ([key(0), frame(7), frame(3)], key(5), BadField, "after all before it"),
        ([key(0)], key(0), BadField, "after all before it"),
        ([key(0), *(frame(i) for i in (9, 8, 7))], frame(6), BadField, "shown later"),
        ([key(0), *(frame(i) for i in (9, 8, 7, 10))], frame(8), BadField, "same time"),
        ([key(0), *(frame(i) for i in (7, 10, 11, 12, 13))], frame(7), BadField, "shown later"),
        ([], sound(0, 2), BadField, "no such track"),
    ],
)
def test_packet_that_breaks_a_rule_is_not_written(
    before: list[Packet], bad: Packet, error: type, words: str
) -> None:
    head = sample_head(tracks=TWO_TRACKS, reorder=2)
    good = [*before, key(20, 0), frame(21)]
    out = io.BytesIO()
    writer = VideoStreamWriter(out, head)
    for packet in before:
        writer.write(packet)
    with pytest.raises(error, match=words):
        writer.write(bad)
    for packet in good[len(before) :]:
        writer.write(packet)
    writer.finish()
    assert out.getvalue() == written(head, good)


def test_reorder_zero_means_the_order_of_the_file() -> None:
    assert written(sample_head(reorder=0), low_delay())
    with pytest.raises(BadField, match="shown later"):
        written(sample_head(reorder=0), [key(0), frame(2), frame(1)])


def test_reorder_is_as_large_as_the_head_says() -> None:
    packets: list[Packet] = [key(0), *(frame(i) for i in range(17, 0, -1))]
    assert read_all(written(sample_head(), packets)) == packets
    with pytest.raises(BadField, match="shown later"):
        written(sample_head(), [key(0), *(frame(i) for i in range(18, 0, -1))])


def test_video_without_frames_is_not_finished() -> None:
    out = io.BytesIO()
    writer = VideoStreamWriter(out, sample_head(tracks=TWO_TRACKS))
    with pytest.raises(MissingChunk, match="no frame"):
        writer.finish()
    writer.write(sound(0))
    with pytest.raises(MissingChunk, match="no frame"):
        writer.finish()
    writer.write(key(0))
    writer.finish()
    writer.finish()
    with pytest.raises(ChunkOrder):
        writer.write(frame(1))
    assert read_all(out.getvalue()) == [sound(0), key(0)]


def test_one_frame_is_a_video() -> None:
    assert read_all(written(sample_head(), [key(7, None, b"")])) == [key(7, None, b"")]


def test_writer_counts() -> None:
    out = io.BytesIO()
    writer = VideoStreamWriter(out, sample_head())
    for packet in low_delay(4):
        writer.write(packet)
        assert writer.size == len(out.getvalue())
    assert writer.frames == 4


# One test per error of reading


def bad_files() -> dict[str, tuple[bytes, type[BitstreamError], str]]:
    """Files that are wrong, the error that they raise, words of its message."""
    head, first, second, third, index, tail = list(pieces(written(sample_head(), low_delay(3))))
    two_gops = list(pieces(written(sample_head(), [key(0), frame(1), key(2), frame(3)])))
    whole = rebuilt([head, first, second, third, index, tail])
    track = chunk(TRAK, b"\x01a\x01\x01\x01\x01\x00\x00\x00")

    def fram(payload: bytes, *others: bytes) -> bytes:
        return FRONT + KEY + chunk(FRAM, payload) + b"".join(others)

    def indexed(payload: bytes) -> bytes:
        return rebuilt([head, first, second, third, chunk(INDX, payload), tail])

    return {
        "empty": (b"", Truncated, "magic"),
        "foreign": (b"\x89PNG\r\n\x1a\n", BadMagic, "not a file"),
        "newer": (b"\x8aLIC\x02" + whole[5:], UnsupportedVersion, "version"),
        "only the front": (FRONT, Truncated, "before chunk TAIL"),
        "no index": (rebuilt([head, first, second, third]), Truncated, "before chunk TAIL"),
        "no tail": (rebuilt([head, first, second, third, index]), Truncated, "before chunk TAIL"),
        "no head": (START + KEY, MissingChunk, "header"),
        "head twice": (rebuilt([head, head, first]), DuplicateChunk, "header"),
        "track too many": (rebuilt([head, track, first]), ChunkOrder, "track"),
        "track behind packets": (rebuilt([head, first, track]), ChunkOrder, "track"),
        "no frame": (rebuilt([head, index, tail]), MissingChunk, "no frame"),
        "frame first": (rebuilt([head, second]), ChunkOrder, "not the next"),
        "frame first, numbered": (
            FRONT + chunk(FRAM, bytes([0, 40, 8])),
            MissingChunk,
            "before the first key frame",
        ),
        "frame twice": (rebuilt([head, first, second, second]), DuplicateChunk, "again"),
        "key twice": (rebuilt([head, first, first]), DuplicateChunk, "again"),
        "frames swapped": (rebuilt([head, first, third, second]), ChunkOrder, "not the next"),
        "frame left out": (rebuilt([head, first, third]), ChunkOrder, "not the next"),
        "key frame's number": (
            FRONT + KEY + chunk(KEYF, key_payload(1, 2, 1)),
            ChunkOrder,
            "number of the key frame",
        ),
        "GOP left out": (rebuilt([two_gops[0], *two_gops[3:]]), ChunkOrder, "not the next"),
        "index twice": (
            rebuilt([head, first, second, third, index, index]),
            DuplicateChunk,
            "index",
        ),
        "tail before index": (
            rebuilt([head, first, second, third, tail]),
            MissingChunk,
            "no index",
        ),
        "packet after index": (
            rebuilt([head, first, index, second]),
            BadField,
            "index is not that",
        ),
        "packet behind index": (
            rebuilt([head, first, second, third, index, third]),
            ChunkOrder,
            "after the index",
        ),
        "byte after the end": (whole + b"\0", TrailingData, "after the end"),
        "file after the end": (whole + whole, TrailingData, "after the end"),
        "unknown": (rebuilt([head, first, chunk(0x40, b"new")]), UnknownCriticalChunk, "newer"),
        "chunk of stills": (
            rebuilt([head, first, chunk(0x7F, b"t")]),
            UnknownCriticalChunk,
            "newer",
        ),
        "metadata of stills": (rebuilt([head, chunk(0x02, b"icc")]), UnknownCriticalChunk, "newer"),
        "id 0": (rebuilt([head, chunk(0, b"")]), BadField, "id is 0"),
        "id 0, ignorable": (rebuilt([head, chunk(0x80, b"")]), BadField, "id is 0"),
        "frame, ignorable": (rebuilt([head, chunk(FRAM | 0x80, b"")]), BadField, "ignorable bit"),
        "head, ignorable": (rebuilt([head, chunk(0x81, b"")]), BadField, "ignorable bit"),
        "sync": (
            FRONT + chunk(KEYF, key_payload().replace(b"KEY", b"key")),
            BadField,
            "sync",
        ),
        "key frame too short": (FRONT + chunk(KEYF, SYNC + b"\0\0"), Truncated, "level"),
        "key frame's slot": (FRONT + chunk(KEYF, key_payload(slot=9)), BadField, "slot"),
        "key frame's level": (FRONT + chunk(KEYF, key_payload(level=64)), BadField, "level"),
        "key frame's time": (FRONT + chunk(KEYF, key_payload(pts=2**62)), BadField, "pts"),
        "frame too short": (fram(b"\x01\x28"), Truncated, "slots"),
        "frame's slot": (fram(b"\x01\x28\x09"), BadField, "slot"),
        "five references": (fram(b"\x01\x28\x58"), BadField, "number of references"),
        "high bit of slots": (fram(b"\x01\x28\x88"), BadField, "number of references"),
        "reference 8": (fram(b"\x01\x28\x18\x08"), BadField, "reference"),
        "reference twice": (fram(b"\x01\x28\x28\x00"), BadField, "reference twice"),
        "half of no reference": (fram(b"\x01\x28\x18\x10"), BadField, "half"),
        "empty slot": (fram(b"\x01\x28\x18\x01"), BadField, "empty slots"),
        "time that is expected": (fram(b"\x01\x68\x08\x00"), BadField, "expected one"),
        "duration that is expected": (fram(b"\x01\xa8\x08\x01"), BadField, "expected one"),
        "time below 0": (fram(b"\x01\x68\x08\x05"), BadField, "pts"),
        "time of the key frame": (fram(b"\x01\x68\x08\x01"), BadField, "after its key frame"),
        "no such track": (FRONT + chunk(AUDI, b"\0\x20\0\0"), BadField, "no such track"),
        "audio's flags": (FRONT + chunk(AUDI, b"\0\x40\0\0"), BadField, "flags"),
        "audio too short": (FRONT + chunk(AUDI, b"\0\x20\0"), Truncated, "duration"),
        "tail's length": (FRONT + KEY + chunk(TAIL, b"1234567"), BadField, "length"),
        "tail's offset": (
            rebuilt([head, first, second, third, index])
            + chunk(TAIL, (len(whole) - 14).to_bytes(8, "little")),
            BadField,
            "offset of the index",
        ),
        "index of nothing": (indexed(b"\0"), BadField, "number of keys"),
        "index too short": (indexed(b"\x01\0\x2c\x03"), Truncated, "end"),
        "index with too many keys": (indexed(b"\x05\0\x2c\x03\x03"), BadField, "number of keys"),
        "index with another time": (indexed(b"\x01\x01\x2c\x03\x03"), BadField, "not that of this"),
        "index with another offset": (indexed(b"\x01\0\x2d\x03\x03"), BadField, "not that of this"),
        "index with another count": (indexed(b"\x01\0\x2c\x02\x03"), BadField, "not that of this"),
        "index with another end": (indexed(b"\x01\0\x2c\x03\x04"), BadField, "not that of this"),
        "index beyond the file": (indexed(b"\x01\0\xff\x7f\x03\x03"), BadField, "offset"),
        "damaged unknown chunk": (
            rebuilt([head, first, chunk(0x40, b"new").replace(b"n", b"m")]),
            BadChecksum,
            "CRC",
        ),
    }


@pytest.mark.parametrize("name", list(bad_files()))
def test_bad_file_raises_its_error_and_says_where(name: str) -> None:
    data, error, words = bad_files()[name]
    with pytest.raises(error, match=words) as caught:
        read_all(data)
    assert type(caught.value) is error
    assert caught.value.offset is not None
    with pytest.raises(error):
        list(inspect(io.BytesIO(data)))


def test_index_with_an_extension_is_read() -> None:
    head, first, index, tail = pieces(written(sample_head(), [key()]))
    data = rebuilt([head, first, chunk(INDX, index.payload + b"later"), tail])
    assert read_all(data) == [key()]


def test_unknown_ignorable_chunks_are_skipped_wherever_they_stand() -> None:
    parts: list[Any] = []
    for part in pieces(small_file()):
        parts += [part, chunk(0xC0, b"unknown")] if part.code != TAIL else [part]
    data = rebuilt(parts)
    # Their bytes move the chunks behind them, so the index is another one.
    with pytest.raises(BadField, match="index is not that"):
        read_all(data)
    early = [part for part in parts if not isinstance(part, bytes)]
    late = rebuilt([*early[:-1], chunk(0xC0, b"unknown"), early[-1]])
    assert read_all(late) == random_access()
    with pytest.raises(BadChecksum):
        read_all(late.replace(b"unknown", b"unknowN"))


# Limits of lengths


@pytest.mark.parametrize("code", [KEYF, FRAM, AUDI, 0xC0, 0x40])
def test_hostile_length_is_refused_before_it_is_read(code: int) -> None:
    with pytest.raises(LimitExceeded, match="max_packet_bytes"):
        read_all(FRONT + KEY + bytes([code]) + varint(2**60) + b"x")


def test_hostile_length_of_the_index_is_refused_before_it_is_read() -> None:
    with pytest.raises(LimitExceeded, match="max_index_entries"):
        read_all(FRONT + KEY + bytes([INDX]) + varint(2**60) + b"x")


@pytest.mark.parametrize("length", ["8000", "ff" * 9 + "02", "ff" * 20])
def test_length_that_is_no_varint_raises_bad_field(length: str) -> None:
    with pytest.raises(BadField, match="varint"):
        read_all(FRONT + KEY + bytes([FRAM]) + bytes.fromhex(length) + bytes(20))


def test_packet_beyond_the_limit_is_neither_read_nor_written() -> None:
    limits = VideoLimits(max_packet_bytes=100)
    size = 100 - 14  # KEYF adds sync and six bytes
    assert written(sample_head(), [key(payload=bytes(size))], limits)
    for bad in (key(payload=bytes(size + 1)),):
        with pytest.raises(LimitExceeded, match="max_packet_bytes"):
            written(sample_head(), [bad], limits)
        with pytest.raises(LimitExceeded, match="max_packet_bytes"):
            read_all(written(sample_head(), [bad]), limits=limits)


def test_key_frames_beyond_the_limit_are_neither_read_nor_written() -> None:
    limits, packets = VideoLimits(max_index_entries=2), [key(i) for i in range(3)]
    with pytest.raises(LimitExceeded, match="max_index_entries"):
        written(sample_head(), packets, limits)
    with pytest.raises(LimitExceeded, match="max_index_entries"):
        read_all(written(sample_head(), packets), limits=limits)


def test_types_of_packets() -> None:
    kinds = {type(packet) for packet in read_all(small_file())}
    assert kinds == {FramePacket, AudioPacket}
