"""Writing PNG files of 16-bit samples, for which Pillow has no colour mode.

    signature  IHDR  [iCCP] [eXIf] [iTXt: XMP]  IDAT...  IEND

Each row is predicted from its left neighbour, from the row above, or not at all: of the three
residuals the one whose bytes, read as signed, have the least sum of magnitudes is taken. The file
of a picture may depend on the build of zlib, its samples do not.

Source: W3C, Portable Network Graphics, third edition, sections 9 (filters), 11 (chunks) and 12.7.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from codec.image.picture import Picture

__all__ = ["png16_bytes"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""PNG's number of grey, grey and alpha, RGB, RGB and alpha, by samples of a pixel."""
_NONE, _LEFT, _UP = 0, 1, 2
_COMPRESSION = 4
"""As for 8 bits: 6 takes twice the time for a few per cent."""
_BAND_BYTES = 1 << 22
_XMP_KEYWORD = b"XML:com.adobe.xmp"


def png16_bytes(picture: Picture) -> bytes:
    """A picture of 16 bits as a PNG file with its metadata; XMP must be UTF-8.

    Returns:
        The whole file.
    """
    planes = picture.to_numpy()
    height, width, channels = planes.shape
    header = struct.pack(">IIBBBBB", width, height, 16, _COLOUR_TYPES[channels], 0, 0, 0)
    parts = [_SIGNATURE, _chunk(b"IHDR", header)]
    if picture.icc:
        parts.append(_chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(picture.icc)))
    if picture.exif:
        parts.append(_chunk(b"eXIf", picture.exif))
    if picture.xmp:
        # not compressed, no language, no translated keyword
        parts.append(_chunk(b"iTXt", _XMP_KEYWORD + b"\0\0\0\0\0" + picture.xmp))
    packer = zlib.compressobj(_COMPRESSION)
    for rows in _filtered(planes.astype(">u2").view(np.uint8).reshape(height, -1), 2 * channels):
        packed = packer.compress(rows)
        if packed:
            parts.append(_chunk(b"IDAT", packed))
    parts += [_chunk(b"IDAT", packer.flush()), _chunk(b"IEND", b"")]
    return b"".join(parts)


def _filtered(rows: NDArray[np.uint8], pixel_bytes: int) -> Iterator[bytes]:
    """Bands of rows (H, W * pixel_bytes), each row behind the number of its filter."""
    height, row_bytes = rows.shape
    above = np.zeros((1, row_bytes), np.uint8)
    for top in range(0, height, max(1, _BAND_BYTES // row_bytes)):
        band = rows[top : top + max(1, _BAND_BYTES // row_bytes)]
        left = band.copy()
        left[:, pixel_bytes:] -= band[:, :-pixel_bytes]
        up = band - np.concatenate([above, band[:-1]])
        residuals = np.stack([band, left, up])
        # The magnitude of a byte read as signed: it or 256 less it, whichever is smaller.
        costs = np.minimum(residuals, np.negative(residuals)).sum(axis=2, dtype=np.int64)
        best = costs.argmin(axis=0)
        coded = np.empty((len(band), 1 + row_bytes), np.uint8)
        coded[:, 0] = np.array([_NONE, _LEFT, _UP], np.uint8)[best]
        coded[:, 1:] = residuals[best, np.arange(len(band))]
        yield coded.tobytes()
        above = band[-1:]


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
