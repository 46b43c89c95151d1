"""Which parameters are trained by what, and how fast."""

from __future__ import annotations

import torch

from codec.train.config import TrainConfig
from codec.train.soap import Soap
from codec.trainable.blocks import ScaledLinear
from codec.trainable.model import ImageModel
from codec.trainable.vector_model import VectorModel

__all__ = ["optimizers"]


def optimizers(model: ImageModel | VectorModel, config: TrainConfig) -> list[torch.optim.Optimizer]:
    """One for the matrices, Adam for everything else.

    The linear path starts near its optimum and carries the precision that high rates need: it moves
    slowly.
    """
    ends = [part for name, part in model.named_children() if name != "entropy"]
    linear = [m.weight for end in ends for m in end.modules() if isinstance(m, ScaledLinear)]
    linear = [p for p in linear if p.requires_grad]
    entropy = [p for p in model.entropy_parameters() if p.dim() == 2 and p.shape[0] > 16]
    chosen = {id(p) for p in linear + entropy}
    trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    blocks = [p for _, p in trained if p.dim() == 2 and p.shape[0] > 16 and id(p) not in chosen]
    chosen |= {id(p) for p in blocks}
    gains = [p for name, p in trained if name.endswith("log_gain")]
    chosen |= {id(p) for p in gains}
    vectors = [p for _, p in trained if id(p) not in chosen]
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
