"""What every profile does as the default does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

import codec
from codec.frame.mixing import least_psnr
from codec.image.metrics import psnr
from codec.image.picture import Picture
from codec.models import registry

LIGHT, VQ = "wavelet-light", "vq"
PROFILES = (LIGHT, VQ)

pytestmark = pytest.mark.weights


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize(("profile", "quality", "least"), [(LIGHT, 60, 32), (VQ, 100, 19)])
def test_every_kind_of_picture(
    crop: np.ndarray, profile: str, quality: int, least: float, channels: int
) -> None:
    alpha = np.broadcast_to(np.arange(256, dtype=np.uint8), crop.shape[:2])
    planes = crop if channels > 2 else crop[..., 1:2]
    pixels = planes if channels in (1, 3) else np.dstack([planes, alpha])
    picture = replace(
        Picture.from_numpy(pixels), icc=b"profile", exif=b"II*\0\x08\0\0\0\0\0\0\0\0\0"
    )

    data = codec.Encoder(profile=profile).encode(picture, quality=quality)
    decoded = codec.decode(data)

    assert codec.info(data).profile == profile
    assert codec.info(data).icc_bytes == 7
    assert decoded.shape == pixels.shape
    colours = slice(0, planes.shape[2])
    assert psnr(planes, decoded[..., colours]) > least
    if channels in (2, 4):
        assert np.array_equal(decoded[..., -1], alpha)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_crop_is_what_the_whole_has_there(photo: np.ndarray, profile: str) -> None:
    data = codec.encode(photo, profile=profile, quality=40, tile=128)
    whole = codec.decode(data)

    for x, y, w, h in ((0, 0, 1, 1), (117, 130, 77, 61), (700, 500, 68, 12)):
        assert np.array_equal(codec.decode(data, crop=(x, y, w, h)), whole[y : y + h, x : x + w])


@pytest.mark.parametrize(
    ("profile", "quality"),
    [*((LIGHT, q) for q in (0, 30, 75, 100)), *((VQ, q) for q in (0, 50, 100))],
)
def test_no_picture_is_destroyed(crop: np.ndarray, profile: str, quality: int) -> None:
    image = Image.fromarray(crop.copy())
    draw = ImageDraw.Draw(image)
    for line in range(6):
        draw.text((4, 4 + 14 * line), "thin letters over a photograph", fill=(250, 20, 90))
    noise = np.random.default_rng(1).integers(0, 256, (64, 256, 3), np.uint8)
    checker = np.indices((64, 256)).sum(0)[..., None] % 2 * np.array([255, 255, 255])
    pixels = np.concatenate([np.asarray(image), noise, checker.astype(np.uint8)])

    data = codec.encode(pixels, profile=profile, quality=quality, tile=64)
    decoded = codec.decode(data)

    floor = least_psnr(registry.default(profile), codec.info(data).level)
    for top in range(0, pixels.shape[0], 64):
        for left in range(0, 256, 64):
            part = np.s_[top : top + 64, left : left + 64]
            assert psnr(pixels[part], decoded[part]) >= floor - 0.01
    assert len(data) <= len(codec.encode(pixels, lossless=True, tile=64)) + 64
