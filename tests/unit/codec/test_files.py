"""Reading image files: every kind that is taken, every kind that is refused, and damaged ones."""

from __future__ import annotations

import contextlib
import io
import struct
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from codec.errors import DamagedImage, LimitExceeded, NotAnImage, UnreadableImage, UnsupportedImage
from codec.image.files import open_picture, read_image
from codec.image.picture import Picture
from codec.options import Limits

LOSSLESS = [("PNG", {}), ("WEBP", {"lossless": True, "exact": True}), ("TIFF", {}), ("PPM", {})]


def rgb(height: int = 19, width: int = 23) -> np.ndarray:
    """Random RGB samples."""
    return np.random.default_rng(2).integers(0, 256, (height, width, 3), dtype=np.uint8)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The bytes of an image as a file of some type."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png(
    width: int, height: int, depth: int, colour: int, rows: bytes, *chunks: tuple[bytes, bytes]
) -> bytes:
    """A PNG file from its parts; `rows` with filter bytes."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    )


@pytest.mark.parametrize(("kind", "options"), LOSSLESS)
def test_rgb_files_are_read(kind: str, options: dict[str, Any], limits: Limits) -> None:
    picture = read_image(saved(Image.fromarray(rgb()), kind, **options), limits=limits)

    assert np.array_equal(picture.samples, rgb())
    assert picture.alpha is None


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM", "BMP", "JPEG", "GIF"])
def test_grey_files_stay_grey(kind: str, limits: Limits) -> None:
    grey = rgb()[..., 0]

    picture = read_image(saved(Image.fromarray(grey), kind), limits=limits)

    assert picture.channels == (3 if kind == "GIF" and picture.channels == 3 else 1)
    if kind != "JPEG":
        assert np.array_equal(picture.samples[..., 0], grey)


@pytest.mark.parametrize(("mode", "channels"), [("RGBA", 3), ("LA", 1)])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_alpha_is_kept(kind: str, mode: str, channels: int, limits: Limits) -> None:
    array = np.random.default_rng(3).integers(0, 256, (9, 11, channels + 1), dtype=np.uint8)

    picture = read_image(saved(Image.fromarray(array, mode), kind), limits=limits)

    assert np.array_equal(picture.to_numpy(), array)


def test_opaque_alpha_is_kept_as_alpha(limits: Limits) -> None:
    picture = read_image(saved(Image.new("RGBA", (3, 3), (1, 2, 3, 255)), "PNG"), limits=limits)

    assert picture.alpha is not None
    assert (picture.alpha == 255).all()


def test_palette_png_becomes_rgb(limits: Limits) -> None:
    image = Image.fromarray(rgb()).quantize(16)

    picture = read_image(saved(image, "PNG"), limits=limits)

    assert np.array_equal(picture.samples, np.array(image.convert("RGB")))


def test_palette_png_with_transparency_becomes_rgb_and_alpha(limits: Limits) -> None:
    image = Image.fromarray(rgb()).quantize(4)
    data = saved(image, "PNG", transparency=bytes([0, 64, 128, 255]))

    picture = read_image(data, limits=limits)

    assert picture.alpha is not None
    assert np.array_equal(picture.alpha, np.array([0, 64, 128, 255], np.uint8)[np.array(image)])


def test_transparent_colour_of_rgb_png_becomes_alpha(limits: Limits) -> None:
    rows = b"\0" + bytes([1, 2, 3, 1, 2, 4])
    data = png(2, 1, 8, 2, rows, (b"tRNS", struct.pack(">HHH", 1, 2, 3)))

    picture = read_image(data, limits=limits)

    assert picture.alpha is not None
    assert picture.alpha.tolist() == [[0, 255]]


@pytest.mark.parametrize(
    ("depth", "packed", "expected"),
    [
        (1, 0b10100000, [255, 0, 255, 0]),
        (2, 0b00011011, [0, 85, 170, 255]),
        (4, None, [0, 17, 255, 34]),
    ],
)
def test_shallow_grey_is_spread_with_its_transparent_value(
    depth: int, packed: int | None, expected: list[int], limits: Limits
) -> None:
    row = bytes([packed]) if packed is not None else bytes([0x01, 0xF2])
    transparent = 1
    data = png(4, 1, depth, 0, b"\0" + row, (b"tRNS", struct.pack(">H", transparent)))

    picture = read_image(data, limits=limits)

    key = transparent * 255 // ((1 << depth) - 1)
    assert picture.samples[0, :, 0].tolist() == expected
    assert picture.alpha is not None
    assert picture.alpha[0].tolist() == [0 if value == key else 255 for value in expected]


def test_bitmaps_are_read(limits: Limits) -> None:
    picture = read_image(b"P4\n8 1\n" + bytes([0b10101010]), limits=limits)

    assert picture.samples[0, :, 0].tolist() == [0, 255] * 4


def test_gif_of_one_frame_is_read(limits: Limits) -> None:
    image = Image.fromarray(rgb()).quantize(8)

    picture = read_image(saved(image, "GIF"), limits=limits)

    assert np.array_equal(picture.samples, np.array(image.convert("RGB")))


def test_16_bit_bmp_has_8_bit_samples(limits: Limits) -> None:
    size, offset = 2, 14 + 40
    body = struct.pack("<HH", 0x7FFF, 0x001F)
    header = b"BM" + struct.pack("<IHHI", offset + len(body), 0, 0, offset)
    info = struct.pack("<IiiHHIIiiII", 40, size, 1, 1, 16, 0, len(body), 0, 0, 0, 0)

    picture = read_image(header + info + body, limits=limits)

    assert picture.samples.tolist() == [[[255, 255, 255], [0, 0, 255]]]


def test_multi_picture_jpeg_gives_its_first(limits: Limits) -> None:
    first, second = Image.new("RGB", (16, 16), (200, 0, 0)), Image.new("RGB", (8, 8))
    buffer = io.BytesIO()
    first.save(buffer, "MPO", save_all=True, append_images=[second])

    picture = read_image(buffer.getvalue(), limits=limits)

    assert (picture.width, picture.height) == (16, 16)
    assert abs(int(picture.samples[0, 0, 0]) - 200) < 4
    buffer.seek(0)
    assert open_picture(Image.open(buffer), limits=limits).width == 16


@pytest.mark.parametrize("name", ["photo.jpg", "photo", "photo.txt"])
def test_name_does_not_decide_the_type(name: str, tmp_path: Path, limits: Limits) -> None:
    path = tmp_path / name
    path.write_bytes(saved(Image.fromarray(rgb()), "PNG"))

    assert np.array_equal(read_image(path, limits=limits).samples, rgb())
    assert np.array_equal(read_image(str(path), limits=limits).samples, rgb())


class Pipe(io.RawIOBase):
    """A binary file that cannot seek, as standard input."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._data = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self._data.read(size)

    def seekable(self) -> bool:
        return False


