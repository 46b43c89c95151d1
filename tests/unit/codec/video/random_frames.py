"""Payloads of frames whose decisions are made up: all that the syntax allows, whoever writes it.

    decisions, as the reference asks for them ─► `Writer` makes them up and codes them ─► payload

`RandomVideo` gives one frame after another, with what the reference decodes it to.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from codec.video.reference.blocks import INTER, INTRA, MERGE, Block, BlockSyntax
from codec.video.reference.decisions import BANDS, CONTEXT_BYTES, LAYOUT, MEMORY, Coder
from codec.video.reference.frames import FrameHead, ReferenceFrame
from codec.video.reference.slots import ReferenceCoder
from codec.video.types import chroma_size
from entropy.errors import CorruptStream
from networks import weights_file
from networks.program import Program, Type
from networks.record import Layer, Recorder

__all__ = ["RandomFrame", "RandomVideo", "Shape", "facts_of", "random_weights"]

_WORD = 1 << 32
_LEVELS = 64
_LEAST, _MOST = -16384, 16383
_FAR = 3000
_MOST_ONES = 13
"""Of an escape: its number then fits 16 bits."""


class RangeEncoder:
    """Codes decisions; exactly, with as long a number as it takes."""

    def __init__(self) -> None:
        self._low, self._range, self._words = 0, (1 << 64) - 1, 0

    def encode(self, decision: bool, p: int) -> None:
        """Codes a decision of the probability p, in units of 2^-16."""
        part = (self._range >> 17) * (2 * p + 1)
        if decision:
            self._range = part
        else:
            self._low += part
            self._range -= part
        if self._range < _WORD:
            self._range *= _WORD
            self._low *= _WORD
            self._words += 1

    def finish(self) -> bytes:
        """The number in the interval that has the fewest bytes."""
        size = 4 * self._words + 8
        for kept in range(4 * self._words, size + 1):
            unit = 1 << 8 * (size - kept)
            value = -(-self._low // unit) * unit
            if value < self._low + self._range:
                return value.to_bytes(size, "big")[:kept]
        raise AssertionError("an interval holds no number")


class Writer(Coder):
    """Makes decisions up and codes them.

    Args:
        generator: of what is left to chance.
        tendencies: how often decisions are true, by what they are about; others as they cost.
    """

    def __init__(self, generator: random.Random, tendencies: dict[str, float]) -> None:
        self.generator = generator
        self.given: deque[bool] = deque()
        """The next decisions, where they are not left to chance."""
        self.encoder = RangeEncoder()
        self._tendencies = tendencies
        self._ones = 0

    def decide(self, p: int, about: str) -> bool:
        if self.given:
            decision = self.given.popleft()
        elif about == "escape" and self._ones == _MOST_ONES:
            decision = False
        else:
            decision = self.generator.random() < self._tendencies.get(about, p / 65536)
        self._ones = self._ones + 1 if about == "escape" and decision else 0
        self.encoder.encode(decision, p)
        return decision

    def give(self, value: int, count: int) -> None:
        """The next decisions are the bits of a number, the highest first."""
        self.given.extend(bool(value >> n & 1) for n in reversed(range(count)))


class RandomSyntax(BlockSyntax):
    """Makes up modes and vectors that are allowed."""

    wrong = 0.0
    """Share of modes and vectors that are not."""
    ends = -_FAR, _FAR
    """Of vectors that are not predicted."""
    reaches: tuple[int, ...] = (0, 1, 7, 30, 30, 200, 200, 1000, 6000)
    """Of differences of their components."""

    def _mode(self, left: Block | None, above: Block | None) -> int:
        writer = self.decisions.coder
        assert isinstance(writer, Writer)
        if writer.generator.random() < 0.25:
            writer.give(2 | writer.generator.getrandbits(1), 2)
        else:
            is_wrong = writer.generator.random() < self.wrong
            mode = (
                writer.generator.randrange(35, 64) if is_wrong else writer.generator.randrange(35)
            )
            writer.give(mode, 7)  # not a likely one
        return super()._mode(left, above)

    def _component(self, block: Block, axis: int, other: int, predicted: int) -> int:
        writer = self.decisions.coder
        assert isinstance(writer, Writer)
        generator = writer.generator
        low, high = (end - predicted for end in self.ends)
        reach = generator.choice(self.reaches)
        difference = generator.randint(-reach, reach)
        if generator.random() < 0.3:  # whole samples, or halves
            difference += -(predicted + difference) % generator.choice([2, 4, 8])
        difference = min(max(difference, low, -32767), high, 32767)
        if generator.random() < 0.02:
            difference = generator.choice([low, high])
        if generator.random() < self.wrong:
            ends = _LEAST - 1 - predicted, _MOST + 1 - predicted
            difference = min(max(generator.choice(ends), -32767), 32767)
        magnitude = abs(difference)
        k = magnitude.bit_length()
        writer.give((1 << k) - 1, k)
        if k < 15:
            writer.give(0, 1)
        if k > 0:
            writer.give(magnitude, k - 1)
            writer.give(int(difference < 0), 1)
        return super()._component(block, axis, other, predicted)


class LongSyntax(RandomSyntax):
    """Makes up long vectors."""

    ends = _LEAST, _MOST
    reaches = 0, 100, 3000, 32767, 32767


class WrongSyntax(RandomSyntax):
    """Makes up some that are not allowed, too."""

    wrong = 0.2


class RandomReference(ReferenceFrame):
    syntax = RandomSyntax


class LongReference(ReferenceFrame):
    syntax = LongSyntax


class WrongReference(ReferenceFrame):
    syntax = WrongSyntax


@dataclass(frozen=True)
class Shape:
    """Size of luma, and whether chroma has half of it."""

    width: int
    height: int
    subsampled: bool


@dataclass(frozen=True, eq=False)
class RandomFrame:
    """A frame: its payload, what it refers to, and what the reference decodes it to.

    Attributes:
        still: planes of 10 bits that it is predicted from, where it has no references.
        planes: of 10 bits; None where the frame is damaged.
        reference: the frame as the reference has it, likewise.
    """

    payload: bytes
    references: tuple[int, ...]
    slot: int | None
    still: list[NDArray[np.uint16]] | None
    planes: list[NDArray[np.uint16]] | None
    reference: ReferenceFrame | None


class RandomVideo:
    """Frames that refer to each other.

    Args:
        seed: what follows from chance follows from it.
        shape: of the pictures.
        weights: file of the inter model.
        long: whether vectors and distances may be as long as they can.
        wrong: whether frames hold what is not allowed; such a frame is the last one.
    """

    def __init__(
        self, seed: int, shape: Shape, weights: bytes, *, long: bool = False, wrong: bool = False
    ) -> None:
        self._generator = random.Random(seed)
        self._shape = shape
        self._filters = "filter" in weights_file.read(weights)
        self.coder = ReferenceCoder(shape.width, shape.height, shape.subsampled, weights)
        self.coder.frame_type = (
            WrongReference if wrong else LongReference if long else RandomReference
        )
        self._is_long, self._is_wrong = long, wrong
        self._filled: list[int] = []

    def frames(self, count: int) -> Iterator[RandomFrame]:
        """So many frames."""
        generator = self._generator
        for n in range(count):
            references: tuple[int, ...] = ()
            if self._filled and generator.random() < 0.9:
                most = min(len(self._filled), 4)
                references = tuple(generator.sample(self._filled, generator.randint(1, most)))
            head = FrameHead(
                level=generator.choice([0, 63, *(generator.randrange(64) for _ in range(6))]),
                layer=generator.randrange(4),
                fresh=not references or generator.random() < 0.2,
                overlapped=generator.random() < 0.7,
                filtered=self._filters and generator.random() < 0.7,
                number=generator.choice([0, n, n, n + 1, n + 2]),
            )
            if self._is_long:
                some = [5000, 5001, 5002, 5130, generator.randrange(1 << 24)]
                head = replace(head, number=generator.choice(some))
            frame = self._frame(head, references)
            yield frame
            if frame.reference is None:
                return

    def _frame(self, head: FrameHead, references: tuple[int, ...]) -> RandomFrame:
        generator = self._generator
        still = None
        if not references:
            still = self._still()
            self.coder.put_still(still)
        empty = [slot for slot in range(8) if slot not in self._filled]
        slot = generator.choice([None, *range(8)])
        if empty and (not self._filled or generator.random() < 0.8):
            slot = generator.choice(empty)
        writer = Writer(generator, _tendencies(generator))
        planes, frame = None, None
        try:
            self.coder.finish(head, self.coder.pictures(references), writer, slot)
            planes, frame = self.coder.planes(), self.coder.frame
        except CorruptStream:
            assert self._is_wrong
        if slot is not None and slot not in self._filled:
            self._filled.append(slot)
        payload = head.to_bytes() + writer.encoder.finish()
        return RandomFrame(payload, references, slot, still, planes, frame)

    def _still(self) -> list[NDArray[np.uint16]]:
        """Patches of noise, of any contrast."""
        random_planes = np.random.default_rng(self._generator.randrange(1 << 30))
        shape = self._shape
        chroma = chroma_size(shape.width, shape.height, shape.subsampled)
        planes = []
        for width, height in ((shape.width, shape.height), chroma, chroma):
            patch = self._generator.choice([1, 2, 5, 16])
            rows, columns = -(-height // patch), -(-width // patch)
            reach = self._generator.choice([20, 200, 1023])
            low = self._generator.randint(0, 1023 - reach)
            coarse = random_planes.integers(low, low + reach + 1, (rows, columns), np.uint16)
            whole = np.repeat(np.repeat(coarse, patch, 0), patch, 1)[:height, :width]
            planes.append(np.ascontiguousarray(whole))
        return planes


def _tendencies(generator: random.Random) -> dict[str, float]:
    """How often decisions are true, another mood for every frame."""

    def some(*choices: float) -> float:
        return generator.choice(choices)

    return {
        "split": some(0.1, 0.4, 0.7),
        "merge": some(0.1, 0.4, 0.8),
        "merge_index": 0.7,
        "intra": some(0.05, 0.3, 0.8),
        "both": some(0.1, 0.6),
        "reference": 0.6,
        "predictor": 0.5,
        "coded": some(0.3, 0.8),
        "fine": some(0.1, 0.5),
        "flag": some(0.3, 0.7),
        "last": some(0.3, 0.6, 0.9),
        "square": some(0.2, 0.7),
        "nonzero": some(0.05, 0.3, 0.6),
        "above": some(0.1, 0.4, 0.8),
        "level": some(0.3, 0.8, 0.95),
        "escape": some(0.3, 0.6, 0.9),
        "filtered": 0.5,
    }


def random_weights(seed: int, contexts: bool, filtered: bool) -> bytes:
    """A weights file of an inter model: where contexts start, and a filter, or without."""
    entries: dict[str, weights_file.Entry] = {"note": b"of a test"}
    if contexts:
        entries["contexts"] = _random_contexts(np.random.default_rng(seed))
    if filtered:
        entries["filter"] = _random_filter(np.random.default_rng(seed + 1))
    return weights_file.write(entries)


def _random_contexts(generator: np.random.Generator) -> bytes:
    parts = []
    for _, weights, shape in LAYOUT * BANDS:
        if weights:
            values = generator.integers(-30000, 90000, (*shape, weights)).astype("<i4")
        else:
            p = generator.integers(500, 65000, shape)
            values = np.stack([p, generator.integers(0, MEMORY + 1, shape)], axis=-1).astype("<u2")
        parts.append(values.tobytes())
    assert sum(map(len, parts)) == BANDS * CONTEXT_BYTES
    return b"".join(parts)


def _random_filter(generator: np.random.Generator) -> Program:
    """Two layers: what they compute is of no use, but depends on all that they are given."""
    channels = 6

    def linear(outputs: int, inputs: int, shift: int, limit: int) -> Layer:
        tensors: dict[str, NDArray[np.integer]] = {
            "weight": generator.integers(-100, 101, (outputs, inputs)).astype(np.int16),
            "bias": generator.integers(-5000, 5001, (_LEVELS, outputs)).astype(np.int32),
            "shift": np.full(outputs, shift, np.int8),
            "low": np.full(outputs, -limit, np.int32),
            "high": np.full(outputs, limit, np.int32),
        }
        return Layer(tensors, (int(Type.I16),))

    layers = {
        "enter_luma": linear(channels, 32, 4, 32767),
        "enter_chroma": linear(channels, 16, 4, 32767),
        "leave_luma": linear(16, channels, 13, 255),
        "leave_chroma": linear(8, channels, 13, 255),
    }
    record = Recorder(layers)
    luma, chroma = (record.input(Type.I16, n, -1023, 1023) for n in (2, 4))
    x = record.add(
        record.linear("enter_luma", luma, fold=4), record.linear("enter_chroma", chroma, fold=2)
    )
    return record.program(
        [record.linear("leave_luma", x, unfold=4), record.linear("leave_chroma", x, unfold=2)]
    )


def facts_of(frame: ReferenceFrame) -> Counter[str]:
    """What occurs in a frame, by name, and how often."""
    found: Counter[str] = Counter()
    kinds = {MERGE: "merge", INTER: "inter", INTRA: "intra"}
    for block in frame.grid.blocks:
        found[kinds[block.kind]] += 1
        found[f"{kinds[block.kind]} {8 * block.size}"] += 1
        if block.kind == INTRA:
            found[f"mode {block.mode}"] += 1
        if block.kind == MERGE:
            found[f"candidate {block.candidate}"] += 1
        found["both"] += len(block.motion) == 2
        found["coded"] += block.coded
        found["fine"] += block.fine
        for reference, vector in block.motion:
            found[f"reference {reference}"] += 1
            found["far"] += max(map(abs, vector)) > 1000
        _count_squares(found, list(block.squares.items()))
    found["overlapped"] += frame.head.overlapped
    found["filtered"] += bool(frame.filtered.any())
    return found


def _count_squares(
    found: Counter[str], squares: Sequence[tuple[tuple[int, int, int], NDArray[np.int64]]]
) -> None:
    for (plane, _, _), coefficients in squares:
        found[f"{'UV' if plane else 'Y'} {len(coefficients)}x{len(coefficients)}"] += 1
        largest = int(np.abs(coefficients).max())
        found["escape"] += largest >= 15
        found["long escape"] += largest >= 1 << 14
