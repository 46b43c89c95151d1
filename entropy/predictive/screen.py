"""Coder S written down once more, slowly: the decoder of SPEC.md, S: screens, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from entropy.errors import CorruptStream, StreamExhausted

__all__ = ["RangeDecoder", "decode_screen", "logistic"]

_WORD = (1 << 64) - 1
_CELL = 64
_MOST_PIXEL_BITS = 21
_F = (
    0x9E3779B97F4A7C15,
    0xC2B2AE3D27D4EB4F,
    0x165667B19E3779F9,
    0xD6E8FEB86659FD93,
    0xA0761D6478BD642F,
    0xE7037ED1A0B428DB,
    0x8EBC6AF09C88C6E3,
    0x589965CC75374CC3,
)
_END = 2815


@lru_cache
def logistic() -> tuple[list[int], list[int]]:
    """squash (index s + 2815) and stretch (index p >> 4)."""
    squash = [0] * (2 * _END + 1)
    power = 1 << 32
    for n in range(_END + 1):
        low = (power << 16) // ((1 << 32) + power)
        squash[_END - n], squash[_END + n] = (low, 65535 - low) if n else (32767, 32767)
        power = power * 4278222805 >> 32
    stretch, s = [], 0
    for p in range(4096):
        while squash[s] < 16 * p + 8:
            s += 1
        stretch.append(min(max(s - _END, -2047), 2047))
    return squash, stretch


class _Estimate:
    def __init__(self) -> None:
        self.q, self.n = 1 << 21, 0

    def update(self, decision: bool) -> None:
        target = (1 << 22) - 1 if decision else 0
        self.q += ((target - self.q) * (131072 // (2 * self.n + 3))) >> 16
        self.n = min(self.n + 1, 60)


class _Slot:
    def __init__(self, tag: int) -> None:
        self.colours, self.tag, self.confidence = [0, 0, 0], tag, 0

    def update(self, colour: int) -> None:
        first, second, third = self.colours
        if first == colour:
            self.confidence = min(self.confidence + 1, 7)
            return
        self.colours = [colour, first, third if second == colour else second]
        self.confidence >>= 1


class RangeDecoder:
    """A payload's decisions, one after another.

    Raises:
        StreamExhausted: the payload ends too early, here or in `decide`.
    """

    def __init__(self, payload: bytes) -> None:
        self.payload, self.at = payload, 0
        self.range, self.value = _WORD, 0
        self.value = self._next() << 32 | self._next()

    def _next(self) -> int:
        word = int.from_bytes(self.payload[self.at : self.at + 4].ljust(4, b"\0"), "big")
        self.at += 4
        if self.at > len(self.payload) + 8:
            raise StreamExhausted("a payload of decisions ends too early")
        return word

    def finish(self) -> None:
        """Raises CorruptStream unless the payload ends here."""
        if self.value >= self.range or self.at < len(self.payload):
            raise CorruptStream("a payload of decisions has another end")

    def decide(self, p: int) -> bool:
        """The next decision, which has the probability p of being true, in units of 2^-16."""
        part = (self.range >> 17) * (2 * p + 1)
        decision = self.value < part
        if decision:
            self.range = part
        else:
            self.value -= part
            self.range -= part
        if self.range < 1 << 32:
            self.range = self.range << 32 & _WORD
            self.value = (self.value << 32 | self._next()) & _WORD
        return decision


class _Decisions(RangeDecoder):
    """The payload, and every estimate and weight by the name of what it is for."""

    def __init__(self, payload: bytes, digits: int) -> None:
        super().__init__(payload)
        self.digits = digits
        self.estimates: dict[tuple[object, ...], _Estimate] = {}
        self.weights: dict[tuple[object, ...], list[int]] = {}
        self.slots: dict[tuple[object, int], _Slot] = {}

    def _estimate(self, name: tuple[object, ...]) -> _Estimate:
        return self.estimates.setdefault(name, _Estimate())

    def plain(self, *name: object) -> bool:
        estimate = self._estimate(name)
        decision = self.decide(estimate.q >> 6)
        estimate.update(decision)
        return decision

    def tree(self, width: int, *name: object) -> int:
        node = 1
        for _ in range(width):
            node = node << 1 | self.plain(*name, node)
        return node - (1 << width)

    def mixed(self, kind: tuple[object, ...], names: Sequence[tuple[object, ...]]) -> bool:
        squash, stretch = logistic()
        estimates = [self._estimate(name) for name in names]
        weights = self.weights.setdefault(kind, [23405] * 4)
        inputs = [stretch[e.q >> 10] for e in estimates]
        s = sum(w * i for w, i in zip(weights, inputs, strict=True)) >> 16
        p = squash[min(max(s, -_END), _END) + _END]
        decision = self.decide(p)
        error = ((65535 if decision else 0) - p) * 24 >> 4
        for n, (estimate, value) in enumerate(zip(estimates, inputs, strict=True)):
            weights[n] += (value * error + 32768) >> 16
            estimate.update(decision)
        return decision

    def index(self, less: int, key: int) -> int:
        """Index of a hashed table's item."""
        return ((key * _F[3]) & _WORD) >> (64 - max(self.digits, less + 4) + less)

    def slot(self, table: object, less: int, key: int) -> _Slot:
        key &= _WORD
        index = key >> (64 - max(self.digits, less + 4) + less)
        tag = key >> 20 & 0xFFFF
        slot = self.slots.setdefault((table, index), _Slot(0))
        if slot.tag != tag:
            slot = self.slots[table, index] = _Slot(tag)
        return slot


