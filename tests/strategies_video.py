"""Videos for tests: small samples, hand-made chunks, and Hypothesis strategies."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from bitstream.video import (
    AudioPacket,
    AudioTrack,
    Chroma,
    FramePacket,
    Packet,
    VideoHead,
    VideoLimits,
    VideoStreamReader,
    VideoStreamWriter,
)
from tests.strategies_container import START, chunk, varint

HEAD, TRAK, KEYF, FRAM, AUDI, INDX, TAIL = 0x01, 0x10, 0x11, 0x12, 0x2D, 0x13, 0x14
SYNC = b"\x8aLICKEY\r"


class Pipe(io.RawIOBase):
    """A stream that neither seeks nor gives all it is asked for."""

    def __init__(self, data: bytes = b"", most: int = 7) -> None:
        self.data = bytearray(data)
        self.most = most

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        size = self.most if size < 0 else min(size, self.most)
        piece = bytes(self.data[:size])
        del self.data[:size]
        return piece

    def write(self, data: Any) -> int:
        piece = bytes(data[: self.most])
        self.data += piece
        return len(piece)


def sample_track(**changes: Any) -> AudioTrack:
    track = AudioTrack(
        codec="aac",
        sample_rate=48000,
        channels=2,
        time_base=(1, 48000),
        language="eng",
        layout="stereo",
        extradata=b"\x12\x10",
    )
    return replace(track, **changes)


def sample_head(**changes: Any) -> VideoHead:
    """Returns the head of a video of 432 x 240 without sound."""
    head = VideoHead(
        width=432,
        height=240,
        chroma=Chroma.YUV420,
        time_base=(1, 25),
        frame_rate=(25, 1),
        model_id=0x0102,
        weights_hash=b"\xde\xad\xbe\xef",
        inter_id=0x0304,
        inter_hash=b"\xca\xfe\xba\xbe",
    )
    return replace(head, **changes)


def key(pts: int = 0, slot: int | None = 0, payload: bytes = b"key", **changes: Any) -> FramePacket:
    return replace(FramePacket(True, 30, (), slot, pts, 1, payload), **changes)


def frame(
    pts: int, references: tuple[int, ...] = (0,), slot: int | None = None, **changes: Any
) -> FramePacket:
    return replace(FramePacket(False, 40, references, slot, pts, 1, b"frame %d" % pts), **changes)


def sound(pts: int, track: int = 0, **changes: Any) -> AudioPacket:
    return replace(AudioPacket(track, pts, 1024, b"sound %d" % pts), **changes)


def low_delay(count: int = 6) -> list[Packet]:
    """Returns one GOP without sound; every frame refers to the one before."""
    return [key(0)] + [frame(i, (0,), 0) for i in range(1, count)]


def random_access(gops: int = 3) -> list[Packet]:
    """Returns GOPs of five frames, with B frames, and sound between them."""
    packets: list[Packet] = [sound(-1024, key=False)]
    for gop in range(gops):
        first = 5 * gop
        packets += [
            key(first, 0, b"key %d" % first),
            frame(first + 4, (0,), 1, level=41),
            sound(1024 * gop),
            frame(first + 2, (0, 1), 2, level=45),
            frame(first + 1, (0, 2), None, level=48),
            sound(1024 * gop + 5, 1, duration=0),
            frame(first + 3, (2, 1, 0), None, duration=2),
        ]
    return packets


TWO_TRACKS = (sample_track(), sample_track(codec="opus", language="", layout="5.1(side)"))


def written(head: VideoHead, packets: Iterable[Packet], limits: VideoLimits | None = None) -> bytes:
    """Returns the file of a head and packets."""
    out = io.BytesIO()
    writer = VideoStreamWriter(out, head, limits)
    for packet in packets:
        writer.write(packet)
    writer.finish()
    assert writer.size == len(out.getvalue())
    return out.getvalue()


def small_file() -> bytes:
    """Returns a file with every chunk there is."""
    return written(sample_head(tracks=TWO_TRACKS, reorder=3), random_access())


def reader_of(data: bytes, **options: Any) -> VideoStreamReader:
    return VideoStreamReader(io.BytesIO(data), **options)


def read_all(data: bytes, **options: Any) -> list[Packet]:
    return list(reader_of(data, **options))


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk of a file: its bytes, its type, its payload."""

    data: bytes
    code: int
    payload: bytes


def pieces(data: bytes) -> Iterator[Piece]:
    """Yields the chunks of a file, told apart a second time so that the tests trust no reader."""
    at = len(START)
    while at < len(data):
        start, code, length, shift = at, data[at], 0, 0
        at += 1
        while True:
            byte = data[at]
            length |= (byte & 127) << shift
            shift, at = shift + 7, at + 1
            if byte < 128:
                break
        payload = data[at : at + length]
        at += length + 4
        yield Piece(data[start:at], code, payload)


def rebuilt(parts: Iterable[Piece | bytes]) -> bytes:
    """Returns magic, version and chunks, with INDX where TAIL says."""
    out = bytearray(START)
    index_at = 0
    for part in parts:
        data = part if isinstance(part, bytes) else part.data
        code = data[0]
        if code == INDX:
            index_at = len(out)
        if code == TAIL:
            data = chunk(TAIL, index_at.to_bytes(8, "little"))
        out += data
    return bytes(out)


