"""A trainable model from landed weights: the inverse of export, up to the rounding it did.

Checkpoints are large and stay where a training ran; the weights in the package are what the next
one can always continue from. Blocks that the weights lack begin as the identity and channels of the
trunk as notes; blocks that the new recipe lacks are dropped.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from codec.errors import OptionError
from codec.trainable.attention import EnterLinear, WindowAttention
from codec.trainable.block_integers import Limits, Units
from codec.trainable.blocks import OUT_SCALE, GatedBlock, ScaledLinear
from codec.trainable.model import ImageModel
from codec.trainable.vector_model import VectorModel
from codec.trainable.weights import TrainedWeights
from entropy.coder import CdfTables
from entropy.models.latent_codec import TRELLIS_TABLES
from entropy.models.quantisers import Trellis
from networks.export.convert import trainable_layers
from networks.train.training import KNOTS, interpolate_knots

LIMITS = Limits()
LAST = (".reduce", ".leave")
"""Layers of blocks that give what is added to the trunk, times OUT_SCALE."""
SEEN = 32
"""Symbols seen by a unit of a table's frequencies, when its counts are made up."""


@torch.no_grad()
def restore(model: ImageModel, weights: TrainedWeights) -> None:
    """Fill `model`, initialised from data before (its scales are kept), with landed weights.

    Raises:
        OptionError: a layer has another shape, or the entropy models differ.
    """
    expected = model.config.entropy
    trellis = {"trellis_step": expected.trellis_step, "trellis_states": expected.trellis_states}
    if replace(weights.config.entropy, **trellis) != expected:
        raise OptionError(
            f"weights of another entropy model: found {weights.config.entropy}, expected {expected}"
        )
    parts: dict[str, nn.Module] = {
        "analysis": model.analysis,
        "synthesis": model.synthesis,
        "hyper_analysis": model.entropy.hyper_analysis,
    }
    trunks = weights.config.transform.trunk, model.config.transform.trunk
    for part, module in parts.items():
        _unfold(module, weights.floats[part], part, trunks)
    entropy, network = model.entropy, weights.network
    entropy.set_exponents(torch.from_numpy(network.input_shifts).float())
    z_index = torch.from_numpy(weights.tables.z_index).float()
    z_index -= TRELLIS_TABLES
    if entropy.trellis is not None:
        _count(entropy.trellis, weights.tables.cdf)
    entropy.z_index.copy_(interpolate_knots(z_index, KNOTS) / 8)
    trainable_layers(network, entropy.ops)


def bound(model: ImageModel | VectorModel, units: Units) -> None:
    """Bound the inside of the blocks of the transforms as the integers of a weights file are."""
    for part in ("analysis", "synthesis"):
        for name, block in getattr(model, part).named_modules():
            if isinstance(block, GatedBlock) and f"{part}/{name}.filter" in units:
                filtered, value = (
                    torch.from_numpy(units[f"{part}/{name}.{place}"] * limit).float()
                    for place, limit in (("filter", LIMITS.filtered), ("value", LIMITS.value))
                )
                block.bound(filtered, value)


def _count(trellis: Trellis, cdf: CdfTables) -> None:
    """Counts as they could have been where the tables were measured: so many that the Gaussian
    which counts beside them (`quantisers.PRIOR`) does not.
    """
    trellis.counts.zero_()
    for table in range(TRELLIS_TABLES):
        frequencies = torch.from_numpy(np.diff(cdf.cdfs[table].astype(np.int64))[:-1] * SEEN)
        zero = -cdf.offsets[table]
        row = trellis.counts.view(TRELLIS_TABLES, -1)[table]
        row[: zero + 1] += frequencies[: zero + 1].flip(0)
        row[1 : zero + 1] += frequencies[zero + 1 :]


def _unfold(
    module: nn.Module, floats: dict[str, Tensor], part: str, trunks: tuple[int, int]
) -> None:
    """Set the parameters that `export` would fold to `floats`; what belongs to channels beyond
    those of a narrower trunk stays as it is.
    """
    owners = dict(module.named_modules())
    for name, parameter in module.named_parameters():
        owner_name, _, leaf = name.rpartition(".")
        if name not in floats:
            _begin_as_identity(owners, name, part)
            continue
        value = _widened(floats[name], parameter.shape, *trunks)
        known = _widened(torch.ones_like(floats[name]), parameter.shape, *trunks) > 0
        if value.shape != parameter.shape:
            raise OptionError(
                f"{part}.{name}: found shape {tuple(floats[name].shape)}, "
                f"expected {tuple(parameter.shape)}"
            )
        owner = owners[owner_name]
        block = owners[owner_name.rpartition(".")[0]] if "." in owner_name else owner
        if isinstance(owner, ScaledLinear):
            value = value * owner.in_scale / OUT_SCALE if leaf == "weight" else value / OUT_SCALE
        elif isinstance(owner, GatedBlock) and leaf == "spatial":
            value = value * owner.scale.view(-1, 1, 1, 1)
        elif isinstance(owner, EnterLinear) and leaf == "weight":
            value = value * owner.scale
        elif isinstance(block, GatedBlock | WindowAttention) and owner_name.endswith(LAST):
            value = value / OUT_SCALE
        parameter.copy_(torch.where(known, value, parameter))


def _widened(value: Tensor, shape: torch.Size, old: int, new: int) -> Tensor:
    """`value` with every group of `old` channels extended to `new` by zeros where `shape` asks for
    it.
    """
    for axis, wanted in enumerate(shape):
        groups, rest = divmod(value.shape[axis], old)
        if old < new and not rest and wanted == groups * new:
            before, after = value.shape[:axis], value.shape[axis + 1 :]
            value = value.reshape(*before, groups, old, *after)
            value = F.pad(value, [0, 0] * len(after) + [0, new - old])
            value = value.flatten(axis, axis + 1)
    return value


def _begin_as_identity(owners: dict[str, nn.Module], name: str, part: str) -> None:
    """A parameter may be absent only in a block that is new, and so adds nothing yet."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        owner = owners.get(".".join(parts[:end]))
        if isinstance(owner, GatedBlock) and not owner.reduce.weight.any():
            return
        if isinstance(owner, WindowAttention) and not owner.leave.weight.any():
            return
    raise OptionError(f"{part}.{name}: not in the weights")
