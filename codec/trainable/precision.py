"""Where bfloat16 is faster than float32."""

from __future__ import annotations

import torch

__all__ = ["half", "multiplies_bfloat16"]


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether a device has instructions for products of bfloat16; others emulate them, slowly."""
    if device.type == "cuda":
        return True
    cpu = torch.backends.cpu.get_cpu_capability()
    return cpu == "AVX512" and bool(torch.cpu._is_avx512_bf16_supported())


def half(device: torch.device) -> torch.dtype:
    """The fastest type of a product that needs few digits: bfloat16 or float32."""
    return torch.bfloat16 if multiplies_bfloat16(device) else torch.float32
