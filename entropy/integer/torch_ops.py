"""TorchOps: exact networks as integers in float32, on any device PyTorch has.

Weights and biases are divided by 2^shift when they are loaded. That scales every product and every
partial sum by the same power of two, so sums are as exact as those of the integers (below 2^24 by
the proof of IntegerNetwork), in any order; floor then finishes the layer. Only 1x1 convolutions as
matrix products and depthwise convolutions are
used: nothing a library would replace by a transformed algorithm, and reduced-precision modes are
    refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from entropy.errors import InexactBackend
from entropy.integer.arrange import ArrangeOps
from entropy.integer.network import IntegerLayer, IntegerNetwork, output_range
from entropy.integer.ops import NumpyOps
from entropy.integer.spec import ACT_MAX, COMPAND_SIZE, MEAN_LIMIT, Z_BITS

__all__ = ["TorchNetwork", "TorchOps", "check_answers", "require_exact_settings"]


class _Layer:
    """One layer on a device: scaled weight, scaled bias per level with the rounding half, output
    range.
    """

    def __init__(self, layer: IntegerLayer, device: torch.device) -> None:
        scale = np.exp2(-layer.shift.astype(np.float64))
        weight = layer.weight.astype(np.float64) * scale.reshape(-1, *[1] * (layer.weight.ndim - 1))
        self.depthwise = layer.spec.kind == "depthwise"
        if self.depthwise:
            weight = weight[:, None]
        self.weight = torch.from_numpy(weight.astype(np.float32)).to(device)
        bias = layer.bias.astype(np.float64) * scale + 0.5
        self.bias = torch.from_numpy(bias.astype(np.float32)).to(device)
        self.leveled = layer.spec.leveled
        self.low, self.high = (float(v) for v in output_range(layer.spec))

    def __call__(self, x: Tensor, level: int) -> Tensor:
        bias = self.bias[level if self.leveled else 0]
        if self.depthwise:
            planes = x.permute(0, 3, 1, 2)
            out = F.conv2d(planes, self.weight, bias, padding=1, groups=len(bias)).permute(
                0, 2, 3, 1
            )
        else:
            out = F.linear(x, self.weight, bias)
        return out.floor_().clamp_(self.low, self.high)


class TorchNetwork:
    """An IntegerNetwork loaded on a device; checks itself against the definition when made.

    Raises:
        InexactBackend: the device or its settings do not compute integers exactly.
    """

    def __init__(self, network: IntegerNetwork, device: torch.device) -> None:
        self.device = device
        self._layers = {n: _Layer(layer, device) for n, layer in network.layers.items()}
        self._heads: dict[str, tuple[Tensor, Tensor]] = {}
        for name in network.layers:
            if ".mean." in name:
                mean, index = self._layers[name], self._layers[name.replace(".mean.", ".index.")]
                bias = torch.cat([mean.bias.expand(network.levels, -1), index.bias], 1)
                weight = torch.cat([mean.weight, index.weight])
                self._heads[name.replace(".mean.", ".")] = (weight, bias.contiguous())
        shifts = network.input_shifts.astype(np.float64)
        self.input_scale = torch.from_numpy(np.exp2(-shifts).astype(np.float32)).to(device)
        self.input_half = torch.from_numpy(np.where(shifts > 0, 0.5, 0.0).astype(np.float32)).to(
            device
        )
        self.compand = torch.from_numpy(network.compand.astype(np.float32)).to(device)
        self.require_exact()
        check_answers(network, self.bind(0), device)

    def layer(self, name: str) -> _Layer:
        return self._layers[name]

    def head(self, name: str) -> tuple[Tensor, Tensor]:
        """Weight and bias table of a head's mean and index, as one layer."""
        return self._heads[name]

    def bind(self, level: int) -> TorchOps:
        """The operations at one quality level."""
        return TorchOps(self, level)

    @contextmanager
    def at(self, level: int) -> Iterator[TorchOps]:
        """As `bind`: PyTorch has threads of its own."""
        yield self.bind(level)

    def require_exact(self) -> None:
        """Refuses settings of this process as `require_exact_settings` does."""
        require_exact_settings(self.device)


