"""Landed weights become a trainable model again, which exports to the same weights."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from codec.errors import OptionError
from codec.train import loop
from codec.train.config import TrainConfig
from codec.train.start import initialise
from codec.trainable.blocks import GatedBlock
from codec.trainable.model import ImageConfig, ImageModel
from codec.trainable.recipes import RECIPES
from codec.trainable.restore import restore
from codec.trainable.weights import TrainedWeights, read_trained
from entropy.models.quadtree import EntropyConfig
from tests.model_fixtures import (
    TINY,
    SyntheticCrops,
    file_of,
    random_model,
    synthetic_picture,
    weights_of,
)


def restored(weights: TrainedWeights, config: ImageConfig = TINY) -> ImageModel:
    model = ImageModel(config)
    initialise(model, SyntheticCrops(seed=40), count=8)  # type: ignore[arg-type]
    restore(model, weights)
    model.entropy.ops.exact = True
    return model.eval()


def outputs(model: ImageModel, level: int) -> tuple[torch.Tensor, ...]:
    x = torch.from_numpy(synthetic_picture(64, 128, seed=9)).float()[None] / 255
    with torch.no_grad():
        result: tuple[torch.Tensor, ...] = model(x, torch.tensor([level]))
    return result


def test_restored_networks_are_the_landed_ones() -> None:
    weights = weights_of(random_model())

    again = weights_of(restored(weights))

    for part, tensors in weights.floats.items():
        for name, value in tensors.items():
            found = again.floats[part][name]
            assert torch.allclose(found, value, rtol=2e-3, atol=1e-6), f"{part}.{name}"
    for name, layer in weights.network.layers.items():
        unit = 2.0 ** -layer.shift.astype(float)
        found = again.network.layers[name]
        back = (found.weight.T * 2.0 ** -found.shift.astype(float)).T
        assert abs(back - (layer.weight.T * unit).T).max() <= unit.max(), name
    assert abs(again.tables.z_index.astype(int) - weights.tables.z_index).max() <= 1


@pytest.mark.parametrize("level", [0, 31, 63])
def test_restored_model_computes_the_same(level: int) -> None:
    model = random_model()

    x_hat, y_bits, z_bits = outputs(restored(weights_of(model)), level)

    wanted_x, wanted_y, wanted_z = outputs(model, level)
    assert float((x_hat - wanted_x).abs().mean()) < 0.01
    assert float(y_bits) == pytest.approx(float(wanted_y), rel=0.03)
    assert float(z_bits) == pytest.approx(float(wanted_z), rel=0.1)


def test_new_blocks_begin_as_the_identity_and_old_ones_can_be_dropped() -> None:
    weights = weights_of(random_model())
    deeper = replace(TINY, transform=replace(TINY.transform, analysis8=2, synthesis8=5))
    shallow = replace(TINY, transform=replace(TINY.transform, synthesis8=1))

    same = outputs(restored(weights, deeper), 31)

    for found, wanted in zip(same, outputs(restored(weights), 31), strict=True):
        assert torch.allclose(found, wanted, rtol=1e-4, atol=1e-4)
    assert len(restored(weights, shallow).synthesis.trunk8) == 1


def test_channels_beyond_those_of_a_narrow_trunk_begin_as_notes() -> None:
    narrow = replace(TINY, transform=replace(TINY.transform, trunk=192))
    weights = weights_of(random_model(narrow))

    wide = restored(weights, TINY)

    same = zip(outputs(wide, 31), outputs(restored(weights, narrow), 31), strict=True)
    for found, wanted in same:
        assert torch.allclose(found, wanted, rtol=1e-4, atol=1e-4)
    block = wide.synthesis.trunk8[0]
    assert isinstance(block, GatedBlock)
    assert not block.reduce.weight[192:].any()  # nothing is noted yet,
    assert block.expand.weight[:, 192:].any()  # but what will be can be read
    with pytest.raises(OptionError, match="shape"):
        restored(weights_of(random_model()), narrow)


def test_weights_of_another_recipe_are_refused() -> None:
    weights = weights_of(random_model())
    wider = ImageConfig(
        transform=replace(TINY.transform, latent=64), entropy=EntropyConfig(64, 24, 8, 64)
    )
    lost = replace(weights, floats=weights.floats | {"synthesis": {}})
    bent = weights.floats["analysis"] | {"stem.bias": torch.zeros(7)}

    with pytest.raises(OptionError, match="another entropy model"):
        restored(weights, wider)
    with pytest.raises(OptionError, match="shape"):
        restored(replace(weights, floats=weights.floats | {"analysis": bent}))
    with pytest.raises(OptionError, match="not in the weights"):
        restored(lost)


def test_training_goes_on_from_a_weights_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RECIPES, "wavelet", TINY)
    Image.fromarray(synthetic_picture(96, 112)).save(tmp_path / "photo.png")
    path = tmp_path / "w.weights"
    path.write_bytes(file_of(weights_of(random_model())))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    t = loop.Trainer(
        TrainConfig(stages=((0.0, 2, 64),), amp=False, warmup_steps=2, trellis_step=20),
        [tmp_path],
        torch.device("cpu"),
    )

    t.load(path)
    kept = {k: v.clone() for k, v in t.average.items()}
    loss = float(t.step(0.5)[0])

    assert loss > 0
    assert all(torch.equal(kept[k], v) for k, v in restored_state(path).items())
    assert hashlib.sha256(path.read_bytes()).hexdigest() == digest


def restored_state(path: Path) -> dict[str, torch.Tensor]:
    """What `Trainer.load` should have begun with."""
    from codec.train.data import Crops

    torch.manual_seed(0)
    model = ImageModel(TINY)
    initialise(model, Crops([path.parent], torch.device("cpu"), 0))
    restore(model, read_trained(path.read_bytes()))
    return dict(model.state_dict())


def test_prices_along_the_trellis_come_back(tiny_weights: TrainedWeights) -> None:
    cdf = tiny_weights.tables.cdf

    model = restored(tiny_weights)

    assert model.entropy.trellis is not None
    frequencies = model.entropy.trellis.frequencies()
    for table in (5, 30, 60, 64 + 5, 64 + 30):
        row, zero = np.diff(cdf.cdfs[table].astype(int)) / 65536, -cdf.offsets[table]
        found = frequencies.view(128, -1)[table]
        assert float(found[0]) == pytest.approx(row[zero], abs=2e-3)
        assert float(found[1]) == pytest.approx(row[zero - 1] + row[zero + 1], abs=2e-3)
    z_index = weights_of(model).tables.z_index.astype(int)
    assert abs(z_index - tiny_weights.tables.z_index).max() <= 1


def test_a_model_without_a_trellis_goes_on_from_one_with_it(tiny_weights: TrainedWeights) -> None:
    model = restored(tiny_weights, TINY.with_trellis(0))

    assert model.entropy.trellis is None
    x_hat, y_bits, z_bits = outputs(model, 40)
    assert float((x_hat - 0.5).abs().max()) < 2
    assert float(y_bits) > 0
    assert float(z_bits) > 0
