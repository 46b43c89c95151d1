"""Options of the encoder and the decoder, and the limits both keep; checked when they are made.

Needs no NumPy, so that the command line can check its arguments at once.
"""

from __future__ import annotations

import numbers
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from operator import index

import bitstream
from bitstream.constants import MAX_ERROR, MAX_LEVEL, MAX_TILE_LOG2, MIN_TILE_LOG2
from codec.errors import LimitExceeded, OptionError

__all__ = [
    "DEFAULT_EFFORT",
    "DEFAULT_PROFILE",
    "DEFAULT_QUALITY",
    "DEFAULT_TILE_PX",
    "MAX_EFFORT",
    "METADATA_KINDS",
    "REFINED_FROM",
    "Crop",
    "DecoderOptions",
    "EncoderOptions",
    "Limits",
    "check_crop",
    "check_device",
    "check_limits",
    "check_progress",
    "check_threads",
    "parse_crop",
    "parse_size",
    "parse_strip",
]

DEFAULT_PROFILE = "wavelet"
DEFAULT_QUALITY = 75.0
DEFAULT_TILE_PX = 1024
DEFAULT_EFFORT = 7
MAX_EFFORT = 10
REFINED_FROM = 8
"""Efforts from here on refine the latents for the image at hand, which needs PyTorch."""
MIN_TILE_PX = 1 << MIN_TILE_LOG2
MAX_TILE_PX = 1 << MAX_TILE_LOG2

METADATA_KINDS = ("exif", "xmp", "icc")

Crop = tuple[int, int, int, int]
"""x, y, width, height in pixels; x and y count from the upper left corner."""

_DEVICE = re.compile(r"auto|cpu|cuda(:\d{1,3})?")
_SIZE = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*(?:([kmg])(i?))?b?", re.IGNORECASE)
_SIZE_POWERS = {"": 0, "k": 1, "m": 2, "g": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits(bitstream.Limits):
    """The largest image that is read or decoded; 0 means unlimited.

    Compared with what a header announces, before anything is allocated. What the file format itself
    cannot exceed stays in force when a limit is 0.

    Args:
        max_pixels: width times height. 268 435 456 = 16384 x 16384 by default.
        max_dimension: width and height each, in pixels. 32768 by default.
        max_tiles: tiles of a file of ours. 131 072 by default.
        max_metadata_bytes: each of ICC, EXIF and XMP. 16 MiB by default.
        max_file_bytes: a file of ours as a whole. 1 GiB by default.

    Raises:
        OptionError: a limit is not a whole number from 0 up.
    """

    def __post_init__(self) -> None:
        for limit in fields(self):
            value = _integer(limit.name, getattr(self, limit.name), 0, 1 << 62)
            object.__setattr__(self, limit.name, value)

    def check_image(self, width: int, height: int) -> None:
        """Compares the size in the header of an input image with the limits.

        Raises:
            LimitExceeded: it is over one of them; the message names the option that raises it.
        """
        if self.max_dimension and max(width, height) > self.max_dimension:
            raise LimitExceeded(
                f"the image is {width}x{height}; the longest side allowed is {self.max_dimension} "
                f"(--max-dimension raises it)"
            )
        if self.max_pixels and width * height > self.max_pixels:
            raise LimitExceeded(
                f"the image is {width}x{height} = {width * height} pixels; allowed are "
                f"{self.max_pixels} (--max-pixels raises it)"
            )


@dataclass(frozen=True, slots=True)
class EncoderOptions:
    """How one image is to be encoded.

    At most one of quality, level, the four targets, lossless and near_lossless may be given; with
    none of them quality is `DEFAULT_QUALITY`. After construction exactly one of them is.

    Args:
        quality: 0..100, larger is better and bigger. Maps onto the levels of the model; 100 is the
            best the model has, not lossless: that is `lossless`.
        level: 0..63, the raw level of the model (expert).
        target_bpp: bits per pixel of the whole file, above 0: the best quality not over it.
        target_size: bytes of the whole file, at least 1: the best quality not over it.
        target_psnr: dB over RGB, above 0 up to 100: the smallest file that reaches it.
        tile: side of a tile in pixels, a power of two in 64..32768; the whole image if it is
            smaller. Smaller tiles decode in parallel and crop faster, larger ones save a few bytes.
        strip: metadata to leave out, any of "exif", "xmp", "icc". The orientation within EXIF
            stays.
        effort: 1..10. Up to 7 one pass, all alike; from 8 on the latents are refined for the image
            at hand: smaller files of the same quality, many times slower to make, as fast to
            decode. Lossless: how hard the coders are tried: 1..3, 4..7, 8..10.
        lossless: every sample comes back as it was, of 8 or 16 bits.
        near_lossless: 0..65535: no sample is off by more. Alpha is exact always.
        target_ssimulacra2: above 0 up to 100: the smallest file whose colours reach this score of
            SSIMULACRA2. At 70 people see a difference when they look for it, at 90 none.

    Raises:
        OptionError: a value is out of range, or more than one of those is given.
    """

    quality: float | None = None
    level: int | None = None
    target_bpp: float | None = None
    target_size: int | None = None
    target_psnr: float | None = None
    tile: int = DEFAULT_TILE_PX
    strip: frozenset[str] = frozenset()
    effort: int = DEFAULT_EFFORT
    lossless: bool = False
    near_lossless: int | None = None
    target_ssimulacra2: float | None = None

    def __post_init__(self) -> None:
        names = (
            "quality", "level", "target_bpp", "target_size", "target_psnr", "target_ssimulacra2",
            "near_lossless",
        )  # fmt: skip
        given = [name for name in names if getattr(self, name) is not None]
        if not isinstance(self.lossless, bool):
            raise OptionError(f"lossless is True or False, not {_shown(self.lossless)}")
        if self.lossless:
            given.append("lossless")
        if len(given) > 1:
            raise OptionError(f"{' and '.join(given)} exclude each other: give one of them")
        if not given:
            object.__setattr__(self, "quality", DEFAULT_QUALITY)
        for name, low, high in (
            ("level", 0, MAX_LEVEL), ("target_size", 1, 1 << 62), ("near_lossless", 0, MAX_ERROR),
        ):  # fmt: skip
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _integer(name, getattr(self, name), low, high))
        for name, limit in (
            ("quality", 100), ("target_bpp", 1e6), ("target_psnr", 100),
            ("target_ssimulacra2", 100),
        ):  # fmt: skip
            if getattr(self, name) is not None:
                value = _number(name, getattr(self, name), 0, limit, above=name != "quality")
                object.__setattr__(self, name, value)
        for name, low, high in (("tile", MIN_TILE_PX, MAX_TILE_PX), ("effort", 1, MAX_EFFORT)):
            object.__setattr__(self, name, _integer(name, getattr(self, name), low, high))
        if self.tile & (self.tile - 1):
            raise OptionError(
                f"tile is a power of two in {MIN_TILE_PX}..{MAX_TILE_PX}, not {self.tile}"
            )
        object.__setattr__(self, "strip", parse_strip(self.strip))

    @property
    def error(self) -> int | None:
        """Largest error of a sample, 0 for lossless; None where the size or quality decides."""
        return 0 if self.lossless else self.near_lossless


