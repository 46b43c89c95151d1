"""Codebooks to start from: principal directions of a landed model's latents, and codebooks of them
that know what their vectors cost.

Sources: Chou, Lookabaugh, Gray, Entropy-constrained vector quantization, IEEE Trans. ASSP 37(1),
1989; k-means++, Arthur, Vassilvitskii, SODA 2007.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from codec.train.data import Crops
from codec.trainable.blocks import OUT_SCALE, interpolate_gain, unshuffle
from codec.trainable.model import ImageModel
from codec.trainable.vector_model import VectorModel, best

__all__ = ["start_as_vectors"]

SEEDED = 20_000
"""Samples that first centres are taken from."""
COUNTED = 40_000
"""Samples that bits are counted on."""
AT_ONCE = 1 << 14
ROUNDS, SETTLED = 14, 6
"""Rounds in which vectors settle, and in which their bits do."""
COARSE_PRICE, FINE_PRICE = 3.0, 0.8
"""Squared distance that a bit is worth while the codebooks are made."""


@torch.no_grad()
def start_as_vectors(model: VectorModel, landed: ImageModel, crops: Crops, count: int) -> None:
    """Set everything: the decoder begins as a linear one behind the landed synthesis.

    Args:
        model: to be set.
        landed: of the same transform; its analysis is taken, and its synthesis trained on.
        crops, count: that many of 256 pixels are looked at.
    """
    config = model.config
    model.analysis.load_state_dict(landed.analysis.state_dict())
    _take_synthesis(model, landed)
    level = torch.tensor([config.at])
    pictures = (crops.batch(1, 256).cpu().float() / 255 - 0.5 for _ in range(count))
    planes = torch.cat([landed.analysis(x, level) for x in pictures])
    model.mean.copy_(planes.flatten(0, 2).mean(0))
    centred = planes - model.mean
    model.project.copy_(_principal(centred.flatten(0, 2), config.channels))
    e = centred @ model.project.T
    squares = unshuffle(e, 2)
    model.gather.copy_(_principal(squares.flatten(0, 2), config.channels))
    a = squares @ model.gather.T
    lambdas = config.lambdas
    model.coarse.copy_(codebook(a.flatten(0, 2), config.coarse, COARSE_PRICE))
    for k, price in enumerate(lambdas):
        model.coarse_bits[k] = bits_of(a.flatten(0, 2), model.coarse, price)
    middle = len(lambdas) // 2
    rest = _rest(model, e, middle)
    model.fine.copy_(codebook(rest, config.fine, FINE_PRICE))
    for k, price in enumerate(lambdas):
        model.fine_bits[k] = bits_of(_rest(model, e, k), model.fine, price)
    model.leave.set(model.project.T, e.flatten(0, 2).std(0))
    model.leave.bias.copy_(model.mean / OUT_SCALE)


def _take_synthesis(model: VectorModel, landed: ImageModel) -> None:
    """The landed synthesis as it is at the level of the analysis, at every level."""
    state = landed.synthesis.state_dict()
    for name, value in state.items():
        if name.endswith("log_gain"):
            gain = interpolate_gain(value, landed.config.levels)[model.config.at]
            state[name] = gain.log().expand_as(value)
        elif name.endswith("knots.shares"):
            state[name] = model.synthesis.state_dict()[name]
    model.synthesis.load_state_dict(state)


def _principal(samples: Tensor, count: int) -> Tensor:
    """(count, n) principal directions as rows, the largest first."""
    covariance = samples.T.double() @ samples.double() / len(samples)
    directions: Tensor = torch.linalg.eigh(covariance)[1].flip(1)[:, :count].T.float()
    return directions


def _rest(model: VectorModel, e: Tensor, level: int) -> Tensor:
    """What coarse vectors of a level leave of e (B, h, w, D): (N, D)."""
    price = model.config.lambdas[level] * model.coarse_bits[level]
    numbers = [
        best(part, model.coarse, price) for part in torch.split(model.gathered(e), AT_ONCE // 64)
    ]
    return (e - model.said(model.coarse[torch.cat(numbers)])).flatten(0, 2)


def codebook(samples: Tensor, count: int, price: float, rounds: int = ROUNDS) -> Tensor:
    """(count, D) vectors for samples (N, D), where a bit is worth `price` squared distances."""
    seeds = samples[torch.randperm(len(samples))[:SEEDED]]
    centres = seeds[:1]
    least = (seeds - centres[0]).square().sum(1)
    for _ in range(count - 1):
        chosen = seeds[torch.multinomial(least, 1)]
        least = torch.minimum(least, (seeds - chosen).square().sum(1))
        centres = torch.cat([centres, chosen])
    bits = torch.full((count,), math.log2(count))
    for _ in range(rounds):
        numbers = _chosen(samples, centres, price * bits)
        sums = torch.zeros_like(centres).index_add_(0, numbers, samples)
        members = torch.bincount(numbers, minlength=count)
        means = sums / members.clamp(min=1)[:, None]
        centres = torch.where(members[:, None] > 0, means, centres)
        bits = _bits(members)
    return centres


def bits_of(samples: Tensor, vectors: Tensor, price: float) -> Tensor:
    """(K,) bits of every vector where each sample takes the one that is best at that price."""
    bits = torch.full((len(vectors),), math.log2(len(vectors)))
    samples = samples[torch.randperm(len(samples))[:COUNTED]]
    for _ in range(SETTLED):
        numbers = _chosen(samples, vectors, price * bits)
        bits = _bits(torch.bincount(numbers, minlength=len(vectors)))
    return bits


def _chosen(samples: Tensor, vectors: Tensor, prices: Tensor) -> Tensor:
    return torch.cat([best(part, vectors, prices) for part in torch.split(samples, AT_ONCE)])


def _bits(members: Tensor) -> Tensor:
    share = (members + 0.5) / (members.sum() + 0.5 * len(members))
    return -share.log2()
