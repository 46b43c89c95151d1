"""Where and how a model runs: device, precision of the transforms, threads."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TypeVar

import torch

from codec.errors import OptionError

__all__ = ["each", "resolve_device", "resolve_precision", "threads"]

Item = TypeVar("Item")
Result = TypeVar("Result")


def resolve_device(name: str) -> torch.device:
    """ "auto", "cpu", "cuda" or "cuda:N" as a device; auto takes a GPU where there is one.

    Raises:
        OptionError: there is no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise OptionError(f"device {name!r} is not there; found {torch.cuda.device_count()} GPUs")
    return device


@cache
def _processor_has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 (AVX-512 BF16 or AMX); only Linux tells."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return False
    flags = next(
        (line for line in cpuinfo.read_text().splitlines() if line.startswith("flags")), ""
    )
    return bool({"avx512_bf16", "amx_bf16"} & set(flags.split()))


def resolve_precision(name: str, device: torch.device) -> torch.dtype:
    """ "auto", "float32" or "bfloat16" as a dtype; auto takes bfloat16 where it is faster."""
    if name == "auto":
        fast = device.type == "cuda" or _processor_has_bfloat16()
        return torch.bfloat16 if fast else torch.float32
    return torch.bfloat16 if name == "bfloat16" else torch.float32


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Runs the block with `count` threads of PyTorch; 0 leaves the number as it is."""
    before = torch.get_num_threads()
    if count:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        if count:
            torch.set_num_threads(before)


def each(work: Callable[[Item], Result], items: Collection[Item]) -> Iterator[Result]:
    """The results of `work` in the order of `items`: several at once on the threads of PyTorch, one
    thread for each; a single one has all threads.

    `work` must not multiply float32 matrices in PyTorch: MKL frees what a thread held for that when
    the thread ends, and can hang if another one multiplies meanwhile.
    """
    count = torch.get_num_threads()
    if min(count, len(items)) < 2:
        yield from map(work, items)
        return
    pool = ThreadPoolExecutor(
        min(count, len(items)), initializer=torch.set_num_threads, initargs=(1,)
    )
    try:
        yield from pool.map(work, items)
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(count)  # what a worker sets holds for threads that begin later, too
