"""Fixtures of the tests of exact networks."""

from __future__ import annotations

import numpy as np
import pytest

from networks.export.integer_layers import IntegerLayer, IntegerNetwork
from networks.train.spec import COMPAND_SIZE, LayerSpec

LATENT = 8
LEVELS = 4
SPECS = {
    "signed": LayerSpec("linear", 6, 5),
    "relu": LayerSpec("linear", 6, 5, "relu", leveled=True),
    "spatial": LayerSpec("depthwise", 6, 6),
    "head.0.mean.0": LayerSpec("linear", 6, 2, "mean"),
    "head.0.index.0": LayerSpec("linear", 6, 2, "index", leveled=True),
}


def random_layer(spec: LayerSpec, random: np.random.Generator) -> IntegerLayer:
    """A layer with weights of every size, well inside the bound."""
    taps = (spec.inputs,) if spec.kind == "linear" else (3, 3)
    weight = random.integers(-1500, 1501, (spec.outputs, *taps)).astype(np.int16)
    rows = LEVELS if spec.leveled else 1
    bias = random.integers(-200_000, 200_001, (rows, spec.outputs)).astype(np.int32)
    shift = random.integers(1, 15, spec.outputs).astype(np.int8)
    return IntegerLayer(spec, weight, bias, shift)


def random_network(seed: int) -> IntegerNetwork:
    """A network of one layer of each kind and output."""
    random = np.random.default_rng(seed)
    layers = {name: random_layer(spec, random) for name, spec in SPECS.items()}
    shifts = random.integers(0, 6, LATENT).astype(np.int8)
    shifts[0] = 0
    compand = random.integers(-1023, 1024, 2 * COMPAND_SIZE - 1).astype(np.int16)
    return IntegerNetwork(SPECS, layers, shifts, compand, LEVELS)


@pytest.fixture(scope="session")
def network() -> IntegerNetwork:
    """A network of one layer of each kind and output."""
    return random_network(7)
