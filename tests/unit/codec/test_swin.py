"""Shifted windows at the end of both trunks: an identity at first; integers, tiles, crops."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from codec.frame.model import FrameModel
from codec.frame.on_torch import TorchFrameModel
from codec.train.config import TrainConfig
from codec.train.loop import Trainer
from codec.trainable.attention import attend, distances
from codec.trainable.model import ImageConfig, ImageModel
from codec.trainable.recipes import RECIPES
from codec.trainable.restore import restore
from codec.trainable.weights import read_trained
from codec.transforms.swin import SHIFT, WINDOW, shift_of, windows_reach
from codec.transforms.wavelet import analysis_margin, synthesis_margin
from networks import weights_file
from tests.model_fixtures import (
    TINY,
    SyntheticCrops,
    file_of,
    random_model,
    save_pictures,
    synthetic_picture,
    weights_of,
)

NEW = ("windows", "after")
"""Parts of a transform that come with windows."""
SWIN = replace(TINY, transform=replace(TINY.transform, windows=2))


@pytest.fixture(scope="module")
def landed() -> bytes:
    return file_of(weights_of(random_model()))


@pytest.fixture(scope="module")
def trained() -> ImageModel:
    """A model with windows in which every layer does something."""
    return random_model(SWIN)


@pytest.fixture(scope="module")
def file(trained: ImageModel) -> bytes:
    return file_of(weights_of(trained))


def test_windows_of_every_second_block_are_shifted() -> None:
    assert [shift_of(n) for n in range(4)] == [0, SHIFT, 0, SHIFT]


@pytest.mark.parametrize(("count", "reach"), [(0, 0), (1, 8), (2, 8), (3, 16), (4, 16)])
def test_reach_goes_to_the_ends_of_windows(count: int, reach: int) -> None:
    assert windows_reach(count) == reach


def test_attention_is_the_mean_by_softmax_of_each_window() -> None:
    torch.manual_seed(1)
    x, table = torch.randn(1, 12, 20, 3 * 64), torch.randn(2, 225)

    found = attend(x, table[:, distances()], SHIFT)

    assert found.shape == (1, 12, 20, 64)
    rows, columns = slice(4, 12), slice(12, 20)  # a whole window of the shifted grid
    q, k, v = x[0, rows, columns].reshape(64, 3, 2, 32).permute(1, 2, 0, 3)
    mean = F.softmax(q @ k.transpose(1, 2) / 32**0.5 + table[:, distances()], -1) @ v
    assert torch.allclose(
        found[0, rows, columns].reshape(64, 2, 32), mean.permute(1, 0, 2), atol=1e-5
    )
    corner = x[0, :4, :4].reshape(16, 3, 2, 32).permute(1, 2, 0, 3)  # what is left of one
    within = (torch.arange(4)[:, None] + SHIFT) * WINDOW + torch.arange(4) + SHIFT
    bias = table[:, distances()[within.flatten()][:, within.flatten()]]
    q, k, v = corner
    mean = F.softmax(q @ k.transpose(1, 2) / 32**0.5 + bias, -1) @ v
    assert torch.allclose(found[0, :4, :4].reshape(16, 2, 32), mean.permute(1, 0, 2), atol=1e-5)


def test_new_windows_are_the_identity(landed: bytes) -> None:
    plain, wider = ImageModel(TINY).eval(), ImageModel(SWIN).eval()
    for model in (plain, wider):
        restore(model, read_trained(landed))
    x, level = SyntheticCrops(seed=7).batch(1, 128).float() / 255 - 0.5, torch.tensor([30])

    with torch.no_grad():
        y = plain.analysis(x, level)
        assert torch.equal(wider.analysis(x, level), y)
        assert torch.equal(wider.synthesis(y, level), plain.synthesis(y, level))


def test_training_begins_with_landed_weights_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, landed: bytes
) -> None:
    monkeypatch.setitem(RECIPES, "swin", SWIN)
    save_pictures(tmp_path / "photos", (128, 144))
    path = tmp_path / "landed.weights"
    path.write_bytes(landed)
    config = TrainConfig(
        profile="swin", stages=((0.0, 2, 64),), amp=False, warmup_steps=2, trellis_step=20
    )
    trainer = Trainer(config, [tmp_path / "photos"], torch.device("cpu"))
    trainer.load(path)
    before = {k: v.clone() for k, v in trainer.model.named_parameters()}

    for _ in range(3):
        trainer.step(0.3)

    changed = {k for k, v in trainer.model.named_parameters() if not torch.equal(v, before[k])}
    parts = {".".join(name.split(".")[:2]) for name in changed}
    assert parts >= {f"{side}.{part}" for side in ("analysis", "synthesis") for part in NEW}


def test_integers_are_the_floats_and_read_back(file: bytes, trained: ImageModel) -> None:
    model, pixels = FrameModel(file), synthetic_picture(128, 192, seed=8)
    read = read_trained(file)
    again = ImageModel(SWIN).eval()
    restore(again, read)
    x, level = torch.from_numpy(pixels)[None].float() / 255 - 0.5, torch.tensor([40])

    y = model.analyse(pixels, (0, 0, 12, 8), 40)
    image = model.synthesise(y >> 3, 40)

    assert read.config == SWIN
    for floats in (trained, again):
        with torch.no_grad():
            assert np.abs(y / 256 - floats.analysis(x, level)[0].numpy()).max() < 0.03
            shown = floats.synthesis(torch.from_numpy(y >> 3)[None].float() / 32, level)[0]
        shown = ((shown + 0.5) * 255).clamp(0, 255)
        assert np.abs(image - shown.numpy()).max() < 1.2


def test_windows_are_those_of_the_picture(file: bytes) -> None:
    """Tiles, areas and crops see the windows that the whole picture has."""
    model, pixels = FrameModel(file), synthetic_picture(384, 448, seed=4)
    whole = model.analyse(pixels, (0, 0, 28, 24), 30)
    tiles, decoded = model.encode(pixels, 30, 7, decoded=True)
    assert decoded is not None

    for x, y, w, h in ((5, 3, 4, 6), (0, 0, 1, 1), (27, 23, 1, 1), (9, 1, 12, 22)):
        assert np.array_equal(model.analyse(pixels, (x, y, w, h), 30), whole[y : y + h, x : x + w])
    for x, y, w, h in ((0, 0, 448, 384), (77, 130, 61, 99), (447, 383, 1, 1), (128, 64, 65, 1)):
        crop = model.decode(tiles.__getitem__, (448, 384), 30, 7, (x, y, w, h))
        assert np.array_equal(crop, decoded[y : y + h, x : x + w])


def test_margins_are_whole_windows_and_no_wider_than_needed(file: bytes) -> None:
    model, random = FrameModel(file), np.random.default_rng(0)
    margin = synthesis_margin(SWIN.transform)
    assert margin == analysis_margin(SWIN.transform) == 8
    y_hat = (32 * np.rint(random.normal(0, 4, (24, 24, 32)))).astype(np.int32)
    expected = model.synthesise(y_hat, 40)[128:256, 128:256]

    def inside(margin: int) -> np.ndarray:
        window = y_hat[8 - margin : 16 + margin, 8 - margin : 16 + margin]
        pixels = model.synthesise(np.ascontiguousarray(window), 40)
        return pixels[16 * margin : -16 * margin, 16 * margin : -16 * margin]

    assert np.array_equal(inside(margin), expected)
    assert not np.array_equal(inside(margin - WINDOW // 2), expected)


def test_torch_gives_the_same_integers(file: bytes) -> None:
    native, other = FrameModel(file), TorchFrameModel(file, torch.device("cpu"))
    pixels = synthetic_picture(136, 200, seed=5)

    tiles, decoded = native.encode(pixels, 25, 6, decoded=True)

    assert other.encode(pixels, 25, 6)[0] == tiles
    for area in ((0, 0, 200, 136), (70, 33, 50, 40)):
        x, y, w, h = area
        found = other.decode(tiles.__getitem__, (200, 136), 25, 6, area)
        assert decoded is not None
        assert np.array_equal(found, decoded[y : y + h, x : x + w])


def test_config_of_files_without_windows_is_what_it_was(landed: bytes, file: bytes) -> None:
    assert b"windows" not in weights_file.read(landed)["config"]  # type: ignore[operator]
    assert isinstance(read_trained(file).config, ImageConfig)
    assert read_trained(landed).config == TINY
