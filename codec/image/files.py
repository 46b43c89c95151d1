"""Reading image files: PNG, JPEG, WebP, TIFF, PPM/PGM/PBM, PAM, BMP and single-frame GIF.

    1. the first bytes decide the type; the name of a file does not count
    2. the header is read: size against the limits, kind of samples, number of frames
    3. only then pixels are decoded
    4. Picture: palette to RGB, 1 bit to grey, transparent colour to alpha, metadata byte for byte

Samples of 16 bits are kept whole: PNG (`deep.py`), TIFF where Pillow knows the layout, PNM and PAM
(`pnm.py`).

The plugin classes of Pillow are used one by one rather than `Image.open`, whose bomb check is a
setting of the whole process (`Image.MAX_IMAGE_PIXELS`); the limits here belong to the call. Only
TIFF, WebP and GIF keep Pillow's own limit, about 179 megapixels, which their classes check by
themselves.
"""

from __future__ import annotations

import importlib
import io
import os
import struct
import threading
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

import numpy as np
from PIL import Image

from codec.errors import DamagedImage, LimitExceeded, NotAnImage, UnsupportedImage
from codec.image import embedded, kinds, pnm
from codec.image.arithmetic import as_usual
from codec.image.deep import is_deep, load_deep
from codec.image.picture import Picture, check_pil_mode
from codec.image.png_chunks import split_png
from codec.image.source import as_bytes, open_path
from codec.image.tiff_tags import exif_of_tiff

if TYPE_CHECKING:
    from codec.options import Limits

__all__ = ["ImageSource", "is_image", "open_picture", "read_image"]

ImageSource = Any
"""Picture, numpy array (H, W[, C]) of uint8 or uint16, PIL image, path, bytes, or binary file."""

_HEAD_BYTES = 32
"""Holds the longest signature, and the part of a WebP header with its size (30 bytes)."""


class _FileType(NamedTuple):
    """An image type and the class of Pillow that reads it."""

    name: str
    module: str
    reader: str


_PNG = _FileType("PNG", "PngImagePlugin", "PngImageFile")
_JPEG = _FileType("JPEG", "JpegImagePlugin", "JpegImageFile")
_WEBP = _FileType("WebP", "WebPImagePlugin", "WebPImageFile")
_TIFF = _FileType("TIFF", "TiffImagePlugin", "TiffImageFile")
_PPM = _FileType("PPM", "PpmImagePlugin", "PpmImageFile")
_BMP = _FileType("BMP", "BmpImagePlugin", "BmpImageFile")
_GIF = _FileType("GIF", "GifImagePlugin", "GifImageFile")

_SIGNATURES: tuple[tuple[bytes, _FileType], ...] = (
    (b"\x89PNG\r\n\x1a\n", _PNG),
    (b"\xff\xd8\xff", _JPEG),
    (b"II\x2a\x00", _TIFF),
    (b"MM\x00\x2a", _TIFF),
    (b"II\x2b\x00", _TIFF),
    (b"MM\x00\x2b", _TIFF),
    (b"GIF87a", _GIF),
    (b"GIF89a", _GIF),
    (b"BM", _BMP),
)

_PARSER_ERRORS = (
    SyntaxError,
    ValueError,
    IndexError,
    TypeError,
    KeyError,
    AttributeError,
    EOFError,
    OverflowError,
    MemoryError,
    NotImplementedError,
    struct.error,
    zlib.error,
)
"""What Pillow's parsers raise on files that are not in order (besides OSError)."""

_PNG_GREY_SCALE = {"L;2": 85, "L;4": 17}


@as_usual
def open_picture(source: ImageSource, *, limits: Limits) -> Picture:
    """Makes a picture of whatever form an image comes in.

    Args:
        source: a `Picture`, a numpy array (see `Picture.from_numpy`), a PIL image, a path, the
            bytes of an image file, or a binary file object.
        limits: the largest size allowed.

    Raises:
        UnsupportedImage, UnreadableImage, LimitExceeded: as `read_image`.
        OSError: the file cannot be opened or read.
    """
    if isinstance(source, Picture):
        limits.check_image(source.width, source.height)
        return source
    if isinstance(source, np.ndarray):
        if source.ndim >= 2:
            limits.check_image(source.shape[1], source.shape[0])
        return Picture.from_numpy(source)
    if isinstance(source, (str, os.PathLike, bytes, bytearray, memoryview)) or hasattr(
        source, "read"
    ):
        return read_image(source, limits=limits)
    if isinstance(source, Image.Image):
        with _named_errors(source.format or "PIL"):
            return _picture(source, limits)
    raise UnsupportedImage(
        f"an image is a numpy array, a PIL image, a path, bytes or a binary file, "
        f"not {type(source).__name__}"
    )


