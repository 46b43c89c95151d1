"""The trainable entropy model: its rate, and that what it reconstructs is what is decoded."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

from codec.trainable.model import ImageModel
from codec.trainable.weights import TrainedWeights
from entropy.coder import trellis
from entropy.models.latent_codec import MEAN_BITS, TABLES, UNIT_BITS, Segments
from entropy.models.partition import split
from tests.unit.entropy.models import cases


def latents(batch: int, height: int, width: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(4)
    return torch.randn(batch, height, width, 32, generator=generator) * 3


def replaying(segments: Segments, step: int) -> Iterator[tuple[Tensor, np.ndarray]]:
    """Of every step, what the symbols that were coded stand for, and their tables."""
    for symbols, tables in segments[1:]:
        points = trellis.points(symbols.astype(np.int32), (tables >= TABLES).astype(np.int32))
        yield torch.from_numpy(points * step / 2**MEAN_BITS).float(), tables % TABLES


@pytest.mark.parametrize("level", [0, 30, 63])
def test_training_reconstructs_what_is_decoded(
    tiny_trainable: ImageModel, tiny_weights: TrainedWeights, level: int
) -> None:
    """With the symbols that the codec coded, the exact forward pass gives its y_hat, and asks for
    them with its tables.
    """
    y, z = cases.latents(8, 12, seed=level)
    _, decoded, segments = cases.codec_of(tiny_weights).compress(y, z, level)
    steps = replaying(segments, tiny_weights.config.entropy.trellis_step)

    def replay(residual: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        points, tables = next(steps)
        assert index.flatten().int().tolist() == tables.tolist()
        return points.view(residual.shape), torch.zeros_like(residual)

    def as_it_is(residual: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        return residual, torch.zeros_like(residual)

    values = split(torch.from_numpy(y[None]) / 2**UNIT_BITS)
    hyper, levels = torch.from_numpy(z[None]).float(), torch.tensor([level])
    with torch.no_grad():
        y_hat, _, _ = tiny_trainable.entropy.code(values, hyper, levels, replay, as_it_is)

    assert np.array_equal((y_hat[0] * 2**MEAN_BITS).numpy(), decoded)


def test_rate_has_noise_in_training_and_none_in_evaluation(tiny_trainable: ImageModel) -> None:
    model = copy.deepcopy(tiny_trainable.entropy)
    y, level = latents(2, 4, 8), torch.tensor([10, 50])
    with torch.no_grad():
        model.train()
        noisy = [model(y, level)[1] for _ in range(2)]
        model.eval()
        rounded = [model(y, level)[1] for _ in range(2)]

    assert not torch.equal(*noisy)
    assert torch.equal(*rounded)


def test_every_parameter_gets_a_gradient(tiny_trainable: ImageModel) -> None:
    model = copy.deepcopy(tiny_trainable.entropy).train()
    model.zero_grad()

    _, y_bits, z_bits = model(latents(2, 4, 8), torch.tensor([5, 55]))
    (y_bits + z_bits).sum().backward()

    silent = [n for n, p in model.named_parameters() if p.grad is None]
    assert silent == []
