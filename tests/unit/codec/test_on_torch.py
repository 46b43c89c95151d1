"""Frames through PyTorch: the bytes and pixels of the compiled core, on processor and GPU."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from codec.frame.model import FrameModel, loaded
from codec.frame.on_torch import TorchFrameModel
from codec.models import registry
from codec.models.registry import ModelEntry
from tests.model_fixtures import synthetic_picture

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]


@pytest.fixture
def core(tiny_entry: ModelEntry) -> FrameModel:
    """The small model in the compiled core."""
    return loaded(tiny_entry)


@pytest.fixture(params=DEVICES)
def on_torch(tiny_entry: ModelEntry, request: pytest.FixtureRequest) -> TorchFrameModel:
    """The small model in PyTorch."""
    return TorchFrameModel(tiny_entry.path.read_bytes(), torch.device(request.param))


@pytest.mark.parametrize("level", [0, 40, 63])
@pytest.mark.parametrize(("height", "width", "tile_log2"), [(1, 1, 6), (130, 70, 6), (80, 150, 10)])
def test_frames_are_those_of_the_core(
    core: FrameModel, on_torch: TorchFrameModel, height: int, width: int, tile_log2: int, level: int
) -> None:
    picture = synthetic_picture(height, width)

    tiles, decoded = on_torch.encode(picture, level, tile_log2, decoded=True)

    expected, pixels = core.encode(picture, level, tile_log2, decoded=True)
    assert tiles == expected
    assert np.array_equal(decoded, pixels)


@pytest.mark.weights
@pytest.mark.parametrize("device", DEVICES)
def test_tile_that_comes_back_as_its_mean_colour_is_that_of_the_core(device: str) -> None:
    """What the transform cannot carry: red, green and blue from column to column."""
    entry = registry.default("wavelet")
    columns = np.arange(64)[:, None] % 3 == np.arange(3)
    picture = np.ascontiguousarray(np.broadcast_to(255 * columns.astype(np.uint8), (64, 64, 3)))

    tiles, _ = TorchFrameModel(entry.path.read_bytes(), torch.device(device)).encode(picture, 47, 6)

    assert tiles == loaded(entry).encode(picture, 47, 6)[0]


@pytest.mark.parametrize(
    "crop", [(0, 0, 1, 1), (60, 60, 10, 20), (33, 1, 97, 99), (0, 64, 130, 36)]
)
def test_crops_are_those_of_the_core(
    core: FrameModel, on_torch: TorchFrameModel, crop: tuple[int, int, int, int]
) -> None:
    tiles, _ = core.encode(synthetic_picture(100, 130), 40, 6)
    told: list[float] = []

    found = on_torch.decode(tiles.__getitem__, (130, 100), 40, 6, crop, progress=told.append)

    assert np.array_equal(found, core.decode(tiles.__getitem__, (130, 100), 40, 6, crop))
    assert told == sorted(told)
    assert told[-1] == 1.0