def read_image(
    source: str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO, *, limits: Limits
) -> Picture:
    """Reads an image file.

    The orientation of EXIF is left as it is, and the pixels as stored. TIFF is the exception: its
    reader turns the pixels upright and the tag is gone.

    Args:
        source: a path, the bytes of the file, or a binary file object, read from where it stands
            (need not be seekable).
        limits: compared with the size in the header before any pixel is decoded.

    Raises:
        NotAnImage: it does not start like any type read here.
        UnsupportedImage: 32 bits, CMYK, animated, several pages, and the like.
        DamagedImage: truncated or inconsistent.
        LimitExceeded: larger than the limits.
        OSError: the file cannot be opened or read.
    """
    if isinstance(source, (str, os.PathLike)):
        with open_path(source) as file:
            return read_image(file, limits=limits)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _read_file(io.BytesIO(as_bytes(source)), limits)
    if not _is_whole(source):
        stream = pnm.Rejoined(source, _HEAD_BYTES)
        if pnm.starts_pnm(stream.head):
            return _only_picture(cast("BinaryIO", stream), limits)
        _detect(stream.head)
        source = io.BytesIO(stream.read())
    return _read_file(source, limits)


def _is_whole(file: BinaryIO) -> bool:
    """Whether Pillow's readers can have it: they seek from the start of a file, and take a short
    read for its end. Pipes, also those with a name, are none.
    """
    if not isinstance(file, (io.BufferedReader, io.BytesIO)) or file.closed:
        return False
    return file.seekable() and file.tell() == 0


def _read_file(file: BinaryIO, limits: Limits) -> Picture:
    try:
        return _read_once(file, limits)
    except Warning:
        # The caller made errors of warnings, and Pillow warns of oddities that it gets over. What
        # warnings do belongs to the process, so it is changed by one thread at a time, and here.
        with _one_at_a_time, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            file.seek(0)
            return _read_once(file, limits)


_one_at_a_time = threading.Lock()


def _after_fork() -> None:
    """A child of a fork may have a lock that a thread of its parent held."""
    global _one_at_a_time
    _one_at_a_time = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _read_once(file: BinaryIO, limits: Limits) -> Picture:
    head = file.read(_HEAD_BYTES)
    kind = _detect(head)
    file.seek(0)
    if pnm.starts_pnm(head):
        return _only_picture(file, limits)
    if kind is _WEBP:
        # Pillow's WebP reader allocates the whole canvas when it opens the file.
        size = _webp_size(head)
        if size is not None:
            limits.check_image(*size)
    reader = getattr(importlib.import_module(f"PIL.{kind.module}"), kind.reader)

    def open_again() -> Image.Image:
        file.seek(0)
        opened: Image.Image = reader(file)
        return opened

    metadata: dict[str, Any] = {}
    with _named_errors(kind.name):
        if kind is _PNG:
            file, found = split_png(file, limits)
            metadata = {"icc": found.icc, "exif": found.exif, "xmp": found.xmp}
        elif kind is _GIF:
            metadata.update(embedded.gif_metadata(file, limits))
        elif kind is _BMP:
            metadata["icc"] = embedded.bmp_icc(file, limits)
        elif kind is _JPEG:
            _refuse(kind, kinds.unread_jpeg(file))
        try:
            image = open_again()
        except (*_PARSER_ERRORS, OSError) as error:
            file.seek(0)
            if kind in _NAMERS and kinds.says_kind(error):
                _refuse(kind, _NAMERS[kind](file))
            raise
        with image:
            if kind is _TIFF:
                _refuse(kind, kinds.unread_tiff_samples(getattr(image, "tag_v2", {})))
            picture = _picture(image, limits, open_again)
            if kind is _JPEG:
                embedded.tell_of_jpeg(image)
    return replace(picture, **metadata)


_NAMERS = {_BMP: kinds.unread_bmp, _TIFF: kinds.unread_tiff}


def _refuse(kind: _FileType, what: str | None) -> None:
    """Refuses a kind of image that is not read, if it is one."""
    if what is not None:
        raise UnsupportedImage(
            f"this kind of {kind.name} file is not supported ({what}): convert to PNG of 8 or 16 "
            f"bits first"
        )


