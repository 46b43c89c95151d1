"""Quantisation-aware training computes the integers that decode, and export reads them off."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from networks.errors import InvalidNetwork
from networks.export.convert import integer_network, trainable_layers
from networks.export.integer_layers import IntegerLayer, IntegerNetwork, output_range
from networks.train.spec import ACT_BITS, ACT_MAX, COMPAND_SIZE, MEAN_BITS, LayerSpec
from networks.train.training import (
    KNOTS,
    clamp_to_range,
    compand_table,
    interpolate_knots,
    round_through,
)
from tests.networks.trained import integers, trained

LEVELS = 16
SPECS = {
    "signed": LayerSpec("linear", 6, 5),
    "relu": LayerSpec("linear", 6, 5, "relu", leveled=True),
    "spatial": LayerSpec("depthwise", 6, 6),
    "mean": LayerSpec("linear", 6, 4, "mean"),
    "index": LayerSpec("linear", 6, 4, "index", leveled=True),
}
UNIT = {"signed": ACT_BITS, "relu": ACT_BITS, "mean": MEAN_BITS, "index": 0}


def computed(layer: IntegerLayer, level: int, x: np.ndarray) -> np.ndarray:
    """What the integers of a layer make of x (B, H, W, inputs): the formula of `IntegerLayer`."""
    weight, shift = layer.weight.astype(np.int64), layer.shift.astype(np.int64)
    acc = np.zeros((*x.shape[:-1], layer.spec.outputs), np.int64)
    acc += layer.bias[level if layer.spec.leveled else 0]
    if layer.spec.kind == "linear":
        acc += x @ weight.T
    else:
        _, h, w, _ = x.shape
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        for i, j in np.ndindex(3, 3):
            acc += padded[:, i : i + h, j : j + w] * weight[:, i, j]
    return (acc + (1 << (shift - 1)) >> shift).clip(*output_range(layer.spec))


@pytest.mark.parametrize("name", sorted(SPECS))
@pytest.mark.parametrize("seed", range(3))
def test_exact_forward_equals_the_exported_integers(name: str, seed: int) -> None:
    ops = trained(SPECS, 16, LEVELS, seed)
    network = integer_network(ops, SPECS)
    random = np.random.default_rng(seed)
    kind = "depthwise" if name == "spatial" else "linear"
    for level in (0, 5, LEVELS - 1):
        x = random.integers(-ACT_MAX, ACT_MAX + 1, (2, 4, 6, 6)).astype(np.int64)
        x[0] = np.where(random.random(x[0].shape) < 0.5, -ACT_MAX, ACT_MAX)
        expected = computed(network.layers[name], level, x)
        value = torch.from_numpy(x).float() / 2**ACT_BITS

        found = getattr(ops.bind(torch.full((2,), level)), kind)(name, value)

        assert np.array_equal(integers(found, UNIT[SPECS[name].output]), expected)


def test_levels_of_a_batch_are_independent() -> None:
    ops = trained(SPECS, 16, LEVELS, 5)
    x = torch.randint(-ACT_MAX, ACT_MAX + 1, (3, 2, 2, 6)).float() / 2**ACT_BITS
    levels = torch.tensor([9, 0, 15])

    together = ops.bind(levels).linear("relu", x)

    for n in range(3):
        alone = ops.bind(levels[n : n + 1]).linear("relu", x[n : n + 1])
        assert torch.equal(together[n : n + 1], alone)


def test_export_drops_the_levels_of_unleveled_layers() -> None:
    network = integer_network(trained(SPECS, 16, LEVELS, 0), SPECS)

    assert network.layers["signed"].bias.shape == (1, 5)
    assert network.layers["relu"].bias.shape == (LEVELS, 5)
    assert network.layers["spatial"].weight.shape == (6, 3, 3)
    assert network.levels == LEVELS
    assert network.compand.shape == (2 * COMPAND_SIZE - 1,)


def test_layers_come_back_from_the_integers() -> None:
    """Within what the weights were rounded by, and biases of levels within what knots can say."""
    ops, again = trained(SPECS, 16, LEVELS, 3), trained(SPECS, 16, LEVELS, 4)
    for name in SPECS:
        again.layer(name).exponent.copy_(ops.layer(name).exponent)
    network = integer_network(ops, SPECS)

    trainable_layers(network, again)

    for name, layer in network.layers.items():
        found, wanted = again.layer(name), ops.layer(name)
        unit = torch.exp2(-wanted.quantised(LEVELS)[2])
        by_channel = unit.view(-1, *[1] * (wanted.weight.dim() - 1))
        assert bool(((found.weight - wanted.weight).abs() <= 0.51 * by_channel).all())
        off = (found.table_bias(LEVELS) - wanted.table_bias(LEVELS)).detach().abs()
        assert float(off.max()) <= (0.05 if layer.spec.leveled else float(unit.max()))


def test_export_round_trips_through_arrays() -> None:
    network = integer_network(trained(SPECS, 16, LEVELS, 1), SPECS)

    again = IntegerNetwork.from_arrays(SPECS, network.arrays(), LEVELS)

    for name, array in network.arrays().items():
        assert np.array_equal(again.arrays()[name], array)


# 65536 becomes 131072 units, which is 0 as int16.
@pytest.mark.parametrize("size", [3000.0, 65_536.0, 1e9, 1e30, float("nan"), float("inf")])
def test_export_refuses_weights_that_break_the_bound(size: float) -> None:
    """Also where the integers would not fit int16: they may not wrap into something harmless."""
    ops = trained(SPECS, 16, LEVELS, 2)
    with torch.no_grad():
        ops.layer("signed").weight.fill_(size)

    with pytest.raises(InvalidNetwork, match="signed"):
        integer_network(ops, SPECS)


@pytest.mark.parametrize("size", [1e6, 1e9, 1e30, float("nan")])
def test_export_refuses_biases_that_break_the_bound(size: float) -> None:
    ops = trained(SPECS, 16, LEVELS, 2)
    with torch.no_grad():
        ops.layer("relu").level_bias.fill_(size)

    with pytest.raises(InvalidNetwork, match="relu"):
        integer_network(ops, SPECS)


def test_export_refuses_a_mean_whose_shift_is_used_up() -> None:
    ops = trained(SPECS, 16, LEVELS, 2)
    with torch.no_grad():
        ops.layer("mean").exponent.fill_(15)

    with pytest.raises(InvalidNetwork, match="shift"):
        integer_network(ops, SPECS)


def test_compand_is_odd_and_rises() -> None:
    table = compand_table()

    assert torch.equal(table, -table.flip(0))
    assert bool((table.diff() >= 0).all())
    assert float(table.max()) <= ACT_MAX


def test_knots_are_interpolated_linearly() -> None:
    knots = torch.arange(KNOTS).float()[:, None] ** 2
    table = interpolate_knots(knots, 8 * (KNOTS - 1) + 1)

    assert torch.equal(table[::8], knots)
    assert torch.allclose(table[4::8], (knots[1:] + knots[:-1]) / 2)


def test_rounding_passes_gradients_and_goes_up_at_halves() -> None:
    x = torch.tensor([-1.5, -0.5, 0.5, 1.2], requires_grad=True)

    y = round_through(x)
    y.sum().backward()  # type: ignore[no-untyped-call]

    assert y.tolist() == [-1.0, 0.0, 1.0, 1.0]
    assert x.grad is not None
    assert x.grad.tolist() == [1.0] * 4


def test_clamp_lets_gradients_lead_back() -> None:
    x = torch.tensor([-2.0, -2.0, 0.5, 3.0, 3.0], requires_grad=True)

    y = clamp_to_range(x, 0.0, 1.0)
    y.backward(torch.tensor([1.0, -1.0, 1.0, 1.0, -1.0]))  # type: ignore[no-untyped-call]

    assert y.tolist() == [0.0, 0.0, 0.5, 1.0, 1.0]
    assert x.grad is not None
    # descent moves against the gradient: +1 at -2 would lead further out, -1 back in
    assert x.grad.tolist() == [0.0, -1.0, 1.0, 1.0, 0.0]
