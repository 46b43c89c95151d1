"""Writing pictures as image files: PNG, JPEG, WebP, TIFF, PPM/PGM, PAM.

    format   alpha   ICC EXIF XMP          16 bits     loss
    png      yes     yes, yes, UTF-8 only  yes         none
    jpg      no      yes, <64 kB, <64 kB   no          JPEG, quality 95, 4:4:4 unless said otherwise
    webp     yes     yes                   no          WebP, quality 95; quality 100 is lossless
    tiff     yes     yes, as tags, yes     grey alone  none
    ppm      no      none                  yes         none
    pgm      no      none                  yes         none; grey only
    pam      yes     none                  yes         none

What a format cannot hold is an error before any work if it is pixels (alpha, size, bits), and a
warning in the log if it is metadata and the format knows none at all.
"""

from __future__ import annotations

import io
import logging
import os
from dataclasses import dataclass
from numbers import Integral
from typing import Any, BinaryIO

from PIL import Image, PngImagePlugin

from codec.errors import OptionError, UnsupportedImage
from codec.image.arithmetic import as_usual
from codec.image.atomic import atomic_write
from codec.image.exif import EXIF_PREFIX
from codec.image.picture import Picture
from codec.image.png16 import png16_bytes
from codec.image.pnm import pnm_bytes
from codec.image.tiff import tiff_bytes

__all__ = [
    "DEFAULT_OUTPUT_QUALITY",
    "OUTPUT_FORMATS",
    "OutputFormat",
    "find_format",
    "image_bytes",
    "write_image",
]

DEFAULT_OUTPUT_QUALITY = 95
"""Of lossy image files written by the decoder: their own loss stays far below that of ours."""

_log = logging.getLogger(__name__)

_JPEG_MAX_ICC_BYTES = 255 * (65533 - 14)
"""255 segments less the name and the numbers in each."""
_JPEG_MARKER_BYTES = (
    65533 - 29
)  # a marker segment less its length field and the longest of the prefixes


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """What an image file type can hold.

    Args:
        name: as given to --format.
        suffixes: endings of file names, the usual one first.
        pillow: its name in Pillow; None if it is written here.
        alpha: whether it can hold an alpha plane.
        metadata: whether it can hold ICC, EXIF and XMP.
        max_dimension: the longest side it can hold, in pixels.
        deep: the samples of a pixel, alpha included, that it is written with in 16 bits.
        colour: whether it can hold more than grey.
    """

    name: str
    suffixes: tuple[str, ...]
    pillow: str | None
    alpha: bool
    metadata: bool
    max_dimension: int
    deep: tuple[int, ...] = ()
    colour: bool = True

    def check(
        self, width: int, height: int, *, alpha: bool, channels: int = 3, bits: int = 8
    ) -> None:
        """Checks before any work whether an image fits.

        Args:
            width, height: in pixels.
            alpha: whether it has an alpha plane.
            channels: its colour planes, 1 or 3.
            bits: per sample, 8 or 16.

        Raises:
            UnsupportedImage: it does not; the message says what to do.
        """
        if alpha and not self.alpha:
            raise UnsupportedImage(
                f"{self.name} cannot hold the alpha channel of this image: write "
                f"png, webp, tiff or pam, or drop the alpha channel (--ignore-alpha)"
            )
        if bits > 8 and channels + alpha not in self.deep:
            but = " but grey without alpha" if 1 in self.deep else ""
            raise UnsupportedImage(
                f"{self.name} is written with 8 bits a sample{but}, this image has {bits}: write "
                f"png, ppm or pam"
            )
        if channels > 1 and not self.colour:
            raise UnsupportedImage(
                f"{self.name} holds grey only, this image has colours: write ppm, png or tiff"
            )
        if max(width, height) > self.max_dimension:
            raise UnsupportedImage(
                f"{self.name} holds at most {self.max_dimension} pixels a side, this image is "
                f"{width}x{height}: write png, tiff or ppm"
            )


OUTPUT_FORMATS: dict[str, OutputFormat] = {
    entry.name: entry
    for entry in (
        OutputFormat("png", (".png",), "PNG", True, True, 2**31 - 1, (1, 2, 3, 4)),
        OutputFormat("jpg", (".jpg", ".jpeg"), "JPEG", False, True, 65500),
        OutputFormat("webp", (".webp",), "WEBP", True, True, 16383),
        OutputFormat("tiff", (".tiff", ".tif"), None, True, True, 2**31 - 1, (1,)),
        OutputFormat("ppm", (".ppm", ".pnm"), None, False, False, 2**31 - 1, (1, 3)),
        OutputFormat("pgm", (".pgm",), None, False, False, 2**31 - 1, (1,), colour=False),
        OutputFormat("pam", (".pam",), None, True, False, 2**31 - 1, (1, 2, 3, 4)),
    )
}
_ALIASES = {"jpeg": "jpg", "tif": "tiff", "pnm": "ppm"}


