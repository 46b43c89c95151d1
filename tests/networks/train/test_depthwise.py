"""The depthwise filter's kernels for a GPU compute what PyTorch does; without a GPU in Triton's
interpreter.
"""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from networks.train.depthwise import depthwise

pytest.importorskip("triton", reason="needs Triton, which has no build for this platform")

from networks.train.depthwise_triton import Depthwise

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def leaves(*shape: int) -> tuple[Tensor, Tensor, Tensor]:
    """x of that shape, weight and bias."""
    generator = torch.Generator().manual_seed(0)
    shapes = (shape, (shape[-1], 1, 3, 3), shape[-1:])
    made = (torch.randn(s, generator=generator).to(DEVICE) for s in shapes)
    x, weight, bias = (t.requires_grad_() for t in made)
    return x, weight, bias


@pytest.mark.parametrize("shape", [(2, 5, 7, 80), (1, 1, 1, 3), (3, 4, 33, 130), (1, 16, 16, 64)])
def test_is_the_convolution_and_so_are_its_gradients(shape: tuple[int, ...]) -> None:
    x, weight, bias = leaves(*shape)
    planes = x.double().permute(0, 3, 1, 2)
    wanted = F.conv2d(planes, weight.double(), bias.double(), padding=1, groups=shape[-1])
    wanted = wanted.permute(0, 2, 3, 1)
    grad = torch.randn_like(wanted)

    found = Depthwise.apply(x, weight, bias)

    assert torch.allclose(found.double(), wanted, atol=1e-5)
    gradients = torch.autograd.grad(found, (x, weight, bias), grad.float())
    for a, b in zip(gradients, torch.autograd.grad(wanted, (x, weight, bias), grad), strict=True):
        assert a.shape == b.shape
        assert torch.allclose(a, b, atol=1e-3, rtol=1e-4)


def test_whole_numbers_come_out_whole() -> None:
    """The exact networks are trained with it, too."""
    x = torch.randint(-2047, 2048, (1, 6, 6, 16)).float().to(DEVICE)
    weight = torch.randint(-300, 301, (16, 1, 3, 3)).float().to(DEVICE)
    bias = torch.randint(-999, 1000, (16,)).float().to(DEVICE)

    assert torch.equal(
        Depthwise.apply(x, weight, bias), depthwise(x.cpu(), weight.cpu(), bias.cpu()).to(DEVICE)
    )
