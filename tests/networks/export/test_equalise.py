"""Equalisation: the same function, activations that use their range, less lost to rounding."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from codec.trainable.model import ImageModel
from entropy.models.hyperprior import HyperpriorModel
from entropy.models.quadtree import STEPS, hyper_synthesis, layer_specs, parameters, streams
from networks.export.convert import integer_network
from networks.export.equalise import HEADROOM, LARGEST, equalise
from networks.train.spec import ACT_BITS, ACT_MAX
from tests.model_fixtures import TINY

LEVELS = torch.tensor([0, 31, 63])


@pytest.fixture
def model(tiny_trainable: ImageModel) -> HyperpriorModel:
    return copy.deepcopy(tiny_trainable.entropy).eval()


@pytest.fixture
def y() -> Tensor:
    return torch.randn(3, 8, 12, TINY.entropy.latent, generator=torch.manual_seed(5)) * 3


@torch.no_grad()
def bits(model: HyperpriorModel, y: Tensor, exact: bool) -> Tensor:
    model.ops.exact = exact
    _, y_bits, z_bits = model(y, LEVELS)
    return y_bits + z_bits


def equalised(model: HyperpriorModel, y: Tensor) -> HyperpriorModel:
    equalise(model.ops, streams(), lambda: bits(model, y, exact=False))
    return model


def test_function_stays_the_same(model: HyperpriorModel, y: Tensor) -> None:
    before = bits(model, y, exact=False)

    after = bits(equalised(model, y), y, exact=False)

    assert torch.allclose(after, before, rtol=1e-4)


@torch.no_grad()
def means(model: HyperpriorModel, exact: bool) -> Tensor:
    """What the first step predicts from random z."""
    z = torch.randint(-6, 7, (3, 2, 3, TINY.entropy.hyper), generator=torch.manual_seed(6)).float()
    model.ops.exact = exact
    ops = model.ops.bind(LEVELS)
    found = parameters(ops, 0, hyper_synthesis(ops, z), None)
    return torch.stack([mean for mean, _ in found])


def test_rounding_errors_shrink(model: HyperpriorModel, y: Tensor) -> None:
    before = (means(model, exact=True) - means(model, exact=False)).square().mean()
    equalised(model, y)

    after = (means(model, exact=True) - means(model, exact=False)).square().mean()

    assert after < 0.6 * before


def test_largest_activation_takes_its_share_of_the_range(model: HyperpriorModel, y: Tensor) -> None:
    weight = model.ops.layer("context.1.block.reduce").weight.clone()
    seen: list[Tensor] = []
    equalised(model, y)

    layer = model.ops.layer("context.1.block.reduce")
    handle = layer.register_forward_pre_hook(lambda module, args: seen.append(args[0].detach()))
    bits(model, y, exact=False)
    handle.remove()

    factor = (weight / layer.weight).median(0).values
    peak = seen[0].flatten(0, -2).amax(0)
    limit = HEADROOM * ACT_MAX / 2**ACT_BITS
    assert factor.min() > 0.999
    assert (peak <= 1.001 * limit).all()
    assert ((peak > 0.999 * limit) | (factor > 0.999 * LARGEST) | (factor < 1.001)).all()


def test_every_layer_but_those_of_the_outputs_is_written_and_read_once() -> None:
    found = streams()
    writers = [name for stream in found for name in stream.writers]
    readers = [name for stream in found for name in stream.readers]
    names = set(layer_specs(TINY.entropy))
    heads = {name for name in names if name.startswith("head.")}
    entries = {"hyper.in", *(f"embed.{group}" for group in range(4))}

    assert len(set(writers)) == len(writers)
    assert len(set(readers)) == len(readers)
    assert set(writers) == names - heads
    assert set(readers) == names - entries
    assert len(heads) == 8 * STEPS


def test_sums_stay_exact_however_often(model: HyperpriorModel, y: Tensor) -> None:
    """A channel that is next to nothing, or dead, gains the largest factor every time."""
    layer = model.ops.layer("hyper.block64.expand")
    with torch.no_grad():
        layer.bias[0] = -1000.0  # never passes its rectifier
        layer.weight[1] *= 1e-4
        layer.bias[1] = 1e-4
        model.ops.layer("hyper.block64.reduce").weight[:, 1] *= 1e4

    for _ in range(8):
        equalised(model, y)

    integer_network(model.ops, layer_specs(TINY.entropy))  # proves it


def test_training_and_exact_networks_are_equalised_alike(model: HyperpriorModel, y: Tensor) -> None:
    other = copy.deepcopy(model)
    model.ops.exact, other.ops.exact = True, False
    for one in (model, other):
        equalise(one.ops, streams(), lambda: one(y, LEVELS))  # noqa: B023 - called at once

    assert model.ops.exact
    for a, b in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)
