"""The linear analysis: fitted to a landed model, trained, exported and read back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from codec.errors import OptionError
from codec.frame.model import FrameModel
from codec.train import loop
from codec.train.config import TrainConfig
from codec.train.regression import start_as_regression
from codec.trainable.model import ImageConfig, ImageModel
from codec.trainable.recipes import RECIPES, recipe
from codec.trainable.weights import read_trained
from tests.model_fixtures import (
    TINY,
    SyntheticCrops,
    file_of,
    random_model,
    save_pictures,
    synthetic_picture,
    weights_of,
)

LIGHT = ImageConfig(
    replace(TINY.transform, analysis8=0, linear=True), replace(TINY.entropy, trellis_states=8)
)


@pytest.fixture(scope="module")
def file() -> bytes:
    return file_of(weights_of(random_model(LIGHT)))


def test_recipes_are_known_by_their_profiles() -> None:
    assert recipe("wavelet-light") is RECIPES["wavelet-light"]
    for profile, states in (("wavelet-light", 8), ("wavelet", 256)):
        config = recipe(profile)
        assert isinstance(config, ImageConfig)
        assert config.with_trellis(20).entropy.trellis_states == states
    with pytest.raises(OptionError, match="wavelet-light"):
        TrainConfig(profile="heavy")


def test_integers_are_the_floats_and_read_back(file: bytes) -> None:
    model, pixels = FrameModel(file), synthetic_picture(128, 192, seed=8)
    read = read_trained(file)
    floats = random_model(LIGHT)
    x = torch.from_numpy(pixels)[None].float() / 255 - 0.5

    assert read.config == LIGHT
    for level in (0, 40, 63):
        y = model.analyse(pixels, (0, 0, 12, 8), level) / 256
        with torch.no_grad():
            expected = floats.analysis(x, torch.tensor([level]))[0].numpy()
        assert np.abs(y - expected).max() < 0.02 + 1e-3 * np.abs(expected).max()
    for name in ("down.weight", "down.bias", "gain.log_gain"):
        ours, theirs = read.floats["analysis"][name], weights_of(floats).floats["analysis"][name]
        assert torch.allclose(ours, theirs, atol=1e-3 + 1e-3 * float(theirs.abs().max()))


def test_windows_need_no_margin(file: bytes) -> None:
    model, pixels = FrameModel(file), synthetic_picture(256, 256, seed=4)
    whole = model.analyse(pixels, (0, 0, 16, 16), 30)

    part = model.analyse(pixels, (5, 3, 4, 6), 30)

    assert np.array_equal(part, whole[3:9, 5:9])


@pytest.mark.parametrize("level", [5, 55])
def test_payloads_decode_to_what_was_encoded(file: bytes, level: int) -> None:
    model, pixels = FrameModel(file), synthetic_picture(200, 136, seed=2)

    tiles, decoded = model.encode(pixels, level, 7, decoded=True)
    again = model.decode(tiles.__getitem__, (136, 200), level, 7, (0, 0, 136, 200))

    assert decoded is not None
    assert np.array_equal(again, decoded)


def test_regression_imitates_a_landed_analysis() -> None:
    landed, model = random_model(), ImageModel(LIGHT.with_trellis(20))

    share = start_as_regression(model, landed, SyntheticCrops(), 12)  # type: ignore[arg-type]

    x = SyntheticCrops(seed=90).batch(1, 256).float() / 255 - 0.5
    level = torch.tensor([LIGHT.levels // 2])
    with torch.no_grad():
        ours, theirs = model.analysis(x, level), landed.analysis(x, level)
    assert 0.8 < share <= 1.0001
    assert float((ours - theirs).square().sum() / theirs.square().sum()) < 1.2 * (1 - share) + 0.02
    for a, b in zip(model.synthesis.parameters(), landed.synthesis.parameters(), strict=True):
        assert torch.equal(a, b)


def test_training_begins_with_landed_weights_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RECIPES, "wavelet-light", LIGHT)
    monkeypatch.setattr(loop, "REGRESSION_CROPS", 8)
    save_pictures(tmp_path / "photos", (256, 272), (256, 272))
    landed, path = random_model(), tmp_path / "landed.weights"
    path.write_bytes(file_of(weights_of(landed)))
    config = TrainConfig(
        profile="wavelet-light", stages=((0.0, 2, 64),), amp=False, warmup_steps=2, trellis_step=20
    )
    trainer = loop.Trainer(config, [tmp_path / "photos"], torch.device("cpu"))

    trainer.load(path)
    before = trainer.model.analysis.down.weight.detach().clone()
    losses = [float(trainer.step(0.1)[0]) for _ in range(3)]

    assert all(np.isfinite(losses))
    assert not torch.equal(before, trainer.model.analysis.down.weight)