def find_format(path: str | os.PathLike[str] | None, name: str | None = None) -> OutputFormat:
    """Finds the output format from its name or, without one, from the suffix of the path.

    Raises:
        OptionError: the name or the suffix is not known, or neither is given.
    """
    known = ", ".join(OUTPUT_FORMATS)
    if name is not None:
        wanted = str(name).lower().removeprefix(".")
        found = OUTPUT_FORMATS.get(_ALIASES.get(wanted, wanted))
        if found is None:
            raise OptionError(f"no output format {name!r}; choose among {known}")
        return found
    if path is None:
        raise OptionError(f"say which image format to write (--format): {known}")
    suffix = os.path.splitext(path)[1].lower()
    for entry in OUTPUT_FORMATS.values():
        if suffix in entry.suffixes:
            return entry
    raise OptionError(
        f"{os.fspath(path)!r} does not end in the suffix of a known image format; "
        f"say which one to write (--format): {known}"
    )


def write_image(
    picture: Picture,
    target: str | os.PathLike[str] | BinaryIO,
    *,
    format: str | None = None,
    quality: int = DEFAULT_OUTPUT_QUALITY,
    force: bool = False,
) -> None:
    """Writes a picture as an image file, with its metadata; a complete file or none.

    Args:
        picture: what to write; pixels go out as stored, the orientation inside EXIF.
        target: a path, or a binary file object.
        format: png, jpg, webp, tiff, ppm, pgm or pam; by default from the suffix of the path.
        quality: 1..100 for jpg and webp; 100 makes webp lossless.
        force: whether an existing file may be replaced.

    Raises:
        OptionError: no such format, or quality out of range.
        UnsupportedImage: the format cannot hold this picture or its metadata.
        OutputExists, OutputError: as `atomic_write`.
    """
    if not isinstance(picture, Picture):
        raise OptionError(f"write_image writes a Picture, not {type(picture).__name__}")
    if not isinstance(target, (str, os.PathLike)) and not hasattr(target, "write"):
        raise OptionError(f"a picture is written to a path or a file, not {type(target).__name__}")
    if isinstance(target, (str, os.PathLike)):
        data = image_bytes(picture, find_format(target, format), quality=quality)
        with atomic_write(target, force=force) as file:
            file.write(data)
    else:
        target.write(image_bytes(picture, find_format(None, format), quality=quality))


@as_usual
def image_bytes(
    picture: Picture, output: OutputFormat, *, quality: int = DEFAULT_OUTPUT_QUALITY
) -> bytes:
    """The bytes of a picture as an image file; arguments and errors as `write_image`."""
    if isinstance(quality, bool) or not isinstance(quality, Integral) or not 1 <= quality <= 100:
        raise OptionError(f"the quality of the output image is 1..100, not {quality!r}")
    output.check(
        picture.width,
        picture.height,
        alpha=picture.alpha is not None,
        channels=picture.channels,
        bits=picture.bits,
    )
    options = _save_options(picture, output, int(quality))
    if output.name == "tiff":
        return tiff_bytes(picture)
    if output.pillow is None:
        return pnm_bytes(picture, pam=output.name == "pam")
    if output.name == "png" and picture.bits == 16:
        return png16_bytes(picture)
    buffer = io.BytesIO()
    pixels = picture.to_numpy()
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    image.save(buffer, output.pillow, **options)
    return buffer.getvalue()


def _save_options(picture: Picture, output: OutputFormat, quality: int) -> dict[str, Any]:
    """Arguments for Pillow's writer of this format."""
    present = {
        "ICC": picture.icc or None,
        "EXIF": EXIF_PREFIX + picture.exif if picture.exif else None,
        "XMP": picture.xmp or None,
    }
    if not output.metadata:
        lost = [kind for kind, value in present.items() if value is not None]
        if lost:
            _log.warning("%s holds no metadata: %s left out", output.name, ", ".join(lost))
        return {}
    options: dict[str, Any] = {}
    if present["ICC"] is not None:
        options["icc_profile"] = present["ICC"]
    if present["EXIF"] is not None:
        options["exif"] = present["EXIF"]
    if present["XMP"] is not None:
        options.update(_xmp_option(present["XMP"], output))
    if output.name == "jpg":
        for kind in ("EXIF", "XMP"):
            size = len(present[kind] or b"")
            if size > _JPEG_MARKER_BYTES:
                raise UnsupportedImage(
                    f"jpg holds at most {_JPEG_MARKER_BYTES} bytes of {kind}, there are {size}: "
                    f"write png, webp or tiff, or leave it out (--strip {kind.lower()})"
                )
        if len(picture.icc or b"") > _JPEG_MAX_ICC_BYTES:
            raise UnsupportedImage(
                f"jpg holds at most {_JPEG_MAX_ICC_BYTES} bytes of ICC: write png, webp or tiff, "
                f"or leave it out (--strip icc)"
            )
        options.update(quality=quality, subsampling=0)
    elif output.name == "png":
        # Pillow's 6 takes twice the time, longer than decoding, for 3 % fewer bytes.
        options.update(compress_level=4)
    elif output.name == "webp":
        # exact: colours under transparent pixels are kept as they are
        options.update(quality=quality, lossless=quality == 100, exact=True)
    return options


def _xmp_option(xmp: bytes, output: OutputFormat) -> dict[str, Any]:
    if output.name != "png":
        return {"xmp": xmp}
    try:
        text = xmp.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnsupportedImage(
            "png holds XMP only in UTF-8, and this is not: write webp or tiff, or leave it out "
            "(--strip xmp)"
        ) from error
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt("XML:com.adobe.xmp", text)
    return {"pnginfo": chunks}
