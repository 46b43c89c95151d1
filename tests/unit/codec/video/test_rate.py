"""A wanted bit rate is met within 3 per cent, whatever the coder and the clip."""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from bitstream.video import FramePacket, VideoHead
from codec.errors import OptionError, TargetUnreachable
from codec.video import encoding, rate
from codec.video.heads import new_head
from codec.video.inputs import VideoSource
from codec.video.options import VideoOptions
from codec.video.types import VideoFrame
from tests.unit.codec.video import stand_in

BLACK = np.zeros((8, 8), np.uint8)


class Source(VideoSource):
    """Black pictures."""

    def __init__(self, count: int, ticks: Fraction = Fraction(1, 25)) -> None:
        head = new_head(
            8, 8, subsampled=False, time_base=ticks, frame_rate=Fraction(1) / ticks, matrix=1
        )
        super().__init__(head, count)

    def __iter__(self) -> Iterator[VideoFrame]:
        for number in range(self.frames or 0):
            yield VideoFrame((BLACK, BLACK, BLACK), number, 1)


class Coder(stand_in.VideoEncoder):
    """Takes so many bits as a clip of that kind would."""

    slope = 1 / 6
    base = 2000.0
    kind = "even"

    def __init__(self, head: VideoHead, options: VideoOptions) -> None:
        super().__init__(head, options)
        self._rng = np.random.default_rng(6)
        self._weights = {
            "even": np.ones(4000),
            "wild": np.random.default_rng(3).lognormal(0, 1.2, 4000),
            "cut": np.where(np.arange(4000) < 100, 0.1, 3.0),
        }[self.kind]

    def _packet(self, frame: VideoFrame, level: int, key: bool = False) -> FramePacket:
        bits = self.base * self._weights[frame.pts] * (8 if key else 1)
        bits *= 2 ** (self.slope * (level - 33)) * self._rng.uniform(0.97, 1.03)
        return FramePacket(
            key, level, () if key else (0,), 0 if key else None, frame.pts, frame.duration,
            bytes(max(int(bits / 8), 1)),
        )  # fmt: skip


def encode(bit_rate: float, count: int = 250, **options: Any) -> tuple[encoding.Coded, int]:
    out = io.BytesIO(b"before")
    out.seek(6)
    coded, passes = rate.encode_to_rate(
        lambda: Source(count), out, VideoOptions(**options), bit_rate
    )
    assert len(out.getvalue()) == 6 + coded.bytes
    return coded, passes


@pytest.mark.parametrize("kind", ["even", "wild", "cut"])
@pytest.mark.parametrize("slope", [0.1, 1 / 6, 0.25])
@pytest.mark.parametrize("factor", [0.3, 0.9, 1.06, 2.7])
@pytest.mark.parametrize("lowdelay", [False, True])
def test_met_within_three_per_cent(
    monkeypatch: pytest.MonkeyPatch, kind: str, slope: float, factor: float, lowdelay: bool
) -> None:
    monkeypatch.setattr(encoding, "new_encoder", Coder)
    monkeypatch.setattr(Coder, "kind", kind)
    monkeypatch.setattr(Coder, "slope", slope)
    mean = Coder.base * 25 * (1.1 if kind == "even" else 2)

    coded, passes = encode(mean * factor, lowdelay=lowdelay)

    assert abs(coded.bit_rate / (mean * factor) - 1) <= rate.TOLERANCE
    assert passes <= 4
    levels = [level for level, count in coded.levels.items() if count > 5]
    assert max(levels) - min(levels) <= 3  # the quality is even


@pytest.mark.parametrize("count", [2, 7, 40])
@pytest.mark.parametrize("keyint", [0, 1, 12])
def test_short_clips(monkeypatch: pytest.MonkeyPatch, count: int, keyint: int) -> None:
    monkeypatch.setattr(encoding, "new_encoder", Coder)

    coded, _ = encode(150_000, count, keyint=keyint)

    # of two pictures the levels give few rates
    assert abs(coded.bit_rate / 150_000 - 1) <= (0.08 if count < 40 else rate.TOLERANCE)


def test_too_low_a_rate_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "new_encoder", Coder)

    with pytest.raises(TargetUnreachable, match="nearest is") as caught:
        encode(500)
    assert caught.value.nearest is not None
    assert caught.value.nearest > 500


def test_too_high_a_rate_gives_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "new_encoder", Coder)

    coded, _ = encode(1e9)

    assert set(coded.levels) == {63}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("800k", 800_000), ("1.5M", 1_500_000), ("64000", 64_000), ("800 kbit/s", 800_000),
        ("2Mbps", 2_000_000), ("300kb", 300_000), ("1G", 10**9),
    ],
)  # fmt: skip
def test_rates_as_text(text: str, found: int) -> None:
    assert rate.parse_bit_rate(text) == found


@pytest.mark.parametrize("text", ["", "k", "fast", "-5k", "0", "1e3x", "1/0"])
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(OptionError):
        rate.parse_bit_rate(text)


def test_first_level_follows_the_rate() -> None:
    levels = [rate.first_level(bits) for bits in (1e-9, 0.01, 0.1, 1.0, 1e9)]

    assert levels == sorted(levels)
    assert levels[0] >= 0
    assert levels[-1] <= 63
