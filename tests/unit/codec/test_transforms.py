"""The transforms: shapes, exact inverses, their floats and their integers, windows with margins."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from codec.frame.model import FrameModel, loaded
from codec.models.registry import ModelEntry
from codec.trainable.blocks import GatedBlock, LevelGain, ScaledLinear, shuffle, unshuffle
from codec.trainable.folded import Folded, folded
from codec.trainable.model import ImageModel, lambdas
from codec.trainable.transforms import (
    STEM_CHANNELS,
    Analysis,
    LinearStart,
    Synthesis,
    quantiser_step,
    start_as_linear_codec,
)
from codec.transforms.wavelet import (
    WaveletConfig,
    analyse,
    analysis_margin,
    haar_packet,
    synthesis_margin,
    synthesise,
)
from entropy.models.hyper_graph import hyper_analyse
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
    config = WaveletConfig(768, 1, 1, 64)
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


def test_haar_packet_is_three_stages_of_sums_and_differences() -> None:
    matrix = haar_packet(3)
    block = np.random.default_rng(2).normal(size=(8, 8))
    bands = [block]
    for _ in range(3):
        fours = [(b[::2, ::2], b[::2, 1::2], b[1::2, ::2], b[1::2, 1::2]) for b in bands]
        bands = [
            (a + p * b + q * c + p * q * d) / 2
            for a, b, c, d in fours
            for p in (1, -1)
            for q in (1, -1)
        ]

    found = matrix @ block.reshape(-1)

    np.testing.assert_allclose(matrix @ matrix.T, np.eye(64), atol=1e-12)
    np.testing.assert_allclose(np.sort(found), np.sort(np.concatenate(bands).reshape(-1)))


def test_a_stem_is_a_haar_packet_and_a_linear_map(tiny_trainable: ImageModel) -> None:
    """Whatever the stem has learned, it says of the packet of every colour."""
    stem = folded(tiny_trainable.analysis)["stem.weight"].double().numpy()
    packet = np.kron(haar_packet(3), np.eye(3))  # pixels row by row, their colours together
    x = np.random.default_rng(1).normal(size=(10, STEM_CHANNELS))

    behind = stem @ packet.T

    assert abs(np.linalg.norm(behind) / np.linalg.norm(stem) - 1) < 1e-12
    np.testing.assert_allclose(x @ packet.T @ behind.T, x @ stem.T, atol=1e-9)


LEVEL = pytest.mark.parametrize("level", [0, 29, 63])


@LEVEL
def test_folded_layers_equal_the_trained_ones(tiny_trainable: ImageModel, level: int) -> None:
    model, at = tiny_trainable, torch.tensor([level])
    x = torch.from_numpy(synthetic_picture(64, 128)).float() / 255 - 0.5
    with torch.no_grad():
        y = model.analysis(x[None], at)[0]
        z = model.entropy.hyper_analysis(y[None])[0]
        x_hat = model.synthesis(y[None].round(), at)[0]

        def ops(module: torch.nn.Module) -> Folded:
            return Folded(folded(module), 64, level)

        found = [
            analyse(ops(model.analysis), TINY.transform, x),
            hyper_analyse(ops(model.entropy.hyper_analysis), y),
            synthesise(ops(model.synthesis), TINY.transform, y.round()),
        ]

    for ours, theirs in zip(found, (y, z, x_hat), strict=True):
        assert ours.shape == theirs.shape
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.fixture
def model(tiny_entry: ModelEntry) -> FrameModel:
    """The small model in integers."""
    return loaded(tiny_entry)


@LEVEL
def test_integers_are_near_the_trained_floats(
    tiny_trainable: ImageModel, model: FrameModel, level: int
) -> None:
    pixels, at = synthetic_picture(64, 128), torch.tensor([level])
    y = model.analyse(pixels, (0, 0, 8, 4), level)
    z = model.hyper_analyse(y, level)
    y_hat = 32 * ((y + 128) >> 8)
    image = model.synthesise(y_hat, level)

    with torch.no_grad():
        x = torch.from_numpy(pixels)[None].float() / 255 - 0.5
        float_y = tiny_trainable.analysis(x, at)
        float_z = tiny_trainable.entropy.hyper_analysis(torch.from_numpy(y)[None].float() / 256)
        float_x = tiny_trainable.synthesis(torch.from_numpy(y_hat)[None].float() / 32, at)

    assert np.abs(y / 256 - float_y[0].numpy()).max() < 0.05
    assert np.abs(z - float_z[0].numpy()).max() < 0.5 + 0.02
    shown = ((float_x[0] + 0.5) * 255).clamp(0, 255).numpy()
    assert np.abs(image - shown).max() < 0.5 + 0.25


@pytest.mark.parametrize(
    ("margin", "config", "latents"),
    [
        (analysis_margin, TINY.transform, 1),
        (synthesis_margin, TINY.transform, 2),
        (analysis_margin, WaveletConfig(analysis8=15), 8),
        (synthesis_margin, WaveletConfig(synthesis8=16), 8),
    ],
)
def test_margins_are_the_reach_of_the_blocks(
    margin: Callable[[WaveletConfig], int], config: WaveletConfig, latents: int
) -> None:
    """A block reaches one position at 1/8, half a latent."""
    assert margin(config) == latents


def test_synthesis_of_a_window_equals_the_whole(model: FrameModel) -> None:
    random = np.random.default_rng(0)
    y_hat = (32 * np.rint(random.normal(0, 4, (12, 16, 32)))).astype(np.int32)
    margin = synthesis_margin(TINY.transform)
    expected = model.synthesise(y_hat, 40)[64:128, 96:160]

    def inside(margin: int) -> np.ndarray:
        window = y_hat[4 - margin : 8 + margin, 6 - margin : 10 + margin]
        pixels = model.synthesise(np.ascontiguousarray(window), 40)
        return pixels[16 * margin : -16 * margin, 16 * margin : -16 * margin]

    assert np.array_equal(inside(margin), expected)
    assert not np.array_equal(inside(margin - 1), expected)  # no narrower one would do


def test_analysis_of_a_window_equals_the_whole(model: FrameModel) -> None:
    pixels = np.ascontiguousarray(synthetic_picture(192, 256))
    margin = analysis_margin(TINY.transform)
    whole = model.analyse(pixels, (0, 0, 16, 12), 40)

    assert np.array_equal(model.analyse(pixels, (6, 4, 4, 4), 40), whole[4:8, 6:10])
    # a picture of the window and its margin alone
    top, left = 16 * (4 - margin), 16 * (6 - margin)
    part = np.ascontiguousarray(pixels[top:, left:])
    found = model.analyse(part, (margin, margin, 4, 4), 40)
    assert np.array_equal(found, whole[4:8, 6:10])
