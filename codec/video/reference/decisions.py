"""Decisions of an inter frame, and all that it learns from them (INTER.md, Decisions, Contexts)."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from entropy.predictive.screen import RangeDecoder, logistic
from networks.errors import InvalidWeightsFile

__all__ = [
    "BANDS",
    "CONTEXT_BYTES",
    "LAYOUT",
    "MEMORY",
    "RATE",
    "Coder",
    "Contexts",
    "Decisions",
    "Reader",
    "starts",
]

MEMORY = 128
"""Decisions that an estimate looks back at most."""
RATE = 16
"""How fast the weights of mixers learn."""
BANDS = 4
"""Ranges of levels, as many of each, for which contexts start alike."""
_FIRST_WEIGHTS = 81920
"""Sum of a mixer's first weights, in units of 2^-16."""

Shape = tuple[int, ...]
LAYOUT: tuple[tuple[str, int, Shape], ...] = (
    ("split_mixer", 2, (4,)),
    ("split_count", 0, (4, 3)),
    ("split_sizes", 0, (4, 5, 5)),
    ("merge_mixer", 2, (4,)),
    ("merge_count", 0, (4, 3)),
    ("merge_kinds", 0, (4, 4, 4)),
    ("merge_index", 0, (6, 4)),
    ("intra", 0, (3,)),
    ("both_mixer", 2, ()),
    ("both_count", 0, (3,)),
    ("both_size", 0, (4,)),
    ("reference", 0, (2, 3, 3)),
    ("predictor", 0, ()),
    ("vector_mixer", 2, (2,)),
    ("vector_class", 0, (2, 16)),
    ("vector_other", 0, (2, 3, 4, 16)),
    ("vector_top", 0, (2, 16)),
    ("intra_likely", 0, ()),
    ("intra_which", 0, ()),
    ("intra_tree", 0, (64,)),
    ("coded_mixer", 2, (2,)),
    ("coded_count", 0, (2, 3, 4)),
    ("coded_kinds", 0, (2, 7, 3, 3)),
    ("fine", 0, (4, 3)),
    ("flag_mixer", 2, (2,)),
    ("flag_around", 0, (3, 5)),
    ("flag_size", 0, (3, 4, 2, 2)),
    ("last_mixer", 2, (2,)),
    ("last_size", 0, (2, 4, 2, 10)),
    ("last_density", 0, (2, 4, 2, 3, 10)),
    ("square", 0, (2, 3, 2)),
    ("nonzero_mixer", 3, (2, 4)),
    ("nonzero_sum", 0, (2, 8, 5)),
    ("nonzero_place", 0, (2, 4, 10, 10)),
    ("nonzero_square", 0, (2, 4, 4, 7)),
    ("above_mixer", 3, (2,)),
    ("above_sum", 0, (2, 6, 4)),
    ("above_place", 0, (2, 4, 6, 6)),
    ("above_size", 0, (2, 10, 3)),
    ("level_mixer", 2, (2,)),
    ("level_sum", 0, (2, 8, 15)),
    ("level_place", 0, (2, 4, 15)),
    ("filtered", 0, (2, 3)),
)
"""All contexts in the order of a weights file: name, weights (0: an estimate), dimensions."""

CONTEXT_BYTES = sum(4 * max(n, 1) * int(np.prod(shape, dtype=int)) for _, n, shape in LAYOUT)
"""Size of the contexts of a band in a weights file."""


