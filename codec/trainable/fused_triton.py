"""A gated block and its gradients on a GPU: Triton kernels between the products, each of which
passes through the memory once and sums the gradients of biases and gains on the way. Imported only
where a model trains on a GPU, and by tests, in Triton's interpreter.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
import triton
import triton.language as tl
from torch import Tensor

from networks.train.depthwise_triton import correlate, kernel_gradient, taps

POSITIONS, CHANNELS = 16, 64
"""Of a tile."""
STRETCH = 128
"""Positions over which one program sums gradients."""


@triton.jit
def _gate(
    x, bias, out, positions, channels, P: tl.constexpr, C: tl.constexpr
):  # fmt: skip
    p = tl.program_id(0) * P + tl.arange(0, P)
    c = tl.program_id(1) * C + tl.arange(0, C)
    inside_c = c < channels
    mask = (p < positions)[:, None] & inside_c[None, :]
    at = x + p[:, None] * (2 * channels) + c[None, :]
    value = tl.load(at, mask, other=0.0).to(tl.float32)
    value += tl.load(bias + c, inside_c, other=0.0)[None, :]
    gate = tl.load(at + channels, mask, other=0.0).to(tl.float32)
    gate += tl.load(bias + channels + c, inside_c, other=0.0)[None, :]
    tl.store(out + p[:, None] * channels + c[None, :], value * tl.sigmoid(gate), mask)


@triton.jit
def _gate_backward(
    x, bias, grad, grad_x, sums, positions, channels,
    S: tl.constexpr, P: tl.constexpr, C: tl.constexpr,
):  # fmt: skip
    """grad_x, and its sums over stretches, (stretches, 2 channels)."""
    c = tl.program_id(1) * C + tl.arange(0, C)
    inside_c = c < channels
    bias_value = tl.load(bias + c, inside_c, other=0.0)[None, :]
    bias_gate = tl.load(bias + channels + c, inside_c, other=0.0)[None, :]
    sum_value, sum_gate = tl.zeros([P, C], tl.float32), tl.zeros([P, C], tl.float32)
    for start in range(0, S, P):
        p = tl.program_id(0) * S + start + tl.arange(0, P)
        mask = (p < positions)[:, None] & inside_c[None, :]
        at = p[:, None] * (2 * channels) + c[None, :]
        value = tl.load(x + at, mask, other=0.0).to(tl.float32) + bias_value
        share = tl.sigmoid(tl.load(x + at + channels, mask, other=0.0).to(tl.float32) + bias_gate)
        g = tl.load(grad + p[:, None] * channels + c[None, :], mask, other=0.0).to(tl.float32)
        to_value = g * share
        to_gate = to_value * value * (1 - share)
        sum_value += to_value
        sum_gate += to_gate
        tl.store(grad_x + at, to_value, mask)
        tl.store(grad_x + at + channels, to_gate, mask)
    to = sums + tl.program_id(0) * (2 * channels) + c
    tl.store(to, tl.sum(sum_value, 0), inside_c)
    tl.store(to + channels, tl.sum(sum_gate, 0), inside_c)


@triton.jit
def _add_scaled(
    x, h, bias, gain, out, positions, area, channels, P: tl.constexpr, C: tl.constexpr
):  # fmt: skip
    p = tl.program_id(0) * P + tl.arange(0, P)
    c = tl.program_id(1) * C + tl.arange(0, C)
    inside_c = c < channels
    mask = (p < positions)[:, None] & inside_c[None, :]
    at = p[:, None] * channels + c[None, :]
    factor = tl.load(gain + (p // area)[:, None] * channels + c[None, :], mask, other=0.0)
    added = tl.load(h + at, mask, other=0.0).to(tl.float32)
    added += tl.load(bias + c, inside_c, other=0.0)[None, :]
    tl.store(out + at, tl.load(x + at, mask, other=0.0).to(tl.float32) + added * factor, mask)


@triton.jit
def _add_scaled_backward(
    h, gain, grad, grad_h, products, totals, area, channels,
    S: tl.constexpr, P: tl.constexpr, C: tl.constexpr,
):  # fmt: skip
    """grad_h = grad * gain; sums (pictures, stretches, channels) of grad * h and of grad."""
    stretch, picture = tl.program_id(0), tl.program_id(2)
    c = tl.program_id(1) * C + tl.arange(0, C)
    inside_c = c < channels
    factor = tl.load(gain + picture * channels + c, inside_c, other=0.0)[None, :]
    product, total = tl.zeros([P, C], tl.float32), tl.zeros([P, C], tl.float32)
    for start in range(0, S, P):
        p = stretch * S + start + tl.arange(0, P)
        mask = (p < area)[:, None] & inside_c[None, :]
        at = (picture * area + p)[:, None] * channels + c[None, :]
        g = tl.load(grad + at, mask, other=0.0).to(tl.float32)
        product += g * tl.load(h + at, mask, other=0.0).to(tl.float32)
        total += g
        tl.store(grad_h + at, g * factor, mask)
    to = (picture * tl.num_programs(0) + stretch) * channels + c
    tl.store(products + to, tl.sum(product, 0), inside_c)
    tl.store(totals + to, tl.sum(total, 0), inside_c)


class Block(torch.autograd.Function):
    """A `GatedBlock`: x (B, H, W, C) contiguous, spatial (C, 1, 3, 3), expand (2 N, C) and reduce
    (C, N) with their biases, gain (B, C) float32 -> like x. Products are of x's type.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, spatial: Tensor, spatial_bias: Tensor, expand: Tensor,
        expand_bias: Tensor, reduce: Tensor, reduce_bias: Tensor, gain: Tensor,
    ) -> Tensor:  # fmt: skip
        kernel, gain = taps(spatial), gain.contiguous()
        expand, reduce = expand.to(x.dtype), reduce.to(x.dtype)
        filtered = correlate(x, kernel, bias=spatial_bias)
        both = F.linear(filtered, expand)
        gated = gate(both, expand_bias)
        h = F.linear(gated, reduce)
        ctx.save_for_backward(
            x, kernel, expand, expand_bias, reduce, reduce_bias, gain, filtered, both, gated, h
        )
        return add_scaled(x, h, reduce_bias, gain)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, ...]:
        (
            x, kernel, expand, expand_bias, reduce, reduce_bias, gain, filtered, both, gated, h,
        ) = ctx.saved_tensors  # fmt: skip
        grad = grads[0].contiguous()
        grad_h, by_reduce_bias, by_gain = add_scaled_gradient(h, reduce_bias, gain, grad)
        by_reduce = _product(grad_h, gated)
        grad_both, by_expand_bias = gate_gradient(both, expand_bias, grad_h @ reduce)
        by_expand = _product(grad_both, filtered)
        grad_filtered = grad_both @ expand
        by_spatial, by_spatial_bias = kernel_gradient(x, grad_filtered)
        grad_x = correlate(grad_filtered, kernel, flip=True, added=grad)
        return (
            grad_x, by_spatial, by_spatial_bias, by_expand, by_expand_bias, by_reduce,
            by_reduce_bias, by_gain,
        )  # fmt: skip


