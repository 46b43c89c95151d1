"""Many damaged videos: named errors alone, nothing invented, whatever recovery reads is a video.

    python -m tests.fuzz.video_container --count 100000 --processes 2

Small files of every kind are cut, flipped, overwritten, shortened inside or lengthened, and their
chunks removed, repeated and exchanged, from a seed. A damaged file that is read without an error
is a finding, and so is a packet that was not written. Every other file is damaged inside its chunks
and has its checks made right: that may be read, but must not raise anything else, and what is read,
strictly or by recovery, must be written again without complaint. With atheris, which the tests do
not need:

    python -m tests.fuzz.video_container --atheris
"""

from __future__ import annotations

import argparse
import io
import random
import sys
import time
from collections.abc import Sequence
from functools import cache

from bitstream import BitstreamError, kind
from bitstream.video import FramePacket, Packet, VideoLimits, VideoStreamReader, inspect
from tests.fuzz.parts import in_parts
from tests.strategies_container import chunk
from tests.strategies_video import (
    TWO_TRACKS,
    Piece,
    frame,
    key,
    low_delay,
    pieces,
    random_access,
    read_all,
    rebuilt,
    sample_head,
    small_file,
    written,
)

__all__ = ["LIMITS", "check_input", "damaged", "is_part", "originals", "run", "with_right_checks"]

LIMITS = VideoLimits(
    max_pixels=2**24, max_packet_bytes=2**16, max_track_bytes=2**12, max_index_entries=2**10
)
SLOW = 10
"""Seconds for a file of a few kilobytes that would be a finding."""


@cache
def originals() -> tuple[bytes, ...]:
    """Sound files of 0.1 to 2 kB."""
    many = [key(i, payload=bytes(i)) if i % 9 == 0 else frame(i, (0,), 0) for i in range(80)]
    return (
        small_file(),
        written(sample_head(), low_delay(20)),
        written(sample_head(), [key(0)]),
        written(sample_head(tracks=TWO_TRACKS, reorder=5), random_access(2)[:9]),
        written(sample_head(), many),
    )


def is_part(some: Sequence[Packet], of: Sequence[Packet]) -> bool:
    """Tells whether some packets stand among others, in the same order."""
    rest = iter(of)
    return all(packet in rest for packet in some)


def damaged(data: bytes, generator: random.Random) -> bytes:
    """Returns a copy with one to three faults."""
    out = bytearray(data)
    for _ in range(generator.randint(1, 3)):
        fault, at = generator.randrange(9), generator.randrange(len(out))
        length = generator.randint(1, 40)
        if fault == 0:
            out[at] ^= 1 << generator.randrange(8)
        elif fault == 1:
            del out[max(at, 1) :]
        elif fault == 2:
            out[at : at + length] = generator.randbytes(length)
        elif fault == 3:
            del out[at : at + length]
        elif fault == 4:
            out[at:at] = generator.randbytes(length)
        elif fault == 5:
            other = generator.randrange(len(out))
            out[at : at + length] = out[other : other + length]
        else:
            out = bytearray(_rearranged(bytes(out), generator))
        out = out or bytearray(b"\0")
    return bytes(out)


def with_right_checks(data: bytes, generator: random.Random) -> bytes:
    """Returns a copy of a sound file with faults inside its chunks, whose checks are right."""
    parts: list[Piece | bytes] = list(pieces(data))
    for _ in range(generator.randint(1, 4)):
        i = generator.randrange(len(parts))
        part = parts[i]
        if isinstance(part, bytes):
            continue
        payload, code = bytearray(part.payload), part.code
        fault = generator.randrange(6)
        at = generator.randrange(min(len(payload), 16)) if payload else 0
        if fault <= 1 and payload:
            payload[at] ^= 1 << generator.randrange(8)
        elif fault == 2:
            payload[at : at + generator.randint(0, 3)] = generator.randbytes(
                generator.randint(0, 12)
            )
        elif fault == 3:
            del payload[generator.randrange(len(payload) + 1) :]
        elif fault == 4:
            code = generator.choice([code ^ 0x80, generator.randrange(256), 0x11, 0x12, 0x2D])
        else:
            parts.insert(generator.randrange(len(parts)), chunk(code, bytes(payload)))
        parts[i] = chunk(code, bytes(payload))
    # TAIL is right, or as it was.
    right = rebuilt(parts)
    return right if generator.randrange(4) else right[:-14] + data[-14:]