class Contexts:
    """Estimates (..., 2), p and seen, and mixers (..., N) of weights, by name.

    Args:
        data: of a weights file, CONTEXT_BYTES long; None to begin without.
    """

    def __init__(self, data: bytes | None = None) -> None:
        self.arrays: dict[str, NDArray[np.int64]] = {}
        at = 0
        for name, weights, shape in LAYOUT:
            if data is None:
                first = [_FIRST_WEIGHTS // weights] * weights if weights else [1 << 15, 0]
                self.arrays[name] = np.tile(np.array(first, np.int64), (*shape, 1))
                continue
            kind = np.dtype("<i4" if weights else "<u2")
            whole = (*shape, weights or 2)
            count = int(np.prod(whole))
            found = np.frombuffer(data, kind, count, at).reshape(whole)
            self.arrays[name] = found.astype(np.int64)
            at += count * kind.itemsize
            if not weights and int(self.arrays[name][..., 1].max()) > MEMORY:
                raise InvalidWeightsFile("contexts: an estimate has seen too much")

    def copy(self) -> Contexts:
        """The same, to learn on its own."""
        other = Contexts()
        other.arrays = {name: array.copy() for name, array in self.arrays.items()}
        return other

    def to_bytes(self) -> bytes:
        """As a weights file has them."""
        return b"".join(
            self.arrays[name].astype("<i4" if weights else "<u2").tobytes()
            for name, weights, _ in LAYOUT
        )


def starts(entry: bytes | None) -> list[Contexts]:
    """Where contexts start, by band.

    Args:
        entry: `contexts` of a weights file, None if there is none.

    Raises:
        InvalidWeightsFile: it is not an entry of contexts.
    """
    if entry is None:
        return [Contexts()] * BANDS
    if len(entry) != BANDS * CONTEXT_BYTES:
        raise InvalidWeightsFile(f"contexts have {len(entry)} bytes")
    starts = range(0, len(entry), CONTEXT_BYTES)
    return [Contexts(entry[start : start + CONTEXT_BYTES]) for start in starts]


class Coder(Protocol):
    """What reads decisions from a payload, or makes them up."""

    def decide(self, p: int, about: str) -> bool:
        """The next decision.

        Args:
            p: its probability of being true, in units of 2^-16.
            about: what it decides, for coders that make decisions up.
        """
        ...


class Reader:
    """Reads decisions from a payload."""

    def __init__(self, payload: bytes) -> None:
        self._decoder = RangeDecoder(payload)

    def decide(self, p: int, about: str) -> bool:
        """The next decision."""
        return self._decoder.decide(p)

    def finish(self) -> None:
        """Raises CorruptStream unless the payload ends here."""
        self._decoder.finish()


Place = tuple[int, ...]


class Decisions:
    """Decisions of a frame, which learns from them.

    Args:
        coder: where they come from.
        contexts: what is known; changed.
    """

    def __init__(self, coder: Coder, contexts: Contexts) -> None:
        self.contexts = contexts
        self.coder = coder
        self._arrays = contexts.arrays
        self._squash, self._stretch = logistic()

    def even(self, about: str) -> bool:
        """A decision that is true as often as not."""
        return self.coder.decide(1 << 15, about)

    def bits(self, count: int, about: str) -> int:
        """A number of so many even decisions, the highest first."""
        value = 0
        for _ in range(count):
            value = value << 1 | self.even(about)
        return value

    def bit(self, name: str, *place: int) -> bool:
        """A decision with one estimate."""
        estimate = self._arrays[name][place]
        decision = self.coder.decide(int(estimate[0]), name)
        _learn(estimate, decision)
        return decision

    def mixed(self, mixer: str, place: Place, *estimates: tuple[str, Place]) -> bool:
        """A decision with a mixture; its name is the mixer's without `_mixer`."""
        weights = self._arrays[mixer][place]
        found = [self._arrays[name][where] for name, where in estimates]
        inputs = [self._stretch[int(estimate[0]) >> 4] for estimate in found]
        s = sum(w * i for w, i in zip(weights.tolist(), inputs, strict=True)) >> 16
        end = len(self._squash) // 2
        p = self._squash[min(max(s, -end), end) + end]
        decision = self.coder.decide(p, mixer.removesuffix("_mixer"))
        e = ((65535 if decision else 0) - p) * RATE >> 4
        for n, (estimate, value) in enumerate(zip(found, inputs, strict=True)):
            weights[n] += (value * e + (1 << 15)) >> 16
            _learn(estimate, decision)
        return decision


def _learn(estimate: NDArray[np.int64], decision: bool) -> None:
    p, seen = estimate.tolist()
    p += ((65535 if decision else 0) - p) * (131072 // (2 * seen + 3)) >> 16
    estimate[:] = p, min(seen + 1, MEMORY)
