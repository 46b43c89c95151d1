"""What stands in for quantisation while training: values, bits, gradients, counts."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from codec.trainable.model import ImageModel
from codec.trainable.weights import TrainedWeights
from entropy.coder import trellis
from entropy.coder.states import FEW_STATES
from entropy.models import gaussian, quantisers, viterbi
from entropy.models.latent_codec import MEAN_BITS, TABLES, UNIT_BITS
from entropy.models.partition import split
from entropy.models.quantisers import Trellis, noisy, rounded
from tests.unit.entropy.models import cases

STEP = 20


def residuals(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Residuals that follow their tables, (2, 4, 3, 3, 8)."""
    generator = torch.Generator().manual_seed(seed)
    index = 40 * torch.rand(2, 4, 3, 3, 8, generator=generator)
    residual = torch.randn(index.shape, generator=generator) * gaussian.scale_of(index)
    return residual, index


def test_rounded_has_the_bits_of_the_symbols() -> None:
    residual, index = residuals()

    value, bits = rounded(residual, index)

    assert torch.equal(value, torch.floor(residual + 0.5))
    assert torch.equal(bits, gaussian.bits(value, index))


def test_noisy_has_the_value_of_rounded_and_other_bits_every_time() -> None:
    residual, index = residuals()

    value, bits = noisy(residual, index)

    assert torch.equal(value, rounded(residual, index)[0])
    assert not torch.equal(bits, noisy(residual, index)[1])
    assert float(bits.mean()) == pytest.approx(float(rounded(residual, index)[1].mean()), rel=0.3)


def test_frequencies_begin_as_those_of_the_gaussian() -> None:
    quantiser = Trellis(STEP, 8, FEW_STATES)

    frequencies = quantiser.frequencies()

    assert torch.allclose(frequencies.sum(-1), torch.ones(2, 64))
    unit = STEP / 32
    for table in (5, 20, 45):
        for which in (0, 1):
            mass = gaussian.trellis_pmf(table, 3, unit, which)
            assert float(frequencies[which, table, 0]) == pytest.approx(mass[3], abs=1e-4)
            assert float(frequencies[which, table, 2]) == pytest.approx(2 * mass[5], abs=1e-4)


def test_values_are_points_of_the_trellis_and_the_gradient_passes() -> None:
    residual, index = residuals()
    quantiser = Trellis(STEP, 8, FEW_STATES).eval()
    residual.requires_grad_()

    value, bits = quantiser(residual, index)
    value.sum().backward()

    steps = value.detach() * 32 / STEP
    assert torch.allclose(steps, steps.round(), atol=1e-4)
    assert torch.equal(residual.grad, torch.ones_like(residual))
    skipped = index + 0.5 < gaussian.SKIP_BELOW
    assert skipped.any()
    assert not value[skipped].any()
    assert not bits[skipped].any()


def test_bits_in_evaluation_are_the_prices_of_the_symbols() -> None:
    residual, index = residuals()
    quantiser = Trellis(STEP, 8, FEW_STATES).eval()
    prices = quantiser.prices()

    _, bits = quantiser(residual, index)

    tables = torch.floor(index + 0.5).to(torch.uint8)
    integer = (prices * 2048).round().to(torch.int32).numpy()
    costs = trellis.TrellisCosts(integer, gaussian.SKIP_BELOW, STEP, 8)
    for n in range(2):
        values = trellis.in_units(residual[n].flatten().numpy())
        chosen = trellis.quantise(values, tables[n].flatten().numpy(), costs)
        symbols, sets = (torch.from_numpy(a).long() for a in chosen)
        expected = prices[sets, tables[n].flatten().long(), symbols.abs()]
        expected[tables[n].flatten() < gaussian.SKIP_BELOW] = 0
        assert torch.allclose(bits[n].flatten(), expected)


def test_without_the_compiled_coder_the_same_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    residual, index = residuals()
    quantiser = Trellis(STEP, 8, FEW_STATES).eval()
    wanted_value, wanted_bits = quantiser(residual, index)
    called: list[str] = []
    choose = viterbi.choose

    def noted(*args: Any) -> Any:
        called.append("batch")
        return choose(*args)

    monkeypatch.setattr(quantisers, "backend", lambda: "reference")
    monkeypatch.setattr(viterbi, "choose", noted)
    value, bits = quantiser(residual, index)

    assert called == ["batch"]
    assert torch.equal(value, wanted_value)
    assert torch.equal(bits, wanted_bits)


def test_counts_follow_what_is_chosen_in_training_only() -> None:
    residual, index = residuals()
    quantiser = Trellis(STEP, 8, FEW_STATES)

    quantiser.eval()(residual, index)
    assert not quantiser.counts.any()

    before = quantiser.prices()
    for _ in range(3):
        quantiser.train()(residual, index)

    coded = int((index + 0.5 >= gaussian.SKIP_BELOW).sum())
    assert float(quantiser.counts.sum()) == pytest.approx(3 * coded, rel=0.01)
    assert not torch.equal(quantiser.prices(), before)
    assert "counts" in quantiser.state_dict()


def test_counts_grow_where_they_are_large_already() -> None:
    residual, index = residuals()
    quantiser = Trellis(STEP, 8, FEW_STATES).train()
    quantiser.counts.fill_(2.0**26)

    quantiser(residual.zero_(), torch.full_like(index, 20.0))

    grown = float(quantiser.counts[0, 20, 0] - quantiser.counts[0, 21, 0])
    assert grown == pytest.approx(residual.numel(), rel=0.02)  # zeros all, of quantiser 0


def test_training_bits_are_those_of_a_noisy_residual() -> None:
    residual, index = residuals()
    residual.requires_grad_()
    quantiser = Trellis(STEP, 8, FEW_STATES).train()

    first, second = (quantiser(residual, index)[1] for _ in range(2))
    first.sum().backward()

    assert not torch.equal(first, second)
    assert residual.grad is not None
    assert residual.grad.abs().sum() > 0


def test_evaluation_reconstructs_as_the_codec_does(
    tiny_trainable: ImageModel, tiny_weights: TrainedWeights
) -> None:
    """Training's prices are not quite those of the tables, so here and there another path wins; the
    error and the rate are the same.
    """
    model = tiny_trainable.entropy
    assert model.trellis is not None
    y = torch.randn(16, 16, 32, generator=torch.Generator().manual_seed(4)).mul(256).round()
    wanted = y / 2**UNIT_BITS
    with torch.no_grad():
        z = model.hyper_analysis(wanted[None]).round()
        y_hat, y_bits, _ = model.code(
            split(wanted[None]), z, torch.tensor([30]), model.trellis, rounded
        )

    units, symbols_of_z = y.int().numpy(), z[0].int().numpy()
    _, decoded, segments = cases.codec_of(tiny_weights).compress(units, symbols_of_z, 30)

    coded = torch.from_numpy(decoded) / 2**MEAN_BITS
    assert float((y_hat[0] - wanted).square().mean()) == pytest.approx(
        float((coded - wanted).square().mean()), rel=0.05
    )
    cdf = tiny_weights.tables.cdf
    bits = 0.0
    for symbols, tables in segments[1:]:
        for symbol, table in zip(symbols.tolist(), tables.tolist(), strict=True):
            row, entry = cdf.cdfs[table], symbol - cdf.offsets[table]
            if table % TABLES >= cdf.skip_below and 0 <= entry < len(row) - 2:
                bits += 16 - float(torch.log2(torch.tensor(int(row[entry + 1]) - int(row[entry]))))
    assert float(y_bits) == pytest.approx(bits, rel=0.05)
