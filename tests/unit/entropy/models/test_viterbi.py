"""The search over a whole batch finds what the coder's search finds, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from entropy.coder import trellis
from entropy.coder.states import FEW_STATES
from entropy.models import gaussian, viterbi
from entropy.models.quantisers import MOST_BITS, Trellis

TABLES = gaussian.SCALE_LEVELS
SKIP = gaussian.SKIP_BELOW


def prices(step: int) -> torch.Tensor:
    """(2, tables, magnitudes) int64: those of an untrained model."""
    return (Trellis(step, 8, FEW_STATES).prices() * 2048).round().long()


def batch(segments: int, size: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Residuals and indexes; a different share of every segment is skipped."""
    random = np.random.default_rng(seed)
    indexes = random.integers(0, TABLES, (segments, size)) * random.random((segments, 1)) ** 0.5
    scale = 0.11 * np.exp(0.1 * indexes)
    residuals = (random.laplace(0, 1, (segments, size)) * scale).astype(np.float32)
    return torch.from_numpy(residuals), torch.from_numpy(indexes.astype(np.int64))


def expected(
    residuals: torch.Tensor,
    indexes: torch.Tensor,
    bits: torch.Tensor,
    step: int,
    weight: int,
    states: int = FEW_STATES,
) -> tuple[np.ndarray, np.ndarray]:
    """The NumPy definition, segment by segment."""
    costs = trellis.TrellisCosts(bits.to(torch.int32).numpy(), SKIP, step, weight, states)
    rows = [
        trellis.quantise(trellis.in_units(r), i, costs, backend="reference")
        for r, i in zip(residuals.numpy(), indexes.numpy().astype(np.uint8), strict=True)
    ]
    return np.stack([row[0] for row in rows]), np.stack([row[1] for row in rows])


@pytest.mark.parametrize("size", [1, 31, 33, 511, 512, 513, 4000])
@pytest.mark.parametrize(("step", "weight"), [(20, 8), (1, 8), (64, 64), (20, 0)])
def test_finds_what_the_coder_finds(size: int, step: int, weight: int) -> None:
    residuals, indexes = batch(3, size, seed=size)
    if size > 500:
        residuals[0, :6] = torch.tensor([np.inf, -np.inf, np.nan, 1e30, -0.0, 3e4])
        indexes[1] = 0  # a segment of which nothing is coded
    bits = prices(step)

    symbols, sets = viterbi.choose(residuals, indexes, bits, SKIP, step, weight)

    wanted_symbols, wanted_sets = expected(residuals, indexes, bits, step, weight)
    assert np.array_equal(symbols.numpy(), wanted_symbols)
    assert np.array_equal(sets.numpy(), wanted_sets)
    if size > 500:
        assert not symbols[1].any()
        assert weight == 0 or symbols[2].any()


def test_units_are_rounded_as_the_coder_rounds_them() -> None:
    """Halves of a unit, and what rounds to no unit at all: its sign is lost."""
    near = torch.tensor([0.5, 1.5, 2.5, 0.49, 0.51, 1e-9, 1000.5]) / 256
    residuals = torch.cat([near, -near]).repeat(40)[None]
    indexes = torch.full_like(residuals, 5, dtype=torch.int64)
    bits = torch.full((2, TABLES, 4), 1)
    bits[:, :, 0] = 2000  # zero is dear: signs show

    symbols, sets = viterbi.choose(residuals, indexes, bits, SKIP, 1, 8)

    wanted_symbols, wanted_sets = expected(residuals, indexes, bits, 1, 8)
    assert np.array_equal(symbols.numpy(), wanted_symbols)
    assert np.array_equal(sets.numpy(), wanted_sets)
    assert (symbols < 0).any()


def test_equal_costs_are_settled_as_the_coder_settles_them() -> None:
    residuals, indexes = batch(2, 2000, seed=1)
    residuals = residuals.round()
    bits = torch.full((2, TABLES, 4), round(MOST_BITS))

    symbols, sets = viterbi.choose(residuals, indexes, bits, SKIP, 32, 8)

    wanted_symbols, wanted_sets = expected(residuals, indexes, bits, 32, 8)
    assert np.array_equal(symbols.numpy(), wanted_symbols)
    assert np.array_equal(sets.numpy(), wanted_sets)


@pytest.mark.parametrize("states", [8, 256])
@pytest.mark.parametrize("size", [1, 33, 1100])
def test_one_warp_to_a_chain_finds_the_same(size: int, states: int) -> None:
    """On a GPU; without one in Triton's interpreter."""
    pytest.importorskip("triton", reason="needs Triton, which has no build for this platform")
    from entropy.models import viterbi_triton

    device = "cuda" if torch.cuda.is_available() else "cpu"
    residuals, indexes = batch(2, size, seed=size)
    if size > 500:
        residuals[0, :6] = torch.tensor([np.inf, -np.inf, np.nan, 1e30, -0.0, 3e4])
        indexes[1] = 0  # a segment of which nothing is coded
    bits = prices(20)

    found = viterbi_triton.choose(
        residuals.to(device), indexes.byte().to(device), bits.int().to(device), SKIP, 20, 8, states
    )

    for mine, wanted in zip(found, expected(residuals, indexes, bits, 20, 8, states), strict=True):
        assert np.array_equal(mine.cpu().numpy(), wanted)


@pytest.mark.gpu
def test_a_gpu_finds_the_same_in_a_large_batch() -> None:
    from entropy.models import viterbi_triton

    residuals, indexes = batch(8, 9000, seed=2)
    bits = prices(20)

    found = viterbi_triton.choose(
        residuals.cuda(), indexes.byte().cuda(), bits.int().cuda(), SKIP, 20, 8, 256
    )

    for mine, wanted in zip(found, expected(residuals, indexes, bits, 20, 8, 256), strict=True):
        assert np.array_equal(mine.cpu().numpy(), wanted)
