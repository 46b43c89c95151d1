"""Compiled blocks and maps compute what PyTorch computes, whatever the size, the threads and the
input.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from codec.models.weights import ModelWeights
from codec.transforms import kernels
from codec.transforms.inference import Analyser, Synthesiser, _Block, _Map
from codec.transforms.kernels import BlockWeights, FusedBlock, FusedMap
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


def threads(count: int) -> kernels.Team:
    return kernels._module.Team(count)


def some_threads() -> kernels.Team:
    return threads(3)


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

    found = kernels.run(
        [FusedBlock(block, dtype) for block in blocks], x[0].clone(), some_threads()
    )

    error = float((found - exact[0]).abs().max())
    assert error < 1e-5 + 1.2 * float((rough - exact).abs().max())
    assert float((exact - x).abs().mean()) > 0.1  # there was something to compute


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_threads_do_not_change_a_bit(dtype: torch.dtype) -> None:
    block = weights(64, 48)
    need(block, dtype)
    x = torch.randn(11, 9, 64)
    blocks = [FusedBlock(block, dtype)] * 3

    found = [kernels.run(blocks, x.clone(), threads(count)) for count in (1, 2, 5)]

    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_input_of_any_size_gives_an_answer(dtype: torch.dtype) -> None:
    block = weights(32, 16)
    need(block, dtype)
    for value in (1e6, -1e30, np.inf, np.nan):
        x = torch.zeros(3, 3, 32)
        x[1, 1] = value
        found = kernels.run([FusedBlock(block, dtype)], x.clone(), some_threads())
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
    monkeypatch.setattr(kernels, "map_fits", lambda *args: False)

    plain = Synthesiser(TINY.transform, floats, 40, torch.float32)(y_hat).int()

    assert int((compiled - plain).abs().max()) <= 1
    assert float((compiled - plain).float().abs().mean()) < 0.01


def test_analysis_is_the_same_without_compiled_code(
    tiny_weights: ModelWeights, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = torch.randint(0, 256, (64, 96, 3), generator=torch.Generator().manual_seed(4))
    pixels = pixels.to(torch.uint8)
    floats = tiny_weights.floats["analysis"]
    compiled = Analyser(TINY.transform, floats, 40, torch.float32)(pixels)
    monkeypatch.setattr(kernels, "fits", lambda *args: False)
    monkeypatch.setattr(kernels, "map_fits", lambda *args: False)

    plain = Analyser(TINY.transform, floats, 40, torch.float32)(pixels)

    torch.testing.assert_close(compiled, plain, rtol=1e-4, atol=1e-3)
    assert float(plain.abs().mean()) > 0.1


FLOATS = (torch.float32, torch.float32)
FROM_PIXELS = (torch.uint8, torch.float32)
TO_PIXELS = (torch.float32, torch.uint8)
MAPS = [
    (192, 256, 8, 1, FROM_PIXELS),
    (256, 192, 1, 8, TO_PIXELS),
    (1024, 320, 2, 1, FLOATS),
    (320, 1024, 1, 2, FLOATS),
    (36, 288, 3, 3, FLOATS),
    (1536, 1536, 2, 2, FLOATS),
]
"""Inputs, outputs, fold, unfold, types: those of the transforms, and others."""


def draw_map(inputs: int, outputs: int, dtypes: tuple[torch.dtype, torch.dtype]) -> list[Tensor]:
    """A matrix and an offset whose outputs fill the range of what comes out, and leave it."""
    generator = torch.Generator().manual_seed(inputs)
    size = 1 / 128 if dtypes[0] == torch.uint8 else 1.0
    if dtypes[1] == torch.uint8:
        size *= 90
    matrix = torch.randn(outputs, inputs, generator=generator) * (size * inputs**-0.5)
    offset = torch.randn(outputs, generator=generator)
    return [matrix, offset + 127.5 if dtypes[1] == torch.uint8 else offset]


def draw_picture(height: int, width: int, channels: int, dtype: torch.dtype) -> Tensor:
    generator = torch.Generator().manual_seed(height * width)
    if dtype == torch.uint8:
        return torch.randint(0, 256, (height, width, channels), generator=generator).to(dtype)
    return torch.randn(height, width, channels, generator=generator)


def need_maps() -> None:
    if not kernels.map_fits(torch.zeros(32, 32), 1, FLOATS):
        pytest.skip("needs the compiled extension and a processor with AVX-512")


@pytest.mark.parametrize(("inputs", "outputs", "fold", "unfold", "dtypes"), MAPS)
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (3, 5), (7, 13), (4, 24)])
def test_maps_are_the_same_as_in_pytorch(
    rows: int,
    columns: int,
    inputs: int,
    outputs: int,
    fold: int,
    unfold: int,
    dtypes: tuple[torch.dtype, torch.dtype],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    need_maps()
    matrix, offset = draw_map(inputs, outputs, dtypes)
    assert kernels.map_fits(matrix, unfold, dtypes)
    x = draw_picture(rows * fold, columns * fold, inputs // fold**2, dtypes[0])
    found = FusedMap(matrix, offset, fold, unfold, dtypes[1])(x, some_threads())
    monkeypatch.setattr(kernels, "map_fits", lambda *args: False)

    expected = _Map(matrix, offset, fold, unfold, dtypes)(x, None)

    assert found.dtype == expected.dtype
    if dtypes[1] == torch.uint8:
        off = (found.int() - expected.int()).abs()
        assert int(off.max()) <= 1  # halves that rounding in between has moved
        assert float(off.float().mean()) < 1e-3
        assert {0, 255} <= set(found.flatten().tolist())
    else:
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-4)


def test_threads_do_not_change_a_map() -> None:
    need_maps()
    compiled = FusedMap(*draw_map(256, 192, TO_PIXELS), 1, 8, torch.uint8)
    x = draw_picture(11, 9, 256, torch.float32)

    found = [compiled(x, threads(count)) for count in (1, 2, 5)]

    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def test_pixels_of_any_input_are_the_nearest_there_are() -> None:
    need_maps()
    compiled = FusedMap(torch.eye(32), torch.zeros(32), 1, 1, torch.uint8)
    x = torch.zeros(1, 2, 32)
    x[0, 0, :7] = torch.tensor([-1e30, -0.6, 0.5, 1.5, 254.5, 255.4, 1e30])
    x[0, 1, 0] = np.nan  # of another position: it stays there

    assert compiled(x, some_threads())[0, 0, :7].tolist() == [0, 0, 0, 2, 254, 255, 255]


def test_maps_that_do_not_fit_are_left_to_pytorch() -> None:
    for shape, unfold, dtypes in (
        ((40, 32), 1, FLOATS),
        ((96, 32), 2, FLOATS),
        ((32, 1600), 1, FLOATS),
        ((1600, 32), 1, FLOATS),
        ((32, 32), 1, (torch.uint8, torch.uint8)),
        ((32, 32), 1, (torch.float64, torch.float32)),
    ):
        assert not kernels.map_fits(torch.zeros(shape), unfold, dtypes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"weights": np.zeros((2, 32, 32), np.float32)}, "wrong shape"),
        ({"bias": np.zeros(40, np.float32)}, "multiple of 32"),
        ({"weights": np.zeros((1, 1600, 32), np.float32)}, "up to 1536"),
        ({"fold": 3}, "divide inputs"),
        ({"fold": 0}, "divide inputs"),
        ({"unfold": 5}, "divide outputs"),
    ],
)
def test_wrong_maps_are_refused(change: dict[str, Any], said: str) -> None:
    need_maps()
    from codec.transforms import _kernels

    right: dict[str, Any] = {
        "weights": np.zeros((1, 32, 32), np.float32),
        "bias": np.zeros(32, np.float32),
        "fold": 1,
        "unfold": 1,
    }
    _kernels.LinearMap(**right)
    with pytest.raises(ValueError, match=said):
        _kernels.LinearMap(**(right | change))


@pytest.mark.parametrize(
    ("x", "out", "said"),
    [
        ((4, 6, 9), (2, 3, 64), "channels"),
        ((5, 6, 8), (2, 3, 64), "whole squares"),
        ((4, 6, 8), (2, 4, 64), "out: wrong shape"),
    ],
)
def test_wrong_pictures_of_maps_are_refused(
    x: tuple[int, ...], out: tuple[int, ...], said: str
) -> None:
    need_maps()
    from codec.transforms import _kernels

    weights = np.zeros((2, 32, 32), np.float32)
    compiled = _kernels.LinearMap(weights, np.zeros(64, np.float32), fold=2, unfold=1)
    right = np.zeros((4, 6, 8), np.float32), np.zeros((2, 3, 64), np.float32)
    compiled.run(*right, some_threads())
    with pytest.raises(ValueError, match=said):
        compiled.run(np.zeros(x, np.float32), np.zeros(out, np.float32), some_threads())


@pytest.mark.parametrize("count", [0, 65])
def test_too_many_threads_are_refused(count: int) -> None:
    need_maps()
    with pytest.raises(ValueError, match="threads: expected 1 to 64"):
        threads(count)


def test_maps_may_not_write_over_their_input() -> None:
    need_maps()
    from codec.transforms import _kernels

    compiled = _kernels.LinearMap(
        np.zeros((1, 32, 32), np.float32), np.zeros(32, np.float32), fold=1, unfold=1
    )
    x = np.zeros((4, 3, 32), np.float32)
    with pytest.raises(ValueError, match="overlaps"):
        compiled.run(x, x, some_threads())


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
        block.run(x, x, some_threads())
    with pytest.raises(ValueError, match="channels"):
        block.run(np.zeros((4, 3, 64), np.float32), x, some_threads())
    with pytest.raises(ValueError, match="shape of x"):
        block.run(x, np.zeros((3, 3, 32), np.float32), some_threads())
    with pytest.raises(ValueError, match="up to 384"):
        _kernels.GatedBlock(**arrays(channels=416))
