"""Weights rounded together: on the grid, within the bound, and nearer to the function."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from networks.export.convert import integer_network
from networks.export.rounding import round_weights
from networks.train.spec import LayerSpec
from networks.train.training import ExactLayer, TrainingOps

SPECS = {
    "a": LayerSpec("linear", 24, 16, leveled=True),
    "b": LayerSpec("depthwise", 16, 16),
}
LEVELS = 64


@pytest.fixture
def ops() -> TrainingOps:
    """Large weights, so that the bound leaves them few bits."""
    torch.manual_seed(0)
    ops = TrainingOps(SPECS, LEVELS, torch.zeros(4))
    with torch.no_grad():
        ops.layer("a").weight.mul_(30)
    return ops.bind(torch.tensor([7]))


@pytest.fixture
def x() -> Tensor:
    """Inputs that depend on each other, about a mean that is not zero."""
    generator = torch.Generator().manual_seed(1)
    mixing = torch.randn(6, 24, generator=generator)
    return torch.randn(1, 30, 40, 6, generator=generator) @ mixing * 0.3 + 1


def error(layer: ExactLayer, x: Tensor, weight: Tensor, bias: Tensor) -> float:
    """Mean square of what rounding changes at the exit."""
    with torch.no_grad():
        wrong = x @ (weight - layer.weight).T + bias - layer.bias
    return float(wrong.square().mean())


def test_rounding_together_keeps_more_of_the_function(ops: TrainingOps, x: Tensor) -> None:
    before = copy.deepcopy(ops.layer("a"))
    nearest = error(before, x, before.quantised(LEVELS)[0], before.bias)

    round_weights(ops, lambda: ops.linear("a", x))

    together = error(before, x, ops.layer("a").weight, ops.layer("a").bias)
    assert 0 < together < 0.1 * nearest


def test_result_is_what_export_writes(ops: TrainingOps, x: Tensor) -> None:
    shift = ops.layer("a").quantised(LEVELS)[2].clone()

    round_weights(ops, lambda: ops.linear("a", x))

    layer = ops.layer("a")
    weight, _, after = layer.quantised(LEVELS)
    assert torch.equal(after, shift)
    assert torch.equal(weight, layer.weight)
    integer_network(ops, SPECS)  # the proof of overflow holds


def test_other_layers_stay(ops: TrainingOps, x: Tensor) -> None:
    before = ops.layer("b").weight.detach().clone()

    round_weights(ops, lambda: ops.depthwise("b", ops.linear("a", x)))

    assert torch.equal(ops.layer("b").weight, before)


def test_inputs_that_are_never_seen_are_rounded_to_the_nearest(ops: TrainingOps) -> None:
    x = torch.zeros(1, 3, 3, 24)
    nearest = ops.layer("a").quantised(LEVELS)[0].detach().clone()

    round_weights(ops, lambda: ops.linear("a", x))

    assert torch.equal(ops.layer("a").weight, nearest)


def test_a_row_that_outgrows_its_bound_stays(
    ops: TrainingOps, x: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Making up for errors may make a row's sum larger than its shift has room for."""
    from networks.export import rounding

    before = copy.deepcopy(ops.layer("a"))
    real = rounding._rounded

    def outgrown(weight: Tensor, unit: Tensor, moments: Tensor) -> tuple[Tensor, Tensor]:
        chosen, offset = real(weight, unit, moments)
        chosen[3] *= 4
        return chosen, offset

    monkeypatch.setattr(rounding, "_rounded", outgrown)
    round_weights(ops, lambda: ops.linear("a", x))

    same = (ops.layer("a").weight == before.weight).all(1)
    assert same.tolist() == [row == 3 for row in range(16)]
    assert ops.layer("a").bias[3] == before.bias[3]


def test_mode_is_restored(ops: TrainingOps, x: Tensor) -> None:
    ops.exact = True

    round_weights(ops, lambda: ops.linear("a", x))

    assert ops.exact
