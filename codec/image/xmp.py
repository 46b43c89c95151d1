"""The orientation inside an XMP packet, for pictures whose EXIF says nothing of it.

XMP is otherwise opaque to this codec and travels byte for byte. Viewers turn a picture by the
orientation of EXIF; where that is missing, some take tiff:Orientation of XMP.

Source: ISO 16684-1 (XMP), section 8: a property is an attribute or an element of rdf:Description.
"""

from __future__ import annotations

import re

__all__ = ["only_orientation", "orientation"]

_ORIENTATION = re.compile(rb"""tiff:Orientation(?:\s*=\s*["']|>)\s*([1-8])\s*["'<]""")
_SMALLEST = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="{}"/></rdf:RDF></x:xmpmeta>'
)


def orientation(xmp: bytes | None) -> int | None:
    """The orientation, 1 (upright) to 8, or None where the packet does not say."""
    found = _ORIENTATION.search(xmp or b"")
    return int(found[1]) if found else None


def only_orientation(value: int) -> bytes:
    """The smallest packet that says an orientation."""
    return _SMALLEST.format(value).encode()
