"""What a run over several files comes to: bytes, bits per pixel, seconds."""

from __future__ import annotations

import logging
import os
import time
from typing import Any

from codec.cli.common import EXIT_FAILURE, Session
from codec.cli.jobs import Job
from codec.cli.trees import Found

__all__ = ["Totals", "leave_pictures_out", "say_left_out", "say_problems"]

_log = logging.getLogger(__name__)


class Totals:
    """Adds up the reports of encoded or decoded pictures; the clock runs from the start."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._pictures = self._videos = self._bytes_in = self._bytes_out = 0
        self._bits = self._pixels = 0

    def add(self, report: dict[str, Any], bytes_in: int, bytes_out: int) -> None:
        """Adds one picture; `report` as `jobs.summary` makes it."""
        self._pictures += 1
        self._bytes_in += bytes_in
        self._bytes_out += bytes_out
        self._bits += 8 * report["bytes"]
        self._pixels += report["width"] * report["height"]

    def add_video(self, job: Job) -> None:
        """Adds one video that was coded or decoded."""
        self._videos += 1
        self._bytes_in += os.path.getsize(job.source)
        if job.target is not None:
            self._bytes_out += os.path.getsize(job.target)

    def finish(self, session: Session, found: Found, code: int) -> int:
        """Says what there is to say of a run with more than one picture, or over folders.

        Returns:
            The exit code: `code`, or 1 if that is 0 and a folder could not be read.
        """
        code = say_problems(session, found, code)
        if self._pictures + self._videos > 1 or found.below or found.others:
            session.say(self._line(found))
        return code

    def _line(self, found: Found) -> str:
        density = f"{self._bits / self._pixels:.3f} bpp, " if self._pixels else ""
        videos = f"{self._videos} videos, " if self._videos else ""
        pictures = f"{self._pictures} pictures, " if self._pictures or not videos else ""
        left_out = f"; {_left_out(found)}" if found.others else ""
        return (
            f"{pictures}{videos}{self._bytes_in} bytes in, {self._bytes_out} bytes out, "
            f"{density}{time.perf_counter() - self._started:.1f} s{left_out}"
        )


def leave_pictures_out(found: Found) -> None:
    """Of a run over folders with options of videos, what is no video."""
    if found.sources:
        _log.warning("%d pictures left out: options of videos were given", len(found.sources))
        found.sources.clear()


def say_left_out(session: Session, found: Found, code: int) -> int:
    """Says what a run over folders left out, and which could not be read.

    Returns:
        The exit code: `code`, or 1 if that is 0 and a folder could not be read.
    """
    if found.others:
        session.say(_left_out(found))
    return say_problems(session, found, code)


def say_problems(session: Session, found: Found, code: int) -> int:
    """Says which folders could not be read. Returns the exit code, as `say_left_out`."""
    for problem in found.problems:
        session.report(problem)
    return code or (EXIT_FAILURE if found.problems else 0)


def _left_out(found: Found) -> str:
    files = "file" if found.others == 1 else "files"
    return f"{found.others} {files} left out, no pictures or videos"
