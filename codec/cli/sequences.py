"""Pictures one after another in one input, as video tools write them into a pipe.

    ffmpeg -i in.mp4 -f image2pipe -c:v ppm - | codec encode - -o frame-%05d.lic

Memory is bounded by two pictures, whatever their number.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, cast

from codec.cli.jobs import open_input

if TYPE_CHECKING:
    from codec.image.picture import Picture
    from codec.options import Limits

__all__ = ["holds_several", "pictures"]


def pictures(source: str, limits: Limits) -> Iterator[Picture]:
    """The pictures of an input: any number of PNM and PAM, or one of another type.

    Args:
        source: a path, or "-" for stdin.
        limits: the largest picture taken.

    Raises:
        CodecError: the next picture cannot be read; those before it were.
        OSError: the input cannot be opened or read.
    """
    opened = open_input(source)
    if isinstance(opened, str):
        with open(opened, "rb") as file:
            yield from _pictures(file, limits)
    else:
        yield from _pictures(opened, limits)


def _pictures(file: BinaryIO, limits: Limits) -> Iterator[Picture]:
    from codec.image import pnm
    from codec.image.files import read_image

    joined = pnm.Rejoined(file, pnm.START_BYTES)
    stream = cast("BinaryIO", joined)
    if not pnm.starts_pnm(joined.head):
        yield read_image(stream, limits=limits)
        return
    while (picture := pnm.read_next(stream, limits)) is not None:
        yield picture


def holds_several(source: str) -> bool:
    """Whether a file is PNM or PAM and holds more than one picture; what is no file does not."""
    from codec.image import pnm

    if not os.path.isfile(source):
        return False
    try:
        with open(source, "rb") as file:
            return pnm.holds_several(file)
    except OSError:
        return False  # told when the file is opened for its pictures
