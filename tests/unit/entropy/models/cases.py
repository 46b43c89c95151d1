"""The latent codec of a model over the definition of its networks, and latents to code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.trainable.weights import TrainedWeights
from entropy.coder import Backend
from entropy.models.latent_codec import HYPER_STRIDE, UNIT_BITS, LatentCodec, Recipe
from entropy.models.record import programs
from networks import definition
from networks.export.integer_layers import IntegerNetwork

Ints = NDArray[np.int32]
LATENT, HYPER = 32, 8


def codec_of(
    weights: TrainedWeights, network: IntegerNetwork | None = None, backend: Backend | None = None
) -> LatentCodec:
    """The latent codec of a model over the definition of its networks."""
    config = weights.config.entropy
    found = programs(config, network or weights.network)

    def run(name: str, inputs: Sequence[NDArray[Any]], level: int) -> Sequence[NDArray[Any]]:
        return definition.run(found[name], inputs, level)

    recipe = Recipe(config.latent, config.hyper, config.trellis_step, config.trellis_states)
    return LatentCodec(recipe, weights.tables.cdf, weights.tables.z_index, run, backend)


def latents(height: int, width: int, spread: float = 3.0, seed: int = 0) -> tuple[Ints, Ints]:
    """y and z of some tile: Laplacian, so that some symbols are large."""
    random = np.random.default_rng(seed)
    y = random.laplace(0, spread * 2**UNIT_BITS, (height, width, LATENT))
    z = random.integers(-6, 7, (height // HYPER_STRIDE, width // HYPER_STRIDE, HYPER))
    return np.rint(y).clip(-(1 << 20), 1 << 20).astype(np.int32), z.astype(np.int32)