def check_answers(network: IntegerNetwork, ops: Any, device: torch.device) -> None:
    """Known-answer test: extreme inputs through the widest layers must equal the definition.

    ops: `Ops` over tensors of `ops.ACTIVATION` on `device`, for level 0.

    Raises:
        InexactBackend: they do not.
    """
    random = np.random.default_rng(20)
    theirs = NumpyOps(network, 0)
    for kind in ("linear", "depthwise"):
        name, layer = max(
            ((n, x) for n, x in network.layers.items() if x.spec.kind == kind and "head." not in n),
            key=lambda item: item[1].weight.size,
        )
        x = random.integers(-ACT_MAX, ACT_MAX + 1, (1, 8, 12, layer.spec.inputs))
        x[:, :2] = np.where(random.random(x[:, :2].shape) < 0.5, -ACT_MAX, ACT_MAX)
        expected = getattr(theirs, kind)(name, x)
        found = getattr(ops, kind)(name, torch.from_numpy(x).to(device, ops.ACTIVATION))
        if not np.array_equal(found.cpu().numpy().astype(np.int64), expected):
            raise InexactBackend(
                f"layer {name} on {device} differs from its integer definition: "
                f"this device cannot decode exactly; use another one"
            )


def require_exact_settings(device: torch.device) -> None:
    """Refuses global settings that let float32 products be rounded to fewer bits.

    Raises:
        InexactBackend: reduced-precision float32 matrix products are switched on in this process.
    """
    if torch.get_float32_matmul_precision() != "highest":
        raise InexactBackend(
            "torch.set_float32_matmul_precision is "
            f"{torch.get_float32_matmul_precision()!r}; exact decoding needs 'highest'"
        )
    if device.type == "cuda" and torch.backends.cuda.matmul.allow_tf32:
        raise InexactBackend(
            "torch.backends.cuda.matmul.allow_tf32 is on; exact decoding needs it off"
        )


class TorchOps(ArrangeOps):
    """`entropy.models.quadtree.Ops` over float32 tensors that hold integers, (B, H, W, C)."""

    ACTIVATION = torch.float32

    def __init__(self, network: TorchNetwork, level: int) -> None:
        self._network = network
        self._level = level

    def linear(self, name: str, x: Tensor) -> Tensor:
        return self._network.layer(name)(x, self._level)

    def depthwise(self, name: str, x: Tensor) -> Tensor:
        with torch.backends.cudnn.flags(enabled=False):
            return self._network.layer(name)(x, self._level)

    def head(self, name: str, group: int, x: Tensor) -> tuple[Tensor, Tensor]:
        weight, bias = self._network.head(f"{name}.{group}")
        mean, index = F.linear(x, weight, bias[self._level]).floor_().chunk(2, -1)
        return mean.clamp_(-MEAN_LIMIT, MEAN_LIMIT), index.clamp_(0, 63)

    def add(self, x: Tensor, y: Tensor, relu: bool = False) -> Tensor:
        return (x + y).clamp_(0 if relu else -ACT_MAX, ACT_MAX)

    def from_z(self, z_symbols: Tensor) -> Tensor:
        return (z_symbols * float(1 << Z_BITS)).clamp_(-ACT_MAX, ACT_MAX)

    def from_y(self, y_hat: Tensor, group: int) -> Tensor:
        size = y_hat.shape[-1]
        part = slice(group * size, (group + 1) * size)
        scale, half = self._network.input_scale[part], self._network.input_half[part]
        linear = torch.addcmul(half, y_hat, scale).floor_().clamp_(-ACT_MAX, ACT_MAX)
        last = COMPAND_SIZE - 1
        places = y_hat.clamp(-last, last).add_(last).int()
        companded = self._network.compand.index_select(0, places.view(-1)).view(y_hat.shape)
        return torch.cat([linear, companded], -1)
