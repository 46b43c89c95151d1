"""A file of a wanted bit rate: passes over the source, each with what the one before has taught.

    first pass    one level throughout; the bits of every picture are noted
    next passes   bits(level) = noted bits x 2^(slope x levels) gives the level of the whole clip, a
                  fraction: pictures alternate between two levels. On the way it moves by at most
                  one, to what is left of the budget and what the rest is expected to take.
    end           the rate is within the tolerance, or passes are used up

A level is a sixth of an octave of the quantiser's step, about an eighth of the rate: only a mix of
levels meets a rate closely.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, BinaryIO

from codec.errors import OptionError, TargetUnreachable
from codec.video.encoding import Coded, LevelChooser, Progress, encode_source
from codec.video.options import LEVELS, VideoOptions

if TYPE_CHECKING:
    from bitstream.video import FramePacket
    from codec.video.inputs import VideoSource
    from codec.video.types import VideoFrame

__all__ = ["MAX_PASSES", "TOLERANCE", "encode_to_rate", "first_level", "parse_bit_rate"]

TOLERANCE = 0.03
"""Largest share by which the rate may miss what is wanted."""
MAX_PASSES = 6

_AIM = 0.015
"""Another pass is made while this is missed, up to `_COMFORT` passes."""
_COMFORT = 3
_SLOPE = 0.18
"""Doublings of the bits a level, before it is known; measured 0.17 to 0.22."""
_SLOPES = (0.06, 0.4)
_FREEDOM = 1.0
"""Levels by which a pass departs from its plan."""
_STEPS = 32
"""Decisions about the level in a pass."""
_REFERENCE_BITS, _REFERENCE_LEVEL = 0.1, 31
"""Bits a pixel of the usual clip at a level: where the first pass begins."""
_UNITS = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000}


@dataclass(frozen=True, slots=True)
class Noted:
    """One picture of a pass: its base level and its bits."""

    level: float
    bits: int


def parse_bit_rate(text: str) -> int:
    """Reads bits a second: "800k", "1.5M", "800000", "800kbit/s", in any case.

    Raises:
        OptionError: it is not a rate, or below 1 bit a second.
    """
    cleaned = text.strip().lower()
    for end in ("bits/s", "bit/s", "bps", "b/s"):
        cleaned = cleaned.removesuffix(end)
    cleaned = cleaned.removesuffix("b").strip()
    unit = cleaned[-1:] if cleaned[-1:].isalpha() else ""
    try:
        rate = int(Fraction(cleaned.removesuffix(unit)) * _UNITS[unit])
    except (ValueError, KeyError, ZeroDivisionError) as error:
        raise OptionError(
            f"{text[:100]!r} is no bit rate; write for example 800k or 1.5M"
        ) from error
    if not 1 <= rate <= 10**12:
        raise OptionError(f"a bit rate is at least 1 bit a second, not {text[:100]!r}")
    return rate


def first_level(bits_per_pixel: float) -> int:
    """The level that usually takes so many bits a pixel."""
    level = _REFERENCE_LEVEL + math.log2(max(bits_per_pixel, 1e-6) / _REFERENCE_BITS) / _SLOPE
    return round(min(max(level, 4), LEVELS - 4))


def encode_to_rate(
    opened: Callable[[], VideoSource],
    target: BinaryIO,
    options: VideoOptions,
    bit_rate: float,
    *,
    progress: Callable[[int], Progress] | None = None,
) -> tuple[Coded, int]:
    """Encodes a source so that its pictures take a wanted rate.

    Args:
        opened: opens the source anew for each pass.
        target: a binary file that can seek and be truncated; it holds the last pass.
        options: of the encoder; their quality and level do not count.
        bit_rate: of the file without the payloads of its sound, in bits a second.
        progress: gives for the number of a pass what is told how many pictures were taken.

    Returns:
        What was written, and the number of passes.

    Raises:
        TargetUnreachable: even the lowest level takes more.
        CodecError: as `encode_source`.
        OSError: something cannot be read or written.
    """
    start = target.tell()
    level: float | None = None
    passes: list[tuple[Coded, _Noting]] = []
    for number in range(1, MAX_PASSES + 1):
        with opened() as source:
            if level is None:
                level = first_level(_bits_per_pixel(source, bit_rate))
            level = min(max(level, 0.0), LEVELS - 1.0)
            base = round(level)
            chooser = _Noting(base) if not passes else _Following(passes, bit_rate, level)
            target.seek(start)
            target.truncate()
            told = None if progress is None else progress(number)
            coded = encode_source(
                source,
                target,
                replace(options, quality=None, level=base),
                chooser=chooser,
                progress=told,
            )
        passes.append((coded, chooser))
        miss = abs(coded.bit_rate / bit_rate - 1) if coded.seconds else 0.0
        if miss <= (_AIM if number < _COMFORT else TOLERANCE):
            return coded, number
        if chooser.at_end(coded.bit_rate > bit_rate):
            break
        level = _ideal(passes, bit_rate)
    if coded.bit_rate > bit_rate * (1 + TOLERANCE):
        raise TargetUnreachable(
            f"{bit_rate:.0f} bits a second cannot be reached: the nearest is {coded.bit_rate:.0f}; "
            f"make the pictures smaller or fewer",
            nearest=coded.bit_rate,
        )
    return coded, len(passes)


class _Noting(LevelChooser):
    """One level throughout; notes the bits of each picture by its time."""

    def __init__(self, level: int) -> None:
        self._level = level
        self.noted: dict[int, Noted] = {}
        self.levels: dict[int, int] = {}

    def level(self, frame: VideoFrame) -> int | None:
        self.levels[frame.pts] = self._level
        return self._level

    def heard(self, packet: FramePacket) -> None:
        base = self.levels.get(packet.pts, self._level)
        self.noted[packet.pts] = Noted(base, 8 * len(packet.payload))

    def at_end(self, too_much: bool) -> bool:
        """Whether all pictures have the lowest level and take too much, or the reverse."""
        end = 0 if too_much else LEVELS - 1
        return all(level == end for level in self.levels.values())


class _Following(_Noting):
    """Follows the budget with what earlier passes noted."""

    def __init__(self, passes: list[tuple[Coded, _Noting]], bit_rate: float, plan: float) -> None:
        super().__init__(round(plan))
        self._plan = plan
        coded, before = passes[-1]
        self._before = before.noted
        self._slope = _slope(passes)
        overhead = 8 * (coded.bytes - coded.audio_bytes - coded.frame_bytes)
        self._budget = bit_rate * coded.seconds - overhead
        self._left = dict(before.noted)
        self._every = max(1, len(before.noted) // _STEPS)
        self._count = 0
        self._rest = 0.0
        self._spent = 0.0
        self._expected = 0.0

    def level(self, frame: VideoFrame) -> int | None:
        if self._count % self._every == 0:
            wanted = self._wanted()
            self._level = min(max(round(wanted + self._rest), 0), LEVELS - 1)
            self._rest = min(max(self._rest + wanted - self._level, -1.0), 1.0)
        self._count += 1
        return super().level(frame)

    def heard(self, packet: FramePacket) -> None:
        super().heard(packet)
        self._spent += 8 * len(packet.payload)
        if packet.pts in self._left:
            self._expected += self._estimate(packet.pts, self.levels.get(packet.pts, self._level))
            del self._left[packet.pts]

    def _wanted(self) -> float:
        """The level, a fraction, at which the rest is expected to use up the budget."""
        error = 1.0
        if self._spent and self._expected:  # trusted as far as pictures are coded
            share = min(1.0, 2 * len(self.noted) / max(len(self._before), 1))
            error = (self._spent / self._expected) ** share
        waiting = [pts for pts in self._left if pts in self.levels]
        budget = self._budget - self._spent
        budget -= error * sum(self._estimate(pts, self.levels[pts]) for pts in waiting)
        rest = error * sum(self._estimate(pts, self._plan) for pts in self._left
                           if pts not in self.levels)  # fmt: skip
        if rest <= 0:
            return self._plan
        wanted = self._plan + math.log2(max(budget, rest / 256) / rest) / self._slope
        return min(max(wanted, self._plan - _FREEDOM), self._plan + _FREEDOM)

    def _estimate(self, pts: int, level: float) -> float:
        noted = self._before[pts]
        return noted.bits * math.pow(2.0, self._slope * (level - noted.level))


def _bits_per_pixel(source: VideoSource, bit_rate: float) -> float:
    head = source.head
    rate = Fraction(*head.frame_rate) or Fraction(25)
    return bit_rate / float(rate) / (head.width * head.height)


def _slope(passes: list[tuple[Coded, _Noting]]) -> float:
    """Doublings of the bits a level: from the last two passes, if their levels differ."""
    if len(passes) < 2:
        return _SLOPE
    (a, first), (b, second) = passes[-2:]
    change = _mean_level(second) - _mean_level(first)
    if abs(change) < 0.75 or not a.frame_bytes or not b.frame_bytes:
        return _slope(passes[:-1])
    found = math.log2(b.frame_bytes / a.frame_bytes) / change
    return min(max(found, _SLOPES[0]), _SLOPES[1])


def _mean_level(chooser: _Noting) -> float:
    return sum(chooser.levels.values()) / max(len(chooser.levels), 1)


def _ideal(passes: list[tuple[Coded, _Noting]], bit_rate: float) -> float:
    """Where the next pass begins."""
    coded, chooser = passes[-1]
    return _mean_level(chooser) + math.log2(bit_rate / max(coded.bit_rate, 1)) / _slope(passes)
