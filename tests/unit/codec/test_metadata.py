"""ICC, EXIF, XMP and the orientation: read wherever a format keeps them, and written so that every
file opens again with the right pixels.
"""

from __future__ import annotations

import io
import logging
import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps, PngImagePlugin

import codec
from codec.errors import DamagedImage, LimitExceeded, UnsupportedImage
from codec.image.exif import only_orientation
from codec.image.files import open_picture, read_image
from codec.image.picture import Picture
from codec.image.writing import OUTPUT_FORMATS, image_bytes
from codec.models.registry import ModelEntry
from codec.options import Limits

PIXELS = np.random.default_rng(6).integers(0, 256, (18, 24, 3), np.uint8)
EXIF = only_orientation(6)
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">\xc3\xa4</x:xmpmeta>'
ICC = bytes(range(256)) * 9


def xmp_turned(value: int, as_element: bool = False) -> bytes:
    """A packet that says an orientation."""
    said = f"<tiff:Orientation>{value}</tiff:Orientation>"
    return (said if as_element else f'<r tiff:Orientation="{value}"/>').encode()


def saved(kind: str, **options: Any) -> bytes:
    """The pixels as an image file."""
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_with(*chunks: bytes, at_end: bool = False) -> bytes:
    """The pixels as PNG with further chunks, before or behind the pixels."""
    data = saved("PNG")
    place = len(data) - 12 if at_end else 33
    return data[:place] + b"".join(chunks) + data[place:]


def raw_profile(name: str, data: bytes) -> str:
    """Bytes as ImageMagick writes them into text."""
    digits = data.hex()
    lines = "\n".join(digits[n : n + 72] for n in range(0, len(digits), 72))
    return f"\n{name}\n{len(data):8}\n{lines}\n"


def text_chunk(kind: bytes, keyword: str, text: str | bytes) -> bytes:
    """A chunk of text of one of the three types."""
    body = text if isinstance(text, bytes) else text.encode()
    head = keyword.encode() + b"\0"
    if kind == b"tEXt":
        return chunk(kind, head + body)
    if kind == b"zTXt":
        return chunk(kind, head + b"\0" + zlib.compress(body))
    packed = kind == b"packed iTXt"
    return chunk(
        b"iTXt", head + bytes([packed]) + b"\0en\0x\0" + (zlib.compress(body) if packed else body)
    )


# ---- reading ------------------------------------------------------------------------------------


@pytest.mark.parametrize("at_end", [False, True])
@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt", b"packed iTXt"])
@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("exif", b"Exif\0\0" + EXIF, {"exif": EXIF}),
        ("exif", EXIF, {"exif": EXIF}),
        ("APP1", b"Exif\0\0" + EXIF, {"exif": EXIF}),
        ("APP1", b"http://ns.adobe.com/xap/1.0/\0" + XMP, {"xmp": XMP}),
        ("xmp", XMP, {"xmp": XMP}),
        ("icc", ICC, {"icc": ICC}),
        ("icm", ICC, {"icc": ICC}),
        ("iptc", b"8BIM", {}),
        ("8bim", b"8BIM", {}),
    ],
)
def test_raw_profiles_of_png_are_read(
    name: str, data: bytes, expected: dict[str, bytes], kind: bytes, at_end: bool, limits: Limits
) -> None:
    text = text_chunk(kind, f"Raw profile type {name}", raw_profile(name, data))

    picture = read_image(png_with(text, at_end=at_end), limits=limits)

    found = {"icc": picture.icc, "exif": picture.exif, "xmp": picture.xmp}
    assert found == {"icc": None, "exif": None, "xmp": None} | expected
    assert picture.orientation == (6 if "exif" in expected else 1)
    assert np.array_equal(picture.samples, PIXELS)


@pytest.mark.parametrize("text", ["", "\nexif\n", "\nexif\nx\nab", "\nexif\n 2\nxyz", "exif"])
def test_raw_profile_that_cannot_be_read_is_left_out(
    text: str, limits: Limits, caplog: pytest.LogCaptureFixture
) -> None:
    data = png_with(text_chunk(b"tEXt", "Raw profile type exif", text))

    assert read_image(data, limits=limits).exif is None
    assert "raw profile exif cannot be read" in caplog.text


@pytest.mark.parametrize("at_end", [False, True])
@pytest.mark.parametrize("kind", [b"iTXt", b"packed iTXt"])
def test_chunks_of_png_come_before_raw_profiles(kind: bytes, at_end: bool, limits: Limits) -> None:
    other = text_chunk(b"zTXt", "Raw profile type exif", raw_profile("exif", only_orientation(3)))
    chunks = (other, chunk(b"eXIf", EXIF), text_chunk(kind, "XML:com.adobe.xmp", XMP))

    picture = read_image(png_with(*chunks, at_end=at_end), limits=limits)

    assert (picture.exif, picture.xmp) == (EXIF, XMP)


