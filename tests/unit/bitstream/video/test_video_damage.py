"""Damaged videos: cut and flipped at every byte; what recovery still reads, and in what time."""

from __future__ import annotations

import io
import time

import pytest

from bitstream import (
    BadChecksum,
    BitstreamError,
    ChunkOrder,
    DuplicateChunk,
    TrailingData,
    Truncated,
)
from bitstream.video import AudioPacket, FramePacket, Packet, VideoLimits, VideoStreamReader
from tests.strategies_container import chunk, varint
from tests.strategies_video import (
    AUDI,
    FRAM,
    INDX,
    KEYF,
    TAIL,
    Pipe,
    frame,
    key,
    pieces,
    random_access,
    read_all,
    reader_of,
    rebuilt,
    sample_head,
    sample_track,
    small_file,
    sound,
    written,
)

FILE = small_file()
PACKETS = random_access()
BEGIN = reader_of(FILE).index().entries[0].offset


def read_until_error(data: bytes) -> tuple[list[Packet], BitstreamError | None]:
    """Returns the packets before the first error, and it."""
    seen: list[Packet] = []
    try:
        for packet in VideoStreamReader(io.BytesIO(data)):
            seen.append(packet)  # noqa: PERF402 - what comes before the error counts
    except BitstreamError as error:
        return seen, error
    return seen, None


def recovered(data: bytes) -> tuple[list[Packet], VideoStreamReader]:
    reader = reader_of(data, recover=True)
    return list(reader), reader


def is_part(some: list[Packet], of: list[Packet]) -> bool:
    """Tells whether some packets stand among others, in the same order."""
    rest = iter(of)
    return all(packet in rest for packet in some)


def test_every_cut_raises_truncated_and_what_lies_before_is_read() -> None:
    ends = [len(FILE)]
    for length in range(len(FILE)):
        seen, error = read_until_error(FILE[:length])
        assert type(error) is Truncated, length
        assert seen == PACKETS[: len(seen)]
        ends.append(len(seen))
    assert ends[-1] == len(PACKETS)


def test_every_cut_is_recovered_up_to_its_last_whole_packet() -> None:
    for length in range(BEGIN, len(FILE)):
        seen, _ = read_until_error(FILE[:length])
        again, reader = recovered(FILE[:length])
        assert again == seen
        assert len(reader.damage) == 1
        assert isinstance(reader.damage[0].error, Truncated)


@pytest.mark.parametrize("flip", [0x01, 0x10, 0x80, 0xFF])
def test_every_flip_raises_a_named_error(flip: int) -> None:
    for at in range(len(FILE)):
        bad = bytearray(FILE)
        bad[at] ^= flip
        seen, error = read_until_error(bytes(bad))
        assert error is not None, at
        assert seen == PACKETS[: len(seen)]


@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
def test_every_flip_is_recovered_from(flip: int) -> None:
    entries = reader_of(FILE).index().entries
    for at in range(BEGIN, len(FILE)):
        bad = bytearray(FILE)
        bad[at] ^= flip
        seen, reader = recovered(bytes(bad))
        assert reader.damage, at
        assert is_part(seen, PACKETS), at
        # Whole GOPs that the damage does not touch are all there.
        spans = [*(entry.offset for entry in entries), len(FILE)]
        for i, entry in enumerate(entries):
            if not spans[i] <= at < spans[i + 1]:
                gop = [p for p in PACKETS if isinstance(p, FramePacket)]
                gop = gop[entry.number : entry.number + entry.frames]
                assert is_part(list(gop), seen), (at, i)
        # What is read is a video again.
        if any(isinstance(packet, FramePacket) for packet in seen):
            assert read_all(written(reader.head, seen)) == seen


def test_damaged_frame_loses_the_rest_of_its_gop_and_no_sound() -> None:
    entry = reader_of(FILE).index().entries[1]
    frames = [part for part in pieces(FILE) if part.code == FRAM]
    bad = FILE.replace(frames[5].data, frames[5].data[:-5] + b"?" + frames[5].data[-4:])
    seen, reader = recovered(bad)
    pts = [packet.pts for packet in seen if isinstance(packet, FramePacket)]
    assert pts == [0, 4, 2, 1, 3, 5, 9, 10, 14, 12, 11, 13]
    assert [p for p in seen if isinstance(p, AudioPacket)] == [
        p for p in PACKETS if isinstance(p, AudioPacket)
    ]
    (damage,) = reader.damage
    assert isinstance(damage.error, BadChecksum)
    assert damage.offset == damage.error.offset == bad.index(frames[5].data[:3], entry.offset)
    assert damage.end == reader_of(FILE).index().entries[2].offset
    assert damage.frames == 3


