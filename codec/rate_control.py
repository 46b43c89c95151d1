"""Searches over the quality levels: the best within a size, the smallest of a quality."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["largest_within", "smallest_reaching"]


def largest_within(
    size: Callable[[int], int], limit: int, levels: int, start: int | None = None
) -> int:
    """The highest of 0..levels-1 whose file is not larger than `limit` bytes, -1 where none is.

    Args:
        size: bytes of the file at a level.
        start: a level that is probably near.
    """
    return _last(lambda level: size(level) <= limit, levels, start)


def smallest_reaching(
    quality: Callable[[int], float], target: float, levels: int, start: int | None = None
) -> int:
    """The lowest of 0..levels-1 whose quality reaches `target`, `levels` where none does.

    Args:
        quality: PSNR or another measure at a level, in the unit of the target.
        start: a level that is probably near.
    """
    return 1 + _last(lambda level: quality(level) < target, levels, start)


def _last(holds: Callable[[int], bool], count: int, start: int | None) -> int:
    """The highest of 0..count-1 up to which `holds` is true, -1 where it is nowhere: by bisection,
    within what levels 1, 2, 4 … away from `start` enclose.
    """
    low, high = -1, count  # true at low and false at high, or outside
    if start is not None:
        at = start
        while low < at < high:
            true = holds(at)
            low, high = (at, high) if true else (low, at)
            step = max(1, abs(at - start))
            at += step if true else -step
    while high - low > 1:
        middle = (low + high) // 2
        if holds(middle):
            low = middle
        else:
            high = middle
    return low
