"""A small model with random weights, for tests: made in a second, and as awkward as a trained one.

It starts as a linear transform codec of smooth synthetic pictures, so its quality levels are in
order; then everything that starts at zero (block exits, biases, gains) is made random, so that no
layer is idle.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from codec.models.registry import ModelEntry
from codec.train.export import trained_weights
from codec.train.start import initialise
from codec.trainable.integers import largest_values
from codec.trainable.model import ImageConfig, ImageModel
from codec.trainable.weights import TrainedWeights, write_trained
from codec.transforms.wavelet import WaveletConfig
from entropy.models.quadtree import EntropyConfig
from networks.train.training import TrainingOps

LEVELS = 64
TINY = ImageConfig(
    transform=WaveletConfig(latent=32, analysis8=1, synthesis8=3, levels=LEVELS),
    entropy=EntropyConfig(latent=32, hidden=24, hyper=8, levels=LEVELS),
)
MODEL_ID = 60001
MODEL_NAME = "tiny-for-tests"


def synthetic_picture(
    height: int, width: int, channels: int = 3, seed: int = 0
) -> NDArray[np.uint8]:
    """Something like a photograph, (H, W, channels) uint8: waves, an edge, some grain."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width].astype(np.float64)
    planes = []
    common = 60 * np.sin(x / random.uniform(8, 30)) * np.cos(y / random.uniform(8, 30))
    common = common + 40.0 * (x * random.uniform(0.3, 1) > y * random.uniform(0.3, 1))
    for _ in range(channels):
        tint = 25 * np.sin((x + y) / random.uniform(20, 60))
        planes.append(110 + common + tint + random.normal(0, 2.5, (height, width)))
    picture: NDArray[np.uint8] = np.clip(np.stack(planes, axis=2), 0, 255).astype(np.uint8)
    return picture


def save_pictures(folder: Path, *sizes: tuple[int, int]) -> list[Path]:
    """A synthetic picture of every (height, width) as folder/0.png, 1.png and so on."""
    folder.mkdir(exist_ok=True)
    files = [folder / f"{n}.png" for n in range(len(sizes))]
    for n, (file, (height, width)) in enumerate(zip(files, sizes, strict=True)):
        Image.fromarray(synthetic_picture(height, width, seed=n)).save(file)
    return files


class SyntheticCrops:
    """Stands in for `codec.train.data.Crops`: the same interface over synthetic pictures."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed

    def batch(self, count: int, side: int) -> Tensor:
        """(count, side, side, 3) uint8."""
        pictures = [synthetic_picture(side, side, seed=self._seed + n) for n in range(count)]
        return torch.from_numpy(np.stack(pictures))


@torch.no_grad()
def randomise_exact_layers(ops: TrainingOps, seed: int) -> None:
    """Random biases, and random level biases where a layer has them."""
    generator = torch.Generator().manual_seed(seed)
    for name in ops.layers:
        layer = ops.layer(name)
        layer.bias.add_(torch.randn(layer.bias.shape, generator=generator) * 0.1)
        if layer.spec.leveled:
            noise = torch.randn(layer.level_bias.shape, generator=generator) * 0.1
            layer.level_bias.add_(noise)


@torch.no_grad()
def random_model(config: ImageConfig = TINY, seed: int = 3) -> ImageModel:
    """An untrained model in which every layer does something."""
    torch.manual_seed(seed)
    model = ImageModel(config).eval()
    initialise(model, SyntheticCrops(), count=32)  # type: ignore[arg-type]
    for name, parameter in model.named_parameters():
        if name.endswith("reduce.weight") and not name.startswith("entropy."):
            parameter.copy_(torch.randn_like(parameter) * 0.1 * parameter.shape[1] ** -0.5)
        elif name.endswith(("reduce.bias", "spatial_bias", "expand.bias")):
            parameter.add_(torch.randn_like(parameter) * 0.02)
        elif name.endswith("leave.weight"):
            parameter.copy_(torch.randn_like(parameter) * 0.1 * parameter.shape[1] ** -0.5)
        elif name.endswith("bias.table"):
            parameter.copy_(torch.randn_like(parameter))
        elif ".trunk" in name and name.endswith("log_gain"):
            parameter.add_(torch.randn_like(parameter) * 0.2)
    randomise_exact_layers(model.entropy.ops, seed)
    model.entropy.z_index.add_(torch.randn_like(model.entropy.z_index) * 0.3)
    model.entropy.ops.exact = True
    return model


def weights_of(model: ImageModel) -> TrainedWeights:
    """What `codec.train.export` makes of a model, less the measured tables."""
    return trained_weights(model)


def file_of(weights: TrainedWeights) -> bytes:
    """The weights file of a model, its ranges measured on two synthetic pictures."""
    samples = list(SyntheticCrops(seed=50).batch(2, 128))
    last = weights.config.levels - 1
    largest = largest_values(
        weights.floats, weights.config.transform, samples, (0, last // 3, 2 * last // 3, last)
    )
    return write_trained(weights, largest)


def register_file(weights: TrainedWeights, folder: Path) -> ModelEntry:
    """Writes a weights file and returns an entry for the register that names it."""
    data = file_of(weights)
    path = folder / f"{MODEL_NAME}.weights"
    path.write_bytes(data)
    return ModelEntry(
        id=MODEL_ID,
        name=MODEL_NAME,
        profile="wavelet",
        file=str(path),
        sha256=hashlib.sha256(data).hexdigest(),
        levels=weights.config.levels,
        exact=True,
        default=True,
        summary="random weights",
    )
