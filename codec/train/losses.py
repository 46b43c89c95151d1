"""The visual distortion with its texture, as a recipe names it; and the units of its parts:

python -m codec.train.losses RECIPE --data PHOTOS --weights FILE.weights
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from codec.train.config import TrainConfig, read_config
from codec.train.data import Crops
from codec.train.features import Features, texture, wasserstein
from codec.trainable.distortion import PARTS, Texture, Visual
from codec.trainable.structure import luma

__all__ = ["visual"]


def visual(config: TrainConfig, levels: int) -> Visual | None:
    """The distortion of a recipe, None for the squared error."""
    if config.distortion is None:
        return None
    features = _texture(Path(config.features)) if config.features else None
    return Visual(config.distortion, levels, features)


def _texture(path: Path) -> Texture:
    """Wasserstein distortion, without what was drawn; both pictures begin at a random one of four
    pixels, so that the features' grid does not show.
    """
    features = Features(path)

    def distance(x_hat: Tensor, x: Tensor, mask: Tensor) -> Tensor:
        top, left = torch.randint(0, 2, (2,)).tolist()
        features.to(x.device)
        with torch.no_grad():
            sigma = texture(luma(x)) * (1 - mask[:, None])
            kept = F.max_pool2d(mask[:, None], 9, 1, 4)
            true = features(x[:, top:, left:])
        total = x.new_zeros(len(x))
        for a, b in zip(features(x_hat[:, top:, left:]), true, strict=True):
            free = 1 - F.interpolate(kept, size=a.shape[2:], mode="area")
            total = total + wasserstein(a * free, b * free, sigma[:, :, top:, left:])
        return total

    return distance


def units(config: TrainConfig, data: list[Path], weights: Path, level: int, count: int) -> Tensor:
    """(len(PARTS) - 1,): by how much each part's gradient at pictures that a model decodes is
    smaller than that of the squared error, over `count` crops of 192 pixels.
    """
    from codec.train.validate import model_of

    model, crops = model_of(weights), Crops(data, torch.device("cpu"), config.seed)
    found = visual(config, model.config.levels)
    assert found is not None
    sizes = torch.zeros(len(PARTS))
    for _ in range(count):
        x = crops.batch(1, 192).float() / 255
        with torch.no_grad():
            x_hat = model(x, torch.tensor([level]))[0].clamp(0, 1)
        x_hat.requires_grad_()
        for n, part in enumerate(found.parts(x_hat, x, torch.zeros(x.shape[:3]))[0]):
            if part.requires_grad:
                (gradient,) = torch.autograd.grad(part, x_hat, retain_graph=True)
                sizes[n] += gradient.square().sum()
    return (sizes[0] / sizes[1:]).sqrt()


def main() -> None:
    """Command line of the module."""
    parser = argparse.ArgumentParser(description="print the units of a recipe's visual loss")
    parser.add_argument("config", type=Path)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--level", type=int, default=32)
    parser.add_argument("--count", type=int, default=64)
    args = parser.parse_args()
    config = read_config(args.config)
    found = units(config, args.data, args.weights, args.level, args.count)
    print("units =", [float(f"{x:.3g}") for x in found])


if __name__ == "__main__":
    main()
