"""Images that are numbered, as a video: frames/%05d.png."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from codec.errors import OptionError, UnreadableVideo, UnsupportedVideo
from codec.video.color import BT709, planes_of
from codec.video.heads import new_head
from codec.video.inputs import SourceOptions, VideoSource
from codec.video.types import VideoFrame

if TYPE_CHECKING:
    from codec.image.picture import Picture

__all__ = ["SequenceSource", "first_number", "is_pattern", "name_of"]

_NUMBER = re.compile(r"%(0?[0-9]?)d")
_FIRST_NUMBERS = 5
"""The first picture may have any of the numbers 0 to 4, as with ffmpeg."""
_USUAL_RATE = Fraction(25)
_TURNS = {1: 0, 3: 180, 6: 90, 8: 270}
"""Degrees clockwise by the orientation of EXIF; the others mirror."""


def is_pattern(name: str) -> bool:
    """Whether a name has a place for a number: %d, %5d or %05d."""
    return _NUMBER.search(name) is not None


def name_of(pattern: str, number: int) -> str:
    """The pattern with a number in place of its last %d, %5d or %05d."""
    last = list(_NUMBER.finditer(pattern))[-1]
    return pattern[: last.start()] + f"{number:{last[1]}d}" + pattern[last.end() :]


def first_number(pattern: str) -> int | None:
    """The number of the first image of a pattern; None of what is no pattern, or is a file."""
    if not is_pattern(pattern) or os.path.exists(pattern):
        return None
    for number in range(_FIRST_NUMBERS):
        if os.path.exists(name_of(pattern, number)):
            return number
    raise UnreadableVideo(
        f"there is no {name_of(pattern, 0)}, nor any with a number up to {_FIRST_NUMBERS - 1}"
    )


class SequenceSource(VideoSource):
    """Images of a pattern, or of a list of paths, one after another."""

    def __init__(self, names: str | Sequence[str], options: SourceOptions) -> None:
        """Reads the first image.

        Args:
            names: a pattern, or paths.
            options: how they are read; the rate is 25 by default.

        Raises:
            UnreadableVideo: there is none.
            UnsupportedVideo: the first has transparency or more than 8 bits.
            CodecError: the first is no image, or over a limit.
        """
        self._names, self._options = names, options
        if not isinstance(names, str) and not names:
            raise OptionError("a sequence of images needs at least one")
        rate = options.rate or _USUAL_RATE
        self._full_range = not options.subsampled
        self._paths = self._listed()
        first = next(self._paths, None)
        if first is None:
            raise UnreadableVideo(f"there are no images {names}")
        self._turned = 0
        self._first = self._read(first, begin=True)
        height, width = self._first.shape[:2]
        super().__init__(
            new_head(
                width,
                height,
                subsampled=options.subsampled,
                matrix=BT709,
                full_range=self._full_range,
                rotation=self._turned,
                time_base=1 / rate,
                frame_rate=rate,
            ),
            sum(1 for _ in self._listed()),
        )
        if isinstance(names, str):
            self._note_hole(names)

    def __iter__(self) -> Iterator[VideoFrame]:
        shape = self._first.shape
        yield self._frame(self._first, 0)
        for number, path in enumerate(self._paths, 1):
            rgb = self._read(path)
            if rgb.shape != shape:
                raise UnsupportedVideo(
                    f"{path} is {rgb.shape[1]}x{rgb.shape[0]}, those before it are "
                    f"{shape[1]}x{shape[0]}: all pictures of a video have one size"
                )
            yield self._frame(rgb, number)

    def _listed(self) -> Iterator[str]:
        if not isinstance(self._names, str):
            yield from self._names
            return
        number = first_number(self._names)
        assert number is not None
        while os.path.exists(path := name_of(self._names, number)):
            yield path
            number += 1

    def _note_hole(self, pattern: str) -> None:
        """Tells of images whose numbers are higher than the first that is missing."""
        number = (first_number(pattern) or 0) + (self.frames or 0)
        folder, name = os.path.split(pattern)
        place = list(_NUMBER.finditer(name))
        if not place:
            return
        begin, end = name[: place[-1].start()], name[place[-1].end() :]
        later = re.compile(re.escape(begin) + r" *([0-9]+)" + re.escape(end))
        found = [later.fullmatch(each) for each in os.listdir(folder or ".")]
        beyond = sum(1 for each in found if each is not None and int(each[1]) > number)
        if beyond:
            self.notes.append(
                f"there is no {name_of(pattern, number)}: images with higher numbers are left "
                f"out: {beyond}"
            )

    def _frame(self, rgb: np.ndarray, number: int) -> VideoFrame:
        planes = planes_of(
            rgb, subsampled=self._options.subsampled, matrix=BT709, full_range=self._full_range
        )
        return VideoFrame(planes, number, 1)

    def _read(self, path: str, begin: bool = False) -> np.ndarray:
        """(h, w, 3) uint8; the first says how all are turned."""
        from codec.image import exif, xmp
        from codec.image.files import open_picture

        picture: Picture = open_picture(path, limits=self._options.limits)
        if picture.bits > 8:
            raise UnsupportedVideo(
                f"{path} has {picture.bits} bits a sample; videos have 8: "
                f"ffmpeg -i IN -pix_fmt rgb24 OUT"
            )
        alpha = picture.alpha
        if alpha is not None and not self._options.ignore_alpha and int(alpha.min()) < 255:
            raise UnsupportedVideo(
                f"{path} has transparency, which videos do not keep: --ignore-alpha drops it"
            )
        orientation = exif.orientation(picture.exif) or xmp.orientation(picture.xmp) or 1
        turned = _TURNS.get(orientation)
        if turned is None or not (begin or turned == self._turned):
            what = "is mirrored" if turned is None else "is turned otherwise than the first"
            raise UnsupportedVideo(
                f"{path} {what} by its metadata: ffmpeg -i IN OUT turns pictures"
            )
        self._turned = turned
        samples = np.asarray(picture.samples)
        return np.broadcast_to(samples, (*samples.shape[:2], 3))