def test_damaged_sound_loses_only_itself() -> None:
    bad = FILE.replace(b"sound 1024", b"sound 1025")
    seen, reader = recovered(bad)
    assert seen == [packet for packet in PACKETS if packet != sound(1024)]
    (damage,) = reader.damage
    assert (damage.frames, damage.offset) == (0, damage.error.offset)


def test_frame_that_is_damaged_into_sound_is_noticed() -> None:
    *parts, index, tail = pieces(FILE)
    at = [i for i, part in enumerate(parts) if part.code == FRAM][6]
    data = rebuilt([*parts[:at], bytes([AUDI]) + parts[at].data[1:], *parts[at + 1 :], index, tail])
    seen, reader = recovered(data)
    # The frame behind it is the fourth of its GOP, where the index and the next key know of five.
    assert [damage.frames for damage in reader.damage] == [0, 2]
    assert seen == [packet for packet in PACKETS if packet.pts not in (6, 8)]


def test_damaged_length_goes_on_at_the_next_key_frame() -> None:
    entries = reader_of(FILE).index().entries
    bad = bytearray(FILE)
    bad[entries[0].offset + 1] ^= 0x7F
    seen, reader = recovered(bytes(bad))
    first = PACKETS.index(key(5, 0, b"key 5"))
    assert seen == [PACKETS[0], *PACKETS[first:]]
    (damage,) = reader.damage
    assert (damage.offset, damage.end, damage.frames) == (entries[0].offset, entries[1].offset, 5)


def test_inserted_and_removed_bytes_are_stepped_over() -> None:
    entry = reader_of(FILE).index().entries[1]
    at = entry.offset + 40
    for bad in (FILE[:at] + bytes(1000) + FILE[at:], FILE[:at] + FILE[at + 30 :]):
        seen, reader = recovered(bad)
        assert is_part(PACKETS[:8], seen)
        assert is_part(PACKETS[15:], seen)
        assert reader.damage[0].frames in (3, 4, 5)


def test_duplicated_and_swapped_packets_lose_frames_up_to_the_next_key_frame() -> None:
    parts = list(pieces(FILE))
    keys = [i for i, part in enumerate(parts) if part.code == KEYF]
    gop = parts[keys[1] : keys[2]]
    for i in range(1, len(gop) - 1):
        swapped = [*gop[:i], gop[i + 1], gop[i], *gop[i + 2 :]]
        for changed in (swapped, [*gop[:i], gop[i], *gop[i:]], gop[:i] + gop[i + 1 :]):
            bad = rebuilt([*parts[: keys[1]], *changed, *parts[keys[2] :]])
            _, error = read_until_error(bad)
            assert isinstance(error, ChunkOrder | DuplicateChunk)
            seen, reader = recovered(bad)
            assert is_part([p for p in seen if isinstance(p, FramePacket)], PACKETS)
            assert [p.pts for p in seen if p.key and isinstance(p, FramePacket)] == [0, 5, 10]
            assert reader.damage


def test_duplicated_and_swapped_gops_are_never_shown_twice() -> None:
    parts = list(pieces(FILE))
    keys = [i for i, part in enumerate(parts) if part.code == KEYF]
    one, two, three = (parts[a:b] for a, b in zip(keys, [*keys[1:], -2], strict=True))
    for order in ([one, one, two, three], [one, three, two], [two, one, three], [one, three]):
        bad = rebuilt([*parts[: keys[0]], *(part for gop in order for part in gop), *parts[-2:]])
        assert isinstance(read_until_error(bad)[1], ChunkOrder | DuplicateChunk)
        seen, _ = recovered(bad)
        times = [p.pts for p in seen if isinstance(p, FramePacket)]
        assert len(set(times)) == len(times)
        assert is_part([p for p in seen if isinstance(p, FramePacket)], PACKETS)