def _rearranged(data: bytes, generator: random.Random) -> bytes:
    """Removes, repeats or exchanges chunks, as far as they can be told apart."""
    try:
        parts = list(pieces(data))
    except IndexError:
        return data
    if not parts:
        return data
    i, j = generator.randrange(len(parts)), generator.randrange(len(parts))
    fault = generator.randrange(4)
    if fault == 0:
        del parts[i]
    elif fault == 1:
        parts.insert(j, parts[i])
    elif fault == 2:
        parts[i], parts[j] = parts[j], parts[i]
    else:
        i, j = min(i, j), max(i, j)
        parts[i:j] = parts[i:j] * 2
    return data[:5] + b"".join(part.data for part in parts)


def check_input(data: bytes) -> tuple[list[Packet], bool]:
    """Reads a file in every way there is; any exception from here is a finding.

    Returns:
        The packets before the first error, and whether there was none.
    """
    # 1. Strictly.
    seen: list[Packet] = []
    whole = True
    try:
        for packet in VideoStreamReader(io.BytesIO(data), LIMITS):
            seen.append(packet)  # noqa: PERF402 - what comes before the error counts
    except BitstreamError:
        whole = False
    try:
        infos = [info.packet for info in inspect(io.BytesIO(data), LIMITS)]
        assert whole
        assert [packet for packet in infos if packet is not None] == seen
        assert kind(data) == "video"
    except BitstreamError:
        assert not whole

    # 2. By recovery; what comes out is a video, if it has a frame.
    try:
        reader = VideoStreamReader(io.BytesIO(data), LIMITS, recover=True)
    except BitstreamError:
        assert not seen
        return seen, False
    recovered = list(reader)
    assert recovered[: len(seen)] == seen
    assert bool(reader.damage) != whole
    if any(isinstance(packet, FramePacket) for packet in recovered):
        again = written(reader.head, recovered)
        assert read_all(again) == recovered
        # Chunks that are skipped, and an extension of the index, are not written again.
        assert not whole or again == data or len(again) < len(data)

    # 3. By the index, at every key frame it names.
    for strict in (True, False):
        reader = VideoStreamReader(io.BytesIO(data), LIMITS, recover=not strict)
        for entry in reader.index().entries[:20]:
            try:
                first = next(reader.read_at(entry), None)
            except BitstreamError:
                assert strict
                continue
            assert first is not None or not strict
    return seen, whole


def run(first: int, count: int) -> tuple[int, int]:
    """Reads damaged files `first` .. `first + count - 1`; how many with right checks were whole,
    and how many of these there were.

    Raises:
        AssertionError: a finding. Any exception but `BitstreamError` is one too.
    """
    survived = tried = 0
    for seed in range(first, first + count):
        generator = random.Random(seed)
        data = originals()[seed // 2 % len(originals())]
        started = time.process_time()
        if seed % 2:
            tried += 1
            survived += check_input(with_right_checks(data, generator))[1]
        else:
            bad = damaged(data, generator)
            if bad == data:
                continue
            seen, whole = check_input(bad)
            assert not whole, f"damaged file {seed} is read"
            packets = read_all(data)
            assert seen == packets[: len(seen)], f"damaged file {seed}"
            try:
                recovered = read_all(bad, limits=LIMITS, recover=True)
            except BitstreamError:
                recovered = []
            frames = [packet for packet in recovered if isinstance(packet, FramePacket)]
            assert is_part(frames, packets), f"damaged file {seed}"
        assert time.process_time() - started < SLOW, f"damaged file {seed} takes long"
    return survived, tried


def main() -> None:
    """Command line of the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--atheris", action="store_true")
    args = parser.parse_args()
    if args.atheris:
        import atheris  # only here: an optional tool

        atheris.Setup(sys.argv[:1], check_input)
        atheris.Fuzz()
        return
    started = time.monotonic()
    results = in_parts(run, args.count, part=1000, processes=args.processes)
    survived, tried = (sum(column) for column in zip(*results, strict=True))
    seconds = time.monotonic() - started
    print(
        f"{args.count} damaged videos in {seconds:.0f} s: none was read without an error; with "
        f"their checks made right {survived} of {tried} were; nothing but BitstreamError came out"
    )


if __name__ == "__main__":
    main()
