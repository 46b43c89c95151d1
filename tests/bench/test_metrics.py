"""Colour conversion and metrics of the benchmark."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("pytorch_msssim", reason="bench extra not installed")

from bench import yuv
from bench.metrics import measure
from tests.model_fixtures import synthetic_picture


def test_colours_of_the_standard() -> None:
    """Corners of BT.709, full range, 10 bits."""
    rgb = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 0, 255]]], np.uint8)

    y, cb, cr = yuv.to_planes(rgb)

    assert y.tolist() == [[0, 1023, round(0.2126 * 1023), round(0.0722 * 1023)]]
    assert cb.tolist() == [[512, 512, round(512 - 1023 * 0.2126 / 1.8556), 1023]]
    assert cr.tolist() == [[512, 512, 1023, round(512 - 1023 * 0.0722 / 1.5748)]]


def test_every_colour_survives_ten_bits() -> None:
    """10-bit planes keep 8-bit RGB to within one step."""
    rgb = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)

    back = yuv.to_rgb(yuv.to_planes(rgb))

    assert np.abs(back.astype(int) - rgb).max() <= 1


def test_halving_takes_rounded_means() -> None:
    plane = np.array([[0, 1, 5, 5], [1, 0, 5, 6]], np.uint16)

    assert yuv.halve(plane).tolist() == [[1, 5]]


def test_psnr_of_a_known_error() -> None:
    original = np.full((176, 192, 3), 100, np.uint8)
    decoded = original + np.uint8(5)

    found = measure(original, decoded)

    assert found["psnr"] == pytest.approx(10 * math.log10(255**2 / 25))
    assert 0.9 < found["ms_ssim"] < 1
    assert found["psnr_yuv"] > found["psnr"]  # the error is in Y alone


def test_equal_images_and_small_ones() -> None:
    image = synthetic_picture(40, 50)

    found = measure(image, image)

    assert math.isinf(found["psnr"])
    assert math.isnan(found["ms_ssim"])


def test_images_of_different_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="expected"):
        measure(synthetic_picture(40, 50), synthetic_picture(40, 51))
