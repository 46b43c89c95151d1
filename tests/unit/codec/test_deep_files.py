"""16-bit pictures: every bit survives reading and writing, or the file is refused by name."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, TiffImagePlugin

from codec.errors import DamagedImage, LimitExceeded, UnsupportedImage
from codec.image.files import open_picture, read_image
from codec.image.picture import Picture
from codec.image.writing import OUTPUT_FORMATS, find_format, image_bytes
from codec.options import Limits
from tests.unit.codec.test_files import png, saved

CHANNELS = [1, 2, 3, 4]
PNG_COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}
ADAM7 = (
    (0, 0, 8, 8),
    (0, 4, 8, 8),
    (4, 0, 8, 4),
    (0, 2, 4, 4),
    (2, 0, 4, 2),
    (0, 1, 2, 2),
    (1, 0, 2, 1),
)


def deep(channels: int, height: int = 19, width: int = 23) -> np.ndarray:
    """Random samples with a slope, so that low and high bytes both matter."""
    rng = np.random.default_rng(channels)
    slope = np.linspace(0, 60000, width).astype(np.uint16)[:, np.newaxis]
    return slope + rng.integers(0, 5000, (height, width, channels), dtype=np.uint16)


def rows_of(array: np.ndarray, kind: int = 0) -> bytes:
    """Rows of a PNG, all behind the filter 0 (none) or 2 (up)."""
    stored = array.astype(">u2").view(np.uint8).reshape(len(array), -1)
    if kind == 2:
        stored = stored - np.concatenate([np.zeros_like(stored[:1]), stored[:-1]])
    return b"".join(bytes([kind]) + row.tobytes() for row in stored)


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("kind", [0, 2])
def test_png_is_read_exactly(channels: int, kind: int, limits: Limits) -> None:
    array = deep(channels)
    data = png(23, 19, 16, PNG_COLOURS[channels], rows_of(array, kind))

    picture = read_image(data, limits=limits)

    assert picture.bits == 16
    assert np.array_equal(picture.to_numpy(), array)


@pytest.mark.parametrize("channels", CHANNELS)
def test_interlaced_png_is_read_exactly(channels: int, limits: Limits) -> None:
    array = deep(channels)
    passes = [array[y::step_y, x::step_x] for y, x, step_y, step_x in ADAM7]
    data = bytearray(png(23, 19, 16, PNG_COLOURS[channels], b"".join(map(rows_of, passes))))
    data[28] = 1  # the interlace method in IHDR
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))

    assert np.array_equal(read_image(bytes(data), limits=limits).to_numpy(), array)


def test_png_after_other_bytes_and_from_a_path(tmp_path: Path, limits: Limits) -> None:
    array = deep(3)
    data = png(23, 19, 16, 2, rows_of(array))
    file = io.BytesIO(b"before" + data)
    file.seek(6)
    path = tmp_path / "a.png"
    path.write_bytes(data)

    assert np.array_equal(read_image(file, limits=limits).samples, array)
    assert np.array_equal(read_image(path, limits=limits).samples, array)


@pytest.mark.parametrize("channels", [1, 3])
def test_transparent_colour_of_a_deep_png_is_compared_in_16_bits(
    channels: int, limits: Limits
) -> None:
    array = np.full((1, 3, channels), 0x1234, np.uint16)
    array[0, 1] += 1  # equal in the high byte alone
    key = struct.pack(f">{channels}H", *[0x1234] * channels)
    data = png(3, 1, 16, PNG_COLOURS[channels], rows_of(array), (b"tRNS", key))

    picture = read_image(data, limits=limits)

    assert picture.alpha is not None
    assert picture.alpha.dtype == np.uint16
    assert picture.alpha.tolist() == [[0, 65535, 0]]


@pytest.mark.parametrize("channels", CHANNELS)
def test_truncated_deep_png_is_damaged(channels: int, limits: Limits) -> None:
    data = png(23, 19, 16, PNG_COLOURS[channels], rows_of(deep(channels)))

    for length in range(60, len(data) - 40, 97):
        with pytest.raises(DamagedImage, match="PNG"):
            read_image(data[:length], limits=limits)


def test_large_deep_png_is_refused_by_its_header(limits: Limits) -> None:
    with pytest.raises(LimitExceeded):
        read_image(png(60000, 60000, 16, 2, b""), limits=limits)


def metadata() -> dict[str, bytes]:
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return {"icc": profile, "exif": exif.tobytes()[6:], "xmp": "<x:xmpmeta é/>".encode()}


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("name", ["png", "pam", "ppm", "tiff"])
def test_what_is_written_is_read_again(channels: int, name: str, limits: Limits) -> None:
    output, kept = find_format(None, name), metadata()
    plain = Picture.from_numpy(deep(channels, 61, 47))
    if name == "tiff":
        del kept["exif"]  # its reader would turn the picture
    picture = Picture(plain.samples, plain.alpha, **(kept if output.metadata else {}))
    if channels not in output.deep:
        with pytest.raises(UnsupportedImage, match="write png"):
            image_bytes(picture, output)
        return

    again = read_image(image_bytes(picture, output), limits=limits)

    assert again.bits == 16
    assert np.array_equal(again.to_numpy(), picture.to_numpy())
    if name == "png":
        assert (again.icc, again.exif, again.xmp) == (kept["icc"], kept["exif"], kept["xmp"])
    if name == "tiff":
        assert (again.icc, again.xmp) == (kept["icc"], kept["xmp"])


def test_written_png_is_as_pillow_understands_it() -> None:
    array = deep(1)
    data = image_bytes(Picture.from_numpy(array), OUTPUT_FORMATS["png"])

    assert np.array_equal(np.array(Image.open(io.BytesIO(data))), array[:, :, 0])


@pytest.mark.parametrize("name", ["jpg", "webp"])
def test_formats_of_8_bits_refuse_by_name(name: str) -> None:
    with pytest.raises(UnsupportedImage, match=f"{name}.*8 bits.*write png, ppm or pam"):
        image_bytes(Picture.from_numpy(deep(3)), OUTPUT_FORMATS[name])


@pytest.mark.parametrize("compression", [None, "tiff_adobe_deflate", "tiff_lzw"])
@pytest.mark.parametrize("order", ["<u2", ">u2"])
def test_grey_tiff_is_read_exactly(compression: str | None, order: str, limits: Limits) -> None:
    array = deep(1)[:, :, 0]
    options = {} if compression is None else {"compression": compression}

    picture = read_image(
        saved(Image.fromarray(array.astype(order)), "TIFF", **options), limits=limits
    )

    assert np.array_equal(picture.samples[:, :, 0], array)


def tiff(
    array: np.ndarray, order: str, photometric: int, deflate: bool, *extra: int, planar: int = 1
) -> bytes:
    """A TIFF file with strips of four rows: the reader meets several."""
    height, width, channels = array.shape
    parts = [array] if planar == 1 else np.moveaxis(array, 2, 0)
    stored = [
        part[top : top + 4].astype(f"{order}u2").tobytes()
        for part in parts
        for top in range(0, height, 4)
    ]
    strips = [zlib.compress(strip) if deflate else strip for strip in stored]
    starts = [sum(map(len, strips[:n])) for n in range(len(strips))]  # after the directory
    tags = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II" if order == "<" else b"MM")
    for tag, kind, value in (
        (256, 4, width),
        (257, 4, height),
        (258, 3, (16,) * channels),
        (259, 3, 8 if deflate else 1),
        (262, 3, photometric),
        (273, 4, tuple(starts)),
        (277, 3, channels),
        (278, 4, 4),
        (279, 4, tuple(map(len, strips))),
        (284, 3, planar),
        *((338, 3, value) for value in extra),
    ):
        tags.tagtype[tag] = kind
        tags[tag] = value
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    return head + tags.tobytes(8) + b"".join(strips)


@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("channels", [3, 4])
def test_colour_tiff_is_read_exactly(
    order: str, channels: int, deflate: bool, limits: Limits
) -> None:
    array = deep(channels)
    data = tiff(array, order, 2, deflate, *([2] if channels == 4 else []))

    assert np.array_equal(read_image(data, limits=limits).to_numpy(), array)


def test_grey_tiff_whose_zero_is_white_is_turned(limits: Limits) -> None:
    array = deep(1)

    assert np.array_equal(read_image(tiff(array, "<", 0, False), limits=limits).samples, ~array)


@pytest.mark.parametrize("deflate", [False, True])
def test_tiff_of_separate_planes_is_refused(deflate: bool, limits: Limits) -> None:
    with pytest.raises(UnsupportedImage, match="separate planes"):
        read_image(tiff(deep(3), "<", 2, deflate, planar=2), limits=limits)


def test_premultiplied_tiff_is_refused(limits: Limits) -> None:
    with pytest.raises(UnsupportedImage, match=r"16-bit samples stored as RGBa.*convert"):
        read_image(tiff(deep(4), "<", 2, False, 1), limits=limits)


@pytest.mark.parametrize("channels", CHANNELS)
def test_arrays_of_both_byte_orders(channels: int, limits: Limits) -> None:
    array = deep(channels)

    for form in (array, array.astype(">u2"), array.astype("<u2")):
        picture = open_picture(form, limits=limits)
        assert picture.samples.dtype == np.uint16
        assert np.array_equal(picture.to_numpy(), array)


@pytest.mark.parametrize("mode", ["I;16", "I;16B"])
def test_pil_image_of_16_bits_is_taken(mode: str, limits: Limits) -> None:
    array = deep(1)[:, :, 0]
    image = Image.fromarray(array.astype(">u2" if mode == "I;16B" else "<u2"))

    picture = open_picture(image, limits=limits)

    assert image.mode == mode
    assert np.array_equal(picture.samples[:, :, 0], array)
    assert np.array_equal(np.array(picture.to_pil()), array)


def test_pil_image_of_a_deep_colour_file_is_refused(limits: Limits) -> None:
    image = Image.open(io.BytesIO(png(23, 19, 16, 2, rows_of(deep(3)))))

    with pytest.raises(UnsupportedImage, match=r"16-bit.*pass the path"):
        open_picture(image, limits=limits)
    with pytest.raises(UnsupportedImage, match="mode I"):
        open_picture(Image.new("I", (3, 3)), limits=limits)
    with pytest.raises(UnsupportedImage, match="uint16 array"):
        Picture.from_numpy(deep(3)).to_pil()


def test_alpha_has_the_bits_of_the_samples() -> None:
    with pytest.raises(UnsupportedImage, match="alpha is uint16"):
        Picture(deep(3), np.zeros((19, 23), np.uint8))
