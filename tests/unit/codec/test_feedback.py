"""Feedback: what is settled is answered by what is not, and nothing else moves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from codec.frame.feedback import SHARE, Feedback, expected
from codec.frame.model import FrameModel, loaded
from codec.frame.refine import CURVATURE, Refiner, Tile
from codec.models.quality import lmbda_of
from codec.models.registry import ModelEntry
from codec.trainable.weights import read_trained
from entropy.models.latent_codec import split_steps
from entropy.models.partition import joined, split
from entropy.models.quadtree import STEPS
from tests.model_fixtures import synthetic_picture


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
def model(tiny_entry: ModelEntry) -> FrameModel:
    """The small model in the compiled core."""
    return loaded(tiny_entry)


def targets(seed: int) -> np.ndarray:
    """y (8, 12, 32) in 2^-8 symbols."""
    random = np.random.default_rng(seed)
    return np.rint(random.normal(0, 256, (8, 12, 32))).astype(np.int32)


NO_Z = np.zeros((2, 3, 8), np.int32)


def test_expected_is_the_target_but_where_nothing_is_coded(model: FrameModel) -> None:
    units = targets(4)
    _, found, segments = model.compress(units, NO_Z, 40)
    y = torch.from_numpy(units).float() / 256
    y_hat = torch.from_numpy(found).float() / 32

    likely = expected(y, segments, y_hat)

    coded = torch.from_numpy(
        np.concatenate([s.reshape(1, 4, 4, 6, 8) != 0 for s, _ in segments[1:]])
    )
    coded = whole([part[None] for part in coded])
    assert 0.05 < float(coded.float().mean()) < 0.95
    assert torch.equal(likely[coded], y[coded])
    assert torch.equal(likely[~coded], y_hat[~coded])


def test_answers_replace_the_targets_of_later_steps(model: FrameModel) -> None:
    y = targets(4)
    mine, other = split_steps(y), split_steps(y + 5 * 256)
    told: list[tuple[int, np.ndarray]] = []

    def answer(step: int, y_hat: np.ndarray) -> list[np.ndarray]:
        told.append((step, y_hat.copy()))
        return [*mine[:2], *other[2:]]

    payload, y_hat, _ = model.compress(y, NO_Z, 40, answer=answer)

    parts = split_steps(y_hat)
    assert [step for step, _ in told] == [0, 1, 2]
    for step, decoded in told:
        assert np.array_equal(decoded, parts[step])
    torch_parts = [torch.from_numpy(part)[None] for part in [*mine[:2], *other[2:]]]
    replaced = whole(torch_parts).contiguous().numpy()
    assert model.compress(replaced, NO_Z, 40)[0] == payload
    assert np.array_equal(model.decompress(payload, 8, 12, 40), y_hat)


def test_distortion_of_a_tile_is_what_its_decoded_pixels_are_worth(
    tiny_entry: ModelEntry, model: FrameModel
) -> None:
    """Whatever lies around it, in float32."""
    refiner = Refiner(
        read_trained(tiny_entry.path.read_bytes()), torch.device("cpu"), torch.float32
    )
    pixels = torch.from_numpy(np.ascontiguousarray(synthetic_picture(60, 64)))
    units = np.rint(np.random.default_rng(2).normal(0, 32, (6, 5, 32))).astype(np.int32)
    y = torch.from_numpy(units).float() / 32
    tile = Tile(pixels, y, (2, 1), 40)

    bits = refiner.distortion(tile)(y[None, 2:6, 1:5])

    image = torch.from_numpy(model.synthesise(units, 40))[32:92, 16:80].float()
    squares = float((image - pixels).square().sum()) / 3 * lmbda_of(40, 64)
    assert float(bits) == pytest.approx(squares, rel=0.01)