@dataclass(frozen=True, slots=True)
class DecoderOptions:
    """How files are to be decoded.

    Args:
        crop: x, y, width, height in pixels of the part that is wanted, or None for the whole image.
        device: "auto", "cpu", "cuda" or "cuda:N".
        threads: number of processor threads, 0 for all; the result does not depend on it.
        limits: the largest image that is decoded.
        conceal: whether what is damaged or missing in a file of profile vq is guessed, instead of
            refusing the file.

    Raises:
        OptionError: a value is out of range.
    """

    crop: Crop | None = None
    device: str = "auto"
    threads: int = 0
    limits: Limits = field(default_factory=Limits)
    conceal: bool = False

    def __post_init__(self) -> None:
        if self.crop is not None:
            object.__setattr__(self, "crop", check_crop(self.crop))
        check_device(self.device)
        object.__setattr__(self, "threads", check_threads(self.threads))
        check_limits(self.limits)


def parse_size(text: str) -> int:
    """Reads a size in bytes: "60000", "60kB" (60 000), "60KiB" (61 440), "1.5MB", in any case.

    Without "i" a unit counts in thousands, with it in 1024s. The "B" may be left out.

    Raises:
        OptionError: the text is not a size, or the size is below one byte.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None or len(text) > 100:
        raise OptionError(f"{text[:100]!r} is not a size; write for example 60000, 60kB or 60KiB")
    number, unit, binary = match.groups()
    base = 1024 if binary else 1000
    size = int(float(number) * base ** _SIZE_POWERS[(unit or "").lower()])
    if size < 1:
        raise OptionError(f"{text!r} is less than one byte")
    return size


def parse_crop(text: str) -> Crop:
    """Reads "X,Y,W,H" in pixels.

    Raises:
        OptionError: it is not four whole numbers, or the part is empty.
    """
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 4 or not all(part.isdecimal() and len(part) < 10 for part in parts):
        raise OptionError(f"{text!r} is not a crop; write X,Y,W,H in pixels, as in 128,64,512,512")
    x, y, width, height = (int(part) for part in parts)
    return check_crop((x, y, width, height))


def parse_strip(kinds: str | Iterable[str]) -> frozenset[str]:
    """Reads which metadata to leave out: "exif,xmp", "all", or the names one by one.

    Raises:
        OptionError: a name is not one of exif, xmp, icc, all.
    """
    if isinstance(kinds, str):
        kinds = kinds.split(",") if kinds else ()
    if not isinstance(kinds, Iterable):
        raise OptionError(f"what to strip are names among exif, xmp, icc, all, not {_shown(kinds)}")
    result: set[str] = set()
    for name in (str(kind).strip().lower() for kind in kinds):
        if name == "all":
            result.update(METADATA_KINDS)
        elif name in METADATA_KINDS:
            result.add(name)
        else:
            raise OptionError(f"{name!r} cannot be stripped; choose among exif, xmp, icc, all")
    return frozenset(result)


def check_crop(crop: Crop, width: int | None = None, height: int | None = None) -> Crop:
    """Checks that a crop is not empty and, if the size of the image is given, lies inside it.

    Returns: it as four integers of Python.

    Raises:
        OptionError: it does not.
    """
    try:
        x, y, crop_width, crop_height = (_as_integer(value) for value in crop)
    except (TypeError, ValueError) as error:
        raise OptionError(
            f"a crop is four whole numbers x, y, width, height, not {_shown(crop)}"
        ) from error
    crop = x, y, crop_width, crop_height
    if x < 0 or y < 0 or crop_width < 1 or crop_height < 1:
        raise OptionError(f"crop {crop} needs x, y from 0 up and width, height from 1 up")
    if (width is not None and x + crop_width > width) or (
        height is not None and y + crop_height > height
    ):
        raise OptionError(
            f"crop {x},{y},{crop_width},{crop_height} reaches outside the image, "
            f"which is {width}x{height}"
        )
    return crop


def check_device(device: str) -> str:
    """Checks the form of a device name; whether there is such a device is found when it is used.

    Raises:
        OptionError: it is none of auto, cpu, cuda, cuda:N.
    """
    if not isinstance(device, str) or not _DEVICE.fullmatch(device):
        raise OptionError(f"device is auto, cpu, cuda or cuda:N, not {_shown(device)}")
    return device


def check_threads(threads: int) -> int:
    """Checks a number of threads: 0 (all processors) to 1024.

    Raises:
        OptionError: it is out of range.
    """
    return _integer("threads", threads, 0, 1024)


def check_limits(limits: Limits | None) -> Limits:
    """The limits, or the default ones for None.

    Raises:
        OptionError: it is something else.
    """
    if limits is None:
        return Limits()
    if not isinstance(limits, Limits):
        raise OptionError(f"limits are a codec.Limits or None, not {_shown(limits)}")
    return limits


def check_progress(progress: object) -> None:
    """Checks that what is to be told of progress can be called.

    Raises:
        OptionError: it cannot.
    """
    if progress is not None and not callable(progress):
        raise OptionError(f"progress is a function of the finished share, not {_shown(progress)}")


def _number(name: str, value: float, low: float, high: float, *, above: bool) -> float:
    """A number of any type as one of Python, if it is in range."""
    try:
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            raise TypeError
        found = float(value)
    except (TypeError, OverflowError) as error:
        raise OptionError(f"{name} is a number, not {_shown(value)}") from error
    if not low <= found <= high or (above and found == low):
        bounds = f"above {low:g}, up to {high:g}" if above else f"{low:g}..{high:g}"
        raise OptionError(f"{name} is {bounds}, not {found:g}")
    return found


def _integer(name: str, value: int, low: int, high: int) -> int:
    """A whole number of any type as one of Python, if it is in range."""
    try:
        found = _as_integer(value)
    except TypeError:
        found = low - 1
    if not low <= found <= high:
        raise OptionError(f"{name} is a whole number in {low}..{high}, not {_shown(value)}")
    return found


def _as_integer(value: int) -> int:
    """A whole number of any type as one of Python; truth values are none."""
    if isinstance(value, bool):
        raise TypeError("a truth value is not a number")
    return index(value)


def _shown(value: object) -> str:
    """A wrong value in a message, cut short; Python refuses to print some whole numbers."""
    try:
        text = repr(value)
    except ValueError:
        text = f"one of type {type(value).__name__}"
    return text if len(text) <= 100 else f"{text[:100]}..."