def test_trailing_data_are_reported() -> None:
    seen, reader = recovered(FILE + b"more")
    assert seen == PACKETS
    assert isinstance(reader.damage[0].error, TrailingData)


def test_damage_of_the_index_loses_nothing() -> None:
    *parts, index, tail = pieces(FILE)
    bad = rebuilt([*parts, chunk(INDX, index.payload)[:-1] + b"\0", tail])
    seen, reader = recovered(bad)
    assert seen == PACKETS
    assert [damage.frames for damage in reader.damage] == [None]
    assert recovered(FILE)[1].damage == []


def test_lost_frames_at_the_end_are_counted_by_the_index() -> None:
    parts = list(pieces(FILE))
    last = [part for part in parts if part.code == FRAM][-1]
    seen, reader = recovered(FILE.replace(last.data, last.data[:-1] + b"\0"))
    assert seen == [packet for packet in PACKETS if packet.pts != 13 or packet.key]
    assert [damage.frames for damage in reader.damage] == [1]


def test_pipes_are_recovered_too() -> None:
    bad = FILE.replace(b"frame 4", b"frame 5").replace(b"key 10", b"key 11")
    assert len(bad) == len(FILE)
    seen, reader = recovered(bad)
    piped = VideoStreamReader(Pipe(bad), recover=True)  # type: ignore[arg-type]
    assert list(piped) == seen
    assert [d.offset for d in piped.damage] == [d.offset for d in reader.damage]
    assert len(seen) < len(PACKETS)


def test_recovery_from_a_key_frame_of_the_index() -> None:
    reader = reader_of(FILE.replace(b"key 5", b"key 6"), recover=True)
    seen = list(reader.read_at(reader.index().entries[1]))
    assert seen[-PACKETS[::-1].index(key(10, 0, b"key 10")) - 1 :] == PACKETS[15:]
    assert reader.damage[0].frames == 5


def test_sync_inside_a_payload_does_no_harm() -> None:
    trap = b"\x11\x13\x8aLICKEY\r" * 30
    packets = [key(0, payload=trap), frame(1, payload=trap), key(2, payload=b"x"), frame(3)]
    data = written(sample_head(), packets)
    assert read_all(data) == packets
    bad = bytearray(data)
    bad[60] ^= 1
    bad[45] ^= 0x40
    assert recovered(bytes(bad))[0] == packets[2:]


# Bounded work


def timed(data: bytes, limits: VideoLimits | None = None) -> float:
    start = time.process_time()
    for _ in VideoStreamReader(io.BytesIO(data), limits, recover=True):
        pass
    return time.process_time() - start


def test_many_false_syncs_with_hostile_lengths_are_passed_in_bounded_time() -> None:
    front = written(sample_head(), [key()])[:44]
    claim = bytes([KEYF]) + varint(2**19) + b"\x8aLICKEY\r"
    data = front + claim * 50_000  # 0.6 MB; every candidate would cost half of it
    assert timed(data, VideoLimits(max_packet_bytes=2**21)) < 10


def test_whole_key_frames_between_hostile_lengths_are_read_in_bounded_time() -> None:
    head = sample_head(tracks=(sample_track(),))
    parts = list(pieces(written(head, [key(i) for i in range(5_000)])))
    lie = bytes([FRAM]) + varint(2**17)
    data = rebuilt(parts[:2]) + b"".join(part.data + lie for part in parts[2:])
    assert timed(data) < 20


def test_noise_is_passed_in_bounded_time() -> None:
    front = written(sample_head(), [key()])[:44]
    assert timed(front + bytes(20_000_000)) < 10


def test_number_of_reports_is_bounded() -> None:
    parts = list(pieces(written(sample_head(), [key(i) for i in range(1500)])))
    data = b"".join(part.data + b"\xff" for part in parts[1:-2])
    reader = reader_of(rebuilt(parts[:1]) + data, recover=True)
    assert len(list(reader)) == 1500
    assert len(reader.damage) == 1000


def test_tail_alone_and_index_alone_do_not_confuse_recovery() -> None:
    head, *_, index, tail = pieces(FILE)
    for rest in ([tail], [index], [index, tail], [tail, index], [index, index]):
        seen, reader = recovered(rebuilt([*list(pieces(FILE))[:3], *rest]))
        assert seen == []
        assert reader.damage
    assert (head.code, tail.code) == (1, TAIL)
