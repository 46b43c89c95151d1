"""Fused parts of a block compute what PyTorch's operations do; without a GPU in Triton's
interpreter.
"""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

pytest.importorskip("triton", reason="needs Triton, which has no build for this platform")

from codec.transforms.blocks import GatedBlock
from codec.transforms.fused_triton import AddScaled, Gate

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
SHAPES = [(2, 5, 7, 80), (1, 1, 1, 6), (3, 12, 12, 130)]


def leaf(*shape: int) -> Tensor:
    return (
        torch.randn(*shape, generator=torch.Generator().manual_seed(len(shape)))
        .to(DEVICE)
        .requires_grad_()
    )


def agree(found: Tensor, wanted: Tensor, leaves: tuple[Tensor, ...]) -> None:
    """Values, and gradients of a random sum."""
    assert torch.allclose(found, wanted, atol=1e-5)
    grad = torch.randn_like(wanted)
    for a, b in zip(
        torch.autograd.grad(found, leaves, grad),
        torch.autograd.grad(wanted, leaves, grad),
        strict=True,
    ):
        assert a.shape == b.shape
        assert torch.allclose(a, b, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_gate_is_a_glu_with_a_bias(shape: tuple[int, ...]) -> None:
    x, bias = leaf(*shape), leaf(shape[-1])

    agree(Gate.apply(x, bias), F.glu(x + bias, -1), (x, bias))


@pytest.mark.parametrize("shape", SHAPES)
def test_added_is_scaled_by_picture(shape: tuple[int, ...]) -> None:
    x, h, bias, gain = leaf(*shape), leaf(*shape), leaf(shape[-1]), leaf(shape[0], shape[-1])

    found = AddScaled.apply(x, h, bias, gain)

    agree(found, x + (h + bias) * gain[:, None, None], (x, h, bias, gain))


@pytest.mark.gpu
def test_a_block_on_a_gpu_is_the_block() -> None:
    block = GatedBlock(48, 64, 24)
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.normal_(std=0.2)
    x, level = torch.randn(3, 9, 10, 48), torch.tensor([0, 31, 63])
    grad = torch.randn_like(x)
    sides = []
    for device in ("cpu", "cuda"):
        here = block.to(device)
        leaves = (x.to(device).requires_grad_(), *here.parameters())
        out = here(leaves[0], level.to(device))
        sides.append([t.cpu() for t in (out, *torch.autograd.grad(out, leaves, grad.to(device)))])

    for a, b in zip(*sides, strict=True):
        assert float((a - b).norm() / b.norm().clamp_min(1e-3)) < 1e-3
