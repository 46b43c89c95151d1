"""Layers as some training might leave them, and the integers behind what they compute."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from networks.train.spec import LayerSpec
from networks.train.training import TrainingOps
from tests.model_fixtures import randomise_exact_layers


def trained(specs: dict[str, LayerSpec], latent: int, levels: int, seed: int) -> TrainingOps:
    """Random layers in quantisation-aware mode."""
    torch.manual_seed(seed)
    exponents = torch.randint(0, 4, (latent,)).float()
    ops = TrainingOps(specs, levels, exponents)
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


def integers(x: torch.Tensor, bits: int) -> NDArray[np.int64]:
    """The integers behind dyadic values, which must be nothing else."""
    scaled = x.detach().double() * 2.0**bits
    assert torch.equal(scaled, scaled.round())
    found: NDArray[np.int64] = scaled.numpy().astype(np.int64)
    return found
