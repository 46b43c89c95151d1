"""One training in several processes, each with a share of a step's crops.

    torchrun --nproc-per-node 2 -m codec train ...

On a processor two processes of one thread each are half as fast again as one with two threads: a
step is many small products. Every process takes the same steps from the same averaged gradients.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import Tensor

__all__ = ["average", "begin", "count", "of_first", "rank", "share"]


def begin() -> None:
    """Joins the processes that torchrun started, if it did."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
        dist.init_process_group("gloo")


def count() -> int:
    """How many processes there are."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """Which of them this is, from 0; the first logs and saves."""
    return dist.get_rank() if dist.is_initialized() else 0


def average(gradients: Iterable[Tensor | None]) -> None:
    """Replaces gradients by their means over all processes."""
    if count() == 1:
        return
    found = [g for g in gradients if g is not None]
    flat = torch.cat([g.flatten() for g in found])
    dist.all_reduce(flat)
    flat /= count()
    begin = 0
    for gradient in found:
        gradient.copy_(flat[begin : begin + gradient.numel()].view_as(gradient))
        begin += gradient.numel()


def share(tensors: Iterable[Tensor]) -> None:
    """Gives all processes what the first one has."""
    if count() > 1:
        for tensor in tensors:
            dist.broadcast(tensor, 0)


def of_first(value: float) -> float:
    """A number as the first process has it."""
    if count() == 1:
        return value
    shared = torch.tensor([value], dtype=torch.float64)
    dist.broadcast(shared, 0)
    return float(shared)
