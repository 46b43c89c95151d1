"""Picture: the one form in which images travel between files, arrays, the encoder and the decoder.

numpy (H, W[, C])  ─┐                                      ┌─ samples (H, W, 1 | 3) uint8 or uint16
PIL image          ─┼──►  Picture  ◄── files, decoder      ├─ alpha   (H, W) of the same or None
image file         ─┘                                      └─ icc, exif, xmp: bytes or None
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from codec.errors import UnsupportedImage
from codec.image import exif, xmp
from codec.image.exif import without_prefix
from codec.image.png_chunks import raw_profiles

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["Picture", "Samples", "widened"]

Samples = NDArray[Any]
"""Of dtype uint8 or uint16."""

_READ_AS = {"PA": "RGBA", "La": "LA", "RGBa": "RGBA"}
"""Modes of PIL that say the same as another one, with a palette or premultiplied by alpha."""
_PIL_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16", "I;16L", "I;16B", *_READ_AS)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """An image of 8 or 16 bits with its alpha plane and its metadata.

    Pixels are kept as stored: the orientation in `exif` is neither applied nor lost.

    Args:
        samples: colour planes, shape (H, W, 1) for grey or (H, W, 3) for RGB, dtype uint8 or
            uint16, which use the whole range: 255 or 65535 is white.
        alpha: opacity, shape (H, W), dtype of the samples, 255 or 65535 opaque, not premultiplied;
            None for an image without alpha (which is not the same as an opaque one: both come back
            as they were).
        icc: ICC profile, or None.
        exif: EXIF block beginning with its byte order mark (no "Exif\\0\\0"), or None.
        xmp: XMP packet, or None.

    Raises:
        UnsupportedImage: shape or dtype is not as said above.
    """

    samples: Samples
    alpha: Samples | None = None
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None

    def __post_init__(self) -> None:
        samples, alpha = self.samples, self.alpha
        _check_types(self)
        if (
            samples.ndim != 3
            or samples.shape[2] not in (1, 3)
            or samples.dtype not in (np.uint8, np.uint16)
        ):
            raise UnsupportedImage(
                f"samples are uint8 or uint16 of shape (H, W, 1) or (H, W, 3), not {samples.dtype} "
                f"of shape {samples.shape}"
            )
        if 0 in samples.shape:
            raise UnsupportedImage(f"an image of shape {samples.shape} has no pixels")
        if alpha is not None and (alpha.shape != samples.shape[:2] or alpha.dtype != samples.dtype):
            raise UnsupportedImage(
                f"alpha is {samples.dtype} of shape {samples.shape[:2]}, "
                f"not {alpha.dtype} of shape {alpha.shape}"
            )

    @property
    def height(self) -> int:
        """Rows, in pixels."""
        return int(self.samples.shape[0])

    @property
    def width(self) -> int:
        """Columns, in pixels."""
        return int(self.samples.shape[1])

    @property
    def channels(self) -> int:
        """Colour planes: 1 grey, 3 RGB; alpha does not count."""
        return int(self.samples.shape[2])

    @property
    def bits(self) -> int:
        """Bits per sample, 8 or 16, of the colour planes and of alpha."""
        return 8 * self.samples.dtype.itemsize

    @property
    def orientation(self) -> int:
        """Orientation given by the EXIF block, or else by XMP, 1 (upright) to 8."""
        return exif.orientation(self.exif) or xmp.orientation(self.xmp) or 1

    def without(self, kinds: Collection[str]) -> Picture:
        """The picture without the named metadata ("exif", "xmp", "icc").

        The orientation stays, in a block of 26 bytes of EXIF or in the smallest XMP, if it would
        be another without what is left out.
        """
        left = replace(
            self,
            icc=None if "icc" in kinds else self.icc,
            exif=None if "exif" in kinds else self.exif,
            xmp=None if "xmp" in kinds else self.xmp,
        )
        if left.orientation == self.orientation:
            return left
        if left.exif is None:
            return replace(left, exif=exif.only_orientation(self.orientation))
        return replace(left, xmp=xmp.only_orientation(self.orientation))

    @staticmethod
    def from_numpy(array: NDArray[Any]) -> Picture:
        """Makes a picture from an array without metadata.

        Args:
            array: uint8, or uint16 with values up to 65535, shape (H, W) or (H, W, 1) grey,
                (H, W, 2) grey and alpha, (H, W, 3) RGB, (H, W, 4) RGB and alpha.

        Raises:
            UnsupportedImage: another dtype or shape; the message says what to do.
        """
        if not isinstance(array, np.ndarray):
            raise UnsupportedImage(f"a numpy array is needed, not {type(array).__name__}")
        if isinstance(array, np.ma.MaskedArray):
            raise UnsupportedImage(
                "a picture has no mask: pass array.filled(value), or make an alpha plane of it"
            )
        if array.dtype.kind != "u" or array.dtype.itemsize > 2:
            raise UnsupportedImage(
                f"arrays must be uint8 with values 0..255 or uint16 with values 0..65535; "
                f"{_dtype_advice(array)}"
            )
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
        planes = array[..., np.newaxis] if array.ndim == 2 else array
        if planes.ndim != 3 or not 1 <= planes.shape[2] <= 4:
            raise UnsupportedImage(
                f"arrays have shape (H, W) or (H, W, C) with C = 1 (grey), 2 (grey, alpha), "
                f"3 (RGB) or 4 (RGB, alpha), not {array.shape}; "
                f"channels come last, and images one by one"
            )
        colours = 1 if planes.shape[2] < 3 else 3
        samples = np.ascontiguousarray(planes[:, :, :colours])
        has_alpha = planes.shape[2] in (2, 4)
        return Picture(samples, np.ascontiguousarray(planes[:, :, -1]) if has_alpha else None)

    def to_numpy(self) -> Samples:
        """The pixels as (H, W, C) uint8 or uint16: C = 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and
        alpha.
        """
        if self.alpha is None:
            return self.samples
        return np.concatenate([self.samples, self.alpha[:, :, np.newaxis]], axis=2)

    @staticmethod
    def from_pil(image: Image.Image, planes: NDArray[np.uint16] | None = None) -> Picture:
        """Makes a picture from a PIL image, with its alpha and metadata.

        Palettes become RGB, black-and-white becomes grey, a transparent colour becomes an alpha
        plane.

        Args:
            image: mode 1, L, LA, P, PA, RGB, RGBA, or I;16, which is grey of 16 bits.
            planes: its pixels in 16 bits, where PIL has no mode for them.

        Raises:
            UnsupportedImage: another mode; the message says what to do.
        """
        if not hasattr(image, "mode"):
            raise UnsupportedImage(f"a PIL image is needed, not {type(image).__name__}")
        if planes is None:
            check_pil_mode(image.mode)
        info = image.info
        transparency = info.get("transparency")
        if planes is not None:
            pass
        elif image.mode in _READ_AS:
            image, transparency = image.convert(_READ_AS[image.mode]), None
        elif image.mode == "P":
            palette_mode = image.palette.mode if image.palette is not None else ""
            has_alpha = transparency is not None or palette_mode.endswith("A")
            image, transparency = image.convert("RGBA" if has_alpha else "RGB"), None
        elif image.mode == "1":
            image = image.convert("L")
            transparency = None if transparency is None else 255 * bool(transparency)
        # a copy, so that it can be written to
        picture = Picture.from_numpy(np.array(image) if planes is None else planes)
        alpha = picture.alpha
        if alpha is None and transparency is not None:
            opaque_pixels = (picture.samples != _colour_key(transparency, picture)).any(axis=2)
            alpha = opaque_pixels * picture.samples.dtype.type((1 << picture.bits) - 1)
        raw = raw_profiles(info)
        block = _as_bytes(info.get("exif")) or raw.get("exif")
        packet = _as_bytes(info.get("xmp")) or _as_bytes(info.get("XML:com.adobe.xmp"))
        return Picture(
            picture.samples,
            alpha,
            icc=_as_bytes(info.get("icc_profile")) or raw.get("icc"),
            exif=without_prefix(block) if block else None,
            xmp=packet or raw.get("xmp"),
        )

    def to_pil(self) -> Image.Image:
        """The picture as a PIL image (L, LA, RGB, RGBA or I;16) with its metadata in `info`.

        Raises:
            UnsupportedImage: 16 bits with colour or alpha; the message says what to do.
        """
        from PIL import Image

        pixels = self.to_numpy()
        if self.bits == 16 and pixels.shape[2] > 1:
            raise UnsupportedImage(
                "PIL has no mode for colour or alpha of 16 bits: take the uint16 array, or convert "
                "to 8 bits first"
            )
        image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
        for key, value in (("icc_profile", self.icc), ("exif", self.exif), ("xmp", self.xmp)):
            if value is not None:
                image.info[key] = value
        return image


def widened(samples: Samples, bits: int) -> Samples:
    """Samples in at least so many bits, 8 or 16: v of 8 bits is 257 v of 16, white stays white."""
    if bits == 8 or samples.dtype == np.uint16:
        return samples
    return samples * np.uint16(257)


def check_pil_mode(mode: str) -> None:
    """Refuses the pixel formats that grey and RGB of 8 bits, or grey of 16, do not hold.

    Raises:
        UnsupportedImage: the mode is not taken; the message says what it is and what to do.
    """
    if mode in _PIL_MODES:
        return
    if mode in ("CMYK", "YCCK"):
        raise UnsupportedImage(
            "CMYK images are not supported: convert to RGB with a colour profile first"
        )
    if mode == "I":
        raise UnsupportedImage(
            "32-bit integers (mode I) are not supported: if all are 0..65535, convert them with "
            "numpy.asarray(image).astype(numpy.uint16)"
        )
    if mode in ("F", "I;32"):
        raise UnsupportedImage(
            "32-bit samples are not supported: scale them to 8 bits (0..255) first"
        )
    raise UnsupportedImage(
        f"pixels of type {mode} are not supported: convert to RGB, RGBA or grey first"
    )


def _check_types(picture: Picture) -> None:
    planes = (picture.samples,) if picture.alpha is None else (picture.samples, picture.alpha)
    for plane in planes:
        if not isinstance(plane, np.ndarray):
            raise UnsupportedImage(f"planes are numpy arrays, not {type(plane).__name__}")
    for block in (picture.icc, picture.exif, picture.xmp):
        if block is not None and not isinstance(block, bytes):
            raise UnsupportedImage(f"metadata are bytes, not {type(block).__name__}")


def _colour_key(transparency: Any, picture: Picture) -> NDArray[np.int64]:
    """The colour that PIL calls transparent, (1, 1, 1 | 3)."""
    try:
        key = np.asarray(transparency, dtype=np.int64).reshape(1, 1, -1)
    except (TypeError, ValueError, OverflowError):
        key = np.empty((1, 1, 0), np.int64)
    if key.shape[2] not in (1, picture.channels):
        raise UnsupportedImage(
            f"info['transparency'] of a PIL image is one number for each of its colours, here "
            f"{picture.channels}, not {transparency!r}"
        )
    return key


def _as_bytes(value: object) -> bytes | None:
    """Metadata as PIL gives it (bytes, or text for some XMP); empty counts as absent."""
    if isinstance(value, str):
        value = value.encode()
    return bytes(value) if isinstance(value, (bytes, bytearray)) and value else None


def _dtype_advice(array: NDArray[Any]) -> str:
    if array.dtype == np.bool_:
        return "for booleans pass array.astype(np.uint8) * 255"
    if array.dtype.kind == "f":
        return (
            f"{array.dtype} was given: for values 0..1 pass (array * 255).round().astype(np.uint8)"
        )
    return f"{array.dtype} was given: if all values are 0..255 pass array.astype(np.uint8)"
