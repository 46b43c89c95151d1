"""Depthwise 3x3 over (B, H, W, C) while training: PyTorch's on a processor, Triton's on a GPU.

cuDNN's gradient of a depthwise kernel takes longer than all products of a block. Here every
position reads its nine neighbours from the cache, and the memory moves each array once.
"""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor

from networks.train.kernels import for_kernel, has_kernels

__all__ = ["depthwise"]


def depthwise(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """x (B, H, W, C), weight (C, 1, 3, 3), bias (C,) -> (B, H, W, C), zeros around x.

    Under autocast it takes and gives bfloat16, as PyTorch's does; sums are float32 on a GPU.
    """
    if has_kernels(x):
        from networks.train import depthwise_triton

        apply: Any = depthwise_triton.Depthwise.apply
        out: Tensor = apply(for_kernel(x), weight, bias)
        return out
    planes = F.conv2d(x.permute(0, 3, 1, 2), weight, bias, padding=1, groups=x.shape[-1])
    return planes.permute(0, 2, 3, 1)
