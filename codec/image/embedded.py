"""Metadata inside GIF and BMP files, which Pillow does not read, and what of JPEG is left out.

    GIF   XMP in an application block "XMP DataXMP", ICC in one "ICCRGBG1012"
    BMP   ICC behind the pixels, in files with the header of version 5

Sources: CompuServe, Graphics Interchange Format, version 89a, sections 15 to 26; Adobe, XMP
Specification, part 3, section 1.1.2 (GIF); Microsoft, BITMAPV5HEADER.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from codec.errors import LimitExceeded

if TYPE_CHECKING:
    from codec.options import Limits

__all__ = ["bmp_icc", "gif_metadata", "tell_of_jpeg"]

_log = logging.getLogger(__name__)

_GIF_HEADER_BYTES = 13
_GIF_IMAGE_BYTES = 9
_XMP_TRAILER = b"\x01\xff\xfe\xfd\xfc"
"""Begins what makes the raw text of a packet look like the end of sub-blocks."""
_XMP_NAME, _ICC_NAME = b"XMP DataXMP", b"ICCRGBG1012"

_BMP_HEADER = 14
_BMP_V5_BYTES = 124
_BMP_EMBEDDED = b"DEBM"  # "MBED", low byte first

_EXTENDED_XMP = b"http://ns.adobe.com/xmp/extension/\0"


def gif_metadata(file: BinaryIO, limits: Limits) -> dict[str, bytes]:
    """XMP and ICC ("xmp", "icc") of a GIF file, as far as its blocks can be told apart.

    Raises:
        LimitExceeded: one of them is over the limit of metadata.
    """
    data = file.read()
    found: dict[str, bytes] = {}
    for name, start, end in _gif_applications(data):
        if name == _XMP_NAME:
            found.setdefault("xmp", data[start:end].partition(_XMP_TRAILER)[0])
        elif name == _ICC_NAME:
            found.setdefault("icc", b"".join(_sub_blocks(data, start)))
    for kind, block in found.items():
        _within(kind, len(block), limits)
    return {kind: block for kind, block in found.items() if block}


def _gif_applications(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name of every application block, and where what follows its name begins and ends."""
    if len(data) < _GIF_HEADER_BYTES:
        return
    position = _GIF_HEADER_BYTES + _palette_bytes(data[10])
    while position + 2 < len(data):
        if data[position] == ord("!"):
            label, size = data[position + 1], data[position + 2]
            start = position + 3 + size if label == 0xFF else position + 2
            end = _end_of_sub_blocks(data, start)
            if label == 0xFF:
                yield data[position + 3 : start], start, end
            position = end
        elif data[position] == ord(",") and position + _GIF_IMAGE_BYTES + 1 < len(data):
            palette = _palette_bytes(data[position + _GIF_IMAGE_BYTES])
            position = _end_of_sub_blocks(data, position + _GIF_IMAGE_BYTES + 2 + palette)
        else:
            return


def _palette_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _end_of_sub_blocks(data: bytes, position: int) -> int:
    while position < len(data) and data[position]:
        position += 1 + data[position]
    return position + 1


def _sub_blocks(data: bytes, position: int) -> Iterator[bytes]:
    while position < len(data) and data[position]:
        yield data[position + 1 : position + 1 + data[position]]
        position += 1 + data[position]


def bmp_icc(file: BinaryIO, limits: Limits) -> bytes | None:
    """The ICC profile inside a BMP file, or None.

    Raises:
        LimitExceeded: it is over the limit of metadata.
    """
    header = file.read(_BMP_HEADER + _BMP_V5_BYTES)[_BMP_HEADER:]
    size = int.from_bytes(header[:4], "little")
    if len(header) < _BMP_V5_BYTES or size < _BMP_V5_BYTES or header[56:60] != _BMP_EMBEDDED:
        return None
    offset, length = (int.from_bytes(header[at : at + 4], "little") for at in (112, 116))
    _within("icc", length, limits)
    file.seek(_BMP_HEADER + offset)
    profile = file.read(length)
    if not profile or len(profile) < length:
        _log.warning("BMP: its ICC profile is cut short: left out")
        return None
    return profile


def tell_of_jpeg(image: Any) -> None:
    """Tells what of a JPEG file, opened by Pillow, has no place in our files."""
    parts = [data for _, data in getattr(image, "applist", ())]
    if any(data.startswith(_EXTENDED_XMP) for data in parts):
        _log.warning("JPEG: the second part of XMP (extended XMP) is left out, the first is kept")
    if 0x0404 in image.info.get("photoshop", {}):
        _log.info("JPEG: IPTC has no place in our files: left out")


def _within(kind: str, size: int, limits: Limits) -> None:
    if limits.max_metadata_bytes and size > limits.max_metadata_bytes:
        raise LimitExceeded(
            f"the file has {size} bytes of {kind.upper()}, allowed are {limits.max_metadata_bytes} "
            f"(max_metadata_bytes)"
        )
