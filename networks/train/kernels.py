"""Where Triton kernels of our own run, and what they have to be given."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

import torch
from torch import Tensor

__all__ = ["for_kernel", "has_kernels"]


def has_kernels(x: Tensor) -> bool:
    """Whether kernels of our own run on x: on a GPU, with Triton. PyTorch brings it on Linux."""
    return x.is_cuda and _has_triton()


@cache
def _has_triton() -> bool:
    return find_spec("triton") is not None


def for_kernel(x: Tensor) -> Tensor:
    """x on a GPU, contiguous and of the type that autocast asks for, as a kernel of our own has to
    be given it.
    """
    if torch.is_autocast_enabled("cuda"):
        x = x.to(torch.get_autocast_dtype("cuda"))
    return x.contiguous()
