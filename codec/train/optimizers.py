"""Which parameters are trained by what, and how fast."""

from __future__ import annotations

import torch

from codec.train.config import TrainConfig
from codec.train.soap import Soap
from codec.trainable.blocks import ScaledLinear
from codec.trainable.model import ImageModel

__all__ = ["optimizers"]


def optimizers(model: ImageModel, config: TrainConfig) -> list[torch.optim.Optimizer]:
    """One for the matrices, Adam for everything else.

    The linear path starts near its optimum and carries the precision that high rates need: it moves
    slowly.
    """
    ends = (model.analysis, model.synthesis)
    linear = [m.weight for end in ends for m in end.modules() if isinstance(m, ScaledLinear)]
    entropy = [p for p in model.entropy.parameters() if p.dim() == 2 and p.shape[0] > 16]
    chosen = {id(p) for p in linear + entropy}
    blocks = [
        p for p in model.parameters() if p.dim() == 2 and p.shape[0] > 16 and id(p) not in chosen
    ]
    chosen |= {id(p) for p in blocks}
    gains = [p for name, p in model.named_parameters() if name.endswith("log_gain")]
    chosen |= {id(p) for p in gains}
    vectors = [p for p in model.parameters() if id(p) not in chosen]
    groups = [(blocks, config.lr), (entropy, config.lr_entropy), (linear, config.lr_linear)]
    adam = torch.optim.AdamW(
        [
            {"params": vectors, "lr": config.lr_vector},
            {"params": gains, "lr": config.lr_gain},
        ],
        betas=(0.9, 0.98),
        weight_decay=0.0,
        fused=True,
    )
    if config.optimizer == "soap":
        return [Soap(groups, refresh=config.refresh), adam]
    for params, lr in groups:
        adam.add_param_group({"params": params, "lr": lr})
    return [adam]
