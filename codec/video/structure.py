"""Which picture is coded when, from which others, and how finely: the structure of a GOP.

Nothing here is normative: a decoder follows the references and slots that packets name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = [
    "PYRAMID",
    "REORDER",
    "SLOTS",
    "Plan",
    "Slots",
    "key_finer",
    "lowdelay_plan",
    "pyramid",
]

SLOTS = 8
LAYERS = 4


@dataclass(frozen=True, slots=True)
class Plan:
    """How one picture is to be coded.

    Attributes:
        number: in the order of showing, since the key frame (0).
        references: numbers of the pictures that it is predicted from, the nearest first.
        layer: 0 for those that many others are predicted from, up to 3.
        finer: levels above (or below) the level that was asked for.
        kept: numbers of the pictures that are needed after it, itself perhaps among them.
    """

    number: int
    references: tuple[int, ...]
    layer: int
    finer: int
    kept: frozenset[int]


_KEY_FINER = 4
"""Levels by which key frames are finer than what was asked for."""
_RARE_KEY_FINER, _RARE = 6, 300
"""The same where that many pictures and more follow from a key frame: they repay its bits, and
nobody sees quality jump at every key frame.
"""


def key_finer(keyint: int) -> int:
    """Levels by which key frames are finer, with so many pictures from one to the next."""
    return _RARE_KEY_FINER if keyint >= _RARE else _KEY_FINER


_LOWDELAY = 4
"""Every fourth picture is finer, and kept for long."""
_LOWDELAY_FINER = {0: 1, 1: -3, 2: -2, 3: -3}
_LOWDELAY_LAYERS = {0: 0, 1: 2, 2: 1, 3: 2}
_LOWDELAY_KEPT = 3


def lowdelay_plan(number: int) -> Plan:
    """The plan of a picture after the key frame, when none may wait for later ones."""

    def good(before: int) -> list[int]:
        """The finer pictures before one, the newest first."""
        newest = (before - 1) // _LOWDELAY * _LOWDELAY
        return list(range(newest, -1, -_LOWDELAY))[:_LOWDELAY_KEPT]

    references = [number - 1, *(n for n in good(number) if n != number - 1)]
    place = number % _LOWDELAY
    kept = {number, *good(number + 1)}
    return Plan(
        number, tuple(references[:4]), _LOWDELAY_LAYERS[place], _LOWDELAY_FINER[place],
        frozenset(kept),
    )  # fmt: skip


PYRAMID = 8
"""Pictures from one that is coded without later ones to the next."""
REORDER = 3
"""Pictures that are coded before one and shown after it, at most."""
_PYRAMID_FINER = (0, -3, -5, -6)


def pyramid(first: int, last: int, older: Sequence[int]) -> Iterator[Plan]:
    """Plans of the pictures first + 1 .. last, in the order of coding: `last` from `first` and what
    is older, then those between, halves of halves.

    Args:
        first: number of the last picture that is coded.
        last: number of the picture that the others stand before.
        older: numbers of pictures that are kept besides, the newest first.
    """
    order: list[tuple[int, list[int], int]] = [(last, [first, *older], 0)]

    def between(low: int, high: int, layer: int) -> None:
        if high - low < 2:
            return
        middle = (low + high) // 2
        beside = [low, high]
        order.append((middle, beside, layer))
        between(low, middle, layer + 1)
        between(middle, high, layer + 1)

    between(first, last, 1)
    outer = [last, first, *older]
    for n, (number, beside, layer) in enumerate(order):
        references = [*beside, *(o for o in outer if o not in beside and o != number)]
        references = references[:2] if layer >= 3 else references[:3] if layer else references[:4]
        later = {r for _, near, _ in order[n + 1 :] for r in near}
        kept = {last, first, *older[:2]} | later | {number}
        depth = min(layer, LAYERS - 1)
        yield Plan(number, tuple(references), depth, _PYRAMID_FINER[depth], frozenset(kept))


class Slots:
    """Which pictures stand in which slots."""

    def __init__(self) -> None:
        self._slots: dict[int, int] = {}

    def reset(self) -> int:
        """Forgets all; the slot of a key frame."""
        self._slots = {0: 0}
        return 0

    def references(self, numbers: Sequence[int]) -> tuple[int, ...]:
        """Slots of pictures."""
        return tuple(self._slots[number] for number in numbers)

    def there(self, numbers: Sequence[int]) -> list[int]:
        """Those of the pictures that are kept."""
        return [number for number in numbers if number in self._slots]

    def place(self, plan: Plan) -> int | None:
        """The slot for a picture that is coded, after which only plan.kept are needed."""
        used = set(self._slots.values())
        self._slots = {n: slot for n, slot in self._slots.items() if n in plan.kept}
        if plan.number not in plan.kept:
            return None
        free = [slot for slot in range(SLOTS) if slot not in self._slots.values()]
        # one that was free before, if there is one: a decoder may still read from the others
        slot = next((s for s in free if s not in used), free[0])
        self._slots[plan.number] = slot
        return slot