def _product(a: Tensor, b: Tensor) -> Tensor:
    """Sum over positions of a (..., M) times b (..., N): (M, N) float32."""
    return (a.flatten(0, -2).t() @ b.flatten(0, -2)).float()


def gate(x: Tensor, bias: Tensor) -> Tensor:
    """GLU of x (..., 2 N) + bias (2 N,)."""
    channels = x.shape[-1] // 2
    positions = x.numel() // (2 * channels)
    out = x.new_empty(*x.shape[:-1], channels)
    _gate[(triton.cdiv(positions, POSITIONS), triton.cdiv(channels, CHANNELS))](
        x, bias, out, positions, channels, P=POSITIONS, C=CHANNELS
    )
    return out


def gate_gradient(x: Tensor, bias: Tensor, grad: Tensor) -> tuple[Tensor, Tensor]:
    """Of x and of bias."""
    channels = x.shape[-1] // 2
    positions = x.numel() // (2 * channels)
    stretches = triton.cdiv(positions, STRETCH)
    grad_x = torch.empty_like(x)
    sums = torch.empty(stretches, 2 * channels, device=x.device)
    _gate_backward[(stretches, triton.cdiv(channels, CHANNELS))](
        x, bias, grad, grad_x, sums, positions, channels, S=STRETCH, P=POSITIONS, C=CHANNELS
    )
    return grad_x, sums.sum(0)


def add_scaled(x: Tensor, h: Tensor, bias: Tensor, gain: Tensor) -> Tensor:
    """x + (h + bias) * gain: x and h (B, H, W, C), bias (C,), gain (B, C)."""
    batch, height, width, channels = x.shape
    positions = batch * height * width
    out = torch.empty_like(x)
    _add_scaled[(triton.cdiv(positions, POSITIONS), triton.cdiv(channels, CHANNELS))](
        x, h, bias, gain, out, positions, height * width, channels, P=POSITIONS, C=CHANNELS
    )
    return out


def add_scaled_gradient(
    h: Tensor, bias: Tensor, gain: Tensor, grad: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Of h, bias and gain."""
    batch, height, width, channels = h.shape
    stretches = triton.cdiv(height * width, STRETCH)
    grad_h = torch.empty_like(h)
    sums = torch.empty(2, batch, stretches, channels, device=h.device)
    _add_scaled_backward[(stretches, triton.cdiv(channels, CHANNELS), batch)](
        h, gain, grad, grad_h, sums[0], sums[1], height * width, channels,
        S=STRETCH, P=POSITIONS, C=CHANNELS,
    )  # fmt: skip
    products, totals = sums.sum(2)
    return grad_h, (gain * totals).sum(0), products + bias * totals
