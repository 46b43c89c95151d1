"""Bad input to the real coder: one named error or the right result, and never another picture."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

import codec
from bitstream.errors import BitstreamError
from bitstream.video import Chroma, FramePacket, VideoHead, VideoLimits
from codec.errors import (
    CodecError,
    OptionError,
    TruncatedFile,
    UnknownModel,
    WeightsMismatch,
)
from codec.models import registry
from codec.video.decoder import VideoDecoder
from codec.video.encoder import VideoEncoder
from codec.video.options import VideoOptions
from codec.video.types import Planes, VideoFrame
from entropy.errors import EntropyCodingError
from tests.exactness.video_clips import decoded, digest, encoded, head_of, moving, same
from tests.strategies_video import written

pytest.importorskip("codec.video._video", reason="needs the compiled core")
pytestmark = pytest.mark.weights

WIDTH, HEIGHT, COUNT = 50, 34, 13


@cache
def sound(lowdelay: bool = False) -> tuple[VideoHead, list[FramePacket]]:
    """A clip of two GOPs."""
    return encoded(
        head_of(WIDTH, HEIGHT), moving(COUNT, WIDTH, HEIGHT), level=28, effort=2, threads=1,
        keyint=9, lowdelay=lowdelay,
    )  # fmt: skip


def opened(data: bytes, **options: Any) -> codec.VideoReader:
    return codec.open(io.BytesIO(data), threads=1, **options)


def played(data: bytes, **options: Any) -> dict[int, Planes]:
    """Pictures by their time; every one has the video's size."""
    with opened(data, **options) as video:
        found = {frame.pts: frame.planes for frame in video}
    assert all(planes[0].shape == (HEIGHT, WIDTH) for planes in found.values())
    return found


@pytest.mark.parametrize("lowdelay", [False, True], ids=["pyramid", "low delay"])
@pytest.mark.parametrize(
    ("width", "height"), [(1, 1), (2, 1), (1, 9), (7, 3), (8, 8), (65, 17), (17, 129)]
)
@pytest.mark.parametrize("subsampled", [True, False], ids=["420", "444"])
def test_any_size_and_number_of_pictures(
    width: int, height: int, subsampled: bool, lowdelay: bool
) -> None:
    head = head_of(width, height, subsampled)
    for count in (1, 2):
        pictures = list(moving(count, width, height, subsampled))
        coded = encoded(head, pictures, level=50, effort=2, threads=1, lowdelay=lowdelay)

        found = decoded(*coded)

        assert [coded[1][0].key, len(found)] == [True, count]
        for ours, source in zip(found, pictures, strict=True):
            errors = [np.abs(a.astype(int) - b).mean() for a, b in zip(ours, source, strict=True)]
            assert max(errors) < 6


def test_no_pictures() -> None:
    encoder = VideoEncoder(head_of(WIDTH, HEIGHT), VideoOptions())

    assert encoder.finish() == []
    with pytest.raises(BitstreamError):
        written(encoder.head, [])
    assert VideoDecoder(encoder.head).flush() == []


def push(encoder: VideoEncoder, planes: Planes, pts: int) -> list[FramePacket]:
    return encoder.push(VideoFrame(planes, pts, 1))


@pytest.mark.parametrize("lowdelay", [False, True], ids=["pyramid", "low delay"])
def test_what_an_encoder_refuses_changes_nothing(lowdelay: bool) -> None:
    pictures = list(moving(6, WIDTH, HEIGHT))
    options = VideoOptions(level=28, effort=2, threads=1, lowdelay=lowdelay)
    encoder = VideoEncoder(head_of(WIDTH, HEIGHT), options)
    y, u, v = pictures[0]
    bad: list[tuple[Planes, int]] = [
        ((y, u, v), 2),  # the time of the one before
        ((y, u, v), 0),
        ((y[:, 1:], u, v), 9),
        ((y, u, v[1:]), 9),
        ((y, y, y), 9),
        ((y.astype(np.uint16), u, v), 9),
    ]

    packets = [p for n, planes in enumerate(pictures[:3]) for p in push(encoder, planes, n)]
    for planes, pts in bad:
        with pytest.raises(OptionError):
            push(encoder, planes, pts)
    with pytest.raises(OptionError, match="level"):
        encoder.push(VideoFrame(pictures[3], 3, 1), level=64)
    for n in (3, 4, 5):
        packets += push(encoder, pictures[n], n)
    packets += encoder.finish()

    expected = encoded(head_of(WIDTH, HEIGHT), pictures, level=28, effort=2, threads=1,
                       lowdelay=lowdelay)[1]  # fmt: skip
    assert packets == expected


@pytest.mark.parametrize("lowdelay", [False, True], ids=["pyramid", "low delay"])
def test_truncated_anywhere(lowdelay: bool) -> None:
    head, packets = sound(lowdelay)
    data = written(head, packets)
    whole = played(data)
    assert sorted(whole) == list(range(COUNT))
    recovered = 0

    for end in [*range(0, 40, 5), *range(40, len(data), 61), len(data) - 1]:
        with pytest.raises(CodecError) as caught:
            opened(data[:end])
        assert end < 5 or caught.type is TruncatedFile
        try:
            found = played(data[:end], recover=True)
        except CodecError:
            continue
        recovered += len(found)
        assert all(same(planes, whole[pts]) for pts, planes in found.items())
    assert recovered > 100


