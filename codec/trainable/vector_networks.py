"""The two small networks of the profile vq in floats: what the next fine vector is likely to be,
and what lost sums of vectors were.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from codec.trainable.blocks import GatedBlock, shuffle, unshuffle
from codec.transforms.vector import SIBLINGS, VectorConfig, conceal, index

__all__ = ["ConcealNetwork", "IndexNetwork", "arrived"]


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
