"""The two small networks of the profile vq, trained on code vectors alone: what the next fine
vector is likely to be, and what the vectors were that got lost.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from codec.train.data import Crops
from codec.trainable.blocks import GatedBlock, shuffle, unshuffle
from codec.trainable.vector_model import VectorModel
from codec.transforms.vector import SIBLINGS, VectorConfig, conceal, index

__all__ = ["ConcealNetwork", "IndexNetwork", "Seen", "look", "train_conceal", "train_index"]

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
        e, _ = model.latents(x)
        found = [model.numbers(e, k) for k in range(model.config.levels)]
        coarse.append(torch.cat([numbers for numbers, _ in found]))
        fine.append(torch.cat([numbers for _, numbers in found]))
    return Seen(torch.stack(coarse, 1), torch.stack(fine, 1))


class _Operations:
    """`codec.transforms.vector.Operations` over a module's layers."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module

    def linear(self, name: str, x: Tensor, fold: int = 1, unfold: int = 1) -> Tensor:
        out: Tensor = self._module.get_submodule(name)(unshuffle(x, fold))
        return shuffle(out, unfold)

    def gated_block(self, name: str, x: Tensor) -> Tensor:
        level = torch.zeros(len(x), dtype=torch.long)
        out: Tensor = self._module.get_submodule(name)(x, level)
        return out

    def scale(self, name: str, x: Tensor) -> Tensor:
        raise NotImplementedError

    def glu(self, x: Tensor) -> Tensor:
        return F.glu(x, -1)

    def concat(self, parts: list[Tensor]) -> Tensor:
        return torch.cat(parts, -1)


class _Turn(_Operations):
    """The same, with a bias of its own for a sibling."""

    def __init__(self, module: nn.Module, bias: Tensor) -> None:
        super().__init__(module)
        self._bias = bias

    def linear(self, name: str, x: Tensor, fold: int = 1, unfold: int = 1) -> Tensor:
        out = super().linear(name, x, fold, unfold)
        return out + self._bias if name == "enter" else out


class Normalised(nn.Linear):
    """A linear map of inputs that are divided by their sizes first."""

    def __init__(self, sizes: Tensor, outputs: int) -> None:
        super().__init__(len(sizes), outputs)
        self.register_buffer("sizes", sizes)
        self.sizes: Tensor

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x / self.sizes)


class IndexNetwork(nn.Module):
    """Logits of the fine vectors of a sibling at a level, in nats; `turn` is 4 level + sibling."""

    def __init__(self, config: VectorConfig, sizes: Tensor) -> None:
        super().__init__()
        hidden = config.hidden
        self.enter = Normalised(sizes, 2 * hidden)
        self.turns = nn.Parameter(torch.zeros(config.levels * SIBLINGS, 2 * hidden))
        self.middle = nn.Linear(hidden, 2 * hidden)
        self.logits = nn.Linear(hidden, config.fine)

    def forward(self, coarse: Tensor, known: Tensor, turn: int) -> Tensor:
        out: Tensor = index(_Turn(self, self.turns[turn]), coarse, known)
        return out


class ConcealNetwork(nn.Module):
    """Guesses of all sums of code vectors from those that arrived."""

    def __init__(self, config: VectorConfig, sizes: Tensor) -> None:
        super().__init__()
        self.config = config
        channels = config.concealing
        self.enter = Normalised(torch.cat([sizes, torch.ones(1)]).repeat(4), channels)
        self.blocks = nn.ModuleList(GatedBlock(channels, 2) for _ in range(config.blocks))
        self.leave = nn.Linear(channels, 4 * config.channels)

    def forward(self, e: Tensor, mask: Tensor) -> Tensor:
        out: Tensor = conceal(_Operations(self), self.config, e, mask)
        return out


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


def arrived(count: int, size: Sequence[int], lost: int | None = None) -> Tensor:
    """(count, h, w, 1), 1 where a packet arrived, of which `lost` are missing: a random number from
    1 to 4 where none is given.
    """
    masks = []
    for _ in range(count):
        gone = int(torch.randint(1, 5, ())) if lost is None else lost
        packets = torch.ones(4)
        packets[torch.randperm(4)[:gone]] = 0
        square = packets.view(2, 2).repeat_interleave(2, 0).repeat_interleave(2, 1)
        masks.append(square.repeat(size[0] // 4, size[1] // 4))
    return torch.stack(masks)[..., None]


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
