"""A linear analysis that begins as the best linear guess of what a landed one gives.

The synthesis of the landed model is taken over as it is: it finds latents that it nearly knows. The
entropy model begins from the sizes of the latents.
"""

from __future__ import annotations

import torch

from codec.train.data import Crops
from codec.train.start import SCALE_FLOOR, begin_entropy
from codec.trainable.blocks import OUT_SCALE, interpolate_gain, unshuffle
from codec.trainable.model import ImageModel
from codec.transforms.wavelet import STRIDE

__all__ = ["start_as_regression"]

RIDGE = 1e-6
"""Of the mean variance, added to every variance."""


@torch.no_grad()
def start_as_regression(model: ImageModel, landed: ImageModel, crops: Crops, count: int) -> float:
    """Set the linear map, the gains, the synthesis and the start of the entropy model.

    Args:
        model: with a linear analysis, and as many latents as the landed one.
        landed: whose analysis is imitated at the middle level.
        crops, count: that many of 256 pixels are looked at.

    Returns: the share of the variance of the landed latents that the map gives.
    """
    config, middle = model.config, model.config.levels // 2
    gain = interpolate_gain(landed.analysis.gain.log_gain, config.levels)[middle]
    level = torch.tensor([middle])
    squares = products = energy = torch.zeros((), dtype=torch.float64)
    for _ in range(count):
        x = crops.batch(1, 256).float().cpu() / 255 - 0.5
        blocks = unshuffle(x, STRIDE).flatten(0, 2).double()
        blocks = torch.cat([blocks, torch.ones(len(blocks), 1, dtype=torch.float64)], 1)
        y = (landed.analysis(x, level) / gain).flatten(0, 2).double()
        share = 1 / (count * len(blocks))
        squares = squares + blocks.T @ blocks * share
        products = products + blocks.T @ y * share
        energy = energy + y.square().sum(0) * share
    ridge = RIDGE * squares.diagonal()[:-1].mean() * torch.eye(len(squares), dtype=torch.float64)
    found = torch.linalg.solve(squares + ridge, products)
    size = squares.diagonal()[:-1].sqrt().float().clamp(min=SCALE_FLOOR)
    down = model.analysis.down
    down.set(found[:-1].T.float(), size)
    down.bias.copy_(found[-1].float() / OUT_SCALE)
    model.analysis.gain.load_state_dict(landed.analysis.gain.state_dict())
    model.synthesis.load_state_dict(landed.synthesis.state_dict())
    kept = (found.T @ squares * found.T).sum(1)
    begin_entropy(model, kept.float().sqrt(), landed.analysis.gain.log_gain.exp())
    shares = gain.double().square()
    return float((kept * shares).sum() / (energy * shares).sum())
