"""Files in order of a kind that is not read are called what they are, not damaged."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
import pytest

import codec
from codec.errors import DamagedImage, UnsupportedImage
from codec.image.files import read_image
from codec.options import Limits


def bmp(bits: int = 24, packing: int = 0, size: int = 40, masks: bytes = b"") -> bytes:
    """A BMP file of some kind, 4 x 4 pixels."""
    if size < 40:
        info = struct.pack("<IiiHH", size, 4, 4, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", size, 4, 4, 1, bits, packing, 0, 0, 0, 0, 0)
    info = info.ljust(size, b"\0")
    offset = 14 + len(info) + len(masks)
    return b"BM" + struct.pack("<IHHI", offset + 999, 0, 0, offset) + info + masks + bytes(999)


def tiff(
    bits: int, count: int = 1, colour: int = 1, sample_format: int = 1, packing: int = 1,
    planar: int = 1, more: dict[int, tuple[int, list[int]]] | None = None,
) -> bytes:  # fmt: skip
    """A TIFF file of some kind, 8 x 8 pixels."""
    strips = count if planar == 2 else 1
    tags: dict[int, tuple[int, list[int]]] = {
        256: (3, [8]), 257: (3, [8]), 258: (3, [bits] * count), 259: (3, [packing]),
        262: (3, [colour]), 273: (4, [1024 * (n + 1) for n in range(strips)]), 277: (3, [count]),
        278: (3, [8]), 279: (4, [8 * bits * count // strips] * strips), 284: (3, [planar]),
        339: (3, [sample_format] * count), **(more or {}),
    }  # fmt: skip
    start = 8 + 2 + 12 * len(tags) + 4
    rows, values = b"", b""
    for tag, (kind, numbers) in sorted(tags.items()):
        raw = struct.pack(f"<{len(numbers)}{'H' if kind == 3 else 'I'}", *numbers)
        rows += struct.pack("<HHI", tag, kind, len(numbers))
        rows += raw.ljust(4, b"\0") if len(raw) <= 4 else struct.pack("<I", start + len(values))
        values += raw if len(raw) > 4 else b""
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + rows + bytes(4) + values
    return head.ljust(1024, b"\0") + bytes(8192)


def jpeg(frame: int, bits: int = 8, components: int = 3, height: int = 8) -> bytes:
    """The headers of a JPEG file of some kind."""
    parts = b"".join(bytes([n + 1, 0x11, 0]) for n in range(components))
    sizes = struct.pack(">HBHHB", 8 + len(parts), bits, height, 8, components)
    head = b"\xff\xd8\xff\xe0\0\4ab" + bytes([0xFF, 0xFF, frame]) + sizes + parts
    return head + b"\xff\xda" + bytes(99) + b"\xff\xd9"


FTYP = bytes([0, 0, 0, 24])
UNREAD = [
    (bmp(bits=2), "2 bits"),
    (bmp(bits=64), "64 bits"),
    (bmp(packing=4), "JPEG"),
    (bmp(packing=5), "PNG"),
    (bmp(packing=11), "CMYK"),
    (bmp(size=16), "header of 16"),
    (bmp(32, 3, masks=struct.pack("<III", 0x3FF00000, 0xFFC00, 0x3FF)), "32 bits.*bit fields"),
    (bmp(16, 3, masks=struct.pack("<III", 0xF00, 0xF0, 0xF)), "16 bits.*bit fields"),
    (tiff(6), "1 x 6-bit"),
    (tiff(12, 3, 2), "3 x 12-bit"),
    (tiff(8, 1, 1, 2), "8-bit signed"),
    (tiff(16, 1, 1, 2), "16-bit signed"),
    (tiff(16, 1, 1, 3), "16-bit floating"),
    (tiff(32), "32-bit"),
    (tiff(32, 1, 1, 3), "32-bit"),
    (tiff(32, 3, 2), "3 x 32-bit unsigned"),
    (tiff(32, 3, 2, 3), "3 x 32-bit floating"),
    (tiff(64, 1, 1, 3), "64-bit floating"),
    (tiff(16, 3, 2, planar=2), "16-bit.*separate planes"),
    (tiff(8, 7, 2), "7 x 8-bit"),
    (tiff(16, 3, 8), "CIELab"),
    (tiff(16, 1, 32803), "sensor"),
    (tiff(8, 3, 2, packing=34712), "JPEG 2000"),
    (tiff(8, 3, 2, packing=99), "compression 99"),
    (tiff(8, 3, 2, more={254: (4, [1]), 330: (4, [99])}), "camera raw"),
    (tiff(8, 3, 2, more={50706: (4, [1])}), "camera raw"),
    (jpeg(0xC3), "lossless"),
    (jpeg(0xC5), "hierarchical"),
    (jpeg(0xF7), "JPEG-LS"),
    (jpeg(0xC1, bits=12), "12 bits"),
    (jpeg(0xC0, components=2), "2 components"),
    (jpeg(0xC0, height=0), "height"),
    (FTYP + b"ftypavis", "AVIF"),
    (FTYP + b"ftypheix", "HEIC"),
    (FTYP + b"ftypmif1", "HEIF"),
    (FTYP + b"ftypcrx ", "camera raw"),
    (FTYP + b"ftypisom", "videos"),
    (b"\0\0\1\0\1\0", "icons"),
    (b"<svg xmlns=", "SVG"),
    (b"%PDF-1.7", "PDF"),
    (b"qoif", "QOI"),
    (b"\x8aLIC\1", "this codec"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "what"), UNREAD, ids=[what for _, what in UNREAD])
def test_kind_that_is_not_read_is_called_what_it_is(data: bytes, what: str, limits: Limits) -> None:
    with pytest.raises(UnsupportedImage, match=what) as caught:
        read_image(data, limits=limits)

    assert any(word in str(caught.value) for word in ("convert", "scale"))
    assert caught.value.exit_code == 2


def png(
    depth: int, colour: int, width: int = 1, methods: tuple[int, int, int] = (0, 0, 0)
) -> bytes:
    """The first chunks of a PNG file."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, 1, depth, colour, *methods)
    data = b"IDAT" + zlib.compress(bytes(99))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(part) - 4) + part + struct.pack(">I", zlib.crc32(part))
        for part in (head, data, b"IEND")
    )


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (png(3, 0), "colour type 0 of 3 bits"),
        (png(8, 7), "colour type 7 of 8 bits"),
        (png(8, 0, width=0), "0x1 pixels"),
        (png(8, 0, methods=(0, 0, 2)), "interlacing"),
        (bmp(bits=3), "BMP"),
        (bmp(packing=77), "BMP"),
        (bmp(size=99), "BMP"),
        (tiff(8)[:100], "TIFF"),
        (jpeg(0xC0), "JPEG"),
    ],
)  # fmt: skip
def test_headers_that_make_no_sense_are_called_damaged(
    data: bytes, said: str, limits: Limits
) -> None:
    with pytest.raises(DamagedImage, match=said) as caught:
        read_image(data, limits=limits)

    assert "driver" not in str(caught.value)


@pytest.mark.parametrize("make", [tiff(8), tiff(8, 3, 2), tiff(16), tiff(8, 3, 2, planar=2), bmp()])
def test_kinds_that_are_read_still_are(make: Any, limits: Limits) -> None:
    assert not np.any(read_image(make, limits=limits).samples)


def test_our_own_files_are_no_input_of_the_encoder() -> None:
    with pytest.raises(UnsupportedImage, match="decode"):
        codec.encode(codec.encode(np.zeros((8, 8), np.uint8)))
