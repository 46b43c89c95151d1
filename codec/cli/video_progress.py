"""Progress over the pictures of a video: how many, how fast, how long still; on stderr."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from codec.cli.common import Session
from codec.cli.streams import is_terminal, tell, tell_raw

__all__ = ["clock", "frame_progress"]

_EVERY = 0.2
"""Seconds from one update to the next."""


@contextmanager
def frame_progress(
    session: Session, mode: str | None, label: str, total: int | None
) -> Iterator[Callable[[int], None] | None]:
    """Shows how far the work on one video is.

    Args:
        session: --quiet turns the bar off.
        mode: "off", "bar", "json", or None for a bar if stderr is a terminal.
        label: name of the file, and of the pass if there are several.
        total: number of pictures, if it is known.

    Yields:
        A function to be called with the number of pictures that are done; None if nothing is shown.
    """
    if mode is None:
        mode = "bar" if is_terminal(error=True) and not session.quiet else "off"
    if mode == "off":
        yield None
        return
    show = _show_json if mode == "json" else _show_bar
    started = shown = time.monotonic()

    def update(done: int) -> None:
        nonlocal shown
        now = time.monotonic()
        if now - shown >= _EVERY or done == total:
            shown = now
            show(label, done, total, done / max(now - started, 1e-9))

    try:
        yield update
    finally:
        if mode == "bar":
            tell_raw("\r\x1b[K")


def clock(seconds: float) -> str:
    """A time as people read it: "0:07", "1:02:03"."""
    whole = round(seconds)
    minutes = f"{whole % 3600 // 60}:{whole % 60:02d}"
    return f"{whole // 3600}:{minutes:0>5}" if whole >= 3600 else minutes


def _show_json(label: str, done: int, total: int | None, speed: float) -> None:
    left = None if total is None or total < done else round((total - done) / speed, 1)
    report = {"file": label, "frames": done, "of": total, "fps": round(speed, 2), "left": left}
    if total:
        report["percent"] = min(100 * done // total, 100)
    tell(json.dumps(report))


def _show_bar(label: str, done: int, total: int | None, speed: float) -> None:
    if not total or total < done:
        tell_raw(f"\r{label} {done} frames, {speed:.1f} frames/s\x1b[K")
        return
    filled = 20 * done // total
    left = clock((total - done) / speed)
    tell_raw(
        f"\r{label} [{'#' * filled:20}] {done}/{total} frames, {speed:.1f} frames/s, "
        f"{left} left\x1b[K"
    )
