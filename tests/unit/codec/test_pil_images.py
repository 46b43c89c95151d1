"""Images of PIL: alpha however a mode carries it, and the frame that the caller chose."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile

from codec.errors import UnsupportedImage
from codec.image.files import open_picture, read_image
from codec.image.picture import Picture
from codec.options import Limits

RGBA = np.random.default_rng(8).integers(0, 256, (9, 7, 4), np.uint8)
RGBA[:3, :, 3] = 0


def images_with_alpha() -> dict[str, Image.Image]:
    """Images in every mode that can carry alpha."""
    rgba = Image.fromarray(RGBA)
    rgb, grey = rgba.convert("RGB"), rgba.convert("L")
    palette = rgb.quantize(16)
    images = {
        "RGBA": rgba,
        "LA": rgba.convert("LA"),
        "La": rgba.convert("LA").convert("La"),
        "RGBa": rgba.convert("RGBa"),
        "PA": palette.convert("PA"),
        "P of RGBA": rgba.quantize(16, method=Image.Quantize.FASTOCTREE),
        "P and a number": palette.copy(),
        "P and bytes": palette.copy(),
        "P of RGBA and a number": rgba.quantize(16, method=Image.Quantize.FASTOCTREE),
        "RGB and a colour": rgb.copy(),
        "L and a number": grey.copy(),
        "1 and a number": grey.convert("1"),
        "1 and 255": grey.convert("1"),
        "1 and 0": grey.convert("1"),
    }
    images["P and a number"].info["transparency"] = 3
    images["P of RGBA and a number"].info["transparency"] = 3
    images["P and bytes"].info["transparency"] = bytes(range(0, 160, 10))
    images["RGB and a colour"].info["transparency"] = tuple(int(v) for v in RGBA[4, 4, :3])
    images["L and a number"].info["transparency"] = grey.getpixel((4, 4))
    images["1 and a number"].info["transparency"] = 1
    images["1 and 255"].info["transparency"] = 255
    images["1 and 0"].info["transparency"] = 0
    return images


@pytest.mark.parametrize("name", list(images_with_alpha()))
def test_alpha_is_kept_however_a_mode_carries_it(name: str, limits: Limits) -> None:
    image = images_with_alpha()[name]

    picture = open_picture(image, limits=limits)

    assert picture.alpha is not None
    if image.mode == "1":  # PIL converts the value of the transparent colour in its own way
        key = 255 if image.info["transparency"] else 0
        assert np.array_equal(picture.alpha == 0, np.array(image.convert("L")) == key)
        return
    expected = np.array((image.convert("LA") if image.mode == "La" else image).convert("RGBA"))
    assert np.array_equal(picture.alpha, expected[..., 3])
    assert np.array_equal(np.broadcast_to(picture.samples, (9, 7, 3)), expected[..., :3])


@pytest.mark.parametrize("mode", ["P", "L", "RGB", "1"])
def test_opaque_images_get_no_alpha(mode: str, limits: Limits) -> None:
    image = Image.fromarray(RGBA[..., :3]).convert(mode)

    assert open_picture(image, limits=limits).alpha is None


@pytest.mark.parametrize(
    ("mode", "entries"), [("LA", [9, 0, 6, 99] * 2), ("RGBA", [9, 8, 7, 0, 6, 5, 4, 99] * 2)]
)
def test_palettes_of_other_modes_are_read(mode: str, entries: list[int], limits: Limits) -> None:
    image = Image.new("P", (4, 1))
    image.putdata([0, 1, 2, 3])
    image.putpalette(bytes(entries), mode)

    picture = open_picture(image, limits=limits)

    assert picture.alpha is not None
    assert picture.alpha[0, :2].tolist() == [0, 99]


@pytest.mark.parametrize(
    ("mode", "value"),
    [("L", b"ab"), ("L", (1, 2)), ("RGB", (1, 2)), ("RGB", "x"), ("RGB", b"abc"), ("L", object())],
)
def test_transparency_that_makes_no_sense_is_refused(mode: str, value: Any) -> None:
    image = Image.new(mode, (4, 4))
    image.info["transparency"] = value

    with pytest.raises(UnsupportedImage, match="transparency"):
        Picture.from_pil(image)


def animation(kind: str) -> bytes:
    """Four frames, each of another shade."""
    frames = [Image.new("RGB", (8, 8), (60 * n, 9, 200 - 60 * n)) for n in range(4)]
    buffer = io.BytesIO()
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:], **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("frame", [3, 1])
def test_frame_that_was_chosen_is_read(kind: str, frame: int, limits: Limits) -> None:
    data = animation(kind)

    with Image.open(io.BytesIO(data)) as image:
        image.seek(frame)
        picture = open_picture(image, limits=limits)
        assert image.tell() == frame
        image.seek(0)
        with pytest.raises(UnsupportedImage, match=r"seek|extract"):
            open_picture(image, limits=limits)
        assert open_picture(image.copy(), limits=limits).samples[0, 0].tolist() == [0, 9, 200]

    assert picture.samples[0, 0].tolist() == [60 * frame, 9, 200 - 60 * frame]


@pytest.mark.parametrize("kind", ["PNG", "GIF", "TIFF", "JPEG"])
def test_callers_who_make_errors_of_warnings_get_the_same_picture(
    kind: str, limits: Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    buffer = io.BytesIO()
    Image.fromarray(RGBA[..., :3]).save(buffer, kind)
    expected = read_image(buffer.getvalue(), limits=limits).samples
    load = ImageFile.ImageFile.load

    def warn(self: ImageFile.ImageFile) -> Any:
        warnings.warn("an oddity", UserWarning, stacklevel=2)
        return load(self)

    monkeypatch.setattr(ImageFile.ImageFile, "load", warn)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        filters = list(warnings.filters)

        assert np.array_equal(read_image(buffer.getvalue(), limits=limits).samples, expected)
        assert warnings.filters == filters
