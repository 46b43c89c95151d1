"""Lattices: decoded JPEGs and video frames give back their YCbCr, other pictures are left alone."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from entropy.predictive import _predictive as native

LIMITED = {2: (104600, -25672, -53280, 132200), 3: (117488, -13976, -34928, 138440)}


def picture(seed: int, sigma: float) -> npt.NDArray[np.uint8]:
    """Coloured waves with noise; where `sigma` is large, many samples are clipped."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:120, :160] / 30
    waves = [np.sin(x * a + y * b) * 90 + 128 for a, b in ((1, 2), (2, -1), (0.5, 1.5))]
    return np.clip(np.stack(waves, -1) + rng.normal(0, sigma, (120, 160, 3)), 0, 255).astype(
        np.uint8
    )


def limited_rgb(ycc: npt.NDArray[np.int64], preset: int) -> npt.NDArray[np.uint16]:
    """SCREEN.md, L: lattices, presets 2 and 3."""
    red, green_u, green_v, blue = LIMITED[preset]
    luma = 76312 * (ycc[..., 0] - 16) >> 16
    u, v = ycc[..., 1] - 128, ycc[..., 2] - 128
    g = (green_u * u >> 16) + (green_v * v >> 16)
    rgb = np.stack([luma + (red * v >> 16), luma + g, luma + (blue * u >> 16)], -1)
    clipped: npt.NDArray[np.uint16] = np.clip(rgb, 0, 255).astype(np.uint16)
    return clipped


@pytest.mark.parametrize("quality", [75, 90, 95])
@pytest.mark.parametrize("subsampling", ["4:2:0", "4:4:4"])
@pytest.mark.parametrize("sigma", [0, 4, 60])
def test_decoded_jpegs(quality: int, subsampling: str, sigma: float) -> None:
    coded = io.BytesIO()
    Image.fromarray(picture(quality, sigma)).save(
        coded, "JPEG", quality=quality, subsampling=subsampling
    )
    image = Image.open(coded)
    rgb = np.asarray(image.convert("RGB")).astype(np.uint16)

    preset, planes = native.to_lattice(rgb)

    assert preset == 1
    assert planes.max() < 256
    assert np.array_equal(native.from_lattice(planes, preset), rgb)
    coded.seek(0)
    image = Image.open(coded)
    image.draft("YCbCr", image.size)
    inside = ((rgb > 0) & (rgb < 255)).all(-1)
    assert np.array_equal(planes[inside], np.asarray(image)[inside])


@pytest.mark.parametrize("preset", [2, 3])
def test_video_frames(preset: int) -> None:
    ycc = np.asarray(Image.fromarray(picture(preset, 3)).convert("YCbCr")).astype(np.int64)
    rgb = limited_rgb(ycc, preset)

    found, planes = native.to_lattice(rgb)

    assert found == preset
    assert np.array_equal(native.from_lattice(planes, preset), rgb)
    assert np.array_equal(limited_rgb(planes.astype(np.int64), preset), rgb)


def test_photo_cd() -> None:
    ycc = np.asarray(Image.fromarray(picture(4, 2)).convert("YCbCr")).astype(np.int64)
    luma = 89024 * (ycc[..., 0] * 3 // 4)
    u, v = 145352 * (ycc[..., 1] - 128), 119374 * (ycc[..., 2] - 128)  # here greys are at 128
    green = luma - 12714 * (u >> 16) - 33358 * (v >> 16)
    rgb = np.clip(np.stack([luma + v, green, luma + u], -1) >> 16, 0, 255).astype(np.uint16)

    preset, planes = native.to_lattice(rgb)

    assert preset == 4
    assert np.array_equal(native.from_lattice(planes, preset), rgb)
    inside = ((rgb > 0) & (rgb < 255)).all(-1)
    assert np.array_equal(
        planes[inside] - [0, 156 - 128, 137 - 128], (ycc * [3, 4, 4] // 4)[inside]
    )


@pytest.mark.parametrize("sigma", [0, 4, 60])
def test_other_pictures_are_on_none(sigma: float) -> None:
    assert native.to_lattice(picture(1, sigma).astype(np.uint16)) == (0, None)


def test_one_foreign_pixel_is_noticed() -> None:
    coded = io.BytesIO()
    Image.fromarray(picture(3, 4)).save(coded, "JPEG", quality=90)
    rgb = np.asarray(Image.open(coded)).astype(np.uint16)
    assert native.to_lattice(rgb)[0] == 1
    presets = []
    for step in range(8):  # a pixel may be on the lattice by chance, not all of its neighbours
        changed = rgb.copy()
        changed[57, 31] = np.clip(rgb[57, 31], 9, 240) + np.array(
            [step & 1, step >> 1 & 1, step >> 2]
        )
        presets.append(native.to_lattice(changed)[0])
    assert 0 in presets


def test_nothing_to_gain() -> None:
    grey = np.repeat(np.arange(256, dtype=np.uint16).reshape(16, 16, 1), 3, -1)
    assert native.to_lattice(grey) == (0, None)
    assert native.to_lattice(np.zeros((5, 5, 1), np.uint16)) == (0, None)
    assert native.to_lattice(np.full((1, 1, 3), 9, np.uint16)) == (0, None)
