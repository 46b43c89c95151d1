"""Frames whose decisions are made up: the compiled decoder gives what the reference gives."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from codec.video import _video
from codec.video.reference.blocks import scaled
from entropy.errors import CorruptStream
from tests.unit.codec.video.random_frames import (
    RandomFrame,
    RandomVideo,
    Shape,
    facts_of,
    random_weights,
)

SHAPES = [
    Shape(72, 56, True), Shape(40, 24, False), Shape(37, 23, True), Shape(130, 70, False),
    Shape(64, 64, True), Shape(17, 65, False), Shape(1, 1, True), Shape(64, 72, False),
]  # fmt: skip
FRAMES = 6
SEEDS = range(16)
LONG_SEEDS = range(6)
LEAST = {
    "merge": 100, "inter": 100, "intra": 100, "both": 100, "coded": 100, "fine": 50, "far": 50,
    "overlapped": 10, "filtered": 5, "escape": 50,
    **{f"candidate {n}": 3 for n in range(6)},
    **{f"reference {n}": 3 for n in range(4)},
    **{f"{kind} {side}": 1 for kind in ("merge", "inter", "intra") for side in (8, 16, 32, 64)},
    **{f"mode {n}": 1 for n in range(35)},
    **{f"{plane} {n}x{n}": 5 for plane in ("Y", "UV") for n in (4, 8, 16, 32)},
}  # fmt: skip
"""What occurs in the frames of all seeds, at least so often."""


def video_of(
    seed: int, long: bool = False, wrong: bool = False
) -> tuple[RandomVideo, _video.Coder]:
    """Frames, and the compiled coder for them."""
    shape = SHAPES[seed % len(SHAPES)]
    weights = random_weights(seed, contexts=seed % 2 == 1, filtered=seed % 3 > 0)
    coder = _video.Coder(shape.width, shape.height, shape.subsampled, _video.Model(weights, ""))
    return RandomVideo(seed, shape, weights, long=long, wrong=wrong), coder


def decode(coder: _video.Coder, frame: RandomFrame, payload: bytes | None = None) -> None:
    """Decodes a frame, or another payload in its place."""
    if frame.still is not None:
        coder.put_still(frame.still, 0)
    slot = -1 if frame.slot is None else frame.slot
    coder.decode(frame.payload if payload is None else payload, frame.references, slot, 1)


def compare(seed: int, long: bool = False) -> Counter[str]:
    """Compares the frames of a video; returns what occurred in them."""
    video, coder = video_of(seed, long=long)
    facts: Counter[str] = Counter()
    for number, frame in enumerate(video.frames(FRAMES)):
        decode(coder, frame)
        assert frame.planes is not None
        assert frame.reference is not None
        for name, found, wanted in zip("YUV", coder.planes(True), frame.planes, strict=True):
            np.testing.assert_array_equal(found, wanted, f"plane {name} of frame {number}")
        layer = frame.reference.head.layer
        assert coder.contexts(layer) == video.coder.contexts(layer)
        facts += facts_of(frame.reference)
    return facts


def test_all_that_the_syntax_allows_decodes_alike() -> None:
    facts: Counter[str] = Counter()
    for seed in SEEDS:
        facts += compare(seed)

    missing = {name: facts[name] for name, least in LEAST.items() if facts[name] < least}
    assert missing == {}


def test_long_vectors_over_long_distances_decode_alike() -> None:
    facts: Counter[str] = Counter()
    for seed in LONG_SEEDS:
        facts += compare(seed, long=True)

    assert facts["far"] > 100


def test_what_is_not_allowed_is_refused() -> None:
    refused = 0
    for seed in range(12):
        video, coder = video_of(seed, wrong=True)
        for frame in video.frames(FRAMES):
            if frame.planes is not None:
                decode(coder, frame)
                continue
            refused += 1
            with pytest.raises(CorruptStream):
                decode(coder, frame)

    assert refused >= 6


def test_scaled_vectors_are_the_nearest() -> None:
    assert scaled((5, -5), 1, 2) == (3, -3)
    assert scaled((4, -4), -1, 3) == (-1, 1)
    assert scaled((9, -9), 0, 3) == scaled((9, -9), 5, 0) == scaled((9, -9), 3, 3) == (9, -9)
    assert scaled((16000, -16000), 127, 1) == (16383, -16384)
    assert scaled((16000, -16000), -127, 1) == (-16384, 16383)
