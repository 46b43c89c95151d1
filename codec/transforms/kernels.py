"""Gated blocks in one pass of compiled code: typed wrapper over `_kernels`, built from codec/cpp.

PyTorch runs a block as six operations over the whole picture, whose results do not fit into a
cache; here twelve positions go through all of it at once. Needs a processor with AVX-512; elsewhere
PyTorch does the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

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

__all__ = ["BlockWeights", "FusedBlock", "fits", "run"]

GATES = 16
"""Hidden channels that are computed together with their gates."""
BANDS = 3
"""Pieces of the picture per thread: what a thread loses to another process, the others make up."""


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

    def rows(self, x: Tensor, out: Tensor, first: int, last: int) -> None:
        """Rows first <= row < last of out (H, W, C) float32 from x like it, another array."""
        self._compiled.run(x.numpy(), out.numpy(), first, last)


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


def run(blocks: Sequence[FusedBlock], x: Tensor) -> Tensor:
    """x (H, W, C) float32, which is used up, through all blocks, on the threads of PyTorch.

    The result does not depend on the number of threads.
    """
    x = x.contiguous()
    out, height, count = torch.empty_like(x), x.shape[0], torch.get_num_threads()
    rows = -(-height // (BANDS * count))

    def work(block: FusedBlock, x: Tensor, out: Tensor, left: deque[int]) -> None:
        """Bands as long as there are any left."""
        while True:
            try:
                first = left.popleft()
            except IndexError:
                return
            block.rows(x, out, first, min(first + rows, height))

    with ThreadPoolExecutor(max(1, count - 1)) as pool:
        for block in blocks:
            # The calling thread begins at once; waking another one takes a while.
            band = (block, x, out, deque(range(0, height, rows)))
            helpers = [pool.submit(work, *band) for _ in range(count - 1)]
            work(*band)
            for helper in helpers:
                helper.result()
            x, out = out, x
    return x