class _Neighbours:
    def __init__(self, numbers: npt.NDArray[np.int64], y: int, x: int) -> None:
        here, above, over = numbers[y + 2], numbers[y + 1], numbers[y]
        self.w, self.ww = int(here[x + 1]), int(here[x])
        self.nw, self.n, self.ne, self.nee = (int(v) for v in above[x + 1 : x + 5])
        self.nn, self.nne = int(over[x + 2]), int(over[x + 3])

    def is_flat(self) -> bool:
        return self.w != 0 and set(vars(self).values()) == {self.w}


class _Decoder:
    def __init__(self, decisions: _Decisions, bits: int, channels: int) -> None:
        self.decisions, self.bits, self.channels = decisions, bits, channels

    def pixel(self, at: _Neighbours, excluded: int) -> int:
        two = at.w * _F[0] + at.n * _F[1]
        four = two + at.nw * _F[2] + at.ne * _F[3]
        eight = four + at.ww * _F[4] + at.nn * _F[5] + at.nne * _F[6] + at.nee * _F[7]
        keys = (eight, four, two, at.w * _F[0], at.n * _F[1])
        less = (3, 3, 4, 7, 7)
        slots = [self.decisions.slot(n, less[n], keys[n]) for n in range(5)]
        colour = self._candidate(at, excluded, slots, keys) or self._literal(at)
        for slot in slots:
            slot.update(colour)
        return colour

    def _candidate(
        self, at: _Neighbours, excluded: int, slots: list[_Slot], keys: Sequence[int]
    ) -> int:
        equal = (at.w == at.n, at.n == at.nw, at.w == at.nw, at.n == at.ne, at.w == at.ww)
        pattern = (*equal, at.n == at.nn)
        beside = (at.w, at.n, at.nw, at.ne)
        offers = [(colour, slot.confidence) for slot in slots for colour in slot.colours]
        refused = {0, excluded}
        for place, (colour, confidence) in enumerate([*offers, *((b, 0) for b in beside)]):
            if colour in refused:
                continue
            refused.add(colour)
            agreement = (
                *(slot.colours[0] == colour for slot in slots),
                *(b == colour for b in beside),
                slots[0].confidence > 2,
            )
            names = (
                ("pattern", place, pattern, confidence),
                ("agreement", place, agreement),
                ("four", self.decisions.index(5, keys[1] + colour * _F[4])),
                ("eight", self.decisions.index(5, keys[0] + colour * _F[4])),
            )
            if self.decisions.mixed(("candidate", place), names):
                return colour
        return 0

    def _sample(self, colour: int, channel: int) -> int:
        return (colour - 1) >> (channel * self.bits) & ((1 << self.bits) - 1) if colour else 0

    def _width(self, difference: int) -> int:
        return min((abs(difference) >> (self.bits - 8)).bit_length(), 7)

    def _flat(self, known: Sequence[int], channel: int) -> int:
        w, n, nw = (self._sample(colour, channel) for colour in known)
        return min(max(w + n - nw, min(w, n)), max(w, n))

    def _guess(self, flat: int, miss: int) -> int:
        return min(max(flat + miss, 0), (1 << self.bits) - 1)

    def _literal(self, at: _Neighbours) -> int:
        w = at.w or at.n
        n = at.n or w
        known = (w, n, at.nw or n)
        before = miss = 0
        samples: list[int] = []
        slots: list[_Slot] = []
        for k, channel in enumerate((1, 0, 2) if self.channels == 3 else (0,)):
            flat = self._flat(known, channel)
            edge = self._width(self._sample(w, channel) - self._sample(n, channel))
            spread = min(self._width(miss), 3)
            high = self._guess(flat, miss) >> (self.bits - 8)
            keys = [before, before + at.w * _F[1], (64 * high + 4 * edge + spread) * _F[3]]
            keys.append((4 * high + spread) * _F[5])
            x = self._spell(k, keys)
            samples.append(x)
            miss = x - flat
            before = (before + x + 1) * _F[7] & _WORD
            if k == 0 and self.channels == 3:
                slots = [
                    self.decisions.slot("left", 7, (before + at.w * _F[1]) * _F[2]),
                    self.decisions.slot("green", 7, before * _F[2]),
                ]
                guesses = [self._guess(self._flat(known, c), miss) for c in (0, 2)]
                found = self._same_green(at, slots, guesses)
                if found:
                    break
        else:
            found = samples[0] + 1
            if self.channels == 3:
                green, red, blue = samples
                found = 1 + red + (green << self.bits) + (blue << 2 * self.bits)
        for slot in slots:
            slot.update(found)
        return found

    def _spell(self, k: int, keys: list[int]) -> int:
        x = 0
        for rest in range(self.bits - 4, -1, -4):
            place = k * 4 + rest // 4
            items = [
                self.decisions.index(less, key + place + 1)
                for less, key in zip((5, 5, 5, 6), keys, strict=True)
            ]
            node = 1
            for bit in range(3, -1, -1):
                names = [("nibble", n, item, node) for n, item in enumerate(items)]
                node = node << 1 | self.decisions.mixed(("nibble", k, rest, bit), names)
            x = x << 4 | (node & 15)
            keys[:] = [key + (x + 1) * _F[6] for key in keys]
        return x

    def _same_green(self, at: _Neighbours, slots: list[_Slot], guesses: Sequence[int]) -> int:
        refused = {0}
        offers = [(colour, slot.confidence) for slot in slots for colour in slot.colours]
        for place, (colour, confidence) in enumerate(offers):
            if colour in refused:
                continue
            refused.add(colour)
            r, b = (
                self._width(self._sample(colour, c) - guess)
                for c, guess in zip((0, 2), guesses, strict=True)
            )
            names = (
                ("distance", place, r, b),
                ("confidence", place, confidence, max(r, b)),
                ("colour", self.decisions.index(5, colour * _F[0] + place)),
                ("colour left", self.decisions.index(5, colour * _F[0] + at.w * _F[1])),
            )
            if self.decisions.mixed(("green", place), names):
                return colour
        return 0


