"""Writing image files: what each format keeps, and what it refuses with which advice."""

from __future__ import annotations

import io
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from codec.errors import OptionError, OutputExists, UnsupportedImage
from codec.image.files import read_image
from codec.image.picture import Picture
from codec.image.writing import OUTPUT_FORMATS, find_format, image_bytes, write_image
from codec.options import Limits

ICC = bytes(range(256)) * 400
XMP = "<x:xmpmeta>ä</x:xmpmeta>".encode()


def picture(channels: int = 3, *, alpha: bool = False, smooth: bool = False) -> Picture:
    """A small picture, random or smooth."""
    if smooth:
        y, x = np.mgrid[:40, :48]
        samples = np.stack([4 * x + y, 3 * y + x, 100 + x], axis=2).astype(np.uint8)
    else:
        samples = np.random.default_rng(5).integers(0, 256, (17, 21, 3), dtype=np.uint8)
    plane = samples[..., 0] // 2 if alpha else None
    return Picture(samples[..., :channels], plane)


@pytest.mark.parametrize(
    ("name", "alpha"),
    [(name, alpha) for name in ("png", "tiff", "webp") for alpha in (False, True)]
    + [("ppm", False)],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_lossless_formats_keep_every_sample(
    name: str, channels: int, alpha: bool, limits: Limits
) -> None:
    original = picture(channels, alpha=alpha)

    again = read_image(image_bytes(original, OUTPUT_FORMATS[name], quality=100), limits=limits)

    expected = original.to_numpy()
    if name == "webp" and channels == 1:  # WebP knows only colour
        planes = (original.samples.repeat(3, axis=2), original.alpha)
        expected = Picture(*planes).to_numpy()
    assert np.array_equal(again.to_numpy(), expected)


@pytest.mark.parametrize("name", ["jpg", "webp"])
def test_lossy_formats_stay_close_by_default(name: str, limits: Limits) -> None:
    original = picture(smooth=True)

    again = read_image(image_bytes(original, OUTPUT_FORMATS[name]), limits=limits)

    difference = again.samples.astype(int) - original.samples
    assert 0 < np.abs(difference).mean() < 3


def test_lower_quality_is_smaller() -> None:
    original = picture(smooth=True)

    for name in ("jpg", "webp"):
        sizes = [len(image_bytes(original, OUTPUT_FORMATS[name], quality=q)) for q in (30, 95)]
        assert sizes[0] < sizes[1]


@pytest.mark.parametrize("quality", [0, 101, 50.0, True])
def test_output_quality_out_of_range_raises(quality: int) -> None:
    with pytest.raises(OptionError):
        image_bytes(picture(), OUTPUT_FORMATS["jpg"], quality=quality)


@pytest.mark.parametrize("name", ["jpg", "ppm"])
def test_alpha_is_refused_where_it_cannot_be_held(name: str) -> None:
    with pytest.raises(UnsupportedImage, match=r"png, webp, tiff or pam.*--ignore-alpha"):
        image_bytes(picture(alpha=True), OUTPUT_FORMATS[name])


def test_too_large_images_are_refused_before_any_work() -> None:
    with pytest.raises(UnsupportedImage, match="16383"):
        OUTPUT_FORMATS["webp"].check(16384, 1, alpha=False)
    with pytest.raises(UnsupportedImage, match="65500"):
        OUTPUT_FORMATS["jpg"].check(1, 65501, alpha=False)


@pytest.mark.parametrize("name", ["png", "jpg", "webp"])
def test_metadata_are_written_byte_for_byte(name: str, exif_block: bytes, limits: Limits) -> None:
    original = replace(picture(), icc=ICC, exif=exif_block, xmp=XMP)

    again = read_image(image_bytes(original, OUTPUT_FORMATS[name]), limits=limits)

    assert (again.icc, again.exif, again.xmp) == (ICC, exif_block, XMP)


@pytest.mark.parametrize("orientation", range(2, 9))
def test_tiff_holds_the_orientation_as_its_own_tag(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    original = replace(picture(), icc=ICC, exif=exif.tobytes()[6:], xmp=XMP)

    data = image_bytes(original, OUTPUT_FORMATS["tiff"])

    with Image.open(io.BytesIO(data)) as image:
        assert image.tag_v2[0x0112] == orientation
        assert image.tag_v2[256] == original.width
        assert image.info["icc_profile"] == ICC
        assert image.info["xmp"] == XMP


def test_ppm_warns_of_metadata_it_cannot_hold(
    caplog: pytest.LogCaptureFixture, exif_block: bytes
) -> None:
    with caplog.at_level(logging.WARNING, "codec"):
        image_bytes(replace(picture(), icc=ICC, exif=exif_block), OUTPUT_FORMATS["ppm"])
        image_bytes(picture(), OUTPUT_FORMATS["ppm"])

    assert [record.getMessage() for record in caplog.records] == [
        "ppm holds no metadata: ICC, EXIF left out"
    ]


@pytest.mark.parametrize("kind", ["exif", "xmp"])
def test_too_much_metadata_for_jpeg_is_refused(kind: str) -> None:
    large = replace(picture(), **{kind: b"II*\0" + bytes(70000)})

    with pytest.raises(UnsupportedImage, match=f"--strip {kind}"):
        image_bytes(large, OUTPUT_FORMATS["jpg"])


def test_xmp_that_png_cannot_hold_is_refused() -> None:
    with pytest.raises(UnsupportedImage, match="--strip xmp"):
        image_bytes(replace(picture(), xmp=b"\xff\xfe<x/>"), OUTPUT_FORMATS["png"])


@pytest.mark.parametrize("name", list(OUTPUT_FORMATS))
def test_same_picture_same_bytes(name: str) -> None:
    output = OUTPUT_FORMATS[name]
    channels = 3 if output.colour else 1

    assert image_bytes(picture(channels), output) == image_bytes(picture(channels), output)


@pytest.mark.parametrize(
    ("path", "name", "expected"),
    [
        ("a.png", None, "png"),
        ("a.PNG", None, "png"),
        ("a.jpg", None, "jpg"),
        ("a.jpeg", None, "jpg"),
        ("a.tif", None, "tiff"),
        (Path("a.webp"), None, "webp"),
        ("a.pgm", None, "pgm"),
        ("a.pnm", None, "ppm"),
        ("a.png", "jpeg", "jpg"),
        (None, "PNG", "png"),
        (None, ".tif", "tiff"),
    ],
)
def test_formats_are_found(path: str | Path | None, name: str | None, expected: str) -> None:
    assert find_format(path, name).name == expected


@pytest.mark.parametrize(
    ("path", "name"), [("a", None), ("a.txt", None), (None, None), ("a.png", "bmp")]
)
def test_unknown_formats_raise_with_the_choice(path: str | None, name: str | None) -> None:
    with pytest.raises(OptionError, match="png, jpg, webp, tiff, ppm"):
        find_format(path, name)


def test_writing_to_a_path_and_to_a_file_give_the_same(tmp_path: Path) -> None:
    buffer = io.BytesIO()

    write_image(picture(), tmp_path / "a.png")
    write_image(picture(), buffer, format="png")

    assert (tmp_path / "a.png").read_bytes() == buffer.getvalue()


def test_existing_file_is_refused_without_force(tmp_path: Path) -> None:
    target = tmp_path / "a.png"
    target.write_bytes(b"old")

    with pytest.raises(OutputExists):
        write_image(picture(), target)
    assert target.read_bytes() == b"old"

    write_image(picture(), target, force=True)
    assert target.read_bytes().startswith(b"\x89PNG")


def test_refused_picture_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedImage):
        write_image(picture(alpha=True), tmp_path / "a.jpg")

    assert list(tmp_path.iterdir()) == []
