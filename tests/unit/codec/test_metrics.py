"""PSNR and MS-SSIM: known values, and agreement with the usual implementation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from codec.image import metrics
from codec.image.metrics import ms_ssim, psnr


def noisy_pair(shape: tuple[int, int, int], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A smooth picture with two different amounts of noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    base = (127 + 80 * np.sin(x / 9.0) * np.cos(y / 13.0))[..., None] + np.zeros(shape)
    first = np.clip(base + rng.integers(-20, 21, shape), 0, 255).astype(np.uint8)
    second = np.clip(base + rng.integers(-40, 41, shape), 0, 255).astype(np.uint8)
    return first, second


def test_equal_images_are_infinitely_good() -> None:
    image, _ = noisy_pair((170, 180, 3), 0)

    assert psnr(image, image) == math.inf
    assert ms_ssim(image, image) == pytest.approx(1.0, abs=1e-12)


def test_psnr_of_a_known_difference() -> None:
    a = np.zeros((10, 10, 3), np.uint8)
    b = a.copy()
    b[...] = 5

    assert psnr(a, b) == pytest.approx(10 * math.log10(255**2 / 25))
    assert psnr(b, a) == psnr(a, b)
    assert psnr(a, np.full_like(a, 255)) == pytest.approx(0.0)


def test_psnr_does_not_depend_on_the_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = noisy_pair((300, 40, 3), 1)
    whole = psnr(a, b)
    monkeypatch.setattr(metrics, "_BAND_ROWS", 7)

    assert psnr(a, b) == whole


# From pytorch-msssim 1.0.0: ms_ssim(..., data_range=255) of the same pairs in float64.
@pytest.mark.parametrize(
    ("shape", "seed", "expected"),
    [
        ((176, 208, 3), 1, 0.8459842147652995),
        ((177, 209, 3), 2, 0.8459990432160017),
        ((161, 161, 1), 3, 0.8447033500472587),
        ((300, 175, 3), 4, 0.8454142473946865),
    ],
)
def test_ms_ssim_agrees_with_pytorch_msssim(
    shape: tuple[int, int, int], seed: int, expected: float
) -> None:
    assert ms_ssim(*noisy_pair(shape, seed)) == pytest.approx(expected, abs=1e-5)


def test_ms_ssim_does_not_depend_on_the_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = noisy_pair((200, 170, 1), 5)
    whole = ms_ssim(a, b)
    monkeypatch.setattr(metrics, "_BAND_ROWS", 31)

    assert ms_ssim(a, b) == pytest.approx(whole, abs=1e-12)


def test_ms_ssim_of_a_plane_equals_that_of_one_channel() -> None:
    a, b = noisy_pair((170, 170, 1), 6)

    assert ms_ssim(a[..., 0], b[..., 0]) == ms_ssim(a, b)


@pytest.mark.parametrize("shape", [(160, 200, 3), (200, 160, 1), (1, 1, 3)])
def test_ms_ssim_of_small_images_is_none(shape: tuple[int, int, int]) -> None:
    image = np.zeros(shape, np.uint8)

    assert ms_ssim(image, image) is None


@pytest.mark.parametrize("measure", [psnr, ms_ssim])
def test_unequal_images_raise(measure: object) -> None:
    assert callable(measure)
    a = np.zeros((200, 200, 3), np.uint8)
    with pytest.raises(ValueError, match="one shape"):
        measure(a, a[:, :199])
    with pytest.raises(ValueError, match="uint8"):
        measure(a, a.astype(np.int16))


def test_16_bits_are_measured_against_their_own_peak() -> None:
    rng = np.random.default_rng(3)
    a = rng.integers(0, 256, (170, 180, 3), dtype=np.uint8)
    b = rng.integers(0, 256, (170, 180, 3), dtype=np.uint8)
    wide_a, wide_b = (x * np.uint16(257) for x in (a, b))

    assert psnr(wide_a, wide_b) == pytest.approx(psnr(a, b), abs=1e-12)
    assert ms_ssim(wide_a, wide_b) == ms_ssim(a, b)
    black, white = np.zeros((2, 2), np.uint16), np.full((2, 2), 65535, np.uint16)
    assert psnr(black, white) == 0
    with pytest.raises(ValueError, match="two uint8 or two uint16"):
        psnr(a, wide_a)
