"""Writes the conformance vectors of videos; the only program that does.

    python tests/conformance/generate_video.py

makes the vectors that are not there yet, with the current default models, compares what the coder
and the slow reference make of them, and lists their hashes. It never overwrites: what was written
once is decodable for ever (DESIGN C2). New models get new vectors, under new names: their names
begin with the name of the inter model.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # a plain checkout, run as a script

import codec  # noqa: E402
from bitstream.video import (  # noqa: E402
    AudioPacket,
    AudioTrack,
    FramePacket,
    Packet,
    VideoHead,
    VideoStreamReader,
)
from codec.errors import CodecError  # noqa: E402
from codec.models import registry  # noqa: E402
from codec.video.coder import inter_entry  # noqa: E402
from codec.video.encoder import VideoEncoder  # noqa: E402
from codec.video.heads import new_head  # noqa: E402
from codec.video.options import VideoOptions  # noqa: E402
from codec.video.types import VideoFrame  # noqa: E402
from tests.conformance.harness import EXPECTED, SUMS, check_sums, sums  # noqa: E402
from tests.conformance.video_harness import (  # noqa: E402
    VIDEO,
    VIDEO_INPUT,
    by_reference,
    check_vector,
    describe,
)
from tests.conformance.writing import command, flipped, write_corrupt  # noqa: E402
from tests.exactness.video_clips import moving  # noqa: E402
from tests.strategies_video import pieces, rebuilt, written  # noqa: E402


@dataclass(frozen=True)
class Case:
    """A video: its size, its kind, how it is encoded."""

    width: int
    height: int
    count: int
    options: dict[str, Any]
    subsampled: bool = True
    facts: dict[str, Any] = field(default_factory=dict)
    sound: bool = False
    times: Sequence[int] | None = None


TRACKS = (
    AudioTrack(codec="aac", sample_rate=48000, channels=2, time_base=(1, 48000), language="eng",
               layout="stereo", extradata=b"\x11\x90"),
    AudioTrack(codec="opus", sample_rate=48000, channels=1, time_base=(1, 48000), language="",
               layout="mono", extradata=b"OpusHead\x01\x01"),
)  # fmt: skip
CASES = {
    "pyramid": Case(96, 64, 10, {"level": 30}),
    "lowdelay": Case(80, 72, 9, {"level": 36, "lowdelay": True, "keyint": 0}),
    "444-pyramid": Case(72, 40, 10, {"level": 34}, subsampled=False, facts={"matrix": 1}),
    "444-full-range": Case(
        40, 48, 5, {"level": 45, "lowdelay": True}, subsampled=False,
        facts={"full_range": True, "matrix": 5, "rotation": 90, "aspect": Fraction(4, 3)},
    ),
    "full-range": Case(64, 48, 9, {"level": 40}, facts={"full_range": True, "matrix": 1}),
    "odd": Case(37, 23, 10, {"level": 42}),
    "odd-444": Case(23, 37, 4, {"level": 50, "lowdelay": True}, subsampled=False),
    "1x1": Case(1, 1, 3, {"level": 63}),
    "1x1-444": Case(1, 1, 2, {"level": 20, "lowdelay": True}, subsampled=False),
    "one-picture": Case(48, 32, 1, {"level": 48}),
    "keys": Case(48, 32, 14, {"level": 32, "keyint": 5}),
    "sound": Case(48, 32, 11, {"level": 30, "keyint": 9}, sound=True),
    "uneven-times": Case(
        40, 40, 10, {"level": 30, "keyint": 6},
        facts={"time_base": Fraction(1, 90), "frame_rate": None},
        times=(0, 7, 8, 30, 31, 90, 200, 201, 210, 1000),
    ),
    "coarsest": Case(130, 70, 4, {"level": 0, "lowdelay": True}),
    "finest": Case(24, 24, 9, {"level": 63}),
}  # fmt: skip


def coded(case: Case) -> tuple[VideoHead, list[Packet]]:
    """The head of the file and its packets."""
    facts = {"time_base": Fraction(1, 25), "frame_rate": Fraction(25)} | case.facts
    tracks = TRACKS if case.sound else ()
    head = new_head(
        case.width, case.height, subsampled=case.subsampled, tracks=tracks, **facts
    )  # fmt: skip
    encoder = VideoEncoder(head, VideoOptions(effort=7, threads=1, **case.options))
    packets: list[Packet] = []
    times = case.times or range(case.count)
    pictures = moving(case.count, case.width, case.height, case.subsampled)
    for number, planes in enumerate(pictures):
        duration = times[number + 1] - times[number] if number + 1 < case.count else 1
        packets += encoder.push(VideoFrame(planes, times[number], duration))
        if case.sound:
            packets += sound(number)
    return encoder.head, packets + encoder.finish()


def sound(number: int) -> Iterator[AudioPacket]:
    """What is heard with a picture; bytes that nobody decodes."""
    for track in range(len(TRACKS)):
        payload = bytes((number * 31 + track * 7 + n * n) % 256 for n in range(20 + number))
        yield AudioPacket(track, 1920 * number - 1024, 1920, payload, True)


def corrupt_files(data: bytes) -> dict[str, bytes]:
    """Files that must be refused, made of a sound one with several GOPs and sound."""
    reader = VideoStreamReader(io.BytesIO(data))
    head, packets = reader.head, list(reader)
    frames = [n for n, packet in enumerate(packets) if isinstance(packet, FramePacket)]

    def with_payload(number: int, change: Any) -> bytes:
        changed = list(packets)
        packet = changed[frames[number]]
        changed[frames[number]] = replace(packet, payload=change(packet.payload))
        return written(head, changed)

    def with_head(**changes: Any) -> bytes:
        return written(replace(head, **changes), packets)

    parts = list(pieces(data))
    wrong = b"\xde\xad\xbe\xef"
    still = registry.by_id(head.model_id)
    return {
        "empty": b"",
        "foreign": b"\x1aE\xdf\xa3" + data,
        "truncated-in-head": data[:20],
        "truncated-in-frames": data[: len(data) // 2],
        "truncated-in-tail": data[:-3],
        "flipped-in-head": flipped(data, 12),
        "flipped-in-frame": flipped(data, len(data) // 3),
        "trailing-byte": data + b"\0",
        "unknown-version": data[:4] + b"\x02" + data[5:],
        "a-frame-is-missing": rebuilt(parts[:7] + parts[8:]),
        "unknown-inter-model": with_head(inter_id=65535),
        "unknown-still-model": with_head(model_id=65535),
        "still-model-for-inter-frames": with_head(
            inter_id=still.id, inter_hash=still.weights_hash
        ),
        "wrong-inter-weights": with_head(inter_hash=wrong),
        "wrong-still-weights": with_head(weights_hash=wrong),
        "key-frame-empty": with_payload(0, lambda payload: b""),
        "key-frame-cut": with_payload(0, lambda payload: payload[: len(payload) // 2]),
        "key-frame-of-level-64": with_payload(0, lambda payload: b"\x40" + payload[1:]),
        "frame-empty": with_payload(2, lambda payload: b""),
        "frame-of-level-64": with_payload(2, lambda payload: b"\x40" + payload[1:]),
        "frame-with-unknown-flag": with_payload(
            2, lambda payload: payload[:1] + bytes([payload[1] | 0x40]) + payload[2:]
        ),
        "frame-with-more-decisions": with_payload(2, lambda payload: payload + bytes(20)),
    }  # fmt: skip


def error_of(name: str, data: bytes) -> str:
    """Name of the error that playing gives."""
    try:
        with codec.open(io.BytesIO(data)) as video:
            for _ in video:
                pass
    except CodecError as error:
        return type(error).__name__
    raise SystemExit(f"{name}: a corrupt file decodes: nothing was written for it")


def generate(root: Path) -> list[str]:
    """Writes what is not there yet below `root` and the list of hashes; returns the new names."""
    if (root / SUMS).exists():
        check_sums(root)
    made, prefix = [], inter_entry().name
    for case, described in CASES.items():
        folder = root / "vectors" / f"{prefix}-{case}"
        if folder.exists():
            continue
        data = written(*coded(described))
        expected = describe(data)
        if describe(data, by_reference) != expected:
            raise SystemExit(f"{case}: coder and reference differ: nothing was written for it")
        folder.mkdir(parents=True)
        (folder / VIDEO_INPUT).write_bytes(data)
        (folder / EXPECTED).write_text(expected.to_json())
        check_vector(folder)
        made.append(folder.name)
    source = (root / "vectors" / f"{prefix}-sound" / VIDEO_INPUT).read_bytes()
    made += write_corrupt(root, prefix, corrupt_files(source), error_of)
    (root / SUMS).write_text(sums(root))
    return made


if __name__ == "__main__":
    command("write the vectors of videos not there yet", VIDEO, generate)
