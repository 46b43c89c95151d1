"""The visual model: chosen by --tune, better by what people see, and as safe as the other."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import codec
import codec.pillow_plugin
from bitstream import read_header
from codec.errors import UnknownModel
from codec.frame.mixing import least_psnr
from codec.image.metrics import ms_ssim, psnr
from codec.image.ssimulacra2 import ssimulacra2
from codec.models import registry
from codec.models.quality import lmbda_of
from codec.models.weights import read_verified
from codec.trainable.distortion import Visual
from codec.trainable.weights import read_trained

ROOT = Path(__file__).parents[3]
VISUAL = registry.default("wavelet", "visual")

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def crop(photo: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(photo[128:320, 256:512])


def test_files_say_what_they_are_tuned_for(crop: np.ndarray) -> None:
    plain, visual = (codec.encode(crop, tune=tune) for tune in (None, "visual"))

    assert codec.info(plain).tune == "psnr"
    assert (codec.info(visual).tune, codec.info(visual).model) == ("visual", VISUAL.name)
    assert read_header(visual).model_id == VISUAL.id
    assert codec.encode(crop, tune="psnr") == plain
    assert codec.encode(crop, model=VISUAL.name) == visual
    assert codec.info(codec.encode(crop, tune="visual", lossless=True)).tune == "none"


@pytest.mark.parametrize(
    "wrong", [{"tune": "nicer"}, {"tune": "visual", "model": "wavelet-11"}, {"tune": ""}], ids=str
)
def test_tunes_that_there_are_not_are_refused(crop: np.ndarray, wrong: dict[str, str]) -> None:
    for more in ({}, {"lossless": True}):
        with pytest.raises(UnknownModel):
            codec.encode(crop, **wrong, **more)


def test_pillow_saves_with_a_tune(crop: np.ndarray) -> None:
    file = io.BytesIO()
    Image.fromarray(crop).save(file, "LIC", tune="visual", quality=40)

    assert file.getvalue() == codec.encode(crop, tune="visual", quality=40)


def luma(pixels: np.ndarray) -> np.ndarray:
    """Y of BT.709, as a grey picture."""
    weighted = np.rint(pixels @ np.array([0.2126, 0.7152, 0.0722])).astype(np.uint8)
    return np.repeat(weighted[..., np.newaxis], 3, axis=2)


@pytest.mark.parametrize("bpp", [0.15, 0.4])
def test_people_see_less_of_it_at_the_same_size(photo: np.ndarray, bpp: float) -> None:
    scores = {}
    for tune in ("psnr", "visual"):
        decoded = codec.decode(codec.encode(photo, tune=tune, target_bpp=bpp))
        similar = ms_ssim(luma(photo), luma(decoded))
        scores[tune] = psnr(photo, decoded), similar, ssimulacra2(photo, decoded)

    (error, similar, score), found = scores["psnr"], scores["visual"]
    assert found[1] > similar
    assert found[2] > score + 2
    assert error - 3 < found[0] < error


@pytest.mark.parametrize("quality", [30, 50, 75, 90])
def test_a_quality_stands_for_a_higher_score_in_about_the_same_bytes(
    photo: np.ndarray, quality: int
) -> None:
    found = {}
    for tune in ("psnr", "visual"):
        file = codec.encode(photo, tune=tune, quality=quality)
        score = ssimulacra2(photo, codec.decode(file))
        assert score is not None
        found[tune] = len(file), score

    (size, score), (visual_size, visual_score) = found["psnr"], found["visual"]
    assert visual_size < 1.12 * size  # on all of Kodak four fifths, but this one is smooth
    assert visual_score > score + 1


def test_levels_are_in_order(crop: np.ndarray) -> None:
    files = [codec.encode(crop, tune="visual", level=level) for level in range(0, 64, 9)]
    errors = [psnr(crop, codec.decode(file)) for file in files]

    assert [len(f) for f in files] == sorted(len(f) for f in files)
    assert errors == sorted(errors)


def page() -> np.ndarray:
    """Coloured text on white."""
    from PIL import ImageDraw

    image = Image.new("RGB", (320, 256), "white")
    draw = ImageDraw.Draw(image)
    for line in range(16):
        draw.text((4, 16 * line), f"{line:3} The quick brown fox jumps over it", fill=(9, 20, 90))
    return np.asarray(image)


def checker() -> np.ndarray:
    y, x = np.mgrid[:128, :128]
    return np.repeat(((x + y) % 2 * 255).astype(np.uint8)[..., None], 3, 2)


def noise() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (128, 128, 3), np.uint8)


@pytest.mark.parametrize("picture", [page(), checker(), noise()], ids=["page", "checker", "noise"])
@pytest.mark.parametrize("level", [0, 31, 63])
def test_no_picture_is_destroyed(picture: np.ndarray, level: int) -> None:
    decoded = codec.decode(codec.encode(picture, tune="visual", level=level))

    assert psnr(picture, decoded) >= least_psnr(VISUAL, level)


def test_alpha_metadata_crops_and_tiles(crop: np.ndarray) -> None:
    alpha = np.arange(crop.shape[0] * crop.shape[1], dtype=np.uint8).reshape(*crop.shape[:2], 1)
    picture = np.concatenate([crop, alpha], 2)

    data = codec.encode(picture, tune="visual", quality=30, tile=64)
    decoded = codec.decode(data)

    assert np.array_equal(decoded[..., 3:], alpha)
    assert np.array_equal(codec.decode(data, crop=(50, 60, 90, 70)), decoded[60:130, 50:140])


def test_refinement_lowers_what_the_model_was_trained_for(crop: np.ndarray) -> None:
    weights = read_trained(read_verified(VISUAL))
    assert weights.distortion is not None
    visual, level = Visual(weights.distortion, VISUAL.levels), 40
    pixels = torch.from_numpy(crop)[None].float() / 255

    def cost(effort: int) -> float:
        file = codec.encode(crop, tune="visual", level=level, effort=effort, threads=1)
        decoded = torch.from_numpy(codec.decode(file))[None].float() / 255
        distortion = float(visual(decoded, pixels, torch.tensor([level])))
        worth = lmbda_of(level, VISUAL.levels) * distortion * crop.shape[0] * crop.shape[1]
        return 8 * len(file) + worth

    assert cost(8) < 0.99 * cost(7)