def test_metadata_of_png_have_our_limit_and_no_other() -> None:
    icc = np.random.default_rng(1).bytes(3 << 20)
    data = saved("PNG", icc_profile=icc)
    text = text_chunk(b"zTXt", "Comment", bytes(70 << 20))  # Pillow has a limit on all text

    assert read_image(data, limits=Limits()).icc == icc
    assert read_image(png_with(text), limits=Limits()).xmp is None
    for over in (Limits(max_metadata_bytes=1 << 20), Limits(max_metadata_bytes=len(icc) - 1)):
        with pytest.raises(LimitExceeded, match="max_metadata_bytes"):
            read_image(data, limits=over)
    assert read_image(data, limits=Limits(max_metadata_bytes=len(icc))).icc == icc
    assert read_image(data, limits=Limits(max_metadata_bytes=0)).icc == icc


@pytest.mark.parametrize("kind", [b"zTXt", b"packed iTXt"])
def test_bomb_in_a_chunk_of_png_is_refused(kind: bytes, limits: Limits) -> None:
    keyword = "XML:com.adobe.xmp" if kind == b"packed iTXt" else "Raw profile type xmp"

    with pytest.raises(LimitExceeded):
        read_image(png_with(text_chunk(kind, keyword, bytes(64 << 20))), limits=limits)


@pytest.mark.parametrize(
    "broken",
    [
        chunk(b"eXIf", EXIF)[:-1] + b"\0",
        chunk(b"iCCP", b"x\0\0junk"),
        chunk(b"iCCP", b"x\0\0" + zlib.compress(ICC)[:-9]),
    ],
)
def test_damaged_metadata_of_png_are_named(broken: bytes, limits: Limits) -> None:
    with pytest.raises(DamagedImage, match=r"chunk (eXIf|iCCP)"):
        read_image(png_with(broken), limits=limits)


@pytest.mark.parametrize(
    ("chunks", "said"),
    [
        ([chunk(b"cICP", bytes([9, 16, 0, 1]))], "BT.2020 PQ (cICP 9/16/0/1)"),
        ([chunk(b"cICP", bytes([9, 18, 0, 1]))], "BT.2020 HLG"),
        ([chunk(b"cICP", bytes([12, 13, 0, 1]))], "Display P3 sRGB"),
        ([chunk(b"cICP", bytes([1, 13, 0, 1]))], None),
        ([chunk(b"gAMA", struct.pack(">I", 100000))], "gamma 1"),
        ([chunk(b"gAMA", struct.pack(">I", 45455))], None),
        ([chunk(b"gAMA", struct.pack(">I", 100000)), chunk(b"sRGB", b"\0")], None),
        (
            [chunk(b"cHRM", struct.pack(">8I", 31270, 32900, *[30000] * 6))],
            "primaries",
        ),
    ],
)  # fmt: skip
def test_colours_that_cannot_be_kept_are_warned_of(
    chunks: list[bytes], said: str | None, limits: Limits, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "codec"):
        read_image(png_with(*chunks), limits=limits)

    assert (said or "") in caplog.text
    assert bool(caplog.records) == (said is not None)


def gif_with(*blocks: bytes) -> bytes:
    """The pixels as GIF with application blocks."""
    data = saved("GIF")
    place = 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)
    return data[:place] + b"".join(blocks) + data[place:]


def test_xmp_and_icc_of_gif_are_read(limits: Limits) -> None:
    trailer = b"\1" + bytes(range(255, -1, -1)) + b"\0"
    xmp = xmp_turned(8)
    pieces = b"".join(
        bytes([len(ICC[n : n + 255])]) + ICC[n : n + 255] for n in range(0, len(ICC), 255)
    )
    data = gif_with(
        b"!\xff\x0bXMP DataXMP" + xmp + trailer, b"!\xff\x0bICCRGBG1012" + pieces + b"\0"
    )

    picture = read_image(data, limits=limits)

    assert (picture.xmp, picture.icc, picture.orientation) == (xmp, ICC, 8)
    with pytest.raises(LimitExceeded):
        read_image(data, limits=Limits(max_metadata_bytes=20))
    for length in range(len(data)):
        try:
            read_image(data[:length], limits=limits)
        except codec.CodecError:
            continue


