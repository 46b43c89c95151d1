"""Many small cases in several processes, a part at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

__all__ = ["in_parts"]

Found = TypeVar("Found")


def in_parts(
    run: Callable[[int, int], Found], count: int, *, part: int, processes: int, first: int = 0
) -> Iterator[Found]:
    """run(start, n) for the cases first .. first + count - 1, at most `part` at once, in order.

    Args:
        run: a function of a module, so that processes can be sent it.
    """
    end = first + count
    starts = range(first, end, part)
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(run, starts, [min(part, end - start) for start in starts])