def _only_picture(file: BinaryIO, limits: Limits) -> Picture:
    """The one picture of a PNM file, which could hold others after it."""
    picture = pnm.read_next(file, limits)
    assert picture is not None  # its first bytes were there
    if pnm.starts_pnm(file.read(64).lstrip()):
        raise UnsupportedImage(
            "several PNM pictures follow one another: extract the one you want, or encode all of "
            "them to numbered files, -o frame-%05d.lic on the command line"
        )
    return picture


def _detect(head: bytes) -> _FileType:
    """Finds the type of an image file from its first bytes."""
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return _WEBP
    if head[:1] == b"P" and head[1:2] in b"1234567" and head[2:3].isspace():
        return _PPM
    name = kinds.foreign(head)
    if name is not None:
        what = "PNG first" if name != kinds.VIDEOS else "a video of ours: codec encode IN -o O.licv"
        raise UnsupportedImage(f"{name} are not read here: convert to {what}")
    found = f"it starts with {head[:8]!r}" if head else "it is empty"
    raise NotAnImage(
        f"not an image of a known type ({found}); "
        f"read are PNG, JPEG, WebP, TIFF, PPM, PAM, BMP and GIF"
    )


def is_image(head: bytes) -> bool:
    """Whether a file that starts so is a picture, of a type that is read here or not."""
    try:
        _detect(head)
    except NotAnImage:
        return False
    except UnsupportedImage:
        return kinds.foreign_picture(head)
    return True


def _webp_size(head: bytes) -> tuple[int, int] | None:
    """Canvas size from the start of a WebP file, or None where it is not to be found.

    Source: RFC 9649, sections 2.7 (VP8X), 2.6 (VP8L) and RFC 6386, section 9.1 (VP8).
    """
    if len(head) < 30:
        return None
    if head[12:16] == b"VP8X":
        return (
            int.from_bytes(head[24:27], "little") + 1,
            int.from_bytes(head[27:30], "little") + 1,
        )
    if head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if head[12:16] == b"VP8 ":
        width, height = struct.unpack_from("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


@contextmanager
def _named_errors(kind: str) -> Iterator[None]:
    """Turns what Pillow raises on bad files into named errors; system errors pass."""
    try:
        yield
    except Image.DecompressionBombError as error:
        raise LimitExceeded(f"Pillow refuses the {kind} file: {error}") from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise DamagedImage(f"the {kind} file is damaged: {error}") from error
    except _PARSER_ERRORS as error:
        said = f"{error} is not known" if isinstance(error, KeyError) else str(error)
        if "not identified by this driver" in said:
            said = "its header describes no picture"
        raise DamagedImage(f"the {kind} file is damaged: {said}") from error


def _picture(
    image: Image.Image, limits: Limits, again: Callable[[], Image.Image] | None = None
) -> Picture:
    # 2. the header: size, samples, frames
    limits.check_image(*image.size)
    deep = is_deep(image)
    if not deep:
        _check_samples(image)
    frames = getattr(image, "n_frames", 1)
    chosen = again is None and image.tell() > 0  # an image of the caller's, who called seek
    # MPO is a JPEG with previews or depth maps after it.
    if frames > 1 and image.format != "MPO" and not chosen:
        what = "pages" if image.format == "TIFF" else "frames: it is animated"
        raise UnsupportedImage(
            f"the {image.format} file has {frames} {what}; extract the one you want, or pass a PIL "
            f"image after seek(n), of the first a copy()"
        )
    # 3. the pixels
    scale = _grey_scale(image)
    planes = load_deep(image, again) if deep else None
    image.load()
    # 4. the picture
    if scale is not None and "transparency" in image.info:
        image = image.copy()
        image.info["transparency"] *= scale
    picture = Picture.from_pil(image, planes)
    return replace(picture, exif=exif_of_tiff(image)) if image.format == "TIFF" else picture


def _check_samples(image: Image.Image) -> None:
    """Refuses plain PNM of 16 bits, whose colours Pillow would reduce silently, and other modes."""
    for decoder, _, _, arguments in getattr(image, "tile", ()):
        if decoder.startswith("ppm") and isinstance(arguments[-1], int) and arguments[-1] > 255:
            raise UnsupportedImage(
                "plain (text) PGM and PPM of 16-bit samples are not supported: convert to the "
                "binary kind, P5 or P6, first"
            )
    check_pil_mode(image.mode)


def _grey_scale(image: Image.Image) -> int | None:
    """Factor by which Pillow spreads 2- and 4-bit PNG grey, but not its transparent value."""
    for tile in getattr(image, "tile", ()):
        if tile[0] == "zip" and isinstance(tile[3], str):
            return _PNG_GREY_SCALE.get(tile[3])
    return None
