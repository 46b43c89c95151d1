"""CompiledOps: exact networks in 16-bit integers, on a processor with AVX-512 VNNI.

Typed wrapper over `_layers`, built from entropy/cpp/integer. A product of two int16 costs half of
one in float32; elsewhere TorchOps gives the same integers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from entropy.integer.arrange import ArrangeOps
from entropy.integer.network import IntegerLayer, IntegerNetwork, output_range
from entropy.integer.spec import ACT_MAX, COMPAND_SIZE, Z_BITS
from entropy.integer.torch_ops import TorchNetwork, check_answers

if TYPE_CHECKING:
    from entropy.integer import _layers

try:
    from entropy.integer import _layers as _module
except ImportError:  # a plain checkout, or a build for another Python: slower, and the same
    _built = False
else:
    _built = True

__all__ = ["CompiledNetwork", "CompiledOps", "fits", "load_network"]

MOST_THREADS = 8
"""That share a layer: it is too short for more."""


def load_network(network: IntegerNetwork, device: torch.device) -> CompiledNetwork | TorchNetwork:
    """The network as it is fastest on `device`; the integers are the same.

    Raises:
        InexactBackend: the device or its settings do not compute integers exactly.
    """
    if device.type == "cpu" and fits(network):
        return CompiledNetwork(network)
    return TorchNetwork(network, device)


def fits(network: IntegerNetwork) -> bool:
    """Whether `CompiledNetwork` can run networks of these sizes on this machine."""
    if not _built or not _module.supported():
        return False
    for name, layer in network.layers.items():
        spec = layer.spec
        outputs = spec.outputs * (2 if name.startswith("head.") else 1)
        inputs = 0 if spec.kind == "depthwise" else spec.inputs
        if inputs % 2 or inputs > _module.MAX_INPUTS or outputs % _module.PANEL:
            return False
    return True


class CompiledNetwork:
    """An IntegerNetwork with its weights in the order in which they are used; needs `fits`. Checks
    itself against the definition when made.

    Raises:
        InexactBackend: a wrong integer came out.
    """

    def __init__(self, network: IntegerNetwork) -> None:
        self.layers: dict[str, _layers.Linear | _layers.Depthwise] = {}
        self.outputs: dict[str, int] = {}
        self.shifts = torch.from_numpy(network.input_shifts.astype(np.int32))
        self.halves = (torch.ones_like(self.shifts) << self.shifts) >> 1
        self.compand = torch.from_numpy(network.compand)
        for name, layer in network.layers.items():
            if ".index." in name:
                continue  # together with the means
            parts = [layer]
            if ".mean." in name:
                parts.append(network.layers[name.replace(".mean.", ".index.")])
            name = name.replace(".mean.", ".")
            self.outputs[name] = sum(part.spec.outputs for part in parts)
            finish = _finish(parts, network.levels)
            if layer.spec.kind == "depthwise":
                taps = layer.weight.reshape(-1, 9).T.astype(np.int32)
                self.layers[name] = _module.Depthwise(np.ascontiguousarray(taps), finish)
            else:
                weight = np.concatenate([part.weight for part in parts])
                self.layers[name] = _module.Linear(_panels(weight), finish)
        self._alone = _module.Team(1)
        check_answers(network, self.bind(0), torch.device("cpu"))

    def require_exact(self) -> None:
        """Nothing that can be set in this process changes an integer."""

    def bind(self, level: int) -> CompiledOps:
        """The operations at one quality level, on the calling thread alone."""
        return CompiledOps(self, level, self._alone)

    @contextmanager
    def at(self, level: int) -> Iterator[CompiledOps]:
        """The operations at one quality level, on as many threads as PyTorch has, MOST_THREADS at
        most. PyTorch has one meanwhile: what it does takes less time than it takes to wake another.
        """
        threads = torch.get_num_threads()
        if threads == 1:
            yield self.bind(level)
            return
        torch.set_num_threads(1)
        try:
            yield CompiledOps(self, level, _module.Team(min(threads, MOST_THREADS)))
        finally:
            torch.set_num_threads(threads)


def _finish(parts: list[IntegerLayer], levels: int) -> _layers.Finish:
    """What the layers side by side do to their sums."""
    shift = np.concatenate([part.shift for part in parts]).astype(np.int32)
    bias = np.concatenate(
        [np.broadcast_to(part.bias, (levels, part.spec.outputs)) for part in parts], 1
    )
    half = np.int32(1) << (shift - 1)
    low, high = (
        np.concatenate([np.full(len(part.shift), output_range(part.spec)[end]) for part in parts])
        for end in (0, 1)
    )
    return _module.Finish(
        np.ascontiguousarray(bias + half, np.int32),
        shift,
        low.astype(np.int32),
        high.astype(np.int32),
    )


def _panels(weight: NDArray[np.int16]) -> NDArray[np.int32]:
    """(outputs, inputs) -> (panels, inputs / 2, outputs of a panel) of words of two weights."""
    outputs, inputs = weight.shape
    words = np.ascontiguousarray(weight).view(np.int32)
    panels = words.reshape(outputs // _module.PANEL, _module.PANEL, inputs // 2)
    return np.ascontiguousarray(panels.transpose(0, 2, 1))


class CompiledOps(ArrangeOps):
    """`entropy.models.quadtree.Ops`, (B, H, W, C): activations are int16 tensors; y_hat, means and
    indexes are float32 that hold integers, as everywhere.
    """

    ACTIVATION = torch.int16

    def __init__(self, network: CompiledNetwork, level: int, team: _layers.Team) -> None:
        self._network = network
        self._level = level
        self._team = team

    def linear(self, name: str, x: Tensor) -> Tensor:
        return self._linear(name, x, torch.int16)

    def _linear(self, name: str, x: Tensor, dtype: torch.dtype) -> Tensor:
        out = torch.empty(*x.shape[:-1], self._network.outputs[name], dtype=dtype)
        flat = x.contiguous().flatten(0, -2)
        layer, result = self._network.layers[name], out.flatten(0, -2)
        layer.run(flat.numpy(), result.numpy(), self._level, self._team)
        return out

    def depthwise(self, name: str, x: Tensor) -> Tensor:
        x = x.contiguous()
        out = torch.empty_like(x)
        pictures, results = x.numpy(), out.numpy()
        for n in range(len(x)):
            self._network.layers[name].run(pictures[n], results[n], self._level, self._team)
        return out

    def head(self, name: str, group: int, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, index = self._linear(f"{name}.{group}", x, torch.float32).chunk(2, -1)
        return mean, index

    def add(self, x: Tensor, y: Tensor, relu: bool = False) -> Tensor:
        return (x + y).clamp_(0 if relu else -ACT_MAX, ACT_MAX)

    def from_z(self, z_symbols: Tensor) -> Tensor:
        limit = float(ACT_MAX)
        return (z_symbols * float(1 << Z_BITS)).clamp_(-limit, limit).to(torch.int16)

    def from_y(self, y_hat: Tensor, group: int) -> Tensor:
        size = y_hat.shape[-1]
        part = slice(group * size, (group + 1) * size)
        whole = y_hat.int()
        linear = (
            ((whole + self._network.halves[part]) >> self._network.shifts[part])
            .clamp_(-ACT_MAX, ACT_MAX)
            .to(torch.int16)
        )
        last = COMPAND_SIZE - 1
        places = whole.clamp_(-last, last).add_(last)
        companded = self._network.compand.index_select(0, places.view(-1)).view(y_hat.shape)
        return torch.cat([linear, companded], -1)
