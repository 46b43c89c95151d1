"""Searches over the quality levels: the best within a size, the smallest of a quality."""

from __future__ import annotations

from collections.abc import Callable

from codec.errors import TargetUnreachable
from codec.models.quality import quality_of

__all__ = ["largest_within", "smallest_reaching"]


def largest_within(
    file: Callable[[int], bytes],
    limit: int,
    levels: int,
    asked: str,
    show: Callable[[int], str],
    unit: float,
) -> bytes:
    """The file of the highest level that is not larger than `limit` bytes, by bisection.

    Args:
        file: the file at a level.
        limit: bytes.
        levels: how many there are.
        asked: the target as it was given.
        show: a size in the unit of the target, rounded up.
        unit: the units of the target in a byte.

    Raises:
        TargetUnreachable: even level 0 is larger; states its size.
    """
    low, high = -1, levels - 1  # low fits (or is below all levels)
    while low < high:
        middle = (low + high + 1) // 2
        if len(file(middle)) <= limit:
            low = middle
        else:
            high = middle - 1
    if low < 0:
        least = len(file(0))
        raise TargetUnreachable(
            f"the target is {asked}, the smallest file this image can have is "
            f"{show(least)} (quality 0)",
            nearest=least * unit,
        )
    return file(low)


def smallest_reaching(
    file: Callable[[int], bytes], psnr: Callable[[int], float], target: float, levels: int
) -> bytes:
    """The file of the lowest level whose PSNR reaches `target` dB, by bisection.

    Raises:
        TargetUnreachable: the highest level does not; states what it reaches.
    """
    low, high = 0, levels  # high reaches it (or is above all levels)
    while low < high:
        middle = (low + high) // 2
        if psnr(middle) >= target:
            high = middle
        else:
            low = middle + 1
    if low >= levels:
        best = psnr(levels - 1)
        raise TargetUnreachable(
            f"the target is {target:g} dB, the best this image can have is {best:.2f} dB "
            f"(quality {quality_of(levels - 1, levels)})",
            nearest=best,
        )
    return file(low)
