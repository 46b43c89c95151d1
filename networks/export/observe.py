"""What goes through the layers of an exact network while it computes something typical."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from networks.train.training import TrainingOps

__all__ = ["observe"]


def observe(
    ops: TrainingOps, run: Callable[[], object], see: Callable[[str, Tensor, Tensor], None]
) -> None:
    """Calls see(name of the layer, its inputs, its outputs), (..., channels), for every layer that
    `run` computes through `ops`. Floats, since what is small would round to nothing.
    """
    handles = []
    for key, layer in ops.layers.items():
        name = key.replace("/", ".")

        def hook(
            module: torch.nn.Module, args: tuple[Tensor, ...], out: Tensor, name: str = name
        ) -> None:
            see(name, args[0].detach().float(), out.detach().float())

        handles.append(layer.register_forward_hook(hook))
    exact, ops.exact = ops.exact, False
    try:
        run()
    finally:
        ops.exact = exact
        for handle in handles:
            handle.remove()