def head_payload(**changes: Any) -> bytes:
    """Returns the payload of HEAD, field by field, with any values."""
    fields = {
        "width": 432, "height": 240, "samples": 0x57, "color": 0, "level": 0, "tile_log2": 6,
        "chroma": 0, "matrix": 1, "primaries": 2, "transfer": 2, "picture": 0, "reorder": 16,
        "aspect": (1, 1), "time_base": (1, 25), "frame_rate": (25, 1), "tracks": 0,
    } | changes  # fmt: skip
    return b"".join(
        [
            varint(fields["width"]),
            varint(fields["height"]),
            bytes([fields["samples"], fields["color"]]),
            b"\x02\x01\xde\xad\xbe\xef",
            bytes([fields["level"], fields["tile_log2"]]),
            bytes([fields["chroma"], fields["matrix"], fields["primaries"], fields["transfer"]]),
            bytes([fields["picture"], fields["reorder"]]),
            *(varint(v) for name in ("aspect", "time_base", "frame_rate") for v in fields[name]),
            b"\x04\x03\xca\xfe\xba\xbe",
            bytes([fields["tracks"]]),
        ]
    )


def key_payload(
    sequence: int = 0, number: int = 0, pts: int = 0, slot: int = 0, level: int = 30
) -> bytes:
    """Returns the payload of KEYF with any values; duration 1."""
    fields = bytes([sequence]) + varint(number) + bytes([level, slot]) + varint(pts)
    return SYNC + fields + b"\x01key"


_TIMES = st.integers(0, 2**61)
_RATIOS = st.tuples(st.integers(1, 2**31 - 1), st.integers(1, 2**31 - 1))
_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=64)


def tracks() -> st.SearchStrategy[AudioTrack]:
    return st.builds(
        AudioTrack,
        codec=_TEXT.filter(bool),
        sample_rate=st.integers(1, 2**31 - 1),
        channels=st.integers(1, 65535),
        time_base=_RATIOS,
        language=_TEXT,
        layout=_TEXT,
        extradata=st.binary(max_size=300),
        extension=st.binary(max_size=20),
    )


def heads() -> st.SearchStrategy[VideoHead]:
    sides = st.one_of(st.integers(1, 2048), st.sampled_from([1, 2, 3, 16384]))
    return st.builds(
        VideoHead,
        width=sides,
        height=st.integers(1, 2048),
        chroma=st.sampled_from(Chroma),
        time_base=_RATIOS,
        matrix=st.sampled_from([1, 5, 6]),
        primaries=st.integers(0, 255),
        transfer=st.integers(0, 255),
        full_range=st.booleans(),
        rotation=st.sampled_from([0, 90, 180, 270]),
        aspect=_RATIOS,
        frame_rate=st.just((0, 1)) | _RATIOS,
        model_id=st.integers(0, 65535),
        weights_hash=st.binary(min_size=4, max_size=4),
        inter_id=st.integers(0, 65535),
        inter_hash=st.binary(min_size=4, max_size=4),
        reorder=st.integers(0, 16),
        tracks=st.lists(tracks(), max_size=3).map(tuple),
        extension=st.binary(max_size=20),
    )


@st.composite
def videos(draw: st.DrawFn) -> tuple[VideoHead, list[Packet]]:
    """Returns heads and packets that obey the rules: any references, reordered times, sound."""
    head = draw(heads())
    packets: list[Packet] = []
    time = draw(st.integers(0, 1000))

    def maybe_sound() -> None:
        if head.tracks and draw(st.booleans()):
            packets.append(
                AudioPacket(
                    draw(st.integers(0, len(head.tracks) - 1)),
                    draw(st.integers(-(2**61), 2**61)),
                    draw(_TIMES),
                    draw(st.binary(max_size=100)),
                    draw(st.booleans()),
                )
            )

    for _ in range(draw(st.integers(1, 4))):
        maybe_sound()
        slots = st.none() | st.integers(0, 7)
        levels, payloads = st.integers(0, 63), st.binary(max_size=200)
        durations = st.sampled_from([0, 1, 1, 1, 512, 2**61])
        slot = draw(slots)
        packets.append(
            FramePacket(True, draw(levels), (), slot, time, draw(durations), draw(payloads))
        )
        filled = {slot} - {None}
        # Times ascend, then groups of at most reorder + 1 are written backwards.
        steps = draw(st.lists(st.integers(1, 2000), max_size=8))
        times = []
        for step in steps:
            time += step
            times.append(time)
        group = draw(st.integers(1, head.reorder + 1))
        order = [t for i in range(0, len(times), group) for t in reversed(times[i : i + group])]
        for pts in order:
            choice = sorted(slot for slot in filled if slot is not None)
            references = (
                draw(st.lists(st.sampled_from(choice), unique=True, max_size=4)) if choice else []
            )
            slot = draw(slots)
            packets.append(
                FramePacket(
                    False,
                    draw(levels),
                    tuple(references),
                    slot,
                    pts,
                    draw(durations),
                    draw(payloads),
                )
            )
            filled |= {slot} - {None}
            maybe_sound()
        time += draw(st.integers(1, 100))
    return head, packets