def bmp_v5(icc: bytes) -> bytes:
    """The pixels as BMP with a profile inside."""
    rows = b"".join(row[:, ::-1].tobytes() for row in PIXELS[::-1])
    info = struct.pack("<IiiHHIIiiII", 124, 24, 18, 1, 24, 0, len(rows), 0, 0, 0, 0) + bytes(16)
    info += b"DEBM" + bytes(48) + struct.pack("<IIII", 4, 124 + len(rows), len(icc), 0)
    offset = 14 + len(info)
    size = offset + len(rows) + len(icc)
    return b"BM" + struct.pack("<IHHI", size, 0, 0, offset) + info + rows + icc


def test_icc_of_bmp_is_read(limits: Limits, caplog: pytest.LogCaptureFixture) -> None:
    picture = read_image(bmp_v5(ICC), limits=limits)

    assert picture.icc == ICC
    assert np.array_equal(picture.samples, PIXELS)
    assert read_image(bmp_v5(ICC)[:-1], limits=limits).icc is None
    assert "cut short" in caplog.text
    with pytest.raises(LimitExceeded):
        read_image(bmp_v5(ICC), limits=Limits(max_metadata_bytes=20))


@pytest.mark.parametrize("as_element", [False, True])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_orientation_of_xmp_counts_where_exif_says_nothing(
    kind: str, as_element: bool, limits: Limits, tiny_model: ModelEntry
) -> None:
    def read(exif: bytes | None) -> Picture:
        xmp = xmp_turned(6, as_element)
        options: dict[str, Any] = {} if exif is None else {"exif": exif}
        if kind == "PNG":
            info = PngImagePlugin.PngInfo()
            info.add_itxt("XML:com.adobe.xmp", xmp.decode())
            options["pnginfo"] = info
        else:
            options["xmp"] = xmp
        return read_image(saved(kind, **options), limits=limits)

    for exif, expected in ((None, 6), (b"Exif\0\0" + only_orientation(3), 3)):
        picture = read(exif)
        assert picture.orientation == expected
        assert codec.info(codec.encode(picture)).orientation == expected
        for kinds in (["xmp"], ["exif"], ["exif", "xmp"], ["icc"], []):
            left = picture.without(kinds)
            assert left.orientation == expected
            assert codec.info(codec.encode(picture, strip=kinds)).orientation == expected


def test_orientation_stays_beside_exif_that_says_nothing() -> None:
    block = Image.Exif()
    block[271] = "Maker"
    picture = Picture(PIXELS, exif=block.tobytes()[6:], xmp=xmp_turned(6) + b"<!-- more -->")

    left = picture.without(["xmp"])

    assert (left.exif, left.orientation) == (picture.exif, 6)
    assert b"more" not in (left.xmp or b"")


@pytest.mark.parametrize("by", ["tag", "xmp"])
def test_orientation_of_tiff_is_applied_once_wherever_it_stands(by: str, limits: Limits) -> None:
    tags = Image.Exif()
    if by == "tag":
        tags[274] = 6
    else:
        tags[700] = xmp_turned(6)

    picture = read_image(saved("TIFF", exif=tags), limits=limits)

    assert picture.orientation == 1
    assert np.array_equal(picture.samples, np.rot90(PIXELS, -1))


# ---- writing ------------------------------------------------------------------------------------


def phone_exif(order: str = "<", turned: int = 6) -> bytes:
    """What a phone writes, with the storage of another picture: a sensor, a thumbnail, strips."""
    exif = Image.Exif()
    exif.endian = order
    for tag, value in (
        (254, 0), (256, 4000), (257, 3000), (258, (8, 8, 8)), (259, 6), (262, 6), (271, "Maker"),
        (272, "Model"), (273, 99), (274, turned), (277, 3), (278, 3000), (279, 12), (282, 72.0),
        (283, 72.0), (284, 1), (296, 2), (305, "Program"), (306, "2024:01:02 03:04:05"),
        (322, 64), (323, 64), (324, 99), (325, 12), (317, 2), (338, 1), (339, 3), (513, 5),
        (530, (2, 2)), (531, 1), (33432, "Somebody"), (50706, b"\1\4\0\0"),
    ):  # fmt: skip
        exif[tag] = value
    inside = exif.get_ifd(0x8769)
    inside.update({0x829A: 0.01, 0x9003: "2024:01:02 03:04:05", 0x927C: b"note" * 99, 0xA002: 4000})
    exif[0x8769] = inside
    gps = exif.get_ifd(0x8825)
    gps.update({1: "N", 2: (1.0, 2.0, 3.5)})
    exif[0x8825] = gps
    return exif.tobytes()[6:]


def upright(data: bytes) -> np.ndarray:
    """What a viewer shows of a file."""
    with Image.open(io.BytesIO(data)) as image:
        return np.array(ImageOps.exif_transpose(image))


