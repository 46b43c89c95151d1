"""Code vectors: codebooks, the decoder behind them, and the integers that both become."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

import codec.train.export_vector as export_vector
from codec.errors import OptionError
from codec.frame.model import FrameModel
from codec.models import registry
from codec.train import loop, vector_networks
from codec.train.codebooks import bits_of, codebook, start_as_vectors
from codec.train.config import TrainConfig
from codec.train.data import Crops
from codec.trainable.recipes import RECIPES
from codec.trainable.vector_integers import at_level
from codec.trainable.vector_model import VectorModel, best
from codec.transforms.vector import VectorConfig
from networks import weights_file
from networks.definition import run
from networks.program import Program
from tests.model_fixtures import (
    TINY,
    SyntheticCrops,
    file_of,
    random_model,
    save_pictures,
    synthetic_picture,
    weights_of,
)

SMALL = VectorConfig(
    transform=TINY.transform, channels=8, coarse=32, fine=48, lambdas=(8.0, 2.0, 0.3),
    hidden=16, concealing=16, blocks=2,
)  # fmt: skip


@pytest.fixture(scope="module")
def model() -> VectorModel:
    made = VectorModel(SMALL).eval()
    start_as_vectors(made, random_model(), SyntheticCrops(), 12)  # type: ignore[arg-type]
    return made


def test_a_codebook_is_cheaper_for_what_is_frequent() -> None:
    torch.manual_seed(1)
    samples = torch.cat([torch.randn(900, 2) * 0.1, torch.randn(100, 2) + 5])

    vectors = codebook(samples, 16, price=0.05)
    bits = bits_of(samples, vectors, 0.05)

    numbers = best(samples, vectors, 0.05 * bits)
    share = torch.bincount(numbers, minlength=16) / len(samples)
    used = share > 0.01
    assert torch.allclose(bits[used], -share[used].log2(), atol=0.3)
    assert float((samples - vectors[numbers]).square().sum(1).mean()) < 0.2


def test_dear_bits_make_few_of_them(model: VectorModel) -> None:
    x = SyntheticCrops(seed=40).batch(2, 128).float() / 255 - 0.5
    e = model.projected(model.landed(x))

    spent, off = [], []
    for level in range(SMALL.levels):
        coarse, fine = model.numbers(e, level)
        spent.append(float(model.fine_bits[level][fine].mean()))
        off.append(float((model.sums(coarse, fine) - e).square().sum(-1).mean()))

    assert spent == sorted(spent)
    assert off == sorted(off, reverse=True)


def test_a_program_at_one_level_gives_what_it_gives_there() -> None:
    program = weights_file.read(file_of(weights_of(random_model())))["analysis"]
    assert isinstance(program, Program)
    pixels = synthetic_picture(64, 64)

    alone = at_level(program, 40, TINY.levels)

    expected = run(program, [pixels], 40)[0]
    assert all(np.array_equal(run(alone, [pixels], k)[0], expected) for k in (0, 40))
    assert not np.array_equal(run(program, [pixels], 0)[0], expected)


def test_trained_exported_and_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECIPES, "vq", SMALL)
    monkeypatch.setattr(loop, "CODED_CROPS", 12)
    monkeypatch.setattr(export_vector, "INDEX_STEPS", 30)
    monkeypatch.setattr(export_vector, "CONCEAL_STEPS", 30)
    save_pictures(tmp_path / "photos", (512, 512), (512, 528))
    path = tmp_path / "landed.weights"
    path.write_bytes(file_of(weights_of(random_model())))
    config = TrainConfig(profile="vq", stages=((0.0, 2, 64),), amp=False, warmup_steps=2)
    trainer = loop.Trainer(config, [tmp_path / "photos"], torch.device("cpu"))
    trainer.load(path)
    before = trainer.model.analysis.down.weight.detach().clone()
    losses = [float(trainer.step(0.1)[0]) for _ in range(3)]
    assert all(np.isfinite(losses))
    assert torch.equal(before, trainer.model.analysis.down.weight)  # it stays as it is
    trainer.save(tmp_path / "checkpoint.pt")
    trainer.load(tmp_path / "checkpoint.pt")

    landed = registry.ModelEntry(
        1, "wavelet-11", "wavelet", path.name, hashlib.sha256(path.read_bytes()).hexdigest(),
        64, True, True, "",
    )  # fmt: skip
    monkeypatch.setattr(registry, "DATA", tmp_path)
    monkeypatch.setattr(registry, "by_name", lambda name: landed)
    averaged = trainer.averaged()
    assert isinstance(averaged, VectorModel)
    crops = Crops([tmp_path / "photos"], torch.device("cpu"), 1)
    data = export_vector.export_vectors(averaged, crops, count=2, looked=12)

    ready, pixels = FrameModel(data), synthetic_picture(192, 128, seed=7)
    x = torch.from_numpy(pixels)[None].float() / 255 - 0.5
    with torch.no_grad():
        floats = averaged(x + 0.5, torch.tensor([2]))[0][0].numpy() * 255
    tiles, decoded = ready.encode(pixels, 2, 8, decoded=True)
    assert decoded is not None
    again = ready.decode(tiles.__getitem__, (128, 192), 2, 8, (0, 0, 128, 192))
    assert np.array_equal(again, decoded)
    # Other vectors are chosen where prices know more: pictures are alike, not the same.
    assert np.abs(floats.clip(0, 255) - decoded).mean() < 6


def test_the_small_networks_learn(model: VectorModel) -> None:
    torch.manual_seed(0)
    crops = SyntheticCrops(seed=9)
    seen = vector_networks.look(model, crops, 10)  # type: ignore[arg-type]

    network, bits = vector_networks.train_index(model, seen, 600)
    _, shares = vector_networks.train_conceal(model, seen, 250)

    free = [float(model.fine_bits[k][seen.fine[k, -1:]].mean()) for k in range(SMALL.levels)]
    assert sum(bits) < sum(free)
    assert shares[0] < 0.9
    coarse = model.coarse[seen.coarse[0, :1]]
    known = torch.zeros(*coarse.shape[:3], 4 * SMALL.channels)
    assert network(coarse, known, 0).shape == (1, 16, 16, SMALL.fine)


def test_it_begins_from_weights_and_needs_large_photographs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: VectorModel
) -> None:
    monkeypatch.setitem(RECIPES, "vq", SMALL)
    save_pictures(tmp_path, (256, 256))
    config = TrainConfig(profile="vq", stages=((0.0, 2, 64),))
    trainer = loop.Trainer(config, [tmp_path], torch.device("cpu"))
    with pytest.raises(OptionError, match="--resume"):
        trainer.start()
    with pytest.raises(OptionError, match="512 pixels"):
        export_vector.export_vectors(model, trainer.crops)
