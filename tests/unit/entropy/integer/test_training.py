"""Quantisation-aware training computes the integers that decode, and export reads them off."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from entropy.errors import InvalidNetwork
from networks.export.convert import integer_network
from networks.export.integer_layers import IntegerNetwork
from entropy.integer.ops import NumpyOps
from networks.train.spec import ACT_BITS, ACT_MAX, COMPAND_SIZE, INDEX_MAX, MEAN_BITS, LayerSpec
from networks.train.training import (
    KNOTS,
    TrainingOps,
    clamp_to_range,
    compand_table,
    interpolate_knots,
    round_through,
)
from entropy.models.quadtree import (
    ORDER,
    STEPS,
    Context,
    EntropyConfig,
    hyper_synthesis,
    layer_specs,
)
from tests.model_fixtures import randomise_exact_layers

LEVELS = 16
CONFIG = EntropyConfig(latent=16, hidden=12, hyper=4, levels=LEVELS)
SPECS = {
    "signed": LayerSpec("linear", 6, 5),
    "relu": LayerSpec("linear", 6, 5, "relu", leveled=True),
    "spatial": LayerSpec("depthwise", 6, 6),
    "mean": LayerSpec("linear", 6, 4, "mean"),
    "index": LayerSpec("linear", 6, 4, "index", leveled=True),
}
UNIT = {"signed": ACT_BITS, "relu": ACT_BITS, "mean": MEAN_BITS, "index": 0}


def trained(specs: dict[str, LayerSpec], latent: int, seed: int) -> TrainingOps:
    """Layers as some training might leave them, in quantisation-aware mode."""
    torch.manual_seed(seed)
    exponents = torch.randint(0, 4, (latent,)).float()
    ops = TrainingOps(specs, LEVELS, exponents)
    ops.exact = True
    randomise_exact_layers(ops, seed)
    with torch.no_grad():
        for name in specs:
            layer = ops.layer(name)
            if layer.spec.output == "mean":
                layer.exponent.copy_(torch.randint(0, 4, layer.exponent.shape))
            if layer.spec.output == "index":
                layer.bias.add_(4.0)
    return ops


def integers(x: torch.Tensor, bits: int) -> np.ndarray:
    """The integers behind dyadic values, which must be nothing else."""
    scaled = x.detach().double() * 2.0**bits
    assert torch.equal(scaled, scaled.round())
    return scaled.numpy().astype(np.int64)


@pytest.mark.parametrize("name", sorted(SPECS))
@pytest.mark.parametrize("seed", range(3))
def test_exact_forward_equals_the_exported_integers(name: str, seed: int) -> None:
    ops = trained(SPECS, 16, seed)
    network = integer_network(ops, SPECS)
    random = np.random.default_rng(seed)
    kind = "depthwise" if name == "spatial" else "linear"
    for level in (0, 5, LEVELS - 1):
        x = random.integers(-ACT_MAX, ACT_MAX + 1, (2, 4, 6, 6)).astype(np.int64)
        x[0] = np.where(random.random(x[0].shape) < 0.5, -ACT_MAX, ACT_MAX)
        expected = getattr(NumpyOps(network, level), kind)(name, x)
        value = torch.from_numpy(x).float() / 2**ACT_BITS

        found = getattr(ops.bind(torch.full((2,), level)), kind)(name, value)

        assert np.array_equal(integers(found, UNIT[SPECS[name].output]), expected)


def test_levels_of_a_batch_are_independent() -> None:
    ops = trained(SPECS, 16, 5)
    x = torch.randint(-ACT_MAX, ACT_MAX + 1, (3, 2, 2, 6)).float() / 2**ACT_BITS
    levels = torch.tensor([9, 0, 15])

    together = ops.bind(levels).linear("relu", x)

    for n in range(3):
        alone = ops.bind(levels[n : n + 1]).linear("relu", x[n : n + 1])
        assert torch.equal(together[n : n + 1], alone)


@pytest.mark.parametrize("level", [0, 7, LEVELS - 1])
@pytest.mark.parametrize("size", [(4, 4), (12, 8)])
def test_whole_network_equals_the_exported_integers(level: int, size: tuple[int, int]) -> None:
    specs = layer_specs(CONFIG)
    ops = trained(specs, CONFIG.latent, level)
    with torch.no_grad():  # each mean goes back by the shift its channel came in with
        for step, order in enumerate(ORDER):
            for group in order:
                part = ops.input_exponents[group * CONFIG.group : (group + 1) * CONFIG.group]
                ops.layer(f"head.{step}.mean.{group}").exponent.copy_(part)
    network = integer_network(ops, specs)
    random = np.random.default_rng(level)
    h, w = size
    z = random.integers(-40, 41, (1, h // 4, w // 4, CONFIG.hyper)).astype(np.int64)
    theirs = NumpyOps(network, level)
    ours = ops.bind(torch.tensor([level]))
    prior = hyper_synthesis(theirs, z)
    prior_trained = hyper_synthesis(ours, torch.from_numpy(z).float())
    assert np.array_equal(integers(prior_trained, ACT_BITS), prior)
    assert len(np.unique(prior)) > 10  # it does something
    context, context_trained = Context(theirs, prior), Context(ours, prior_trained)
    seen: set[int] = set()
    for step in range(STEPS):
        decoded, decoded_trained = [], []
        expected, found = context.parameters(step), context_trained.parameters(step)
        for (mean, index), (mean_t, index_t) in zip(expected, found, strict=True):
            assert np.array_equal(integers(mean_t, MEAN_BITS), mean)
            assert np.array_equal(integers(index_t, 0), index)
            seen.update(np.unique(index).tolist())
            symbols = random.integers(-60, 61, mean.shape).astype(np.int64)
            y_hat = mean + (symbols << MEAN_BITS)
            decoded.append(y_hat)
            decoded_trained.append(torch.from_numpy(y_hat).float() / 2**MEAN_BITS)
        if step + 1 < STEPS:
            context.update(step, decoded)
            context_trained.update(step, decoded_trained)
    assert len(seen) > 3
    assert max(seen) <= INDEX_MAX


def test_export_drops_the_levels_of_unleveled_layers() -> None:
    network = integer_network(trained(SPECS, 16, 0), SPECS)

    assert network.layers["signed"].bias.shape == (1, 5)
    assert network.layers["relu"].bias.shape == (LEVELS, 5)
    assert network.layers["spatial"].weight.shape == (6, 3, 3)
    assert network.levels == LEVELS
    assert network.compand.shape == (2 * COMPAND_SIZE - 1,)


def test_export_round_trips_through_arrays() -> None:
    network = integer_network(trained(SPECS, 16, 1), SPECS)

    again = IntegerNetwork.from_arrays(SPECS, network.arrays(), LEVELS)

    for name, array in network.arrays().items():
        assert np.array_equal(again.arrays()[name], array)


# 65536 becomes 131072 units, which is 0 as int16.
@pytest.mark.parametrize("size", [3000.0, 65_536.0, 1e9, 1e30, float("nan"), float("inf")])
def test_export_refuses_weights_that_break_the_bound(size: float) -> None:
    """Also where the integers would not fit int16: they may not wrap into something harmless."""
    ops = trained(SPECS, 16, 2)
    with torch.no_grad():
        ops.layer("signed").weight.fill_(size)

    with pytest.raises(InvalidNetwork, match="signed"):
        integer_network(ops, SPECS)


@pytest.mark.parametrize("size", [1e6, 1e9, 1e30, float("nan")])
def test_export_refuses_biases_that_break_the_bound(size: float) -> None:
    ops = trained(SPECS, 16, 2)
    with torch.no_grad():
        ops.layer("relu").level_bias.fill_(size)

    with pytest.raises(InvalidNetwork, match="relu"):
        integer_network(ops, SPECS)


def test_export_refuses_a_mean_whose_shift_is_used_up() -> None:
    ops = trained(SPECS, 16, 2)
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
