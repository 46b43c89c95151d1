"""Parts of documents that the benchmark writes, between two marks."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["between"]


def between(text: str, begin: str, end: str, make: Callable[[], str]) -> str:
    """A document with what stands between two marks made anew; the marks stay.

    Raises:
        ValueError: the marks are not there; nothing is made then.
    """
    before, first, rest = text.partition(begin)
    _, last, after = rest.partition(end)
    if not (first and last):
        raise ValueError(f"a document without {begin.strip()} and {end.strip()}")
    return before + begin + make() + end + after
