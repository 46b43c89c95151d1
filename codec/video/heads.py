"""The head of a video that is not coded yet, from what a source or a user says."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from codec.errors import OptionError, UnsupportedVideo, translated

if TYPE_CHECKING:
    from bitstream.video import AudioTrack, VideoHead

__all__ = ["MAX_SIDE", "UNSPECIFIED", "new_head", "parse_rate", "usual_matrix"]

MAX_SIDE = 16384
"""Longest side of a video, in samples; a limit of the file format."""
UNSPECIFIED = 2
"""Of primaries and transfer in H.273."""

_HD_WIDTH, _SD_HEIGHT = 1280, 576
_LARGEST = 2**31 - 1
"""Of numerators and denominators in the file format."""
_BROADCAST = {Fraction(n, 1001) for n in (24000, 30000, 48000, 60000, 120000)}


def new_head(
    width: int,
    height: int,
    *,
    subsampled: bool,
    matrix: int | None = None,
    full_range: bool = False,
    rotation: int = 0,
    aspect: Fraction = Fraction(1),
    time_base: Fraction,
    frame_rate: Fraction | None = None,
    primaries: int = UNSPECIFIED,
    transfer: int = UNSPECIFIED,
    tracks: tuple[AudioTrack, ...] = (),
) -> VideoHead:
    """The head of a video that is not coded yet: without ids and hashes of models.

    Args:
        width, height: in luma samples.
        subsampled: 4:2:0, else 4:4:4.
        matrix: 1, 5 or 6 of H.273; None for the one usual for the size.
        full_range: whether Y, U, V use 0..255.
        rotation: degrees clockwise that a player turns the picture: 0, 90, 180, 270.
        aspect: width of a sample by its height.
        time_base: seconds a tick.
        frame_rate: pictures a second; None if variable or unknown.
        primaries, transfer: numbers of H.273.
        tracks: of sound.

    Raises:
        UnsupportedVideo: a side is longer than the format takes.
    """
    from bitstream.video import Chroma, VideoHead

    if max(width, height) > MAX_SIDE:
        raise UnsupportedVideo(
            f"the video is {width}x{height}; a side may have {MAX_SIDE} samples: make it smaller "
            f"first: ffmpeg -i IN -vf scale={MAX_SIDE}:-2 OUT"
        )
    rate = frame_rate or Fraction(0)
    with translated():
        return VideoHead(
            width=width,
            height=height,
            chroma=Chroma.YUV420 if subsampled else Chroma.YUV444,
            matrix=usual_matrix(width, height) if matrix is None else matrix,
            primaries=primaries,
            transfer=transfer,
            full_range=full_range,
            rotation=rotation,
            aspect=(aspect.numerator, aspect.denominator),
            time_base=(time_base.numerator, time_base.denominator),
            frame_rate=(rate.numerator, rate.denominator),
            tracks=tracks,
        )


def usual_matrix(width: int, height: int) -> int:
    """What players take where a video does not say: BT.709 for HD, BT.601 below."""
    return 1 if width >= _HD_WIDTH or height > _SD_HEIGHT else 6


def parse_rate(rate: float | str | Fraction) -> Fraction:
    """Pictures a second as a fraction: 25, 23.976, "30000/1001".

    Numbers next to those of American television are taken as those: 29.97 is 30000/1001.

    Raises:
        OptionError: it is no number above 0, up to 1000.
    """
    try:
        value = Fraction(rate)
    except (ValueError, TypeError, ZeroDivisionError, OverflowError) as error:
        raise OptionError(f"{rate!r:.100} is no number of pictures a second") from error
    if not 0 < value <= 1000:
        raise OptionError(f"pictures a second are above 0, up to 1000, not {rate!r:.100}")
    for known in _BROADCAST:
        if abs(value - known) < Fraction(1, 200):
            return known
    if value < 1:  # few pictures a second: their distance is what is simple
        value = 1 / (1 / value).limit_denominator(1001)
        if value.denominator > _LARGEST:
            raise OptionError(f"{rate!r:.100} pictures a second are too few")
        return value
    return value.limit_denominator(1001)
