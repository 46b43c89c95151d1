"""Gated blocks, and the linear maps between resolutions, in one pass of compiled code each: typed
wrapper over `_kernels`, built from codec/cpp.

PyTorch runs a block as six operations over the whole picture, a map as a product and a copy, whose
results do not fit into a cache; here twelve positions go through all of it at once. Needs a
processor with AVX-512; elsewhere PyTorch does the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import torch
from torch import Tensor

if TYPE_CHECKING:
    from codec.transforms import _kernels

try:
    from codec.transforms import _kernels as _module
except ImportError:  # a plain checkout, or a build for another Python: slower, and as good
    _built = False
else:
    _built = True

__all__ = ["BlockWeights", "FusedBlock", "FusedMap", "Team", "fits", "map_fits", "run", "team"]

GATES = 16
"""Hidden channels that are computed together with their gates."""


Team: TypeAlias = "_kernels.Team"
"""Threads that share what they are given, and look out for more a while before they sleep."""


def team(device: torch.device) -> Team | None:
    """As many threads as PyTorch has, for some blocks and maps after each other; None where there
    are none for this device.
    """
    if not _built or device.type != "cpu" or not _module.supported(False):
        return None
    return _module.Team(min(torch.get_num_threads(), _module.MOST_THREADS))


class BlockWeights(NamedTuple):
    """A GatedBlock of C channels and H hidden ones at one level, float32: spatial (C, 1, 3, 3),
    expand (2 H, C), reduce (C, H) with the gain folded in, and their biases.
    """

    spatial: Tensor
    spatial_bias: Tensor
    expand: Tensor
    expand_bias: Tensor
    reduce: Tensor
    reduce_bias: Tensor


def fits(weights: BlockWeights, dtype: torch.dtype) -> bool:
    """Whether `FusedBlock` can run a block of this size and precision on this machine."""
    channels, hidden = weights.reduce.shape
    return (
        _built
        and weights.reduce.device.type == "cpu"
        and dtype in (torch.float32, torch.bfloat16)
        and channels % _module.PANEL == 0
        and hidden % GATES == 0
        and max(channels, hidden) <= _module.MAX_CHANNELS
        and _module.supported(dtype == torch.bfloat16)
    )


class FusedBlock:
    """A block with its weights in the order in which they are used; needs `fits`."""

    def __init__(self, weights: BlockWeights, dtype: torch.dtype) -> None:
        channels, hidden = weights.reduce.shape
        expand = weights.expand.view(2, hidden // GATES, GATES, channels).transpose(0, 1)
        expand_bias = weights.expand_bias.view(2, hidden // GATES, GATES).transpose(0, 1)
        reduce = weights.reduce.view(channels // _module.PANEL, _module.PANEL, hidden)
        self._compiled: _kernels.GatedBlock = _module.GatedBlock(
            weights.spatial_bias.numpy(),
            weights.spatial.view(channels, 9).T.contiguous().numpy(),
            _words(expand.flatten(1, 2), dtype).numpy(),
            expand_bias.flatten(1).contiguous().numpy(),
            _words(reduce, dtype).numpy(),
            weights.reduce_bias.numpy(),
            dtype == torch.bfloat16,
        )

    def __call__(self, x: Tensor, out: Tensor, team: Team) -> None:
        """out (H, W, C) float32 from x like it, another array."""
        self._compiled.run(x.numpy(), out.numpy(), team)


def _words(panels: Tensor, dtype: torch.dtype) -> Tensor:
    """(panels, outputs, inputs) float32 -> (panels, words, outputs) int32, a word being the weight
    of one input, or of two in bfloat16.
    """
    if dtype == torch.float32:
        return panels.transpose(1, 2).contiguous().view(torch.int32)
    count, outputs, inputs = panels.shape
    pairs = panels.reshape(count, outputs, inputs // 2, 2).transpose(1, 2)
    words: Tensor = pairs.to(torch.bfloat16).contiguous().view(torch.int32)
    return words.squeeze(-1)


def map_fits(matrix: Tensor, unfold: int, dtypes: tuple[torch.dtype, torch.dtype]) -> bool:
    """Whether `FusedMap` can run a map of this matrix (outputs, inputs) from and to these types."""
    outputs, inputs = matrix.shape
    run = outputs if dtypes[1] == torch.uint8 else outputs // unfold
    return (
        _built
        and matrix.device.type == "cpu"
        and torch.float32 in dtypes
        and {*dtypes} <= {torch.float32, torch.uint8}
        and outputs % _module.PANEL == 0
        and run % _module.PANEL == 0
        and inputs <= _module.MAX_INPUTS
        and outputs <= _module.MAX_OUTPUTS
        and _module.supported(False)
    )


class FusedMap:
    """shuffle(linear(unshuffle(x, fold)), unfold); needs `map_fits`.

    Args:
        matrix, offset: (outputs, inputs) and (outputs,) float32.
        fold, unfold: of x, and of what comes out.
        out: float32, or uint8: rounded to the nearest of 0..255.
    """

    def __init__(
        self, matrix: Tensor, offset: Tensor, fold: int, unfold: int, out: torch.dtype
    ) -> None:
        panels = matrix.view(-1, _module.PANEL, matrix.shape[1]).transpose(1, 2).contiguous()
        self._compiled: _kernels.LinearMap = _module.LinearMap(
            panels.numpy(), offset.contiguous().numpy(), fold, unfold
        )
        self._fold, self._unfold, self._dtype = fold, unfold, out
        self._channels = len(offset) // unfold**2

    def __call__(self, x: Tensor, team: Team) -> Tensor:
        """x (H, W, C) float32, or uint8 where floats come out, H and W multiples of fold.

        The result does not depend on the number of threads.
        """
        rows, columns = (side // self._fold * self._unfold for side in x.shape[:2])
        out = torch.empty(rows, columns, self._channels, dtype=self._dtype)
        self._compiled.run(x.contiguous().numpy(), out.numpy(), team)
        return out


def run(blocks: Sequence[FusedBlock], x: Tensor, team: Team) -> Tensor:
    """x (H, W, C) float32, which is used up, through all blocks.

    The result does not depend on the number of threads.
    """
    x = x.contiguous()
    out = torch.empty_like(x)
    for block in blocks:
        block(x, out, team)
        x, out = out, x
    return x