def flipped(payload: bytes, generator: random.Random) -> bytes:
    """One or two bits, or an end, or bytes more."""
    data = bytearray(payload)
    kind = generator.randrange(6)
    for _ in range(1 + kind % 2):
        at = generator.randrange(min(len(data), 8) if kind < 2 else len(data))
        data[at] ^= 1 << generator.randrange(8)
    if kind == 4:
        del data[generator.randrange(len(data)) :]
    if kind == 5:
        data += generator.randbytes(3)
    return bytes(data)


@pytest.mark.parametrize("lowdelay", [False, True], ids=["pyramid", "low delay"])
def test_payloads_that_are_damaged_though_their_checks_are_right(lowdelay: bool) -> None:
    head, packets = sound(lowdelay)
    generator = random.Random(int(lowdelay))
    refused = 0
    for n in range(60):
        changed = list(packets)
        at = n % len(packets)
        changed[at] = replace(packets[at], payload=flipped(packets[at].payload, generator))
        try:
            assert len(played(written(head, changed))) == COUNT
        except CodecError:
            refused += 1
    assert 10 < refused < 60


def test_references_slots_and_times_that_no_encoder_writes() -> None:
    head, packets = sound()
    generator = random.Random(7)
    taken = 0
    for n in range(60):
        changed = list(packets)
        at = generator.choice([i for i, packet in enumerate(packets) if not packet.key])
        count = generator.randrange(5)
        changed[at] = replace(
            packets[at],
            references=tuple(generator.sample(range(8), count)),
            slot=generator.choice([None, *range(8)]),
            level=generator.randrange(64),
        )
        if n % 5 == 0:
            changed[at] = replace(packets[at], payload=packets[0].payload)
        try:
            data = written(head, changed)
        except BitstreamError:
            continue  # refused by the container
        taken += 1
        with suppress(CodecError):
            assert len(played(data)) == COUNT
    assert taken > 10


def test_a_decoder_goes_on_after_damage() -> None:
    head, packets = sound()
    expected = decoded(head, packets)
    keys = [n for n, packet in enumerate(packets) if packet.key]
    decoder = VideoDecoder(head)
    for at in range(1, keys[1]):
        for packet in packets[:at]:
            decoder.decode(packet)
        with pytest.raises((CodecError, EntropyCodingError)):
            decoder.decode(replace(packets[at], payload=b"\xff" * 9))
        decoder.reset()
        frames = [f for packet in packets[keys[1] :] for f in decoder.decode(packet)]
        frames += decoder.flush()
        decoder.reset()
        assert digest(f.planes for f in frames) == digest(expected[-len(frames) :])


def test_a_decoder_begins_at_a_key_frame() -> None:
    head, packets = sound()
    decoder = VideoDecoder(head)

    with pytest.raises(CodecError, match="key frame"):
        decoder.decode(packets[1])
    assert decoder.flush() == []
    assert decoder.decode(packets[0]) + decoder.flush()


def with_model(head: VideoHead, part: str, profile: str) -> VideoHead:
    """A head that names a model of that profile for a part that it is not for."""
    found = registry.default(profile)
    if part == "inter":
        return replace(head, inter_id=found.id, inter_hash=found.weights_hash)
    return replace(head, model_id=found.id, weights_hash=found.weights_hash)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda head: replace(head, inter_id=65535), UnknownModel),
        (lambda head: replace(head, inter_id=0), UnknownModel),
        (lambda head: replace(head, model_id=65535), UnknownModel),
        (lambda head: replace(head, model_id=9), UnknownModel),  # retired
        (lambda head: replace(head, inter_hash=b"\xde\xad\xbe\xef"), WeightsMismatch),
        (lambda head: replace(head, weights_hash=b"\xde\xad\xbe\xef"), WeightsMismatch),
        (lambda head: with_model(head, "inter", "wavelet"), UnknownModel),
        (lambda head: with_model(head, "inter", "predictive"), UnknownModel),
        (lambda head: with_model(head, "still", "inter"), UnknownModel),
        (lambda head: with_model(head, "still", "predictive"), UnknownModel),
    ],
)
def test_models_that_are_not_here(
    change: Callable[[VideoHead], VideoHead], error: type[CodecError]
) -> None:
    head, packets = sound()
    data = written(change(head), packets)

    with pytest.raises(error):
        opened(data)


def other_sizes(head: VideoHead) -> Sequence[VideoHead]:
    return [
        replace(head, width=WIDTH + 14),
        replace(head, height=HEIGHT - 20),
        replace(head, width=1, height=1),
        replace(head, width=2000, height=1500),
        replace(head, chroma=Chroma.YUV444),
    ]


def test_a_head_with_another_size() -> None:
    head, packets = sound()
    for changed in other_sizes(head):
        data = written(changed, packets)
        with opened(data) as video, pytest.raises(CodecError):
            list(video)


def test_a_size_beyond_the_limits() -> None:
    head, packets = sound()
    large = replace(head, width=8192, height=4097)
    data = written(large, packets, VideoLimits(max_pixels=8192 * 4097))

    with pytest.raises(codec.LimitExceeded):
        opened(data)
    with pytest.raises(codec.LimitExceeded):
        opened(written(head, packets), limits=codec.Limits(max_pixels=WIDTH * HEIGHT - 1))
