"""SSIMULACRA2: the authors' scores, agreement with a package, and what does not change it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from codec.image.ssimulacra2 import SSIMULACRA2_MIN_SIDE, ssimulacra2

pytest.importorskip("codec.image._metrics", reason="needs the compiled core")

KODIM23 = Path(__file__).parents[3] / "examples" / "kodim23.png"

CORNER = (slice(0, 256), slice(0, 256))
ODD = (slice(3, 252), slice(5, 420))
SMALL = (slice(0, 100), slice(3, 76))
TINY = (slice(20, 33), slice(100, 137))
LEAST = (slice(0, 8), slice(0, 8))


@cache
def picture() -> np.ndarray:
    return np.asarray(Image.open(KODIM23).convert("RGB"))


def changed(how: str) -> np.ndarray:
    """The picture with a distortion that any machine makes alike."""
    original = picture()
    if how == "coarse":
        return (original // 16 * 16 + 8).astype(np.uint8)
    if how == "lowest bit":
        return original ^ 1
    y, x = np.indices(original.shape[:2])
    noise = ((x * 7919 + y * 104729) % 41 - 20)[..., None]
    return np.clip(original + noise, 0, 255).astype(np.uint8)


def pair(how: str, part: tuple[slice, slice]) -> tuple[np.ndarray, np.ndarray]:
    return picture()[part], changed(how)[part]


@pytest.mark.parametrize(
    ("how", "part", "expected"),
    [
        ("coarse", CORNER, 33.69281),
        ("coarse", ODD, 38.75154),
        ("coarse", SMALL, 58.92059),
        ("coarse", TINY, 89.82802),
        ("coarse", LEAST, 94.20375),
        ("noise", CORNER, 36.72220),
        ("noise", ODD, 36.02217),
        ("noise", SMALL, 77.07592),
        ("noise", TINY, 76.86944),
        ("noise", LEAST, 87.18311),
        ("lowest bit", CORNER, 93.13156),
        ("lowest bit", ODD, 93.21035),
        ("lowest bit", SMALL, 92.74447),
        ("lowest bit", TINY, 97.30886),
        ("lowest bit", LEAST, 97.90941),
    ],
)
def test_the_authors_program_finds_the_same(
    how: str, part: tuple[slice, slice], expected: float
) -> None:
    """Expected: ssimulacra2.cc of github.com/cloudinary/ssimulacra2 at 81feacf, compiled with
    libjxl's images, colours and recursive filter written anew: exact curves in double precision.
    """
    assert ssimulacra2(*pair(how, part)) == pytest.approx(expected, abs=0.01)


def test_the_score_stays() -> None:
    """On every machine: all is arithmetic of IEEE 754 but `std::pow`, right to its last place."""
    assert ssimulacra2(*pair("coarse", ODD)) == pytest.approx(38.751434649277826, abs=1e-9)


def package_score(
    folder: Path, a: np.ndarray, b: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> float:
    """Of the package ssimulacra2, which reads files, with the window that the authors have.

    Its own has two taps more and mirrors the picture at its left and right. That alone takes 1 off
    the score of a part of 256 x 256 pixels coded by AVIF at 54, and 4 off `coarse`.
    """
    package = pytest.importorskip("ssimulacra2.ssimulacra2", reason="test extra not installed")
    monkeypatch.setattr(package, "blur_image", authors_blur)
    paths = []
    for name, image in (("a.png", a), ("b.png", b)):
        paths.append(str(folder / name))
        Image.fromarray(image).save(paths[-1], compress_level=1)
    return float(package.compute_ssimulacra2(*paths))


def authors_blur(image: np.ndarray, *_: Any) -> np.ndarray:
    """The window of libjxl, by its impulse response."""
    taps = [0.00941436781, 0.03601111466, 0.10933537278, 0.21292859201, 0.26462110549]
    for axis in (0, 1):
        margin = [(4, 4) if n == axis else (0, 0) for n in range(3)]
        padded = np.moveaxis(np.pad(image, margin), axis, 0)
        size = image.shape[axis]
        sums = sum(tap * padded[n : n + size] for n, tap in enumerate(taps + taps[-2::-1]))
        image = np.moveaxis(np.asarray(sums), 0, axis)
    return image


@pytest.mark.parametrize("how", ["coarse", "noise", "lowest bit"])
def test_agrees_with_a_package_that_is_given_the_authors_window(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = pair(how, CORNER)

    assert ssimulacra2(a, b) == pytest.approx(package_score(tmp_path, a, b, monkeypatch), abs=0.01)


@pytest.mark.parametrize("part", [CORNER, ODD, TINY, LEAST])
def test_equal_pictures_have_100(part: tuple[slice, slice]) -> None:
    image = picture()[part]

    assert ssimulacra2(image, image.copy()) == 100.0
    assert ssimulacra2(image[..., 1], image[..., 1]) == 100.0


def test_more_noise_scores_less() -> None:
    scores = [
        ssimulacra2(picture()[CORNER], (picture()[CORNER] // step * step).astype(np.uint8))
        for step in (2, 4, 8, 16, 32)
    ]

    assert sorted(scores, reverse=True) == scores
    assert scores[0] < 100


def test_opposite_pictures_score_below_zero() -> None:
    image = picture()[CORNER]

    assert ssimulacra2(image, 255 - image) < -50


@pytest.mark.parametrize("part", [ODD, TINY])
def test_threads_do_not_change_the_score(part: tuple[slice, slice]) -> None:
    scores = {ssimulacra2(*pair("coarse", part), threads=n) for n in (0, 1, 2, 3, 7)}

    assert len(scores) == 1


def test_grey_is_three_equal_planes() -> None:
    a, b = (image[..., 1] for image in pair("coarse", ODD))
    colour = [np.repeat(plane[..., None], 3, axis=2) for plane in (a, b)]
    expected = ssimulacra2(*colour)

    assert ssimulacra2(a, b) == expected
    assert ssimulacra2(a[..., None], colour[1]) == expected


def test_16_bits_count_in_full() -> None:
    a, b = pair("coarse", SMALL)
    deep_a, deep_b = a.astype(np.uint16) * 257, b.astype(np.uint16) * 257

    assert ssimulacra2(deep_a, deep_b) == ssimulacra2(a, b)
    assert 99 < ssimulacra2(deep_a, deep_a + (deep_a < 65535)) < 100


@pytest.mark.parametrize("shape", [(7, 100), (100, 7, 3), (1, 1)])
def test_is_not_defined_below_8_pixels(shape: tuple[int, ...]) -> None:
    assert SSIMULACRA2_MIN_SIDE == 8
    assert ssimulacra2(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)) is None


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (np.zeros((9, 9), np.uint8), np.zeros((9, 10), np.uint8)),
        (np.zeros((9, 9), np.uint8), np.zeros((9, 9), np.uint16)),
        (np.zeros((9, 9), np.float32), np.zeros((9, 9), np.float32)),
        (np.zeros((9, 9, 2), np.uint8), np.zeros((9, 9, 2), np.uint8)),
        (np.zeros(81, np.uint8), np.zeros(81, np.uint8)),
    ],
)
def test_pictures_that_cannot_be_compared_are_refused(a: np.ndarray, b: np.ndarray) -> None:
    with pytest.raises(ValueError, match="needed"):
        ssimulacra2(a, b)


@pytest.mark.parametrize("width", [8, 9, 15, 16, 17, 31, 63, 65])
@pytest.mark.parametrize("height", [8, 11, 64, 65])
def test_any_size_has_a_score(width: int, height: int) -> None:
    rng = np.random.default_rng(width * height)
    a = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    b = np.clip(a + rng.integers(-9, 10, a.shape), 0, 255).astype(np.uint8)

    assert -100 < ssimulacra2(a, b) < 100
