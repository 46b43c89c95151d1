"""Triton kernels of `networks.train.depthwise`; imported only where a model trains on a GPU, and
by tests, in Triton's interpreter.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

POSITIONS, CHANNELS = 16, 128
"""Of a tile of a correlation."""
SUMMED, SUMMED_CHANNELS = 16, 64
"""Of a tile in a sum of gradients."""
STRETCH = 128
"""Positions whose share of a kernel's gradient one program sums."""


@triton.jit
def _correlate(
    x, kernel, bias, added, out, positions, height, width, channels,
    FLIP: tl.constexpr, BIAS: tl.constexpr, ADDED: tl.constexpr,
    P: tl.constexpr, C: tl.constexpr,
):  # fmt: skip
    """out = correlation of x with kernel (9, channels), or with it turned by 180 degrees, plus what
    is added.
    """
    p = tl.program_id(0) * P + tl.arange(0, P)
    c = tl.program_id(1) * C + tl.arange(0, C)
    row, column = p // width % height, p % width
    inside_p, inside_c = p < positions, c < channels
    total = tl.zeros([P, C], tl.float32)
    if BIAS:
        total += tl.load(bias + c, inside_c, other=0.0).to(tl.float32)[None, :]
    for dy in tl.static_range(-1, 2):
        for dx in tl.static_range(-1, 2):
            there = (
                (row + dy >= 0) & (row + dy < height) & (column + dx >= 0) & (column + dx < width)
            )
            mask = (there & inside_p)[:, None] & inside_c[None, :]
            at = (p + dy * width + dx)[:, None] * channels + c[None, :]
            tap = 4 + (-(3 * dy + dx) if FLIP else 3 * dy + dx)
            factor = tl.load(kernel + tap * channels + c, inside_c, other=0.0)
            total += tl.load(x + at, mask, other=0.0).to(tl.float32) * factor[None, :]
    at = p[:, None] * channels + c[None, :]
    mask = inside_p[:, None] & inside_c[None, :]
    if ADDED:
        total += tl.load(added + at, mask, other=0.0).to(tl.float32)
    tl.store(out + at, total, mask)


@triton.jit
def _kernel_gradient(
    x, grad, out, positions, height, width, channels,
    S: tl.constexpr, P: tl.constexpr, C: tl.constexpr,
):  # fmt: skip
    """out (stretches, 10, channels) gets sums over a stretch: of grad times what each tap reads of
    x, and of grad.
    """
    c = tl.program_id(1) * C + tl.arange(0, C)
    inside_c = c < channels
    zero = tl.zeros([P, C], tl.float32)
    s0, s1, s2, s3, s4, s5, s6, s7, s8, s9 = (
        zero, zero, zero, zero, zero, zero, zero, zero, zero, zero,
    )  # fmt: skip
    for start in range(0, S, P):
        p = tl.program_id(0) * S + start + tl.arange(0, P)
        row, column = p // width % height, p % width
        whole = (p < positions)[:, None] & inside_c[None, :]
        at = p[:, None] * channels + c[None, :]
        g = tl.load(grad + at, whole, other=0.0).to(tl.float32)
        up, down = whole & (row > 0)[:, None], whole & (row + 1 < height)[:, None]
        left, right = (column > 0)[:, None], (column + 1 < width)[:, None]
        above, here, below = x + at - width * channels, x + at, x + at + width * channels
        s0 += g * tl.load(above - channels, up & left, other=0.0).to(tl.float32)
        s1 += g * tl.load(above, up, other=0.0).to(tl.float32)
        s2 += g * tl.load(above + channels, up & right, other=0.0).to(tl.float32)
        s3 += g * tl.load(here - channels, whole & left, other=0.0).to(tl.float32)
        s4 += g * tl.load(here, whole, other=0.0).to(tl.float32)
        s5 += g * tl.load(here + channels, whole & right, other=0.0).to(tl.float32)
        s6 += g * tl.load(below - channels, down & left, other=0.0).to(tl.float32)
        s7 += g * tl.load(below, down, other=0.0).to(tl.float32)
        s8 += g * tl.load(below + channels, down & right, other=0.0).to(tl.float32)
        s9 += g
    to = out + tl.program_id(0) * 10 * channels + c
    tl.store(to, tl.sum(s0, 0), inside_c)
    tl.store(to + channels, tl.sum(s1, 0), inside_c)
    tl.store(to + 2 * channels, tl.sum(s2, 0), inside_c)
    tl.store(to + 3 * channels, tl.sum(s3, 0), inside_c)
    tl.store(to + 4 * channels, tl.sum(s4, 0), inside_c)
    tl.store(to + 5 * channels, tl.sum(s5, 0), inside_c)
    tl.store(to + 6 * channels, tl.sum(s6, 0), inside_c)
    tl.store(to + 7 * channels, tl.sum(s7, 0), inside_c)
    tl.store(to + 8 * channels, tl.sum(s8, 0), inside_c)
    tl.store(to + 9 * channels, tl.sum(s9, 0), inside_c)


class Depthwise(torch.autograd.Function):
    """x (B, H, W, C) contiguous, weight (C, 1, 3, 3), bias (C,) -> like x."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        kernel = taps(weight)
        ctx.save_for_backward(x, kernel)
        return correlate(x, kernel, bias=bias)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, kernel = ctx.saved_tensors
        grad = grads[0].contiguous()
        return correlate(grad, kernel, flip=True), *kernel_gradient(x, grad)


def taps(weight: Tensor) -> Tensor:
    """(C, 1, 3, 3) -> (9, C) float32."""
    return weight.view(-1, 9).t().float().contiguous()


def correlate(
    x: Tensor,
    kernel: Tensor,
    bias: Tensor | None = None,
    flip: bool = False,
    added: Tensor | None = None,
) -> Tensor:
    """x (B, H, W, C) contiguous with kernel (9, C), zeros around it, plus bias (C,), plus `added`
    like x. flip: with the kernel turned by 180 degrees, as gradients go.
    """
    height, width, channels = x.shape[1:]
    positions = x.numel() // channels
    out = torch.empty_like(x)
    grid = (triton.cdiv(positions, POSITIONS), triton.cdiv(channels, CHANNELS))
    _correlate[grid](
        x, kernel, kernel if bias is None else bias, x if added is None else added, out,
        positions, height, width, channels, FLIP=flip, BIAS=bias is not None,
        ADDED=added is not None, P=POSITIONS, C=CHANNELS,
    )  # fmt: skip
    return out


def kernel_gradient(x: Tensor, grad: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of weight (C, 1, 3, 3) and bias (C,) from those of what came out."""
    height, width, channels = x.shape[1:]
    positions = x.numel() // channels
    stretches = triton.cdiv(positions, STRETCH)
    sums = torch.empty(stretches, 10, channels, device=x.device)
    _kernel_gradient[(stretches, triton.cdiv(channels, SUMMED_CHANNELS))](
        x, grad, sums, positions, height, width, channels,
        S=STRETCH, P=SUMMED, C=SUMMED_CHANNELS,
    )  # fmt: skip
    total = sums.sum(0)
    return total[:9].t().reshape(channels, 1, 3, 3), total[9]
