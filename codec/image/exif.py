"""The orientation inside an EXIF block: read it, and keep it when the rest is stripped.

EXIF is otherwise opaque to this codec and travels byte for byte. Pixels are kept as stored, so
losing the orientation would turn the picture; applying it would turn it twice. A block here starts
with its byte order mark ("II" or "MM"), without the "Exif\\0\\0" that JPEG puts before it.

Source: CIPA DC-008 "Exif", section 4.5 (TIFF header, IFD), tag 0x0112.
"""

from __future__ import annotations

import struct

__all__ = ["EXIF_PREFIX", "only_orientation", "orientation", "without_prefix"]

EXIF_PREFIX = b"Exif\0\0"

_ORIENTATION = 0x0112
_SHORT = 3
_ENTRY_BYTES = 12


def without_prefix(exif: bytes) -> bytes:
    """The block without the "Exif\\0\\0" that some containers put before it."""
    return exif[len(EXIF_PREFIX) :] if exif.startswith(EXIF_PREFIX) else exif


def orientation(exif: bytes | None) -> int | None:
    """Reads the orientation, 1 (upright) to 8; None where the block does not say.

    A block that is damaged says nothing: EXIF comes from the input image, and a fault in it must
    not make the picture unreadable.
    """
    if exif is None:
        return None
    block = without_prefix(exif)
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None or len(block) < 8:
        return None
    (directory,) = struct.unpack_from(f"{order}I", block, 4)
    if directory + 2 > len(block):
        return None
    (count,) = struct.unpack_from(f"{order}H", block, directory)
    first = directory + 2
    last = min(first + count * _ENTRY_BYTES, len(block) - _ENTRY_BYTES + 1)
    for entry in range(first, last, _ENTRY_BYTES):
        tag, kind, values, value = struct.unpack_from(f"{order}HHIH", block, entry)
        if tag == _ORIENTATION:
            return value if kind == _SHORT and values == 1 and 1 <= value <= 8 else None
    return None


def only_orientation(value: int) -> bytes:
    """The smallest block that says an orientation.

    "II" 42  8 | 1 entry | 0x0112 SHORT 1 value | no next directory
    """
    return struct.pack("<2sHIHHHIHHI", b"II", 42, 8, 1, _ORIENTATION, _SHORT, 1, value, 0, 0)
