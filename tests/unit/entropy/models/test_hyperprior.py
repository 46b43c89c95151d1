"""The trainable entropy model: its rate, and that what it reconstructs is what is decoded."""

from __future__ import annotations

import pytest
import torch

from codec.trainable.model import ImageModel
from codec.models.weights import ModelWeights
from entropy.models import gaussian
from entropy.models.hyper_analysis import hyper_analyse
from entropy.models.latent_codec import LatentCodec


def latents(batch: int, height: int, width: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(4)
    return torch.randn(batch, height, width, 32, generator=generator) * 3


def test_training_reconstructs_what_is_decoded(
    tiny_trainable: ImageModel, tiny_weights: ModelWeights
) -> None:
    """y_hat of the exact forward pass equals that of the codec, where nothing is skipped."""
    codec = LatentCodec(
        tiny_weights.config.entropy,
        tiny_weights.network,
        tiny_weights.tables,
        torch.device("cpu"),
    )
    for level in (0, 30, 63):
        y = latents(1, 8, 12)
        with torch.no_grad():
            z = (tiny_trainable.entropy.hyper_analysis(y) + 0.5).floor()
            y_hat, y_bits, _ = tiny_trainable.entropy(y, torch.tensor([level]))
        segments, decoded = codec.segments(y[0], z[0], level, torch.zeros(64))

        if any((indexes < 3).any() for _, indexes in segments[1:]):
            continue  # training knows no skip rule
        # a residual of exactly one half may round the other way: none is there
        assert torch.equal(y_hat[0], decoded)
        ideal = sum(
            float(gaussian.bits(torch.from_numpy(s).float(), torch.from_numpy(i).float()).sum())
            for s, i in segments[1:]
        )
        assert float(y_bits) == pytest.approx(ideal, rel=1e-4)


def test_inference_of_the_hyper_analysis_equals_training(
    tiny_trainable: ImageModel, tiny_weights: ModelWeights
) -> None:
    y = latents(1, 8, 12)
    with torch.no_grad():
        expected = tiny_trainable.entropy.hyper_analysis(y)[0]

    found = hyper_analyse(tiny_weights.floats["hyper_analysis"], y[0])

    assert found.shape == (2, 3, 8)
    assert torch.allclose(found, expected, atol=0.02, rtol=0.01)  # float16 weights


def test_rate_has_noise_in_training_and_none_in_evaluation(tiny_trainable: ImageModel) -> None:
    model = tiny_trainable.entropy
    y, level = latents(2, 4, 8), torch.tensor([10, 50])
    before = model.training
    try:
        with torch.no_grad():
            model.train()
            noisy = [model(y, level)[1] for _ in range(2)]
            model.eval()
            rounded = [model(y, level)[1] for _ in range(2)]
    finally:
        model.train(before)

    assert not torch.equal(*noisy)
    assert torch.equal(*rounded)


def test_every_parameter_gets_a_gradient(tiny_trainable: ImageModel) -> None:
    model = tiny_trainable.entropy
    model.zero_grad()

    _, y_bits, z_bits = model(latents(2, 4, 8), torch.tensor([5, 55]))
    (y_bits + z_bits).sum().backward()

    silent = [n for n, p in model.named_parameters() if p.grad is None]
    model.zero_grad()
    assert silent == []
