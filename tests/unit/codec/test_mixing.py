"""Parts of pictures that are no photographs are coded sample by sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import codec
from codec.frame.cell_coder import largest_error
from codec.frame.mixing import PROMISE_DB, least_psnr
from codec.models import registry

ROOT = Path(__file__).parents[3]
ENTRY = registry.default("wavelet")
LEVELS = ENTRY.levels

pytestmark = pytest.mark.weights


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    mse = ((a.astype(float) - b) ** 2).mean()
    return float("inf") if mse == 0 else float(10 * np.log10(255**2 / mse))


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    from PIL import Image

    return np.array(Image.open(ROOT / "examples" / "kodim23.png"))[:384, :512]


@pytest.fixture(scope="module")
def page() -> np.ndarray:
    """Text on white, as wide as two cells and more."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (448, 256), "white")
    draw = ImageDraw.Draw(image)
    for line in range(16):
        draw.text(
            (4, 16 * line),
            f"{line:3} The quick brown fox jumps over the lazy dog",
            fill=(9, 20, 90),
        )
    return np.array(image)


def test_photographs_are_as_they_were(photo: np.ndarray) -> None:
    data = codec.encode(photo, quality=75)

    assert codec.info(data).modes == {"learned": 1.0}
    assert codec.info(data).model == registry.default("wavelet").name


def test_a_page_of_text_comes_back_exactly_in_fewer_bytes(page: np.ndarray) -> None:
    data = codec.encode(page, quality=75)

    assert np.array_equal(codec.decode(data), page)
    assert codec.info(data).lossless
    assert len(data) < 0.05 * page.nbytes


@pytest.mark.parametrize("quality", [25, 75, 95])
@pytest.mark.parametrize("grey", [False, True])
def test_text_in_a_photograph_is_exact_and_the_rest_is_not(
    photo: np.ndarray, page: np.ndarray, quality: int, grey: bool
) -> None:
    mixed = photo.copy()
    mixed[64:192, 64:384] = page[:128, :320]
    if grey:
        mixed = mixed[..., 1:2]

    data = codec.encode(mixed, quality=quality)

    modes = codec.info(data).modes
    assert {"learned", "screen"} <= set(modes)
    decoded = codec.decode(data)
    same = (decoded[64:192, 64:384] == mixed[64:192, 64:384]).all(axis=2)
    assert same.all() if quality >= 75 else same.mean() > 0.5
    level = round(quality * (LEVELS - 1) / 100)
    assert psnr(decoded, mixed) >= least_psnr(ENTRY, level)
    crop = codec.decode(data, crop=(50, 40, 200, 100))
    assert np.array_equal(crop, decoded[40:140, 50:250])


@pytest.mark.parametrize("effort", [7, 8])
def test_files_of_mixed_pictures_do_not_depend_on_threads(
    photo: np.ndarray, page: np.ndarray, effort: int
) -> None:
    if effort == 8:
        pytest.importorskip("torch")
    mixed = photo.copy()
    mixed[64:192, 64:384] = page[:128, :320]

    files = {codec.encode(mixed, tile=128, threads=n, effort=effort) for n in (1, 2)}

    assert len(files) == 1


HARD = {
    "noise": lambda rng, y, x: rng.integers(0, 256, (*y.shape, 3)),
    "stripes": lambda rng, y, x: (x % 2 * 255)[..., None].repeat(3, 2),
    "checker": lambda rng, y, x: ((x + y) % 2 * 255)[..., None].repeat(3, 2),
    "colours": lambda rng, y, x: rng.choice([0, 255], (16, 16, 3)).repeat(16, 0).repeat(16, 1),
    "dots": lambda rng, y, x: np.where((x % 7 == 3) & (y % 5 == 1), 255, 0)[..., None].repeat(3, 2),
}


@pytest.mark.parametrize("kind", list(HARD))
@pytest.mark.parametrize("level", [0, 31, 47, 63])
def test_no_picture_is_destroyed(kind: str, level: int) -> None:
    y, x = np.mgrid[:256, :256]
    pixels = HARD[kind](np.random.default_rng(5), y, x).astype(np.uint8)

    data = codec.encode(pixels, level=level)

    assert psnr(codec.decode(data), pixels) >= least_psnr(ENTRY, level)
    assert len(data) <= len(codec.encode(pixels, lossless=True)) + 64


def test_the_promise_rises_with_the_level() -> None:
    promised = [least_psnr(ENTRY, level) for level in range(LEVELS)]

    assert promised == sorted(promised)
    assert promised[0] == pytest.approx(25.9 - PROMISE_DB)
    assert promised[47] == pytest.approx(29.4, abs=0.3)


def test_the_largest_error_meets_the_promise() -> None:
    for promised in (18.0, 29.0, 33.7, 48.1, 60.0):
        error = largest_error(promised)
        uniform = np.arange(-error, error + 1)
        assert 10 * np.log10(255**2 / max((uniform**2).mean(), 1e-9)) >= promised
        wider = np.arange(-error - 1, error + 2)
        assert 10 * np.log10(255**2 / (wider**2).mean()) < promised


def test_targets_are_met_by_mixed_pictures(photo: np.ndarray, page: np.ndarray) -> None:
    mixed = photo.copy()
    mixed[64:192, 64:384] = page[:128, :320]

    small = codec.encode(mixed, target_size=12_000)
    good = codec.encode(mixed, target_psnr=38.0)
    fine = codec.encode(mixed, target_ssimulacra2=75)

    assert len(small) <= 12_000
    assert psnr(codec.decode(good), mixed) >= 38.0
    score = codec.verify(fine, mixed).ssimulacra2
    assert score is not None
    assert 75 <= score < 85


@pytest.mark.parametrize("level", [31, 47, 63])
def test_a_small_patch_of_noise_does_not_break_the_promise(level: int) -> None:
    y, x = np.mgrid[:300, :300]
    smooth = [x * 200 // 300 + 20, y * 200 // 300 + 20, (x + y) * 100 // 600 + 40]
    pixels = np.stack(smooth, axis=2).astype(np.uint8)
    pixels[20:28, 20:140] = np.random.default_rng(0).integers(0, 2, (8, 120, 3)) * 255

    data = codec.encode(pixels, level=level)

    assert psnr(codec.decode(data), pixels) >= least_psnr(ENTRY, level)


@pytest.mark.parametrize("size", [(300, 1), (1, 700), (3, 500), (9, 400), (65, 129)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("level", [10, 47, 62])
def test_thin_pictures_are_no_larger_than_exactly(
    size: tuple[int, int], channels: int, level: int
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*size, channels), np.uint8)

    data = codec.encode(pixels, level=level)

    assert len(data) <= len(codec.encode(pixels, lossless=True)) + 64
