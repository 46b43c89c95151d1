"""Feedback: what is settled is answered by what is not, and nothing else moves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from codec.encoder import Encoder
from codec.frame.feedback import SHARE, Feedback, expected
from codec.trainable.model import lambdas
from codec.models.registry import ModelEntry
from codec.models.weights import ModelWeights
from codec.frame.refine import CURVATURE, Tile
from entropy.models.latent_codec import LatentCodec
from entropy.models.partition import joined, split
from entropy.models.quadtree import STEPS
from tests.model_fixtures import synthetic_picture

CPU = torch.device("cpu")
NONE = torch.zeros(192)


def random(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def whole(parts: list[Tensor]) -> Tensor:
    return joined([part.unbind(1) for part in parts])[0]


def quadratic(matrix: Tensor, best: Tensor) -> Callable[[Tensor], Tensor]:
    """Of the curvature that is assumed, where matrix.T @ matrix has a unit diagonal."""
    return lambda y_hat: (
        CURVATURE / 2 * (matrix @ (y_hat.flatten() - best.flatten())).square().sum()
    )


def test_later_targets_answer_the_errors_of_the_settled_ones() -> None:
    y = random(4, 4, 8, seed=1)
    matrix = random(y.numel(), y.numel(), seed=2)
    matrix = matrix / matrix.norm(dim=0)
    feedback = Feedback(quadratic(matrix, random(4, 4, 8, seed=3)), y, y)
    errors = [torch.zeros_like(part) for part in split(y[None])]

    for step in range(STEPS - 1):
        errors[step] = 0.3 * random(*errors[step].shape, seed=10 + step)
        targets = feedback(step, (split(y[None])[step] + errors[step])[0])

        pull = (matrix.T @ matrix @ whole(errors).flatten()).view_as(y)
        wanted = split((y - SHARE * pull)[None])
        for later in range(step + 1, STEPS):
            torch.testing.assert_close(targets[later], wanted[later], rtol=0, atol=1e-4)


def test_where_nothing_overlaps_nothing_moves() -> None:
    y = random(4, 8, 8, seed=1)
    feedback = Feedback(quadratic(torch.eye(y.numel()), random(4, 8, 8, seed=3)), y, y)

    targets = feedback(0, split(y[None])[0][0] + 0.4)

    for later in (1, 2, 3):
        torch.testing.assert_close(targets[later], split(y[None])[later])


def test_what_was_expected_moves_nothing() -> None:
    y, likely = random(2, 4, 8, 8, seed=1)
    matrix = random(y.numel(), y.numel(), seed=2)
    feedback = Feedback(quadratic(matrix, y * 0), y, likely)

    for step in range(STEPS - 1):
        targets = feedback(step, split(likely[None])[step][0])

        for found, part in zip(targets, split(y[None]), strict=True):
            torch.testing.assert_close(found, part)


@pytest.fixture
def latent_codec(trellis_weights: ModelWeights) -> LatentCodec:
    weights = trellis_weights
    return LatentCodec(weights.config.entropy, weights.network, weights.tables, CPU)


def test_expected_is_the_target_but_where_nothing_is_coded(latent_codec: LatentCodec) -> None:
    y, z = random(8, 12, 32, seed=4), torch.zeros(2, 3, 8)
    segments, y_hat = latent_codec.segments(y, z, 40, NONE)

    likely = expected(y, segments, y_hat)

    coded = torch.from_numpy(
        np.concatenate([s.reshape(1, 4, 4, 6, 8) != 0 for s, _ in segments[1:]])
    )
    coded = whole([part[None] for part in coded])
    assert 0.05 < float(coded.float().mean()) < 0.95
    assert torch.equal(likely[coded], y[coded])
    assert torch.equal(likely[~coded], y_hat[~coded])


def test_answers_replace_the_targets_of_later_steps(latent_codec: LatentCodec) -> None:
    y, z = random(8, 12, 32, seed=4), torch.zeros(2, 3, 8)
    other = split(y[None] + 5)
    told: list[tuple[int, Tensor]] = []

    def answer(step: int, y_hat: Tensor) -> list[Tensor]:
        told.append((step, y_hat))
        return [*split(y[None])[:2], *other[2:]]

    payload, y_hat = latent_codec.compress(y, z, 40, NONE, answer)

    parts = split(y_hat[None])
    assert [step for step, _ in told] == [0, 1, 2]
    for step, decoded in told:
        assert torch.equal(decoded, parts[step][0])
    replaced = whole([*split(y[None])[:2], *other[2:]])
    assert latent_codec.compress(replaced, z, 40, NONE)[0] == payload
    assert torch.equal(latent_codec.decompress(payload, 8, 12, 40), y_hat)


def test_distortion_of_a_tile_is_what_its_decoded_pixels_are_worth(tiny_model: ModelEntry) -> None:
    """Whatever lies around it, in float32."""
    model = Encoder(precision="float32")._model
    pixels = torch.from_numpy(np.ascontiguousarray(synthetic_picture(60, 64)))
    y = random(6, 5, model.config.latent, seed=2)
    tile = Tile(pixels, y, (2, 1), 40)

    bits = model.refiner().distortion(tile)(y[None, 2:6, 1:5])

    image = model.synthesiser(40)(y)[32:92, 16:80].float()
    squares = float((image - pixels).square().sum()) / 3 * float(lambdas(64)[40])
    assert float(bits) == pytest.approx(squares, rel=0.01)
