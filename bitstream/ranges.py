"""The check of a value that a field may have."""

from __future__ import annotations

from bitstream.errors import BadField


def require_range(name: str, value: int, low: int, high: int, chunk: str | None = None) -> None:
    """Raises `BadField` if a value is not among low to high, both included."""
    if not low <= value <= high:
        raise BadField(name, found=value, expected=f"{low} to {high}", chunk=chunk)