@pytest.mark.parametrize("turned", [1, 6])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("name", ["png", "webp", "tiff", "jpg"])
def test_every_format_opens_again_with_the_pixels_of_a_phone(
    name: str, channels: int, order: str, turned: int, limits: Limits
) -> None:
    if name == "jpg" and channels in (2, 4):
        return
    planes = np.dstack([PIXELS, PIXELS[..., 0]])[..., -channels:]
    picture = replace(Picture.from_numpy(planes), exif=phone_exif(order, turned), xmp=XMP, icc=ICC)

    data = image_bytes(picture, OUTPUT_FORMATS[name], quality=100)

    shown = np.rot90(planes, -1) if turned == 6 else planes
    found = upright(data).reshape(*shown.shape[:2], -1)
    if name == "webp" and channels < 3:
        found = found[..., [0, *([3] if channels == 2 else [])]]
    if name == "jpg":
        assert np.abs(found.astype(int) - shown).mean() < 9
    else:
        assert np.array_equal(found, shown)
    again = read_image(data, limits=limits)
    assert (again.xmp, again.icc) == (XMP, ICC)
    if name != "tiff":
        assert again.exif == picture.exif


@pytest.mark.parametrize("order", ["<", ">"])
def test_tiff_gets_the_tags_that_describe_the_picture(order: str) -> None:
    data = image_bytes(Picture(PIXELS, exif=phone_exif(order)), OUTPUT_FORMATS["tiff"])

    with Image.open(io.BytesIO(data)) as image:
        tags = image.tag_v2
        assert (tags[256], tags[257], tags[274], tags[282]) == (24, 18, 6, 72)
        assert (tags[271], tags[306], tags[33432]) == ("Maker", "2024:01:02 03:04:05", "Somebody")
        assert not {254, 322, 339, 513, 530, 531, 50706} & set(tags)
        inside = image.getexif().get_ifd(0x8769)
        assert (inside[0x9003], inside[0x927C]) == ("2024:01:02 03:04:05", b"note" * 99)
        assert image.getexif().get_ifd(0x8825)[2] == (1.0, 2.0, 3.5)


JUNK = [
    b"x", b"junk" * 9, bytes(100), b"II*\0", b"II*\0\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff",
    b"MM\0*\0\0\0\x08\0\1\x87\x69\0\4\0\0\0\1\0\0\0\x08\0\0\0\0",  # a directory inside itself
    b"II*\0\x08\0\0\0\1\0\x1a\1\2\0\4\0\0\0abc\0\0\0\0\0",  # resolution as text
    b"II*\0\x08\0\0\0\1\0\x0f\1\2\0\xff\xff\0\0\x10\0\0\0\0\0\0\0",  # text beyond the end
]  # fmt: skip


@pytest.mark.parametrize("junk", JUNK)
def test_junk_as_exif_is_kept_or_left_out_with_a_warning(
    junk: bytes, limits: Limits, caplog: pytest.LogCaptureFixture, tiny_model: ModelEntry
) -> None:
    picture = Picture(PIXELS, exif=junk)
    file = codec.encode(picture)

    assert codec.info(file).orientation == 1
    for name, output in OUTPUT_FORMATS.items():
        caplog.clear()
        if output.colour:
            again = read_image(image_bytes(picture, output, quality=100), limits=limits)
            if name != "jpg":
                assert np.array_equal(again.samples, PIXELS)
            assert again.exif == junk if name in ("png", "jpg", "webp") else caplog.records


def test_damaged_directory_of_a_tiff_is_left_out(limits: Limits) -> None:
    tags = Image.Exif()
    tags[271] = "Maker"
    tags.get_ifd(0x8769)[0x9003] = "2024:01:02 03:04:05"
    tags[0x8769] = tags.get_ifd(0x8769)
    data = bytearray(saved("TIFF", exif=tags))
    place = data.index(struct.pack("<HHI", 0x8769, 4, 1)) + 8

    for offset in (0, 3, len(data) - 3, len(data) + 9, 0xFFFFFFFF):
        data[place : place + 4] = struct.pack("<I", offset)
        assert np.array_equal(read_image(bytes(data), limits=limits).samples, PIXELS)


def test_too_large_a_profile_for_jpeg_is_refused() -> None:
    large = Picture(PIXELS, icc=bytes(255 * 65519 + 1))

    with pytest.raises(UnsupportedImage, match="--strip icc"):
        image_bytes(large, OUTPUT_FORMATS["jpg"])


# ---- images of PIL ------------------------------------------------------------------------------


def test_metadata_of_a_pil_image_are_kept(limits: Limits, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    text = text_chunk(b"tEXt", "Raw profile type exif", raw_profile("exif", EXIF))
    path.write_bytes(png_with(text, at_end=True))

    with Image.open(path) as image:
        assert open_picture(image, limits=limits).orientation == 6
    with Image.open(path) as image:
        assert Picture.from_pil(image).orientation == 6
