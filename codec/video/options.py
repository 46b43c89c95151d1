"""How a video is to be encoded; checked when it is made. Needs no NumPy."""

from __future__ import annotations

from dataclasses import dataclass

from codec.errors import OptionError

__all__ = ["DEFAULT_VIDEO_QUALITY", "LEVELS", "VideoOptions", "level_of", "quality_of"]

LEVELS = 64
DEFAULT_VIDEO_QUALITY = 60.0
_COARSEST, _FINEST = 18, 48
"""Levels of quality 0 and 100. The step of level l is 2^((59 - l) / 6) of 255."""


def level_of(quality: float) -> int:
    """Level of a quality in 0..100; halves go up."""
    return int(_COARSEST + (_FINEST - _COARSEST) * quality / 100 + 0.5)


def quality_of(level: int) -> float:
    """The quality of a level, 0..100."""
    return min(max(100 * (level - _COARSEST) / (_FINEST - _COARSEST), 0.0), 100.0)


@dataclass(frozen=True, slots=True)
class VideoOptions:
    """How a video is encoded.

    Args:
        quality: 0..100, larger is better and bigger; None where level is given.
        level: level 0..63 of the pictures themselves, in place of quality.
        effort: 1 (fast) .. 9 (smallest).
        lowdelay: no picture is coded after one that is shown later, so that each leaves the
            encoder at once.
        keyint: pictures from one key frame to the next at most; None: two seconds; 0: only the
            first.
        threads: 0 for all processors.

    Raises:
        OptionError: one of them is out of its range, or quality and level are both given.
    """

    quality: float | None = None
    level: int | None = None
    effort: int = 7
    lowdelay: bool = False
    keyint: int | None = None
    threads: int = 0

    def __post_init__(self) -> None:
        if self.quality is not None and self.level is not None:
            raise OptionError("quality and level exclude each other")
        if self.quality is not None and not 0 <= self.quality <= 100:
            raise OptionError(f"quality is {self.quality}; it must be 0..100")
        if self.level is not None and not 0 <= self.level < LEVELS:
            raise OptionError(f"level is {self.level}; it must be 0..{LEVELS - 1}")
        if not 1 <= self.effort <= 9:
            raise OptionError(f"effort is {self.effort}; it must be 1..9")
        if self.keyint is not None and self.keyint < 0:
            raise OptionError(f"keyint is {self.keyint}; it must be 0 or more")
        if self.threads < 0:
            raise OptionError(f"threads is {self.threads}; it must be 0 or more")

    @property
    def base_level(self) -> int:
        """The level that is asked for."""
        if self.level is not None:
            return self.level
        return level_of(DEFAULT_VIDEO_QUALITY if self.quality is None else self.quality)
