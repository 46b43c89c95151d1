"""Image files of a known type whose kind is not read: what they are, from their headers.

Pillow says the same of a damaged file and of one in order that it does not read. The first is an
`UnreadableImage`, the second an `UnsupportedImage`, which says what it is and what to do.

Sources: TIFF, revision 6.0; Microsoft, bitmap storage, and IBM, OS/2 bitmaps; ITU-T T.81, annex B.
"""

from __future__ import annotations

import struct
from typing import Any, BinaryIO

__all__ = [
    "VIDEOS",
    "foreign",
    "foreign_picture",
    "says_kind",
    "unread_bmp",
    "unread_jpeg",
    "unread_tiff",
    "unread_tiff_samples",
]

_OURS = "files of this codec (decode them first)"
VIDEOS = "videos"
_NO_PICTURES = (_OURS, VIDEOS, "XML and SVG files", "PDF documents", "PostScript files")

_FOREIGN: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x8aLIC", _OURS),
    (4, b"ftypavi", "AVIF files"),
    (4, b"ftyphe", "HEIC files"),
    (4, b"ftypmif1", "HEIF files"),
    (4, b"ftypmsf1", "HEIF files"),
    (4, b"ftypcrx", "camera raw files"),
    (4, b"ftyp", VIDEOS),
    (0, b"\x1a\x45\xdf\xa3", VIDEOS),
    (0, b"YUV4MPEG2", VIDEOS),
    (0, b"\x00\x00\x00\x0cJXL ", "JPEG XL files"),
    (0, b"\xff\x0a", "JPEG XL files"),
    (0, b"\x00\x00\x00\x0cjP  ", "JPEG 2000 files"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000 files"),
    (0, b"8BPS", "Photoshop files"),
    (0, b"v/1\x01", "OpenEXR files"),
    (0, b"#?RADIANCE", "Radiance HDR files"),
    (0, b"#?RGBE", "Radiance HDR files"),
    (0, b"PF\n", "PFM files"),
    (0, b"Pf\n", "PFM files"),
    (0, b"\0\0\1\0", "icons (ICO)"),
    (0, b"\0\0\2\0", "cursors (CUR)"),
    (0, b"<svg", "SVG drawings"),
    (0, b"<?xml", "XML and SVG files"),
    (0, b"%PDF", "PDF documents"),
    (0, b"%!PS", "PostScript files"),
    (0, b"qoif", "QOI files"),
    (0, b"DDS ", "DDS textures"),
    (0, b"farbfeld", "farbfeld files"),
    (0, b"gimp xcf", "GIMP files"),
    (0, b"FLIF", "FLIF files"),
    (0, b"BPG\xfb", "BPG files"),
    (0, b"\x8aMNG", "MNG animations"),
    (0, b"\x01\xda", "SGI files"),
    (0, b"II\xbc\x01", "JPEG XR files"),
    (0, b"IIRO", "camera raw files"),
    (0, b"FUJIFILM", "camera raw files"),
)

_KIND_ERRORS = ("Unsupported BMP", "unknown pixel mode", "Invalid value for samples per pixel")

_BMP_HEADERS = {12, *range(16, 65), 108, 124}
_BMP_BITS = (1, 2, 4, 8, 16, 24, 32, 64)
_BMP_COMPRESSIONS = {
    0: "none", 1: "RLE8", 2: "RLE4", 3: "bit fields", 4: "JPEG or RLE24", 5: "PNG",
    6: "bit fields with alpha", 11: "CMYK", 12: "CMYK RLE8", 13: "CMYK RLE4",
}  # fmt: skip

_JPEG_FRAMES = {
    0xC3: "lossless", 0xC5: "hierarchical", 0xC6: "hierarchical", 0xC7: "hierarchical",
    0xCB: "lossless", 0xCD: "hierarchical", 0xCE: "hierarchical", 0xCF: "hierarchical",
    0xF7: "JPEG-LS",
}  # fmt: skip
"""Frames that are not read, by their markers."""
_JPEG_READ_FRAMES = (0xC0, 0xC1, 0xC2, 0xC9, 0xCA)

_TIFF_FORMATS = {1: "unsigned", 2: "signed", 3: "floating-point", 4: "untyped"}
_TIFF_COLOURS = {
    0: "grey", 1: "grey", 2: "RGB", 3: "palette", 4: "mask", 5: "CMYK", 6: "YCbCr", 8: "CIELab",
    9: "ICCLab", 10: "ITULab", 32803: "sensor (CFA)", 32844: "LogL", 32845: "LogLuv",
    34892: "raw sensor",
}  # fmt: skip
_TIFF_COMPRESSIONS = {
    1: "none", 2: "CCITT", 3: "fax 3", 4: "fax 4", 5: "LZW", 6: "old JPEG", 7: "JPEG", 8: "deflate",
    32773: "PackBits", 32946: "deflate", 34661: "JBIG", 34676: "SGI LogLuv", 34712: "JPEG 2000",
    34887: "LERC", 34925: "LZMA", 50000: "Zstandard", 50001: "WebP", 50002: "JPEG XL",
}  # fmt: skip


