"""The profile wavelet-light does all that the default does, and its latents can be had."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import codec
from codec.errors import UnsupportedImage
from codec.frame.model import FrameModel
from codec.models import registry
from codec.models.quality import lmbda_of
from networks.native import instruction_sets
from tests.model_fixtures import synthetic_picture

ROOT = Path(__file__).parents[3]
LIGHT = "wavelet-light"

pytestmark = pytest.mark.weights


def test_bytes_do_not_depend_on_threads_or_kernels(crop: np.ndarray) -> None:
    first = codec.encode(crop, profile=LIGHT, threads=1)
    data = registry.default(LIGHT).path.read_bytes()
    tiles = [FrameModel(data, isa).encode(crop, 40, 7)[0] for isa in instruction_sets()]

    assert codec.encode(crop, profile=LIGHT, threads=2) == first
    assert all(found == tiles[0] for found in tiles)


@pytest.mark.parametrize("ask", [{"target_size": 4000}, {"target_bpp": 0.8}])
def test_targets_of_size_are_kept(crop: np.ndarray, ask: dict[str, float]) -> None:
    data = codec.encode(crop, profile=LIGHT, **ask)  # type: ignore[arg-type]

    most = ask.get("target_size", 0.8 * crop.shape[0] * crop.shape[1] / 8)
    assert 0.8 * most < len(data) <= most


@pytest.mark.parametrize("ask", [{"target_psnr": 34.0}, {"target_ssimulacra2": 60.0}])
def test_targets_of_quality_are_reached(crop: np.ndarray, ask: dict[str, float]) -> None:
    found = codec.verify(codec.encode(crop, profile=LIGHT, **ask), crop)  # type: ignore[arg-type]

    reached = found.psnr if "target_psnr" in ask else found.ssimulacra2
    assert reached is not None
    assert next(iter(ask.values())) <= reached


def test_damage_is_named(crop: np.ndarray) -> None:
    data = codec.encode(crop, profile=LIGHT)

    for at in range(5, len(data), 97):
        damaged = bytearray(data)
        damaged[at] ^= 1 << at % 8
        with pytest.raises(codec.CodecError):
            codec.decode(bytes(damaged))
    for end in range(0, len(data), 211):
        with pytest.raises(codec.CodecError):
            codec.decode(data[:end])


def test_latents_cover_the_picture(photo: np.ndarray) -> None:
    pixels = np.ascontiguousarray(photo[:209, :410])
    whole, tiled = (codec.encode(pixels, profile=LIGHT, tile=t) for t in (1024, 128))

    latents = codec.latents(whole)

    assert latents.shape == (14, 26, 320)
    assert latents.dtype == np.int32
    assert latents.any()
    assert codec.latents(tiled).shape == latents.shape
    near = np.corrcoef(latents.ravel(), codec.latents(tiled).ravel())[0, 1]
    assert near > 0.99
    assert codec.latents(codec.encode(pixels)).shape == latents.shape


def test_where_there_are_no_latents_it_is_said(crop: np.ndarray) -> None:
    with pytest.raises(UnsupportedImage, match="sample by sample"):
        codec.latents(codec.encode(crop, lossless=True))


def test_refinement_takes_the_profile(crop: np.ndarray) -> None:
    part = np.ascontiguousarray(crop[:128, :128])
    usual, refined = (codec.encode(part, profile=LIGHT, level=32, effort=e) for e in (7, 8))

    entry = registry.default(LIGHT)

    def cost(data: bytes) -> float:
        off = part.astype(np.float64) - codec.decode(data)
        return 8 * len(data) / (128 * 128) + lmbda_of(32, 64, entry.lmbda) * float((off**2).mean())

    assert cost(refined) < cost(usual)


def example() -> Any:
    """examples/learn_on_latents.py as a module."""
    path = ROOT / "examples" / "learn_on_latents.py"
    spec = importlib.util.spec_from_file_location("learn_on_latents", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_example_learns_from_latents(capsys: pytest.CaptureFixture[str]) -> None:
    module = example()
    y, x = np.mgrid[:192, :512].astype(np.float64)
    across, along = (100 + 60 * np.sin(n / 5)[..., None] * (1.0, 0.8, 0.5) for n in (x, y))
    grain = np.random.default_rng(2).normal(0, 4, (192, 512, 3))
    pictures = across + grain, along + grain, synthetic_picture(192, 512, seed=1)
    files = [Image.fromarray(p.clip(0, 255).astype(np.uint8)) for p in pictures]
    files[2] = files[2].convert("L")

    found = module.main(files, steps=60)

    assert found["latents"] > 0.8
    assert "latents:" in capsys.readouterr().out


@pytest.mark.parametrize("count", [0, 1])
def test_the_example_asks_for_photographs(count: int) -> None:
    module = example()
    with pytest.raises(SystemExit, match="two photographs"):
        module.main([Image.fromarray(synthetic_picture(64, 128))] * count)
    small = [Image.fromarray(synthetic_picture(63, 300, seed=n)) for n in range(2)]
    with pytest.raises(SystemExit, match="no photograph"):
        module.main(small)
    with pytest.raises(SystemExit, match=r"missing\.png"):
        module.main(["missing.png", "missing.png"])


def test_a_model_of_another_profile_is_refused(crop: np.ndarray) -> None:
    with pytest.raises(codec.UnknownModel, match="wavelet-11 is of profile wavelet, not of"):
        codec.encode(crop, profile=LIGHT, model="wavelet-11")
    with pytest.raises(codec.UnknownModel, match="light-15 is of profile wavelet-light, not of"):
        codec.encode(crop, profile="wavelet", model="wavelet-light-15")
    assert codec.info(codec.encode(crop, model="wavelet-light-15")).profile == LIGHT
    with pytest.raises(codec.UnknownModel, match=r"known: predictive, vq, wavelet, wavelet-light$"):
        codec.encode(crop, profile="wavelet-lite")


def test_file_objects_that_give_no_bytes_are_refused() -> None:
    class Counts:
        def read(self, size: int = -1) -> int:
            return 5

    for take in (codec.latents, codec.decode, codec.encode):
        with pytest.raises(codec.OptionError, match="gave a int, no bytes"):
            take(Counts())  # type: ignore[operator]
