"""The float transforms: shapes, exact inverses, folding for inference, and windows with margins."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from codec.trainable.model import ImageModel, lambdas
from codec.models.weights import ModelWeights
from codec.train.export import _floats
from codec.trainable.blocks import GatedBlock, LevelGain, ScaledLinear, shuffle, unshuffle
from codec.transforms.inference import (
    Analyser,
    Synthesiser,
    analysis_margin,
    synthesis_margin,
)
from codec.trainable.transforms import (
    STEM_CHANNELS,
    Analysis,
    LinearStart,
    Synthesis,
    WaveletConfig,
    quantiser_step,
    start_as_linear_codec,
)
from networks.train.training import KNOTS
from tests.model_fixtures import TINY, synthetic_picture


@pytest.mark.parametrize("factor", [2, 8])
def test_shuffle_undoes_unshuffle(factor: int) -> None:
    x = torch.arange(2 * 16 * 24 * 3).view(2, 16, 24, 3)

    small = unshuffle(x, factor)

    assert small.shape == (2, 16 // factor, 24 // factor, 3 * factor**2)
    assert torch.equal(shuffle(small, factor), x)


def test_unshuffle_puts_offsets_before_channels() -> None:
    x = torch.arange(4 * 4 * 2).view(1, 4, 4, 2)

    assert unshuffle(x, 2)[0, 0, 1].tolist() == [*x[0, 0, 2], *x[0, 0, 3], *x[0, 1, 2], *x[0, 1, 3]]


def test_new_block_is_the_identity() -> None:
    x = torch.randn(2, 5, 7, 24)

    assert torch.equal(GatedBlock(24, 64)(x, torch.tensor([0, 63])), x)


def test_new_gain_is_one_and_follows_its_knots() -> None:
    gain = LevelGain(3, 64)
    assert torch.equal(gain(torch.tensor([0, 40])), torch.ones(2, 3))

    with torch.no_grad():
        gain.log_gain.copy_(torch.linspace(0, 8, KNOTS)[:, None].expand(KNOTS, 3))

    levels = torch.arange(64)
    assert torch.allclose(gain(levels)[:, 0].log(), levels * 8 / 63, atol=1e-5)


def test_scaled_linear_is_the_matrix_it_was_set_to() -> None:
    layer = ScaledLinear(5, 3)
    matrix = torch.randn(3, 5)

    layer.set(matrix, torch.tensor([0.01, 0.1, 1.0, 10.0, 3.0]))

    x = torch.randn(4, 5)
    assert torch.allclose(layer(x), x @ matrix.T, atol=1e-5)
    assert torch.allclose(layer.matrix(), matrix, atol=1e-6)
    assert torch.equal(layer.offset(), torch.zeros(3))


def orthonormal(rows: int, columns: int) -> Tensor:
    rotation: Tensor = torch.linalg.qr(torch.randn(columns, columns)).Q
    return rotation[:rows]


def test_linear_start_with_all_channels_is_lossless() -> None:
    """Analysis and synthesis of the starting point are inverse where nothing is left out."""
    torch.manual_seed(0)
    config = WaveletConfig(768, 1, 1, 1, 1, 64)
    analysis, synthesis = Analysis(config), Synthesis(config)
    steps = torch.tensor([quantiser_step(float(x)) for x in lambdas(KNOTS)])
    start_as_linear_codec(
        analysis,
        synthesis,
        LinearStart(
            orthonormal(STEM_CHANNELS, STEM_CHANNELS),
            torch.rand(STEM_CHANNELS) + 0.05,
            orthonormal(768, 768),
            torch.rand(768) + 0.05,
            steps,
        ),
    )
    x = torch.rand(2, 32, 48, 3) - 0.5
    with torch.no_grad():
        level = torch.tensor([3, 60])
        y = analysis(x, level)
        x_hat = synthesis(y, level)

    assert y.shape == (2, 2, 3, 768)
    assert torch.allclose(x_hat, x, atol=1e-4)
    # in symbol units: unit steps of y are quantiser steps, finer at higher levels
    energy = y.square().sum((1, 2, 3)) / x.square().sum((1, 2, 3))
    assert float(energy[1] / energy[0]) > 100


def test_quantiser_step_falls_with_lambda() -> None:
    steps = [quantiser_step(float(value)) for value in lambdas(64)]

    assert steps == sorted(steps, reverse=True)
    assert lambdas(64)[0] == pytest.approx(0.0004)
    assert lambdas(64)[-1] == pytest.approx(0.25)


def rounded_to_half(model: torch.nn.Module) -> dict[str, Tensor]:
    return _floats(model)


@pytest.mark.parametrize("level", [0, 29, 63])
def test_analyser_equals_the_trained_analysis(tiny_trainable: ImageModel, level: int) -> None:
    pixels = torch.from_numpy(synthetic_picture(64, 96))
    with torch.no_grad():
        x = pixels[None].float() / 255 - 0.5
        expected = tiny_trainable.analysis(x, torch.tensor([level]))[0]

    analyse = Analyser(
        TINY.transform, rounded_to_half(tiny_trainable.analysis), level, torch.float32
    )
    found = analyse(pixels)

    assert found.shape == (4, 6, 32)
    scale = float(expected.abs().max())
    assert float((found - expected).abs().max()) < 0.01 * scale  # float16 weights


@pytest.mark.parametrize("level", [0, 29, 63])
def test_synthesiser_equals_the_trained_synthesis(tiny_trainable: ImageModel, level: int) -> None:
    with torch.no_grad():
        x = torch.from_numpy(synthetic_picture(64, 96))[None].float() / 255 - 0.5
        y = tiny_trainable.analysis(x, torch.tensor([level])).round()
        expected = tiny_trainable.synthesis(y, torch.tensor([level]))[0]
        expected = ((expected + 0.5) * 255).clamp(0, 255)

    synthesise = Synthesiser(
        TINY.transform, rounded_to_half(tiny_trainable.synthesis), level, torch.float32
    )
    found = synthesise(y[0])

    assert found.shape == (64, 96, 3)
    assert found.dtype == torch.uint8
    assert float((found.float() - expected).abs().max()) < 1.5
    assert float((found.float() - expected).abs().mean()) < 0.3


def test_synthesis_survives_latents_no_encoder_makes(tiny_weights: ModelWeights) -> None:
    synthesise = Synthesiser(TINY.transform, tiny_weights.floats["synthesis"], 10, torch.bfloat16)
    for value in (1e6, -1e6, 0.0):
        pixels = synthesise(torch.full((4, 4, 32), value))
        assert pixels.shape == (64, 64, 3)


@pytest.mark.parametrize("margin", [analysis_margin, synthesis_margin])
def test_margins_are_the_reach_of_the_blocks(margin: Callable[[WaveletConfig], int]) -> None:
    assert margin(TINY.transform) == 2  # one block at 1/16, and one at 1/8 that reaches half as far
    assert margin(WaveletConfig(32, 3, 2, 2, 3, 64)) == 2 + 2


def test_synthesis_of_a_window_equals_the_whole(tiny_weights: ModelWeights) -> None:
    synthesise = Synthesiser(TINY.transform, tiny_weights.floats["synthesis"], 40, torch.float32)
    torch.manual_seed(0)
    y_hat = torch.randn(12, 16, 32).mul(4).round()
    margin = synthesis_margin(TINY.transform)
    whole = synthesise(y_hat).int()

    part = synthesise(y_hat[4 - margin : 8 + margin, 6 - margin : 10 + margin]).int()

    inside = part[16 * margin : -16 * margin, 16 * margin : -16 * margin]
    assert int((inside - whole[64:128, 96:160]).abs().max()) <= 1
    # and no narrower margin would do
    narrow = synthesise(y_hat[4 - margin + 1 : 8 + margin - 1, 6 - margin + 1 : 10 + margin - 1])
    cut = 16 * (margin - 1)
    assert int((narrow.int()[cut:-cut, cut:-cut] - whole[64:128, 96:160]).abs().max()) > 0


def test_analysis_of_a_window_equals_the_whole(tiny_weights: ModelWeights) -> None:
    analyse = Analyser(TINY.transform, tiny_weights.floats["analysis"], 40, torch.float32)
    pixels = torch.from_numpy(np.ascontiguousarray(synthetic_picture(192, 256)))
    margin = analysis_margin(TINY.transform)
    whole = analyse(pixels)

    top, left = 16 * (4 - margin), 16 * (6 - margin)
    part = analyse(pixels[top : 16 * (8 + margin), left : 16 * (10 + margin)])

    inside = part[margin:-margin, margin:-margin]
    assert torch.allclose(inside, whole[4:8, 6:10], atol=1e-3)
