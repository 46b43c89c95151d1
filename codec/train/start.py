"""Initial weights from statistics of the data: a linear transform codec that already works."""

from __future__ import annotations

import torch
from torch import Tensor

from codec.train.data import Crops
from codec.trainable.blocks import unshuffle
from codec.trainable.model import ImageModel, lambdas
from codec.trainable.transforms import LinearStart, quantiser_step, start_as_linear_codec
from codec.transforms.wavelet import STEM
from entropy.models import gaussian
from entropy.models.quadtree import STEPS
from networks.train.spec import ACT_BITS, ACT_MAX, INDEX_BITS
from networks.train.training import KNOTS

SCALE_FLOOR = 0.03
"""Smallest size of a channel: about the finest quantiser step."""


def _principal(samples: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """(count, n) principal directions as rows, largest first, and their variances."""
    covariance = (samples.double().T @ samples.double()) / len(samples)
    values, vectors = torch.linalg.eigh(covariance)
    return vectors.flip(1)[:, :count].T.float(), values.flip(0)[:count].float()


@torch.no_grad()
def initialise(model: ImageModel, crops: Crops, count: int = 400) -> None:
    """Karhunen-Loeve stem and transform, high-rate optimal steps, scales of that size."""
    x = crops.batch(count, 64).float().cpu() / 255 - 0.5
    blocks8 = unshuffle(x, STEM)
    stem, stem_variance = _principal(blocks8.flatten(0, 2), blocks8.shape[-1])
    blocks16 = unshuffle(blocks8 @ stem.T, 2)
    config = model.config
    transform, variance = _principal(blocks16.flatten(0, 2), config.transform.latent)
    # Interleave the channels over the four groups, so that every group has large and small ones.
    order = torch.arange(config.transform.latent).view(-1, 4).T.flatten()
    transform, variance = transform[order], variance[order]
    knot_levels = torch.linspace(0, config.levels - 1, KNOTS)
    table = lambdas(config.levels)
    ratio = table[1] / table[0]
    steps = torch.tensor([quantiser_step(float(table[0] * ratio**k)) for k in knot_levels])
    start = LinearStart(
        stem,
        stem_variance.sqrt().clamp(min=SCALE_FLOOR),
        transform,
        variance.sqrt().clamp(min=SCALE_FLOOR),
        steps,
    )
    start_as_linear_codec(model.analysis, model.synthesis, start)

    begin_entropy(model, variance.sqrt(), 1 / steps[:, None])


@torch.no_grad()
def begin_entropy(model: ImageModel, size: Tensor, gains: Tensor) -> None:
    """Set the ranges and scales of the entropy model for latents of known sizes.

    Args:
        size: (latent,) standard deviations before the gain of the level.
        gains: (KNOTS, latent) or (KNOTS, 1), from coarse to fine.
    """
    spread = size * gains
    # Activations hold six standard deviations at the finest step.
    exponents = (6 * spread[-1] / (ACT_MAX / 2**ACT_BITS)).log2().ceil().clamp(min=0)
    entropy = model.entropy
    entropy.set_exponents(exponents)
    group_size = model.config.entropy.group
    for step in range(STEPS):
        for group in range(4):
            layer = entropy.ops.layer(f"head.{step}.index.{group}")
            scale = spread[:, group * group_size : (group + 1) * group_size] * 0.6 + 0.2
            index = (scale / gaussian.SCALE_MIN).log() / gaussian.SCALE_STEP
            layer.level_bias.copy_(index.clamp(4, 60) / 2**INDEX_BITS)