def foreign(head: bytes) -> str | None:
    """What files that start so are, of types that are not read here."""
    for offset, signature, name in _FOREIGN:
        if head.startswith(signature, offset):
            return name
    return None


def foreign_picture(head: bytes) -> bool:
    """Whether files that start so are pictures, of types that are not read here."""
    return foreign(head) not in (None, *_NO_PICTURES)


def says_kind(error: Exception) -> bool:
    """Whether Pillow's error is about the kind of a file, not about what is missing of it."""
    text = str(error)  # a number alone is one that a table of Pillow does not have
    return text.isdecimal() or text.startswith(_KIND_ERRORS)


def unread_bmp(file: BinaryIO) -> str | None:
    """What a BMP file that Pillow does not open is; None if its header makes no sense."""
    head = file.read(34).ljust(34, b"\0")
    (size,) = struct.unpack_from("<I", head, 14)
    bits = struct.unpack_from("<H", head, 24 if size == 12 else 28)[0]
    compression = 0 if size < 20 else struct.unpack_from("<I", head, 30)[0]
    name = _BMP_COMPRESSIONS.get(compression)
    if size not in _BMP_HEADERS or bits not in _BMP_BITS or name is None:
        return None
    return f"{bits} bits a pixel, compression {name}, header of {size} bytes"


def unread_jpeg(file: BinaryIO) -> str | None:
    """What a JPEG file is that is not read; None if it is read or its frame is not found."""
    file.seek(2)
    while True:
        marker = file.read(2)
        while marker[1:] == b"\xff":  # markers may be filled up with these
            marker = marker[1:] + file.read(1)
        length = int.from_bytes(file.read(2), "big")
        if len(marker) < 2 or marker[0] != 0xFF or length < 2 or marker[1] == 0xDA:
            return None
        if marker[1] in _JPEG_FRAMES or marker[1] in _JPEG_READ_FRAMES:
            break
        file.seek(length - 2, 1)
    frame = file.read(6)
    if len(frame) < 6:
        return None
    if marker[1] in _JPEG_FRAMES:
        return _JPEG_FRAMES[marker[1]]
    bits, height, _, components = struct.unpack(">BHHB", frame)
    if bits != 8:
        return f"{bits} bits a sample"
    if components not in (1, 3, 4):
        return f"{components} components"
    return "a height that follows the pixels (DNL)" if height == 0 else None


def unread_tiff(file: BinaryIO) -> str | None:
    """What a TIFF file that Pillow does not open is; None if its tags make no sense."""
    from PIL import TiffImagePlugin

    head = file.read(8)
    try:
        if head[2:3] == b"\x2b":
            head += file.read(8)
        tags = TiffImagePlugin.ImageFileDirectory_v2(head)
        file.seek(tags.next)
        tags.load(file)
        sizes = [tags.get(tag) for tag in (256, 257)]
    except (SyntaxError, ValueError, TypeError, OSError, struct.error, KeyError, OverflowError):
        return None
    organised = 262 in tags and (273 in tags or 324 in tags)
    if not organised or not all(isinstance(size, int) and size > 0 for size in sizes):
        return None
    return _tiff_kind(tags)


def unread_tiff_samples(tags: Any) -> str | None:
    """What a TIFF file is of which Pillow reads wrong pixels or a preview; None of all others."""
    if 50706 in tags or (330 in tags and tags.get(254, 0) & 1):
        return "camera raw, its first picture is a preview"
    bits, formats = _as_tuple(tags.get(258, 1)), _as_tuple(tags.get(339, 1))
    by_planes = tags.get(284, 1) == 2 and len(bits) > 1
    if (2 in formats and max(bits) < 32) or (by_planes and max(bits) > 8):
        return _tiff_kind(tags) + (", in separate planes" if by_planes else "")
    return None


def _tiff_kind(tags: Any) -> str:
    bits, formats = _as_tuple(tags.get(258, 1)), _as_tuple(tags.get(339, 1))
    count = tags.get(277, len(bits))
    colour, packing = tags.get(262), tags.get(259, 1)
    return (
        f"{count} x {'/'.join(map(str, sorted(set(bits))))}-bit "
        f"{_TIFF_FORMATS.get(formats[0], 'unknown')} samples, "
        f"{_TIFF_COLOURS.get(colour, f'colours {colour}')}, compression "
        f"{_TIFF_COMPRESSIONS.get(packing, packing)}"
    )


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) and value else (value,)
