"""A block's kernels for a GPU compute what PyTorch's operations do; without a GPU in Triton's
interpreter.
"""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

pytest.importorskip("triton", reason="needs Triton, which has no build for this platform")

from codec.trainable import fused_triton
from codec.trainable.blocks import OUT_SCALE, GatedBlock

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
SHAPES = [(2, 5, 7, 80), (1, 1, 1, 6), (3, 12, 12, 130)]


def random(*shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(len(shape))
    return torch.randn(*shape, generator=generator).to(DEVICE)


def near(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and bool(torch.allclose(a, b, atol=1e-4, rtol=1e-4))


@pytest.mark.parametrize("shape", SHAPES)
def test_gate_is_a_glu_with_a_bias(shape: tuple[int, ...]) -> None:
    x, bias = random(*shape).requires_grad_(), random(shape[-1]).requires_grad_()
    wanted = F.glu(x + bias, -1)
    grad = torch.randn_like(wanted)

    assert near(fused_triton.gate(x.detach(), bias.detach()), wanted)
    found = fused_triton.gate_gradient(x.detach(), bias.detach(), grad)
    assert all(map(near, found, torch.autograd.grad(wanted, (x, bias), grad)))


@pytest.mark.parametrize("shape", SHAPES)
def test_added_is_scaled_by_picture(shape: tuple[int, ...]) -> None:
    x, grad = random(*shape), random(*shape).flip(0)
    leaves = (random(*shape), random(shape[-1]), random(shape[0], shape[-1]))
    h, bias, gain = (t.requires_grad_() for t in leaves)
    wanted = x + (h + bias) * gain[:, None, None]
    h0, bias0, gain0 = (t.detach() for t in (h, bias, gain))

    assert near(fused_triton.add_scaled(x, h0, bias0, gain0), wanted)
    found = fused_triton.add_scaled_gradient(h0, bias0, gain0, grad)
    assert all(map(near, found, torch.autograd.grad(wanted, (h, bias, gain), grad)))


def test_block_is_the_block_and_so_are_its_gradients() -> None:
    block = GatedBlock(40, 64, 24)
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.normal_(std=0.2)
        block.scale.uniform_(0.5, 2.0)
    x, level = random(3, 9, 10, 40).cpu().requires_grad_(), torch.tensor([0, 31, 63])
    parameters = dict(block.named_parameters())
    del parameters["gain.log_gain"]
    gain = (block.gain(level) * OUT_SCALE).detach().requires_grad_()
    kernel = (block.spatial / block.scale.view(-1, 1, 1, 1)).detach().requires_grad_()

    def whole(gain: Tensor) -> Tensor:
        h = F.conv2d(x.permute(0, 3, 1, 2), kernel, block.spatial_bias, padding=1, groups=40)
        h = block.reduce(F.glu(block.expand(h.permute(0, 2, 3, 1)), -1))
        return x + h * gain[:, None, None]

    leaves = (
        x, kernel, block.spatial_bias, block.expand.weight, block.expand.bias,
        block.reduce.weight, block.reduce.bias, gain,
    )  # fmt: skip
    wanted = whole(gain)
    assert near(wanted, block(x, level))
    grad = torch.randn_like(wanted)
    there = tuple(leaf.detach().to(DEVICE).requires_grad_() for leaf in leaves)

    found = fused_triton.Block.apply(*there)

    assert near(found.cpu(), wanted)
    gradients = torch.autograd.grad(found, there, grad.to(DEVICE))
    for mine, theirs in zip(gradients, torch.autograd.grad(wanted, leaves, grad), strict=True):
        assert mine.shape == theirs.shape
        assert float((mine.cpu() - theirs).norm() / theirs.norm()) < 1e-4


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
        gradients = torch.autograd.grad(out, leaves, grad.to(device))
        sides.append([t.detach().cpu() for t in (out, *gradients)])

    for a, b in zip(*sides, strict=True):
        assert float((a - b).norm() / b.norm().clamp_min(1e-3)) < 1e-3
