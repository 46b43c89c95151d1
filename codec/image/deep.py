"""16-bit samples of PNG and TIFF files through Pillow, whose colour images have 8 bits.

Pillow's decoders take a description of the samples as stored, "RGB;16B" for instance, and put one
byte of each sample into an image. There is one description for each of the two bytes, so two passes
read all bits: the first is the one that Pillow chose, which keeps the high bytes, and the second
one keeps the low bytes. Undoing compression, filters and interlacing stays Pillow's work.

    grey            one pass: Pillow has a 16-bit mode for it
    grey and alpha  one pass: their four bytes fit the four planes of RGBA
    RGB, RGBA       two passes
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from codec.errors import UnsupportedImage

__all__ = ["is_deep", "load_deep"]

_OTHER_BYTE = {
    "RGB;16B": "RGB;16L",
    "RGB;16L": "RGB;16B",
    "RGBA;16B": "RGBA;16L",
    "RGBA;16L": "RGBA;16B",
}
_NATIVE = "L" if np.little_endian else "B"
_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0
"""A TIFF tag and its value for grey whose 0 is white; Pillow leaves 16 bits of that as stored."""
_BITS, _PLANAR, _SEPARATE = 258, 284, 2
"""TIFF tags, and the value for one plane after another; Pillow misreads 16 bits of these."""


def is_deep(image: Image.Image) -> bool:
    """Whether the pixels, not yet decoded, are stored in 16 bits a sample."""
    stored = getattr(image, "tile", ()) and 16 in np.ravel(_tags(image).get(_BITS, 8))
    return bool(
        stored or any(";16" in mode for mode in _raw_modes(image)) or image.mode.startswith("I;16")
    )


def load_deep(image: Image.Image, again: Callable[[], Image.Image] | None) -> NDArray[np.uint16]:
    """Decodes an image that `is_deep`.

    Args:
        image: opened, not yet decoded; afterwards it is, and its `info` complete.
        again: opens the same file another time; None if there is no file to open.

    Returns:
        Shape (H, W) grey or (H, W, C), C = 2 grey and alpha, 3 RGB, 4 RGB and alpha.

    Raises:
        UnsupportedImage: samples are stored in a way that is not read here.
    """
    raw = set(_raw_modes(image))
    if _tags(image).get(_PLANAR) == _SEPARATE and len(image.getbands()) > 1:
        raise _unsupported("TIFF with 16-bit samples in separate planes is not supported")
    if image.mode.startswith("I;16") or (raw == {"I;16B"} and image.format == "PNG"):
        if not all(";16" in mode for mode in raw):
            raise _unsupported(f"{image.format} samples of 12 bits are not supported")
        grey = np.array(image).astype(np.uint16)
        return ~grey if _tags(image).get(_PHOTOMETRIC) == _WHITE_IS_ZERO else grey
    if raw == {"LA;16B"}:
        _replace_raw_modes(image, {"LA;16B": "RGBA"})
        return np.array(image).view(">u2").astype(np.uint16)
    stored = {mode: mode.replace(";16N", f";16{_NATIVE}") for mode in raw}
    if not all(mode in _OTHER_BYTE for mode in stored.values()):
        raise _unsupported(f"16-bit samples stored as {', '.join(sorted(raw))} are not supported")
    if again is None:
        raise UnsupportedImage(
            f"a PIL image keeps only 8 of the 16-bit samples of this {image.format} file: pass the "
            f"path or the bytes of the file, or convert to 8 bits first"
        )
    samples = np.array(image).astype(np.uint16)
    samples <<= 8
    with again() as second:
        _replace_raw_modes(second, {mode: _OTHER_BYTE[stored[mode]] for mode in raw})
        samples |= np.array(second)
    return samples


def _tags(image: Image.Image) -> Any:
    """The tags of a TIFF file; none for others."""
    return getattr(image, "tag_v2", {})


def _raw_modes(image: Image.Image) -> list[str]:
    """How the samples are stored, for each part of the file; nothing once they are decoded."""
    modes = []
    for _, _, _, args in getattr(image, "tile", ()):
        first = args[0] if isinstance(args, tuple) else args
        # "BGR;16" is BMP's three colours in 16 bits together.
        if isinstance(first, str) and not first.startswith("BGR;"):
            modes.append(first)
    return modes


def _replace_raw_modes(image: Any, names: dict[str, str]) -> None:
    tiles = []
    for codec, extents, offset, args in image.tile:
        whole = isinstance(args, tuple)
        name = names[args[0] if whole else args]
        new = (codec, extents, offset, (name, *args[1:]) if whole else name)
        tiles.append(type(image.tile[0])(*new) if hasattr(image.tile[0], "_fields") else new)
    image.tile = tiles


def _unsupported(what: str) -> UnsupportedImage:
    return UnsupportedImage(f"{what}: convert to 16-bit PNG or to 8 bits first")
