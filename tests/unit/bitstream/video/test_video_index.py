"""Index, seeking, description; and that memory does not grow with the video."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator
from itertools import pairwise

import pytest

from bitstream import BadField, ChunkOrder, MissingChunk
from bitstream.video import (
    IndexEntry,
    Packet,
    TrackTotals,
    VideoHead,
    VideoLimits,
    VideoStreamReader,
    VideoStreamWriter,
    inspect,
)
from tests.strategies_container import chunk, varint
from tests.strategies_video import (
    INDX,
    KEYF,
    TAIL,
    TWO_TRACKS,
    Pipe,
    frame,
    key,
    pieces,
    random_access,
    read_all,
    reader_of,
    rebuilt,
    sample_head,
    small_file,
    sound,
    written,
)

PER_GOP = 7  # packets


def test_index_says_where_key_frames_are_and_how_much_there_is() -> None:
    data = small_file()
    index = reader_of(data).index()
    offsets = [info.offset for info in inspect(io.BytesIO(data)) if info.name == "KEYF"]
    assert [entry.offset for entry in index.entries] == offsets
    assert all(data[offset] == KEYF for offset in offsets)
    assert [(e.pts, e.frames) for e in index.entries] == [(0, 5), (5, 5), (10, 5)]
    assert [e.number for e in index.entries] == [0, 5, 10]
    assert (index.frames, index.start, index.end, index.duration) == (15, 0, 15, 15)
    assert index.tracks == (TrackTotals(4, -1024, 3072), TrackTotals(3, 5, 2053))
    assert index.tracks[0].duration == 4096
    assert index.complete


@pytest.mark.parametrize(
    "damage", ["tail cut", "index and tail cut", "tail damaged", "index damaged", "tail lies"]
)
def test_without_the_index_key_frames_are_found_by_walking(damage: str) -> None:
    data = small_file()
    right = reader_of(data).index()
    *packets, index, tail = pieces(data)
    bad = {
        "tail cut": data[:-3],
        "index and tail cut": rebuilt(packets),
        "tail damaged": data[:-10] + b"\xff" + data[-9:],
        "index damaged": data.replace(index.data, index.data[:3] + b"\xff" + index.data[4:]),
        "tail lies": data[:-14] + chunk(TAIL, (13).to_bytes(8, "little")),
    }[damage]
    assert len(tail.data) == 14
    for recover in (False, True):
        found = reader_of(bad, recover=recover).index()
        assert found.entries == right.entries
        assert (found.frames, found.end, found.tracks) == (right.frames, right.end, right.tracks)
        assert not found.complete


def test_walking_ends_at_damage_or_recovers() -> None:
    data = bytearray(small_file())
    entries = reader_of(bytes(data)).index().entries
    data[entries[1].offset + 20] ^= 1
    del data[-3:]
    found = reader_of(bytes(data)).index()
    assert [entry.number for entry in found.entries] == [0]
    found = reader_of(bytes(data), recover=True).index()
    assert found.entries == (entries[0], entries[2])


def test_index_of_a_file_that_ends_in_its_first_frame_is_empty() -> None:
    index = reader_of(small_file()[:130]).index()
    assert (index.entries, index.frames, index.duration, index.start) == ((), 0, 0, 0)
    with pytest.raises(MissingChunk):
        index.before_time(0)


def test_times_and_numbers_lead_to_their_key_frame() -> None:
    index = reader_of(written(sample_head(), [key(3), frame(9), key(10), key(20)])).index()
    assert [index.before_time(t).pts for t in (-5, 0, 3, 9, 10, 19, 20, 10**9)] == [
        3, 3, 3, 3, 10, 10, 20, 20,
    ]  # fmt: skip
    assert [index.before_frame(n).number for n in (-1, 0, 1, 2, 3, 99)] == [0, 0, 0, 2, 3, 3]


def test_reading_begins_at_any_key_frame_in_any_order() -> None:
    reader = reader_of(small_file())
    entries = reader.index().entries
    for i in (2, 0, 1, 2):
        assert list(reader.read_at(entries[i])) == random_access()[1 + PER_GOP * i :]
    assert list(reader) == list(reader) == random_access()


def test_iterators_take_turns() -> None:
    reader = reader_of(small_file())
    one, two = iter(reader), reader.read_at(reader.index().entries[1])
    pairs = list(zip(one, two, strict=False))
    assert [a for a, _ in pairs] == random_access()[: 2 * PER_GOP]
    assert [b for _, b in pairs] == random_access()[1 + PER_GOP :]


@pytest.mark.parametrize(
    "entry",
    [
        IndexEntry(0, 0, 1, 0),
        IndexEntry(0, 10**9, 1, 0),
        IndexEntry(1, -1, 1, 0),
        IndexEntry(1, -2, 1, 0),
    ],
)
@pytest.mark.parametrize("recover", [False, True])
def test_index_that_lies_is_found_out(entry: IndexEntry, recover: bool) -> None:
    reader = reader_of(small_file(), recover=recover)
    first = reader.index().entries[0]
    offset = {-1: first.offset, -2: first.offset - 30}.get(entry.offset, entry.offset)
    lie = IndexEntry(entry.pts, offset, entry.frames, entry.number)
    if recover:
        list(reader.read_at(lie))
        assert reader.damage
    else:
        with pytest.raises(Exception, match=r"index names|data end|varint|too long|exceeds|CRC"):
            list(reader.read_at(lie))


def test_index_with_a_wrong_number_is_found_out() -> None:
    reader = reader_of(small_file())
    second = reader.index().entries[1]
    with pytest.raises(ChunkOrder, match="number"):
        list(reader.read_at(IndexEntry(second.pts, second.offset, 5, 4)))


def test_index_with_a_wrong_total_is_found_out_from_the_middle() -> None:
    *parts, index, tail = pieces(small_file())
    one, two, _ = reader_of(small_file()).index().entries
    entry = varint(two.pts - one.pts) + varint(two.offset - one.offset)
    assert entry + b"\x05" in index.payload
    payload = index.payload.replace(entry + b"\x05", entry + b"\x06")
    reader = reader_of(rebuilt([*parts, chunk(INDX, payload), tail]))
    with pytest.raises(BadField, match="frames of the index"):
        list(reader.read_at(reader.index().entries[1]))


def test_pipe_has_no_index_and_is_read_once() -> None:
    reader = VideoStreamReader(Pipe(small_file()))  # type: ignore[arg-type]
    with pytest.raises(io.UnsupportedOperation):
        reader.index()
    assert list(reader) == random_access()
    with pytest.raises(io.UnsupportedOperation):
        list(reader)


def test_description_covers_every_byte() -> None:
    data = small_file()
    infos = list(inspect(io.BytesIO(data)))
    assert [info.packet for info in infos[:-2]] == random_access()
    assert [info.name for info in infos[-2:]] == ["INDX", "TAIL"]
    for one, two in pairwise(infos):
        assert one.offset + one.size == two.offset
    assert infos[-1].offset + infos[-1].size == len(data)
    assert infos[0].overhead == infos[0].size - len(b"sound -1024")
    assert [info.number for info in infos if info.name == "KEYF"] == [0, 5, 10]


def test_description_of_a_damaged_file_gives_what_lies_before_and_can_recover() -> None:
    data = bytearray(small_file())
    data[reader_of(bytes(data)).index().entries[1].offset + 20] ^= 1
    seen = []
    with pytest.raises(Exception, match="CRC"):
        seen.extend(inspect(io.BytesIO(data)))
    reader = reader_of(bytes(data), recover=True)
    assert [info.name for info in inspect(reader)].count("KEYF") == 2
    assert len(reader.damage) == 1


def long_video(count: int) -> Iterator[Packet]:
    for i in range(count):
        yield key(i, payload=bytes(500)) if i % 100 == 0 else frame(i, (0,), 0, payload=bytes(500))
        yield sound(1024 * i, payload=bytes(100))


def peak_of_reading(count: int) -> int:
    head: VideoHead = sample_head(tracks=TWO_TRACKS)
    data = written(head, long_video(count))
    stream = io.BytesIO(data)
    tracemalloc.start()
    assert sum(1 for _ in VideoStreamReader(stream)) == 2 * count
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_memory_of_reading_does_not_grow_with_the_video() -> None:
    assert peak_of_reading(3000) < peak_of_reading(300) + 20_000


def test_claims_allocate_no_more_than_there_is() -> None:
    data = small_file()
    end = data.index(b"\x11\x13\x8aLICKEY") if b"\x11\x13\x8aLICKEY" in data else len(data) - 40
    stream = io.BytesIO(data[:end] + b"\x12\xff\xff\xff\x1f" + bytes(100))
    tracemalloc.start()
    with pytest.raises(Exception, match="data end"):
        list(VideoStreamReader(stream, VideoLimits()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * 2**20


def test_writer_needs_a_few_bytes_for_a_key_frame() -> None:
    writer = VideoStreamWriter(Pipe(most=10**6), sample_head())  # type: ignore[arg-type]
    tracemalloc.start()
    for i in range(2000):
        writer.write(key(i))
        writer._stream.data.clear()  # type: ignore[attr-defined]
    current, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert current < 60_000
    assert read_all(small_file())
