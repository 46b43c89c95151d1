"""Bytes of videos as VIDEO.md has them: vectors that never change."""

from __future__ import annotations

import io

import pytest

from bitstream.video import VideoStreamReader, VideoStreamWriter
from tests.strategies_container import START, chunk
from tests.strategies_video import (
    AUDI,
    FRAM,
    HEAD,
    INDX,
    KEYF,
    TAIL,
    TRAK,
    TWO_TRACKS,
    Pipe,
    frame,
    head_payload,
    key,
    key_payload,
    pieces,
    random_access,
    read_all,
    reader_of,
    sample_head,
    sample_track,
    small_file,
    sound,
    written,
)

GOLDEN_FRAMES = (
    "8a4c4943010121b003f00157000201deadbeef00060001020200100101011919010403cafebabe00546d792a"
    "11118a4c49434b45590d00001e0000016b6579cb63f1a1"
    "120b012811006672616d652031aeb2d6c5"
    "120c02682801026672616d6520334c69ff64"
    "130501002c030470c9e0bb"
    "14086600000000000000c0429360"
)
GOLDEN_SOUND = (
    "8a4c4943010121b003f00157000201deadbeef00060001020200100101011919010403cafebabe01c25d7e5d"
    "101a0361616380f702020180f70203656e670673746572656f0212107936e05f"
    "2d110000ff0f8008736f756e64202d31303234d1c8b23f"
    "11138a4c49434b45590d01001e0890bf05016b6579b5b37616"
    "130c0190bf0563010101ff0f800807f624c8"
    "14087c00000000000000236fe88d"
)


def test_vector_of_frames() -> None:
    packets = [key(0), frame(1, (0,), 1), frame(3, (1, 0))]
    assert written(sample_head(), packets).hex() == GOLDEN_FRAMES
    assert read_all(bytes.fromhex(GOLDEN_FRAMES)) == packets


def test_vector_of_sound() -> None:
    head, packets = (
        sample_head(tracks=(sample_track(),)),
        [sound(-1024, key=False), key(90000, None)],
    )
    assert written(head, packets).hex() == GOLDEN_SOUND
    reader = reader_of(bytes.fromhex(GOLDEN_SOUND))
    assert (reader.head, list(reader)) == (head, packets)


def test_chunks_have_the_bytes_of_the_specification() -> None:
    packets = [
        key(70, 3, level=5),
        frame(71, (3,), None, level=63),
        frame(80, (), 7, level=0, duration=300),
        frame(75, (7, 3), None, level=1, duration=1),
    ]
    expected = START + b"".join(
        [
            chunk(HEAD, head_payload()),
            chunk(KEYF, key_payload(pts=70, slot=3, level=5)),
            chunk(FRAM, bytes.fromhex("01 3f 18 03") + b"frame 71"),
            # 8 ticks late: svarint 16; duration 300.
            chunk(FRAM, bytes.fromhex("02 c0 07 10 ac02") + b"frame 80"),
            # expected at 380, 305 early: svarint 609.
            chunk(FRAM, bytes.fromhex("03 c1 28 37 e104 01") + b"frame 75"),
        ]
    )
    data = written(sample_head(), packets)
    assert data.startswith(expected)
    index = chunk(INDX, bytes.fromhex("01 46 2c 04 b602"))  # end: 80 + 300 - 70
    assert data[len(expected) :] == index + chunk(TAIL, len(expected).to_bytes(8, "little"))
    assert read_all(data) == packets


def test_three_and_four_references_take_two_bytes() -> None:
    packets = [key(0, 0), *(frame(i, (0,), i) for i in (1, 2, 3))]
    packets += [frame(4, (3, 2, 1)), frame(5, (0, 1, 2, 3))]
    parts = list(pieces(written(sample_head(), packets)))
    assert parts[5].payload.startswith(bytes.fromhex("04 28 38 23 01"))
    assert parts[6].payload.startswith(bytes.fromhex("05 28 48 10 32"))
    assert parts[1].code == KEYF


def test_track_has_the_bytes_of_the_specification() -> None:
    track = sample_track(
        codec="opus", sample_rate=300, language="", extradata=b"abc", extension=b"x"
    )
    data = written(sample_head(tracks=(track,)), [key()])
    (part,) = [part for part in pieces(data) if part.code == TRAK]
    expected = b"\x04opus\xac\x02\x02\x01\x80\xf7\x02\x00\x06stereo\x03abcx"
    assert part.payload == expected


def test_audio_has_the_bytes_of_the_specification() -> None:
    head = sample_head(tracks=TWO_TRACKS)
    data = written(head, [key(), sound(-3, 1, key=True, duration=0), sound(64, 0, key=False)])
    audio = [part.payload for part in pieces(data) if part.code == AUDI]
    assert audio == [b"\x01\x21\x05\x00sound -3", b"\x02\x00\x80\x01\x80\x08sound 64"]


def test_overhead_of_a_frame_is_that_of_the_specification() -> None:
    packets = [key(0, 0), frame(1, (0,), 1), frame(2, (0, 1), payload=bytes(1000))]
    part = list(pieces(written(sample_head(), packets)))[3]
    assert len(part.data) - 1000 == 4 + 4 + 1 + 2


def test_sequence_is_modulo_256_and_number_is_not() -> None:
    packets = [key(i, 0) for i in range(300)]
    data = written(sample_head(), packets)
    part = list(pieces(data))[300]
    assert part.payload.startswith(key_payload(299 % 256, 299, 299)[:-4])
    assert read_all(data) == packets


def test_what_was_read_is_written_with_the_same_bytes() -> None:
    data = small_file()
    reader = reader_of(data)
    assert written(reader.head, reader) == data


@pytest.mark.parametrize("most", [1, 7, 100000])
def test_pipes_are_written_and_read(most: int) -> None:
    out = Pipe(most=most)
    writer = VideoStreamWriter(out, sample_head(tracks=TWO_TRACKS, reorder=3))  # type: ignore[arg-type]
    for packet in random_access():
        writer.write(packet)
    writer.finish()
    assert bytes(out.data) == small_file()
    assert list(VideoStreamReader(out)) == random_access()  # type: ignore[arg-type]


def test_file_may_stand_inside_a_stream() -> None:
    stream = io.BytesIO(b"something else" + small_file())
    stream.seek(14)
    reader = VideoStreamReader(stream)
    entry = reader.index().entries[1]
    assert list(reader.read_at(entry)) == random_access()[8:]
    assert list(reader) == random_access()
