"""Writing TIFF files, with EXIF as tags in its own byte order.

    header | strips of rows, each by itself | directory: samples, EXIF, XMP, ICC

Samples are stored as differences to their left neighbours, packed by zlib. The file of a picture
may depend on the build of zlib, its samples do not.

Source: TIFF, revision 6.0, sections 2 to 6, 14 (differencing), 18 (alpha); Adobe Photoshop TIFF
Technical Notes, 2002 (deflate); ICC.1, annex B.5.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np

from codec.errors import UnsupportedImage
from codec.image.picture import Picture, Samples
from codec.image.tiff_tags import (
    BYTE,
    LONG,
    SHORT,
    UNDEFINED,
    Entry,
    directory_bytes,
    tags_for_tiff,
)

__all__ = ["tiff_bytes"]

_STRIP_BYTES = 1 << 20
_COMPRESSION = 4
"""As for PNG: 6 takes twice the time for a few per cent."""
_MAX_FILE_BYTES = (1 << 32) - 1
_DEFLATE, _DIFFERENCES, _UNASSOCIATED_ALPHA = 8, 2, 2
_GREY, _RGB = 1, 2
_ORIENTATION = 274


def tiff_bytes(picture: Picture) -> bytes:
    """A picture as a TIFF file with its metadata; tags of EXIF that cannot be kept are warned of.

    Raises:
        UnsupportedImage: it would be larger than 4 GiB.
    """
    order, described = tags_for_tiff(picture.exif)
    planes = picture.to_numpy()
    height, width, channels = planes.shape
    rows = max(1, _STRIP_BYTES // (width * channels * planes.itemsize))
    strips = [_packed(planes[top : top + rows], order) for top in range(0, height, rows)]
    places, offset = [], 8
    for strip in strips:
        places.append(offset)
        offset += len(strip)
    metadata_bytes = sum(len(part or b"") for part in (picture.exif, picture.icc, picture.xmp))
    if offset + 8 * len(strips) + 2 * metadata_bytes + 4096 > _MAX_FILE_BYTES:
        raise UnsupportedImage("tiff holds at most 4 GiB: write png or ppm")

    def entry(tag: int, kind: int, *values: int) -> Entry:
        code = {SHORT: "H", LONG: "I"}[kind]
        return Entry(tag, kind, len(values), struct.pack(f"{order}{len(values)}{code}", *values))

    entries = [
        entry(256, LONG, width),
        entry(257, LONG, height),
        entry(258, SHORT, *[picture.bits] * channels),
        entry(259, SHORT, _DEFLATE),
        entry(262, SHORT, _GREY if picture.channels == 1 else _RGB),
        entry(273, LONG, *places),
        entry(_ORIENTATION, SHORT, picture.orientation),
        entry(277, SHORT, channels),
        entry(278, LONG, rows),
        entry(279, LONG, *map(len, strips)),
        entry(284, SHORT, 1),  # the samples of a pixel stand together
        entry(317, SHORT, _DIFFERENCES),
        *described,
    ]
    if picture.alpha is not None:
        entries.append(entry(338, SHORT, _UNASSOCIATED_ALPHA))
    for tag, kind, block in ((700, BYTE, picture.xmp), (34675, UNDEFINED, picture.icc)):
        if block:
            entries.append(Entry(tag, kind, len(block), block))
    offset += offset % 2
    mark = b"II*\0" if order == "<" else b"MM\0*"
    head = mark + struct.pack(f"{order}I", offset)
    body = b"".join([head, *strips])
    return body.ljust(offset, b"\0") + directory_bytes(entries, order, offset)


def _packed(rows: Samples, order: str) -> bytes:
    """A strip: rows of differences, modulo the range of the samples."""
    differences = np.diff(rows, axis=1, prepend=rows.dtype.type(0))
    stored = differences.astype(np.dtype(f"{order}u{rows.dtype.itemsize}"))
    return zlib.compress(stored.tobytes(), _COMPRESSION)
