"""Rounding of the weights of an exact network that keeps what its layers compute.

The bound on a layer's sums leaves its weights about five bits, and rounding each to the nearest is
most of what exactness costs at the lowest rates (docs/training-log.md, entry 19). Here the weights
of a row are rounded one after the other, and each time those that are left, the bias at last, make
up for the error on typical inputs. What decodes is a network as any other.

Source: Frantar et al., GPTQ: Accurate post-training quantization for generative pre-trained
transformers, ICLR 2023, section 3 (arXiv 2210.17323).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from networks.export.observe import observe
from networks.train.training import ExactLayer, TrainingOps

__all__ = ["round_weights"]

DAMPING = 0.01
"""Added to the power of every input, relative to the mean of all: inputs seen too rarely to trust.
"""


@torch.no_grad()
def round_weights(ops: TrainingOps, run: Callable[[], object]) -> None:
    """Round the weights of the linear layers of `ops` in place, to what `quantised` leaves as is.

    Args:
        ops: trainable layers.
        run: computes the network on typical inputs, through `ops.linear`.
    """
    for layer, moments in _input_moments(ops, run).items():
        _, _, shift = layer.quantised(ops.levels)
        unit = torch.exp2(-shift).unsqueeze(1)
        weight, offset = _rounded(layer.weight, unit, moments)
        before = layer.weight.clone()
        layer.weight.copy_(weight)
        kept = layer.quantised(ops.levels)[2] == shift  # else the sum outgrew its bound
        layer.weight.copy_(torch.where(kept.unsqueeze(1), weight, before))
        layer.bias.add_(torch.where(kept, offset, 0.0))


def _rounded(weight: Tensor, unit: Tensor, moments: Tensor) -> tuple[Tensor, Tensor]:
    """Multiples of `unit` (outputs, 1) for `weight` (outputs, inputs), and what to add to the bias
    (outputs,).

    moments: (inputs + 1, inputs + 1) mean products of the inputs and of 1, which is the bias'.
    """
    inputs = weight.shape[1]
    left = torch.cat([weight, torch.zeros_like(weight[:, :1])], 1).double()
    moments = moments.clone()
    power = moments.diagonal()[:-1]
    power += DAMPING * power.mean() + 1e-9
    # Row i of the factor: how the weights after i answer an error of weight i.
    factor = torch.linalg.cholesky(torch.linalg.inv(moments), upper=True)
    for i in range(inputs):
        chosen = torch.floor(left[:, i : i + 1] / unit + 0.5) * unit
        error = (left[:, i : i + 1] - chosen) / factor[i, i]
        left[:, i + 1 :] -= error * factor[i, i + 1 :]
        left[:, i : i + 1] = chosen
    return left[:, :-1].to(weight.dtype), left[:, -1].to(weight.dtype)


def _input_moments(ops: TrainingOps, run: Callable[[], object]) -> dict[ExactLayer, Tensor]:
    """Mean products of the inputs of every linear layer, a constant 1 as the last of them."""
    sums: dict[ExactLayer, Tensor] = {}

    def see(name: str, inputs: Tensor, outputs: Tensor) -> None:
        layer = ops.layer(name)
        if layer.spec.kind != "linear":
            return
        x = inputs.flatten(0, -2)
        x = torch.cat([x, torch.ones_like(x[:, :1])], 1)
        found = (x.T @ x / len(x)).double()
        sums[layer] = sums[layer] + found if layer in sums else found

    observe(ops, run, see)
    return {layer: moments / moments[-1, -1] for layer, moments in sums.items()}
