"""Compiled blocks compute what PyTorch computes, whatever the size, the threads and the input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from codec.models.weights import ModelWeights
from codec.transforms import kernels
from codec.transforms.inference import Synthesiser, _Block
from codec.transforms.kernels import BlockWeights, FusedBlock
from entropy.coder import native
from tests.model_fixtures import TINY

SIZES = [(32, 16), (192, 192), (256, 192), (384, 384)]
PRECISIONS = [torch.float32, torch.bfloat16]


def weights(channels: int, hidden: int, seed: int = 0) -> BlockWeights:
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int, size: float) -> Tensor:
        return torch.randn(shape, generator=generator) * size

    return BlockWeights(
        draw(channels, 1, 3, 3, size=0.3),
        draw(channels, size=0.1),
        draw(2 * hidden, channels, size=channels**-0.5),
        draw(2 * hidden, size=0.1),
        draw(channels, hidden, size=hidden**-0.5),
        draw(channels, size=0.1),
    )


def need(block: BlockWeights, dtype: torch.dtype) -> None:
    if not kernels.fits(block, dtype):
        needed = "AVX-512 BF16" if dtype == torch.bfloat16 else "AVX-512"
        pytest.skip(f"needs the compiled extension and a processor with {needed}")


def test_blocks_are_compiled_where_the_coder_is() -> None:
    """One build makes both: no test below may be skipped for a module that was lost."""
    assert kernels._built == (native.unavailable_reason() is None)


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize(("channels", "hidden"), SIZES)
@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 2), (5, 7), (2, 13), (8, 12)])
def test_same_as_pytorch(
    height: int, width: int, channels: int, hidden: int, dtype: torch.dtype
) -> None:
    blocks = [weights(channels, hidden, seed) for seed in (1, 2)]
    need(blocks[0], dtype)
    x = torch.randn(1, height, width, channels, generator=torch.Generator().manual_seed(3))
    exact, rough = x.clone(), x.clone()
    for block in blocks:
        exact = _Block(block, torch.float32)(exact)
        rough = _Block(block, dtype)(rough)

    found = kernels.run([FusedBlock(block, dtype) for block in blocks], x[0].clone())

    error = float((found - exact[0]).abs().max())
    assert error < 1e-5 + 1.2 * float((rough - exact).abs().max())
    assert float((exact - x).abs().mean()) > 0.1  # there was something to compute


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_threads_do_not_change_a_bit(dtype: torch.dtype) -> None:
    block = weights(64, 48)
    need(block, dtype)
    x = torch.randn(11, 9, 64)
    before = torch.get_num_threads()
    found = []
    try:
        for count in (1, 2, 5):
            torch.set_num_threads(count)
            found.append(kernels.run([FusedBlock(block, dtype)], x.clone()))
    finally:
        torch.set_num_threads(before)

    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_input_of_any_size_gives_an_answer(dtype: torch.dtype) -> None:
    block = weights(32, 16)
    need(block, dtype)
    for value in (1e6, -1e30, np.inf, np.nan):
        x = torch.zeros(3, 3, 32)
        x[1, 1] = value
        found = kernels.run([FusedBlock(block, dtype)], x.clone())
        assert found.shape == x.shape


def test_sizes_that_do_not_fit_are_left_to_pytorch() -> None:
    for channels, hidden in ((24, 16), (32, 24), (416, 192)):
        assert not kernels.fits(weights(channels, hidden), torch.float32)
    assert not kernels.fits(weights(32, 16), torch.float64)


def test_synthesis_is_the_same_without_compiled_blocks(
    tiny_weights: ModelWeights, monkeypatch: pytest.MonkeyPatch
) -> None:
    y_hat = torch.randn(6, 8, 32, generator=torch.Generator().manual_seed(4)).mul(4).round()
    floats = tiny_weights.floats["synthesis"]
    compiled = Synthesiser(TINY.transform, floats, 40, torch.float32)(y_hat).int()
    monkeypatch.setattr(kernels, "fits", lambda *args: False)

    plain = Synthesiser(TINY.transform, floats, 40, torch.float32)(y_hat).int()

    assert int((compiled - plain).abs().max()) <= 1
    assert float((compiled - plain).float().abs().mean()) < 0.01


def arrays(channels: int = 32, hidden: int = 16) -> dict[str, Any]:
    """Arguments of the compiled block."""
    return {
        "spatial_bias": np.zeros(channels, np.float32),
        "spatial": np.zeros((9, channels), np.float32),
        "expand": np.zeros((hidden // 16, channels, 32), np.int32),
        "expand_bias": np.zeros((hidden // 16, 32), np.float32),
        "reduce": np.zeros((channels // 32, hidden, 32), np.int32),
        "reduce_bias": np.zeros(channels, np.float32),
        "bfloat16": False,
    }


@pytest.mark.parametrize("name", ["spatial", "expand", "expand_bias", "reduce", "reduce_bias"])
def test_wrong_shapes_are_refused(name: str) -> None:
    need(weights(32, 16), torch.float32)
    from codec.transforms import _kernels

    wrong = arrays()
    wrong[name] = wrong[name][:-1].copy() if wrong[name].ndim == 1 else wrong[name][..., :-1].copy()
    with pytest.raises(ValueError, match="wrong shape"):
        _kernels.GatedBlock(**wrong)


def test_wrong_pictures_are_refused() -> None:
    need(weights(32, 16), torch.float32)
    from codec.transforms import _kernels

    block = _kernels.GatedBlock(**arrays())
    x = np.zeros((4, 3, 32), np.float32)
    with pytest.raises(ValueError, match="overlaps"):
        block.run(x, x, 0, 4)
    with pytest.raises(ValueError, match="rows"):
        block.run(x, x.copy(), 0, 5)
    with pytest.raises(ValueError, match="channels"):
        block.run(np.zeros((4, 3, 64), np.float32), x, 0, 4)
    with pytest.raises(ValueError, match="shape of x"):
        block.run(x, np.zeros((3, 3, 32), np.float32), 0, 3)
    with pytest.raises(ValueError, match="up to 384"):
        _kernels.GatedBlock(**arrays(channels=416))