def decode_screen(
    payload: bytes,
    bits: int,
    cells: npt.NDArray[np.uint8] | None,
    height: int,
    width: int,
    channels: int,
) -> npt.NDArray[np.uint16]:
    """The pixels (height, width, channels) of a payload; 0 in cells that are not coded."""
    rows, columns = -(-height // _CELL), -(-width // _CELL)
    if cells is None:
        cells = np.ones((rows, columns), np.uint8)
    coded = np.repeat(np.repeat(cells != 0, _CELL, 0), _CELL, 1)[:height, :width]
    decisions = _Decisions(payload, min(int(coded.sum()).bit_length(), _MOST_PIXEL_BITS))
    decoder = _Decoder(decisions, bits, channels)
    numbers = np.zeros((height + 2, width + 4), np.int64)  # two rows above, two columns beside
    for y in range(height):
        x = 0
        while x < width:
            if not coded[y, x]:
                x += 1
                continue
            at, excluded = _Neighbours(numbers, y, x), 0
            if at.is_flat():
                right = min((x // _CELL + 1) * _CELL, width)
                length = 1
                while (
                    x + length < right
                    and numbers[y + 1, x + length + 4] == at.w
                    and numbers[y, x + length + 3] == at.w
                ):
                    length += 1
                k = length.bit_length() - 1
                whole = decisions.plain("whole", k)
                run = 1 << k if whole else decisions.tree(k, "run", k)
                numbers[y + 2, x + 2 : x + 2 + run] = at.w
                x += run
                if whole:
                    continue
                at, excluded = _Neighbours(numbers, y, x), at.w
            numbers[y + 2, x + 2] = decoder.pixel(at, excluded)
            x += 1
    decisions.finish()
    found = numbers[2:, 2:-2, None] - 1
    pixels = found >> (bits * np.arange(channels)) & ((1 << bits) - 1)
    return np.where(coded[..., None], pixels, 0).astype(np.uint16)