def test_every_form_of_an_image_gives_the_same_picture(tmp_path: Path, limits: Limits) -> None:
    data = saved(Image.fromarray(rgb()), "PNG")
    path = tmp_path / "a.png"
    path.write_bytes(data)
    forms: list[Any] = [
        path,
        str(path),
        data,
        bytearray(data),
        memoryview(data),
        io.BytesIO(data),
        Pipe(data),
        rgb(),
        Image.fromarray(rgb()),
        Image.open(io.BytesIO(data)),
        Picture.from_numpy(rgb()),
    ]

    for form in forms:
        assert np.array_equal(open_picture(form, limits=limits).samples, rgb())


def test_other_objects_are_refused(limits: Limits) -> None:
    with pytest.raises(UnsupportedImage, match="list"):
        open_picture([[1, 2], [3, 4]], limits=limits)


def test_missing_file_is_a_system_error(tmp_path: Path, limits: Limits) -> None:
    with pytest.raises(FileNotFoundError):
        read_image(tmp_path / "no.png", limits=limits)


def animation(kind: str) -> bytes:
    """Two frames in one file."""
    frames = [Image.new("RGB", (8, 8), (shade, 0, 0)) for shade in (0, 200)]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:])


REFUSED = [
    pytest.param(lambda: animation("GIF"), "animated", id="animated-gif"),
    pytest.param(lambda: animation("PNG"), "animated", id="animated-png"),
    pytest.param(lambda: animation("WEBP"), "animated", id="animated-webp"),
    pytest.param(lambda: animation("TIFF"), "2 pages", id="two-page-tiff"),
    pytest.param(lambda: saved(Image.new("CMYK", (8, 8)), "JPEG"), "CMYK", id="cmyk-jpeg"),
    pytest.param(lambda: saved(Image.new("CMYK", (8, 8)), "TIFF"), "CMYK", id="cmyk-tiff"),
    pytest.param(lambda: b"P2 1 1 65535\n7\n", "16-bit", id="16-bit-plain-pgm"),
    pytest.param(lambda: saved(Image.new("F", (8, 8)), "TIFF"), "32-bit", id="float-tiff"),
    pytest.param(lambda: b"Pf\n1 1\n-1.0\n" + bytes(4), "PFM", id="pfm"),
    pytest.param(lambda: b"P5 1 1 255\n\0P5 1 1 255\n\0", "several", id="two-pictures-pgm"),
    pytest.param(lambda: b"\0\0\0\x1cftypavif\0\0\0\0", "AVIF", id="avif"),
    pytest.param(lambda: b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC", id="heic"),
    pytest.param(lambda: b"\xff\x0a\xfa\x1f", "JPEG XL", id="jpeg-xl"),
    pytest.param(lambda: b"8BPS\0\1", "Photoshop", id="psd"),
]


@pytest.mark.parametrize(("make", "what"), REFUSED)
def test_unsupported_kind_says_what_and_what_to_do(make: Any, what: str, limits: Limits) -> None:
    with pytest.raises(UnsupportedImage, match=what) as caught:
        read_image(make(), limits=limits)

    assert any(word in str(caught.value) for word in ("convert", "extract", "scale"))


@pytest.mark.parametrize("data", [b"", b"x", b"hello world, this is text", bytes(100), b"\x89PNG"])
def test_what_is_not_an_image_is_named_so(data: bytes, limits: Limits) -> None:
    with pytest.raises(NotAnImage, match="PNG, JPEG"):
        read_image(data, limits=limits)


ALL_TYPES = ["PNG", "JPEG", "WEBP", "TIFF", "PPM", "BMP", "GIF"]


@pytest.mark.filterwarnings("ignore")  # Pillow warns of some oddities that it gets over
@pytest.mark.parametrize("kind", ALL_TYPES)
def test_truncated_file_raises_or_has_all_its_pixels(kind: str, limits: Limits) -> None:
    data = saved(Image.fromarray(rgb(64, 48)), kind)
    whole = read_image(data, limits=limits).samples
    raised = 0

    for length in [*range(64), *range(64, len(data), max(1, len(data) // 60)), len(data) - 1]:
        try:
            picture = read_image(data[:length], limits=limits)
        except UnreadableImage:
            raised += 1
        else:
            assert np.array_equal(picture.samples, whole), length

    assert raised > 60


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ALL_TYPES)
def test_damaged_file_gives_a_named_error_or_a_picture(kind: str, limits: Limits) -> None:
    data = saved(Image.fromarray(rgb(16, 12)), kind)
    generator = np.random.default_rng(4)
    small = Limits(max_pixels=1 << 16)
    started = time.monotonic()

    for _ in range(150):
        damaged = bytearray(data)
        for position in generator.integers(0, len(data), 3):
            damaged[position] = generator.integers(0, 256)
        with contextlib.suppress(UnreadableImage, UnsupportedImage, LimitExceeded):
            read_image(bytes(damaged), limits=small)

    assert time.monotonic() - started < 60


def test_damaged_image_names_its_type(limits: Limits) -> None:
    data = saved(Image.fromarray(rgb()), "PNG")

    with pytest.raises(DamagedImage, match="PNG"):
        read_image(data[: len(data) // 2], limits=limits)


@pytest.mark.parametrize("kind", ALL_TYPES)
@pytest.mark.parametrize("over", [Limits(max_pixels=99), Limits(max_dimension=10)])
def test_too_large_image_is_refused(kind: str, over: Limits) -> None:
    data = saved(Image.new("RGB", (11, 10)), kind)

    with pytest.raises(LimitExceeded, match="11x10"):
        read_image(data, limits=over)


def test_bomb_is_refused_by_its_header_alone(limits: Limits) -> None:
    header_only = png(60000, 60000, 8, 2, b"")

    with pytest.raises(LimitExceeded):
        read_image(header_only, limits=limits)


def test_webp_bomb_is_refused_before_pillow_sees_it(limits: Limits) -> None:
    size = (1 << 24) - 1
    header = b"RIFF" + bytes(4) + b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4)
    data = header + size.to_bytes(3, "little") * 2 + bytes(20)

    with pytest.raises(LimitExceeded):
        read_image(data, limits=limits)


@pytest.mark.parametrize(
    "options", [{"lossless": True}, {"lossless": False}, {"exif": b"Exif\0\0II*\0"}]
)
def test_webp_sizes_are_found_in_all_its_forms(options: dict[str, Any]) -> None:
    data = saved(Image.new("RGB", (11, 10)), "WEBP", **options)

    with pytest.raises(LimitExceeded, match="the image is 11x10"):
        read_image(data, limits=Limits(max_dimension=10))


def test_image_above_pillows_own_limit_is_read_or_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, limits: Limits
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)

    for kind in ("PNG", "JPEG", "PPM", "BMP"):
        assert read_image(saved(Image.fromarray(rgb()), kind), limits=limits).width == 23

    for kind in ("TIFF", "WEBP"):
        with pytest.raises(LimitExceeded, match=f"(?i){kind}.*exceeds limit"):
            read_image(saved(Image.fromarray(rgb()), kind), limits=limits)
    assert Image.MAX_IMAGE_PIXELS == 10


def test_arrays_and_pil_images_are_limited_too() -> None:
    over = Limits(max_dimension=10)
    for image in (np.zeros((5, 11, 3), np.uint8), Image.new("L", (11, 5))):
        with pytest.raises(LimitExceeded):
            open_picture(image, limits=over)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_metadata_are_read_byte_for_byte(kind: str, exif_block: bytes, limits: Limits) -> None:
    icc = bytes(range(256)) * 300
    xmp = "<x:xmpmeta>ä</x:xmpmeta>".encode()
    options: dict[str, Any] = {"icc_profile": icc, "exif": b"Exif\0\0" + exif_block}
    if kind == "PNG":
        from PIL import PngImagePlugin

        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", xmp.decode())
    else:
        options["xmp"] = xmp

    picture = read_image(saved(Image.fromarray(rgb()), kind, **options), limits=limits)

    assert (picture.icc, picture.exif, picture.xmp) == (icc, exif_block, xmp)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_orientation_is_neither_applied_nor_lost(
    kind: str, orientation: int, limits: Limits
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation

    picture = read_image(saved(Image.fromarray(rgb()), kind, exif=exif.tobytes()), limits=limits)

    assert (picture.width, picture.height) == (23, 19)
    assert picture.orientation == orientation


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_of_tiff_is_applied_once(orientation: int, limits: Limits) -> None:
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(rgb())
    data = saved(image, "TIFF", exif=exif)
    image.info["exif"] = exif.tobytes()
    upright = np.array(ImageOps.exif_transpose(image))

    picture = read_image(data, limits=limits)

    assert picture.orientation == 1
    assert np.array_equal(picture.samples, upright)


def test_descriptive_tags_of_tiff_become_exif(limits: Limits) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769)[0x9003] = "2024:01:02 03:04:05"
    exif[0x8769] = exif.get_ifd(0x8769)
    data = saved(Image.fromarray(rgb()), "TIFF", exif=exif)

    block = read_image(data, limits=limits).exif

    assert block is not None
    again = Image.Exif()
    again.load(b"Exif\0\0" + block)
    assert again[0x010F] == "Maker"
    assert again.get_ifd(0x8769)[0x9003] == "2024:01:02 03:04:05"
    assert 256 not in again  # the width of the TIFF file has no place in EXIF
