"""Picture: from arrays and PIL images and back, and what is refused with which advice."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from PIL import Image

from codec.errors import UnsupportedImage
from codec.image.exif import EXIF_PREFIX
from codec.image.picture import Picture


def pixels(*shape: int) -> np.ndarray:
    """Random samples."""
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize(
    ("shape", "channels", "alpha"),
    [
        ((5, 7), 1, False),
        ((5, 7, 1), 1, False),
        ((5, 7, 2), 1, True),
        ((5, 7, 3), 3, False),
        ((5, 7, 4), 3, True),
        ((1, 1), 1, False),
        ((1, 1, 4), 3, True),
    ],
)
def test_array_round_trip(shape: tuple[int, ...], channels: int, alpha: bool) -> None:
    array = pixels(*shape)

    picture = Picture.from_numpy(array)

    assert (picture.height, picture.width, picture.channels) == (*shape[:2], channels)
    assert (picture.alpha is not None) == alpha
    assert np.array_equal(picture.to_numpy().reshape(shape), array)


def test_noncontiguous_array_is_taken() -> None:
    array = pixels(10, 14, 3)[::2, ::2, ::-1]

    picture = Picture.from_numpy(array)

    assert picture.samples.flags.c_contiguous
    assert np.array_equal(picture.samples, array)


@pytest.mark.parametrize(
    ("dtype", "advice"),
    [
        (np.float32, "255"),
        (np.float64, "255"),
        (np.uint32, "astype"),
        (np.bool_, "255"),
        (np.int64, "astype"),
    ],
)
def test_other_dtypes_are_refused_with_advice(dtype: type, advice: str) -> None:
    with pytest.raises(UnsupportedImage, match=advice):
        Picture.from_numpy(np.zeros((4, 4, 3), dtype))


@pytest.mark.parametrize("shape", [(4,), (4, 4, 5), (3, 4, 4), (1, 4, 4, 3), (0, 4), (4, 0, 3), ()])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    array = np.zeros(shape, np.uint8)
    if shape == (3, 4, 4):
        assert Picture.from_numpy(array).channels == 3  # cannot be told from (H, W, 4)
        return
    with pytest.raises(UnsupportedImage):
        Picture.from_numpy(array)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_pil_round_trip(mode: str) -> None:
    image = Image.fromarray(pixels(5, 7, 4), "RGBA").convert(mode)

    again = Picture.from_pil(image).to_pil()

    assert again.mode == mode
    assert again.tobytes() == image.tobytes()


def test_black_and_white_becomes_grey() -> None:
    image = Image.fromarray(np.array([[0, 255], [255, 0]], np.uint8)).convert("1")

    picture = Picture.from_pil(image)

    assert picture.channels == 1
    assert picture.samples[..., 0].tolist() == [[0, 255], [255, 0]]


def test_palette_becomes_rgb() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)

    picture = Picture.from_pil(image)

    assert picture.samples.tolist() == [[[10, 20, 30], [40, 50, 60]]]
    assert picture.alpha is None


def test_palette_with_transparency_becomes_rgb_and_alpha() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)
    image.info["transparency"] = bytes([255, 7])

    picture = Picture.from_pil(image)

    assert picture.samples.tolist() == [[[10, 20, 30], [40, 50, 60]]]
    assert picture.alpha is not None
    assert picture.alpha.tolist() == [[255, 7]]


def test_transparent_colour_becomes_alpha() -> None:
    image = Image.fromarray(np.array([[[1, 2, 3], [1, 2, 4]]], np.uint8))
    image.info["transparency"] = (1, 2, 3)

    picture = Picture.from_pil(image)

    assert picture.alpha is not None
    assert picture.alpha.tolist() == [[0, 255]]


def test_samples_can_be_written_to() -> None:
    assert Picture.from_pil(Image.new("RGB", (3, 3))).samples.flags.writeable


@pytest.mark.parametrize(
    ("mode", "advice"),
    [
        ("CMYK", "RGB"),
        ("I", "uint16"),
        ("F", "8 bits"),
        ("LAB", "RGB"),
        ("RGBX", "RGB"),
    ],
)
def test_other_pil_modes_are_refused_with_advice(mode: str, advice: str) -> None:
    with pytest.raises(UnsupportedImage, match=advice):
        Picture.from_pil(Image.new(mode, (2, 2)))


def test_metadata_come_from_pil_and_go_back() -> None:
    image = Image.new("RGB", (2, 2))
    image.info.update(icc_profile=b"icc", exif=EXIF_PREFIX + b"II*\0", xmp=b"<x/>")

    picture = Picture.from_pil(image)

    assert (picture.icc, picture.exif, picture.xmp) == (b"icc", b"II*\0", b"<x/>")
    assert picture.to_pil().info == {"icc_profile": b"icc", "exif": b"II*\0", "xmp": b"<x/>"}


def test_without_leaves_out_what_is_named(exif_block: bytes) -> None:
    picture = Picture(pixels(2, 2, 3), icc=b"icc", exif=exif_block, xmp=b"<x/>")

    assert picture.orientation == 6
    assert picture.without(()).exif == exif_block
    assert picture.without({"xmp"}).xmp is None
    assert picture.without({"xmp"}).icc == b"icc"
    assert picture.without({"icc"}).icc is None


def test_orientation_survives_stripping(exif_block: bytes) -> None:
    picture = Picture(pixels(2, 2, 3), exif=exif_block).without({"exif"})

    assert picture.exif is not None
    assert len(picture.exif) == 26
    assert picture.orientation == 6


@pytest.mark.parametrize(
    "wrong",
    [
        {"samples": pixels(2, 2)},
        {"samples": pixels(2, 2, 4)},
        {"samples": pixels(2, 2, 3).astype(np.int16)},
        {"samples": pixels(0, 2, 3)},
        {"samples": pixels(2, 2, 3), "alpha": pixels(2, 3)},
        {"samples": pixels(2, 2, 3), "alpha": pixels(2, 2).astype(np.float32)},
    ],
)
def test_inconsistent_picture_raises(wrong: dict[str, np.ndarray]) -> None:
    with pytest.raises(UnsupportedImage):
        Picture(**wrong)


def test_picture_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Picture(pixels(2, 2, 3)).alpha = None
