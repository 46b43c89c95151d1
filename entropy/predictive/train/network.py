"""The networks of coder P in floats, rounded as the integers will be, and their training."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from entropy.predictive.features import FEATURES
from entropy.predictive.train.samples import Samples

__all__ = ["HIDDEN", "Network", "exponents", "train"]

HIDDEN = (48, 24)
MOST = 255 / 16  # of hidden values
BATCH = 4096


class _Round(torch.autograd.Function):
    """Rounds; gradients pass."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return torch.round(x)

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        return gradient


def _round(x: Tensor) -> Tensor:
    found: Tensor = _Round.apply(x)  # type: ignore[no-untyped-call]
    return found


def exponents(weights: Tensor) -> Tensor:
    """For every row the largest e so that weights times 2^e are bytes whose pairs fit."""
    size = weights.abs()
    size = functional.pad(size, (0, -size.shape[1] % 4))
    pairs = torch.maximum(size[:, 0::4] + size[:, 2::4], size[:, 1::4] + size[:, 3::4])
    largest = torch.maximum(
        pairs.amax(1) / 127, size.amax(1) / 126.5
    )  # one unit of 128 for rounding
    return torch.floor(-torch.log2(largest.clamp(min=1e-6))).clamp(4, 10)


def _rounded(weights: Tensor) -> Tensor:
    with torch.no_grad():
        unit = torch.exp2(exponents(weights))[:, None]
    return _round(weights * unit) / unit


class Network(nn.Module):
    """Features to the offset of the mean, in scales, and to that of the logarithm of the scale."""

    def __init__(self, channel: int) -> None:
        super().__init__()
        self.first = nn.Linear(FEATURES[channel], HIDDEN[0])
        self.second = nn.Linear(HIDDEN[0], HIDDEN[1])
        self.third = nn.Linear(HIDDEN[1], 2)
        nn.init.zeros_(self.third.weight)
        nn.init.zeros_(self.third.bias)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = functional.linear(x, _rounded(self.first.weight), self.first.bias)
        h = _round(h.clamp(0, MOST) * 16) / 16
        h = functional.linear(h, _rounded(self.second.weight), self.second.bias).clamp(0, MOST)
        mean, log_scale = self.third(h).clamp(-8, 8).unbind(1)
        return mean, log_scale


def bits_of(residual: Tensor, step: Tensor, mean: Tensor, log_scale: Tensor) -> Tensor:
    """Bits of residuals, in levels, whose distribution is logistic.

    What is coded is the interval of `step` levels that holds the residual. Intervals lie around the
    mean rounded to a whole level; `residual` is relative to a prediction in eighths of a level.
    """
    with torch.no_grad():
        part = torch.remainder(-residual, 1)  # of the prediction, beyond a whole level
        value, centre = torch.round(residual + part), torch.round(mean + part)
        number = torch.trunc((value - centre + torch.sign(value - centre) * (step - 1) / 2) / step)
        middle = centre + number * step - part
    inverse = torch.exp2(-log_scale.clamp(-4.1, 15))
    away = -(middle - mean).abs() / step
    low, high = (away - 0.5) * inverse, (away + 0.5) * inverse
    # log(F(high) - F(low)), without a difference of numbers that are nearly the same
    log = functional.logsigmoid(high) + functional.logsigmoid(-low)
    log = log + torch.log(-torch.expm1(low - high))
    return -log.clamp(min=-22) / math.log(2)


def train(
    channel: int, data: Samples, epochs: int, rate: float, start: dict[str, Tensor] | None,
    log: Callable[[str], None],
) -> Network:  # fmt: skip
    """Trains the network of a channel from `start` or from nothing."""
    torch.manual_seed(1)
    net = Network(channel)
    if start is not None:
        net.load_state_dict(start)
    inputs = torch.from_numpy(data.inputs)
    scale, level = torch.from_numpy(data.scale), torch.from_numpy(data.log_scale)
    residual, step = torch.from_numpy(data.residual), torch.from_numpy(data.step)

    def bits(i: Tensor) -> Tensor:
        mean, finer = net(inputs[i].float() / 16)
        log_scale = level[i] + finer - torch.log2(step[i])
        return bits_of(residual[i], step[i], mean * scale[i], log_scale)

    order = torch.from_numpy(np.random.default_rng(0).permutation(len(inputs)))
    held, rest = order[:60_000], order[60_000:]
    steps = epochs * (len(rest) // BATCH)
    optimiser = torch.optim.Adam(net.parameters(), lr=rate, betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser,
        lambda k: min(1, (k + 1) / 200) * (0.5 * (1 + math.cos(math.pi * k / steps)) + 0.002),
    )
    begun = time.monotonic()
    for epoch in range(epochs):
        shuffled = rest[torch.randperm(len(rest))]
        for first in range(0, len(rest) - BATCH + 1, BATCH):
            loss = bits(shuffled[first : first + BATCH]).mean()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            schedule.step()
        with torch.no_grad():
            found = bits(held)
            exact = found[step[held] == 1].mean().item()
            log(f"channel {channel} epoch {epoch}: {found.mean().item():.4f} bits a sample, "
                f"exact {exact:.4f}, {time.monotonic() - begun:.0f} s")  # fmt: skip
    return net
