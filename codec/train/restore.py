"""A trainable model from landed weights: the inverse of export, up to the rounding it did.

Checkpoints are large and stay where a training ran; the weights in the package are what the next
one can always continue from. Blocks that the weights lack begin as the identity; blocks that the
new recipe lacks are dropped.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from codec.errors import OptionError
from codec.models.image import ImageModel
from codec.models.weights import ModelWeights
from codec.transforms.blocks import OUT_SCALE, GatedBlock, ScaledLinear
from entropy.integer.spec import ACT_BITS, INDEX_BITS, MEAN_BITS
from entropy.integer.training import KNOTS, ExactLayer


@torch.no_grad()
def restore(model: ImageModel, weights: ModelWeights) -> None:
    """Fill `model`, initialised from data before (its scales are kept), with landed weights.

    Raises:
        OptionError: a layer has another shape, or the entropy models differ.
    """
    if model.config.entropy != weights.config.entropy:
        raise OptionError(
            f"weights of another entropy model: found {weights.config.entropy}, "
            f"expected {model.config.entropy}"
        )
    parts: dict[str, nn.Module] = {
        "analysis": model.analysis,
        "synthesis": model.synthesis,
        "hyper_analysis": model.entropy.hyper_analysis,
    }
    for part, module in parts.items():
        _unfold(module, weights.floats[part], part)
    entropy, network = model.entropy, weights.network
    entropy.set_exponents(torch.from_numpy(network.input_shifts).float())
    entropy.z_index.copy_(_knots(torch.from_numpy(weights.tables.z_index).float()) / 8)
    for name, layer in network.layers.items():
        target = entropy.ops.layer(name)
        shift = torch.from_numpy(layer.shift).float()
        if layer.spec.output == "mean":
            shift = shift + target.exponent + (MEAN_BITS - ACT_BITS)
        elif layer.spec.output == "index":
            shift = shift - ACT_BITS + INDEX_BITS
        _set_exact(target, torch.from_numpy(layer.weight), torch.from_numpy(layer.bias), shift)


def _set_exact(target: ExactLayer, weight: Tensor, bias: Tensor, shift: Tensor) -> None:
    """Real-valued master weights whose integers are `weight` and `bias` again."""
    unit = torch.exp2(-shift)
    by_channel = unit.view(-1, *[1] * (target.weight.dim() - 1))
    target.weight.copy_(weight.float().view_as(target.weight) * by_channel)
    table = bias.float() * unit / 2.0**ACT_BITS
    if target.spec.leveled:
        target.bias.zero_()
        target.level_bias.copy_(_knots(table))
    else:
        target.bias.copy_(table[0])


def _knots(table: Tensor) -> Tensor:
    """(levels, C) -> (KNOTS, C): the knots that interpolate to about this table."""
    position = torch.linspace(0, len(table) - 1, KNOTS)
    low = position.floor().clamp(max=len(table) - 2).long()
    t = (position - low).unsqueeze(1)
    return table[low] * (1 - t) + table[low + 1] * t


def _unfold(module: nn.Module, floats: dict[str, Tensor], part: str) -> None:
    """Set the parameters that `export` would fold to `floats`."""
    owners = dict(module.named_modules())
    for name, parameter in module.named_parameters():
        owner_name, _, leaf = name.rpartition(".")
        if name not in floats:
            _begin_as_identity(owners, name, part)
            continue
        value = floats[name]
        if value.shape != parameter.shape:
            raise OptionError(
                f"{part}.{name}: found shape {tuple(value.shape)}, "
                f"expected {tuple(parameter.shape)}"
            )
        owner = owners[owner_name]
        block = owners[owner_name.rpartition(".")[0]] if "." in owner_name else owner
        if isinstance(owner, ScaledLinear):
            value = value * owner.in_scale / OUT_SCALE if leaf == "weight" else value / OUT_SCALE
        elif isinstance(owner, GatedBlock) and leaf == "spatial":
            value = value * owner.scale.view(-1, 1, 1, 1)
        elif isinstance(block, GatedBlock) and owner_name.endswith(".reduce"):
            value = value / OUT_SCALE
        parameter.copy_(value)


def _begin_as_identity(owners: dict[str, nn.Module], name: str, part: str) -> None:
    """A parameter may be absent only in a block that is new, and so adds nothing yet."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        owner = owners.get(".".join(parts[:end]))
        if isinstance(owner, GatedBlock) and not owner.reduce.weight.any():
            return
    raise OptionError(f"{part}.{name}: not in the weights")
