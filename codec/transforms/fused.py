"""Parts of a block while training: PyTorch's operations on a processor; on a GPU Triton's kernels,
which pass through the memory once and sum the gradients of biases and gains on the way.
"""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["add_scaled", "gated"]


def gated(linear: nn.Linear, x: Tensor) -> Tensor:
    """GLU(linear(x)): x (B, H, W, C), linear C -> 2 N, to (B, H, W, N)."""
    if x.is_cuda:
        from codec.transforms import fused_triton

        out: Tensor = _apply(fused_triton.Gate, F.linear(x, linear.weight), linear.bias)
        return out
    return F.glu(linear(x), -1)


def add_scaled(x: Tensor, linear: nn.Linear, h: Tensor, gain: Tensor) -> Tensor:
    """x + linear(h) * gain: x (B, H, W, C), linear from h to C, gain (B, C) float32, to like x."""
    if x.is_cuda:
        from codec.transforms import fused_triton

        h = F.linear(h, linear.weight)
        out: Tensor = _apply(fused_triton.AddScaled, x, h, linear.bias, gain)
        return out
    h = linear(h)
    return x + h * gain[:, None, None, :].to(h.dtype)


def _apply(function: Any, *args: Tensor) -> Any:
    return function.apply(*(a.contiguous() for a in args))
