"""Files of this codec in Pillow: `import codec.pillow_plugin` teaches `Image.open` and `save`.

    from PIL import Image
    import codec.pillow_plugin

    Image.open("photo.png").save("photo.lic", quality=60)
    image = Image.open("photo.lic")        # header and metadata; pixels when they are asked for

`info` holds `icc_profile`, `exif` and `xmp` where the file has them, and its `level` and `quality`.
What Pillow's users know holds here: `save` keeps the ICC profile of `info` unless `icc_profile=`
says otherwise, writes EXIF and XMP if they are given, and ignores options that it does not know. A
file that cannot be read is an `UnidentifiedImageError` or another `OSError`, `__cause__` our error.
"""

from __future__ import annotations

from dataclasses import replace
from typing import IO, Any, cast

from PIL import Image, ImageFile, UnidentifiedImageError

import bitstream
from bitstream.front import read_front
from codec import api
from codec.errors import CodecError, LimitExceeded, OptionError, UnknownModel, translated
from codec.image.exif import without_prefix
from codec.models import registry
from codec.models.quality import quality_of
from codec.options import Limits

__all__ = ["FORMAT", "MIME_TYPE", "SUFFIX", "LicImageFile"]

FORMAT = "LIC"
SUFFIX = ".lic"
MIME_TYPE = "image/x-lic"

_MODES = {
    (1, False, 8): "L",
    (1, True, 8): "LA",
    (3, False, 8): "RGB",
    (3, True, 8): "RGBA",
    (1, False, 16): "I;16",
}
"""Pillow's name of colour planes, alpha, bits per sample."""

_RATES = ("quality", "level", "target_bpp", "target_size", "target_psnr", "target_ssimulacra2")
_OTHERS = ("near_lossless", "effort", "tile", "profile", "model", "tune", "device", "threads")


class LicImageFile(ImageFile.ImageFile):
    """An image of this codec; `Image.open` makes it."""

    format = FORMAT
    format_description = "Learned image codec"

    def _open(self) -> None:
        file = cast("IO[bytes]", self.fp)
        self._start = file.tell()
        try:
            with translated():
                front = read_front(cast("Any", file), Limits())
        except LimitExceeded as error:
            raise Image.DecompressionBombError(str(error)) from error
        except CodecError as error:
            raise UnidentifiedImageError(str(error)) from error
        header = front.header
        mode = _MODES.get((header.channels, header.alpha, header.bit_depth))
        if mode is None:
            raise UnidentifiedImageError(
                f"Pillow has no mode for colour or alpha of {header.bit_depth} bits: "
                f"codec.decode gives an array"
            )
        self._size = (header.width, header.height)
        self._mode = mode
        found = front.metadata
        for key, value in (("icc_profile", found.icc), ("exif", found.exif), ("xmp", found.xmp)):
            if value:
                self.info[key] = value
        self.info["level"] = header.level
        try:
            entry = registry.by_id(header.model_id)
        except UnknownModel:
            return  # told when the pixels are wanted
        if entry.profile != registry.PREDICTIVE:  # whose files have no quality
            self.info["quality"] = quality_of(header.level, entry.levels)

    def load(self) -> Any:
        """Decodes the pixels when they are needed first.

        Raises:
            OSError: the file is damaged, or its model is not known here.
        """
        if self.fp is not None and getattr(self, "_im", None) is None:
            try:
                pixels = api.decode(self._content())
            except CodecError as error:
                raise OSError(str(error)) from error
            grey = pixels.shape[2] == 1
            self.im = Image.fromarray(pixels[:, :, 0] if grey else pixels).im
            self._release()
        return super().load()

    def verify(self) -> None:
        """Checks every checksum; the image cannot be loaded afterwards.

        Raises:
            OSError: the file is damaged.
        """
        if self.fp is not None:
            try:
                api.info(self._content())
            except CodecError as error:
                raise OSError(str(error)) from error
        super().verify()

    def _content(self) -> bytes:
        file = cast("IO[bytes]", self.fp)
        file.seek(self._start)
        return file.read()

    def _release(self) -> None:
        """Closes the file if Pillow opened it."""
        if self._exclusive_fp and self.fp is not None:
            self.fp.close()
        self.fp = None


def _accept(prefix: bytes) -> bool:
    return bitstream.has_magic(prefix)


def _save(image: Image.Image, file: IO[bytes], filename: str | bytes) -> None:
    """Encodes an image for `Image.save`.

    Options: quality (75), level, target_bpp, target_size, target_psnr, target_ssimulacra2: one of
    them; lossless, near_lossless, effort, tile, profile, model, tune, device, threads as
    `codec.encode`; icc_profile, exif (bytes or `Image.Exif`), xmp.
    """
    from codec.image.picture import Picture

    given = image.encoderinfo
    exif = given.get("exif")
    if isinstance(exif, Image.Exif):
        exif = exif.tobytes()
    xmp = given.get("xmp")
    options = {name: given[name] for name in _OTHERS if given.get(name) is not None}
    if given.get("lossless"):
        options["lossless"] = True
    if "lossless" not in options and "near_lossless" not in options:
        options |= {name: given[name] for name in _RATES if given.get(name) is not None}
    try:
        picture = replace(
            Picture.from_pil(image),
            icc=given.get("icc_profile", image.info.get("icc_profile")) or None,
            exif=without_prefix(exif) if exif else None,
            xmp=(xmp.encode() if isinstance(xmp, str) else xmp) or None,
        )
        data = api.encode(picture, **options)
    except OptionError:
        raise  # a ValueError, as from Pillow's own formats
    except CodecError as error:
        raise OSError(f"cannot write mode {image.mode} as {FORMAT}: {error}") from error
    file.write(data)


Image.register_open(FORMAT, LicImageFile, _accept)
Image.register_save(FORMAT, _save)
Image.register_extension(FORMAT, SUFFIX)
Image.register_mime(FORMAT, MIME_TYPE)
