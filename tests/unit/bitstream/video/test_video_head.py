"""Header and tracks of videos <-> bytes."""

from __future__ import annotations

import io
from typing import Any

import pytest

import bitstream
from bitstream import BadField, BadMagic, LimitExceeded, MissingChunk, Truncated, UnsupportedVersion
from bitstream.video import AudioTrack, Chroma, VideoHead, VideoLimits, VideoStreamWriter
from tests.strategies_container import START, chunk, one_tile, varint
from tests.strategies_container import head_payload as still_payload
from tests.strategies_video import (
    HEAD,
    KEYF,
    TRAK,
    TWO_TRACKS,
    head_payload,
    key,
    key_payload,
    reader_of,
    sample_head,
    sample_track,
    small_file,
    written,
)


def head_of(data: bytes, limits: VideoLimits | None = None) -> VideoHead:
    return reader_of(data, limits=limits).head


@pytest.mark.parametrize(
    "changes",
    [
        {"width": 1, "height": 1, "chroma": Chroma.YUV444},
        {"width": 16384, "height": 2048, "reorder": 0},
        {"matrix": 6, "primaries": 255, "transfer": 0, "full_range": True, "rotation": 270},
        {"full_range": True, "rotation": 90},
        {"aspect": (64, 45), "time_base": (1001, 30000), "frame_rate": (0, 1)},
        {"time_base": (2**31 - 1, 2**31 - 1), "model_id": 65535, "inter_id": 65535},
        {"extension": bytes(200)},
        {"tracks": TWO_TRACKS},
        {"tracks": (sample_track(extradata=bytes(100_000), extension=b"later"),) * 32},
    ],
)
def test_heads_come_back(changes: dict[str, Any]) -> None:
    head = sample_head(**changes)
    assert head_of(written(head, [key()])) == head


@pytest.mark.parametrize(
    "changes",
    [
        {"width": 0},
        {"height": 16385},
        {"matrix": 256},
        {"primaries": -1},
        {"transfer": 256},
        {"rotation": 45},
        {"aspect": (0, 1)},
        {"aspect": (1, 1, 1)},
        {"time_base": (1, 0)},
        {"time_base": (1, 2**31)},
        {"frame_rate": (0, 2)},
        {"frame_rate": (25, 0)},
        {"reorder": 17},
        {"model_id": 65536},
        {"inter_id": -1},
        {"weights_hash": b"abc"},
        {"inter_hash": b"abcde"},
        {"tracks": (sample_track(),) * 33},
    ],
)
def test_value_out_of_range_raises_bad_field(changes: dict[str, Any]) -> None:
    with pytest.raises(BadField):
        sample_head(**changes)


@pytest.mark.parametrize("changes", [{"matrix": 0}, {"matrix": 9}, {"chroma": 2}])
def test_reserved_value_raises_unsupported_version(changes: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedVersion, match=next(iter(changes))):
        sample_head(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"codec": ""},
        {"codec": "x" * 65},
        {"codec": "a\nb"},
        {"codec": "é"},
        {"language": "é"},
        {"layout": "x" * 65},
        {"sample_rate": 0},
        {"sample_rate": 2**31},
        {"channels": 0},
        {"channels": 65536},
        {"time_base": (0, 1)},
    ],
)
def test_track_out_of_range_raises_bad_field(changes: dict[str, Any]) -> None:
    with pytest.raises(BadField, match=next(iter(changes))):
        sample_track(**changes)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"width": 0}, BadField),
        ({"height": 16385}, BadField),
        ({"samples": 0x17}, UnsupportedVersion),
        ({"samples": 0x56}, UnsupportedVersion),
        ({"samples": 0x77}, UnsupportedVersion),
        ({"samples": 0x97}, UnsupportedVersion),
        ({"color": 1}, UnsupportedVersion),
        ({"level": 1}, UnsupportedVersion),
        ({"tile_log2": 7}, UnsupportedVersion),
        ({"chroma": 2}, UnsupportedVersion),
        ({"matrix": 2}, UnsupportedVersion),
        ({"picture": 8}, UnsupportedVersion),
        ({"reorder": 17}, BadField),
        ({"aspect": (0, 1)}, BadField),
        ({"time_base": (1, 2**31)}, BadField),
        ({"frame_rate": (0, 0)}, BadField),
        ({"tracks": 33}, BadField),
    ],
)
def test_stored_value_is_judged_and_placed(changes: dict[str, Any], error: type) -> None:
    with pytest.raises(error) as caught:
        head_of(START + chunk(HEAD, head_payload(**changes)))
    assert (caught.value.offset, caught.value.chunk) == (7, "HEAD")


@pytest.mark.parametrize("length", range(len(head_payload())))
def test_header_that_is_too_short_raises_truncated(length: int) -> None:
    with pytest.raises(Truncated):
        head_of(START + chunk(HEAD, head_payload()[:length]))


def test_header_that_is_too_long_is_refused_by_its_length() -> None:
    with pytest.raises(BadField, match="too long"):
        head_of(START + bytes([HEAD]) + varint(2**60))
    with pytest.raises(BadField, match="too long"):
        written(sample_head(extension=bytes(250)), [key()])


