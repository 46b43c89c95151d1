"""Properties of videos: round trip, one file per content, damage is seen and never invented."""

from __future__ import annotations

import io

from hypothesis import given, settings
from hypothesis import strategies as st

import bitstream
from bitstream import BitstreamError
from bitstream.video import FramePacket, Packet, VideoHead, VideoStreamReader, inspect
from tests.fuzz.video_container import LIMITS, check_input, is_part
from tests.strategies_video import Pipe, read_all, reader_of, videos, written


@settings(deadline=None, max_examples=150)
@given(videos())
def test_round_trip(video: tuple[VideoHead, list[Packet]]) -> None:
    head, packets = video
    data = written(head, packets)
    reader = reader_of(data)
    assert (reader.head, list(reader)) == (head, packets)
    assert written(reader.head, reader) == data
    assert bitstream.kind(data) == "video"
    piped = VideoStreamReader(Pipe(data, most=13), recover=True)  # type: ignore[arg-type]
    assert list(piped) == packets
    assert piped.damage == []


@settings(deadline=None, max_examples=100)
@given(videos())
def test_index_leads_to_every_key_frame(video: tuple[VideoHead, list[Packet]]) -> None:
    head, packets = video
    data = written(head, packets)
    reader = reader_of(data)
    index = reader.index()
    frames = [packet for packet in packets if isinstance(packet, FramePacket)]
    assert index.complete
    assert [e.pts for e in index.entries] == [packet.pts for packet in frames if packet.key]
    assert (index.frames, index.end) == (len(frames), max(p.pts + p.duration for p in frames))
    for entry in index.entries:
        rest = list(reader.read_at(entry))
        assert rest == packets[-len(rest) :]
        assert rest[0] == frames[entry.number]
    cut = reader_of(data[:-1]).index()
    assert (cut.entries, cut.frames, cut.end, cut.tracks) == (
        index.entries, index.frames, index.end, index.tracks,
    )  # fmt: skip


@settings(deadline=None, max_examples=100)
@given(videos())
def test_description_covers_every_byte(video: tuple[VideoHead, list[Packet]]) -> None:
    data = written(*video)
    infos = list(inspect(io.BytesIO(data)))
    assert infos[-1].offset + infos[-1].size == len(data)
    payloads = sum(len(packet.payload) for packet in video[1])
    front = infos[0].offset
    assert front + sum(info.overhead for info in infos) + payloads == len(data)


@settings(deadline=None, max_examples=150)
@given(videos(), st.data())
def test_damage_is_seen_and_what_is_read_was_written(
    video: tuple[VideoHead, list[Packet]], draw: st.DataObject
) -> None:
    data = bytearray(written(*video))
    at = draw.draw(st.integers(0, len(data) - 1))
    end = at + draw.draw(st.integers(0, 40))
    change = draw.draw(st.binary(max_size=40))
    if bytes(data[at:end]) == change:
        return
    original = bytes(data)
    data[at:end] = change
    if bytes(data) == original:
        return
    seen: list[Packet] = []
    try:
        for packet in reader_of(bytes(data), limits=LIMITS):
            seen.append(packet)  # noqa: PERF402 - what comes before the error counts
    except BitstreamError:
        assert seen == video[1][: len(seen)]
    else:
        raise AssertionError("damage is not seen")
    try:
        again = read_all(bytes(data), limits=LIMITS, recover=True)
    except BitstreamError:
        return
    assert again[: len(seen)] == seen
    assert is_part(again, video[1])


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_give_a_named_error(noise: bytes, behind_a_head: bool) -> None:
    front = written(VideoHead(width=1, height=1, chroma=0, time_base=(1, 1)), [KEY])  # type: ignore[arg-type]
    check_input(front[:-30] + noise if behind_a_head else noise)


KEY = FramePacket(True, 0, (), 0, 0, 1, b"")
