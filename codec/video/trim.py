"""A part of a video: pictures and sound from one time on, for some time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from codec.errors import OptionError
from codec.video.types import VideoFrame

if TYPE_CHECKING:
    from bitstream.video import AudioPacket, VideoHead

__all__ = ["parse_time", "trimmed"]

_PATIENCE = 3
"""Seconds after the end in which sound from before it is still expected."""


def parse_time(text: str) -> Fraction:
    """Reads a time: "12.5", "12.5s", "1:02.5", "1:00:02.5".

    Returns:
        Seconds, exactly.

    Raises:
        OptionError: it is none, or below 0.
    """
    parts = text.strip().removesuffix("s").split(":")
    try:
        numbers = [Fraction(part) for part in parts]
    except (ValueError, ZeroDivisionError) as error:
        raise OptionError(f"{text[:100]!r} is no time; write 12.5 or 1:02.5") from error
    if len(numbers) > 3 or any(number < 0 for number in numbers):
        raise OptionError(f"{text[:100]!r} is no time; write 12.5 or 1:02.5")
    seconds = Fraction(0)
    for number in numbers:
        seconds = 60 * seconds + number
    return seconds


def trimmed(
    items: Iterable[VideoFrame | AudioPacket],
    head: VideoHead,
    start: Fraction | None,
    duration: Fraction | None,
) -> Iterator[VideoFrame | AudioPacket]:
    """What is shown and heard in a part, with times that count from its start.

    The first picture is the one that is shown at `start`, also where it began before. Packets of
    sound that reach into the part are given whole.

    Args:
        items: pictures in the order of their times, and packets of sound.
        head: of the video.
        start: seconds; None: from the beginning.
        duration: seconds; None: to the end.
    """
    if start is None and duration is None:
        yield from items
        return
    base = Fraction(*head.time_base)
    origin = int((start or 0) / base)  # in ticks, rounded down
    end = None if duration is None else (start or 0) + duration
    open_tracks = set(range(len(head.tracks)))
    over = False
    for item in items:
        if not isinstance(item, VideoFrame):
            ticks = Fraction(*head.tracks[item.track].time_base)
            if end is not None and item.pts * ticks >= end:
                open_tracks.discard(item.track)
            elif (item.pts + max(item.duration, 1)) * ticks > origin * base:
                yield _moved(item, round(origin * base / ticks))
        elif end is not None and item.pts * base >= end:
            over = True
            if item.pts * base >= end + _PATIENCE:
                return
        elif item.pts + max(item.duration, 1) > origin:
            shown = max(item.pts, origin)
            until = item.pts + item.duration
            if end is not None:
                until = min(until, int(end / base) if end % base == 0 else int(end / base) + 1)
            yield VideoFrame(item.planes, shown - origin, max(until - shown, 0))
        if over and not open_tracks:
            return


def _moved(packet: AudioPacket, ticks: int) -> AudioPacket:
    from bitstream.video import AudioPacket

    return AudioPacket(
        track=packet.track,
        pts=packet.pts - ticks,
        duration=packet.duration,
        payload=packet.payload,
        key=packet.key,
    )