@pytest.mark.parametrize("length", range(26))
def test_track_that_is_too_short_raises_truncated(length: int) -> None:
    part = b"\x03aac\x80\xf7\x02\x02\x01\x80\xf7\x02\x03eng\x06stereo\x02\x12\x10"
    start = START + chunk(HEAD, head_payload(tracks=1))
    assert head_of(start + chunk(TRAK, part)).tracks == (sample_track(),)
    with pytest.raises(Truncated):
        head_of(start + chunk(TRAK, part[:length]))


@pytest.mark.parametrize(
    "part", [b"\x03a\xffc", b"\x00", b"\x41" + b"a" * 65, b"\xff\xff\xff\xff\x0f", b"\x03aac\x00"]
)
def test_track_with_bad_values_raises_bad_field_and_says_where(part: bytes) -> None:
    rest = b"\x80\xf7\x02\x02\x01\x80\xf7\x02\x03eng\x06stereo\x02\x12\x10"
    start = START + chunk(HEAD, head_payload(tracks=1))
    with pytest.raises(BadField) as caught:
        head_of(start + chunk(TRAK, part + rest))
    assert caught.value.chunk == "TRAK"
    assert caught.value.offset is not None


def test_packets_before_the_last_track_raise_missing_chunk() -> None:
    start = START + chunk(HEAD, head_payload(tracks=2))
    with pytest.raises(MissingChunk, match="fewer tracks"):
        head_of(start + chunk(KEYF, key_payload()))
    with pytest.raises(Truncated, match="last chunk TRAK"):
        head_of(start)


def test_unknown_ignorable_chunks_before_the_tracks_are_skipped() -> None:
    data = written(sample_head(tracks=(sample_track(),)), [key()])
    at = data.index(b"\x10\x1a")
    assert head_of(data[:at] + chunk(0xC0, b"unknown") + data[at:]).tracks == (sample_track(),)


# Kinds


def test_kind_is_told_from_the_first_bytes() -> None:
    still, video = bitstream.write(one_tile()), small_file()
    assert bitstream.kind(still) == bitstream.kind(memoryview(still[:11])) == "still"
    assert bitstream.kind(video) == bitstream.kind(bytearray(video[:12])) == "video"
    assert bitstream.has_magic(video)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", Truncated),
        (b"\x8aLI", Truncated),
        (START, Truncated),
        (START + b"\x01\x21\xb0\x03\xf0\x01", Truncated),
        (b"\x89PNG\r\n\x1a\n", BadMagic),
        (b"\x8aLIC\x02\x01\x21", UnsupportedVersion),
        (START + chunk(KEYF, key_payload()), MissingChunk),
        (START + b"\x01\x21\x80\x00", BadField),
        (START + chunk(HEAD, head_payload(samples=0x97)), UnsupportedVersion),
    ],
)
def test_kind_of_something_else_raises_a_named_error(data: bytes, error: type) -> None:
    with pytest.raises(error):
        bitstream.kind(data)


@pytest.mark.parametrize("read", [bitstream.read, bitstream.read_header, bitstream.inspect])
def test_readers_of_stills_say_that_it_is_a_video(read: Any) -> None:
    with pytest.raises(UnsupportedVersion, match="video"):
        read(small_file())


def test_readers_of_videos_say_that_it_is_a_still() -> None:
    with pytest.raises(UnsupportedVersion, match="still image"):
        head_of(bitstream.write(one_tile()))
    assert len(still_payload()) < 255


# Limits


@pytest.mark.parametrize(
    ("limits", "name"),
    [
        (VideoLimits(max_pixels=432 * 240 - 1), "max_pixels"),
        (VideoLimits(max_dimension=431), "max_dimension"),
        (VideoLimits(max_tracks=1), "max_tracks"),
        (VideoLimits(max_track_bytes=10), "max_track_bytes"),
    ],
)
def test_head_beyond_the_limits_is_neither_read_nor_written(limits: VideoLimits, name: str) -> None:
    with pytest.raises(LimitExceeded, match=name):
        head_of(small_file(), limits)
    with pytest.raises(LimitExceeded, match=name):
        VideoStreamWriter(io.BytesIO(), sample_head(tracks=TWO_TRACKS), limits)


def test_exactly_the_limit_and_zero_are_accepted() -> None:
    exact = VideoLimits(max_pixels=432 * 240, max_dimension=432, max_tracks=2, max_track_bytes=26)
    zero = VideoLimits(
        max_pixels=0, max_dimension=0, max_tracks=0, max_track_bytes=0, max_packet_bytes=0,
        max_index_entries=0,
    )  # fmt: skip
    head = sample_head(tracks=(sample_track(),) * 2)
    data = written(head, [key()], exact)
    for limits in (exact, zero):
        reader = reader_of(data, limits=limits)
        assert (reader.head, list(reader), reader.index().complete) == (head, [key()], True)


def test_default_limits_refuse_the_largest_picture() -> None:
    data = START + chunk(HEAD, head_payload(width=16384, height=16384))
    with pytest.raises(LimitExceeded):
        head_of(data)
    assert head_of(data, VideoLimits(max_pixels=0)).width == 16384


def test_negative_limit_raises_bad_field() -> None:
    with pytest.raises(BadField):
        VideoLimits(max_packet_bytes=-1)


def test_defaults_of_a_track() -> None:
    track = AudioTrack(codec="flac", sample_rate=44100, channels=1, time_base=(1, 44100))
    assert (track.language, track.layout, track.extradata) == ("", "", b"")
