"""How the two small networks of the profile vq are trained, on code vectors alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from codec.train.data import Crops
from codec.trainable.blocks import unshuffle
from codec.trainable.vector_model import VectorModel
from codec.trainable.vector_networks import ConcealNetwork, IndexNetwork, arrived
from codec.transforms.vector import SIBLINGS

__all__ = ["Seen", "look", "train_conceal", "train_index"]

SIDE = 512
"""Pixels of a crop that is looked at."""
BATCH = 16
RATE = 2e-3
STRIDE = 7
"""Between the turns of two steps; no divisor of their number."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Numbers of the vectors of crops, by level: (levels, N, 16, 16) and (levels, N, 32, 32)."""

    coarse: Tensor
    fine: Tensor


@torch.no_grad()
def look(model: VectorModel, crops: Crops, count: int) -> Seen:
    """Latents of `count` crops."""
    coarse, fine = [], []
    for _ in range(count):
        x = crops.batch(1, SIDE).cpu().float() / 255 - 0.5
        e = model.projected(model.landed(x))
        found = [model.numbers(e, k) for k in range(model.config.levels)]
        coarse.append(torch.cat([numbers for numbers, _ in found]))
        fine.append(torch.cat([numbers for _, numbers in found]))
    return Seen(torch.stack(coarse, 1), torch.stack(fine, 1))


def train_index(model: VectorModel, seen: Seen, steps: int) -> tuple[IndexNetwork, list[float]]:
    """The network, and the bits that a fine vector takes with it, by level."""
    config, vectors = model.config, model.fine
    sizes = torch.cat([model.coarse.std(0), vectors.std(0).repeat(SIBLINGS)]).clamp(min=1e-3)
    network = IndexNetwork(config, sizes)
    nn.init.zeros_(network.logits.weight)
    with torch.no_grad():
        network.logits.bias.copy_(-model.fine_bits.mean(0) * math.log(2))

    def loss(rows: Tensor, turn: int) -> Tensor:
        level, sibling = divmod(turn, SIBLINGS)
        below = unshuffle(seen.fine[level, rows][..., None], 2)
        known = vectors[below]
        known[..., sibling:, :] = 0
        logits = network(model.coarse[seen.coarse[level, rows]], known.flatten(-2), turn)
        nats: Tensor = F.cross_entropy(logits.flatten(0, -2), below[..., sibling].flatten())
        return nats

    turns, count = config.levels * SIBLINGS, seen.fine.shape[1]
    _training(network, count, steps, lambda rows, n: loss(rows, n * STRIDE % turns))
    held = torch.arange(_held(count), count)
    with torch.no_grad():
        nats = torch.tensor([float(loss(held, n)) for n in range(turns)])
    return network, (nats.view(-1, SIBLINGS).mean(1) / math.log(2)).tolist()


def train_conceal(model: VectorModel, seen: Seen, steps: int) -> tuple[ConcealNetwork, list[float]]:
    """The network, and the mean squared error of lost sums, as a share of their variance, where 1,
    2 and 3 of four packets are lost.
    """
    count, last = seen.fine.shape[1], model.config.levels - 1

    def sums(rows: Tensor, level: int) -> Tensor:
        return model.sums(seen.coarse[level, rows], seen.fine[level, rows])

    sizes = sums(torch.arange(count), last).flatten(0, 2).std(0).clamp(min=1e-3)
    network = ConcealNetwork(model.config, sizes)

    def loss(rows: Tensor, n: int, lost: int | None = None) -> Tensor:
        e = sums(rows, n % (last + 1))
        mask = arrived(len(rows), e.shape[1:3], lost)
        gone = 1 - mask
        squares = (network(e * mask, mask) - e).square() * gone
        share: Tensor = squares.sum() / (gone.sum() * sizes.square().sum())
        return share

    _training(network, count, steps, loss)
    held = torch.arange(_held(count), count)
    with torch.no_grad():
        return network, [float(loss(held, last, lost)) for lost in (1, 2, 3)]


def _held(count: int) -> int:
    """The first of the crops that are not trained on."""
    return count - max(1, count // 10)


def _training(
    network: nn.Module, count: int, steps: int, loss: Callable[[Tensor, int], Tensor]
) -> None:
    """Adam along half a cosine."""
    optimizer = torch.optim.Adam(network.parameters(), RATE, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for n in range(steps):
        rows = torch.randint(0, _held(count), (BATCH,))
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss(rows, n))
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
