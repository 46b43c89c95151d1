"""Wasserstein distortion on the features of a small classifier: texture may differ, statistics not.

The network is SqueezeNet 1.1 (Iandola et al. 2016, arXiv 1602.07360), whose weights are not part of
this project; docs/training.md says how they are taken out of the package ndf (0.1.4, MIT), and
`write_features` keeps them. The distortion follows Qiu et al., Wasserstein distortion:
unifying fidelity and realism (2024, arXiv 2310.03629): local means and standard deviations of the
features are compared, over regions of a size sigma that a map gives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from codec.errors import OptionError

__all__ = ["Features", "texture", "wasserstein", "write_features"]

FIRES = {"fire2": 0, "fire3": 2, "fire4": 0, "fire5": 3}
"""Modules in order, and after which of them something is compared (1 is after conv1); 0: not."""
MEANS = (103.9, 116.8, 123.7)
"""That the network expects taken off, of blue, green and red in 0..255."""
LARGEST = 3
"""log2 of the largest sigma, in samples of a feature map."""
VARIANCE = 5e-7
"""Below which the square root of a variance has no gradient."""


class Features(nn.Module):
    """Activations after conv1, fire3 and fire5, each divided by what it is on average.

    Args:
        path: of the .npz that `write_features` makes.

    Raises:
        OptionError: it is not that file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        try:
            with np.load(path, allow_pickle=False) as archive:
                arrays = {k: torch.from_numpy(archive[k]) for k in archive.files}
        except (OSError, ValueError) as error:
            raise OptionError(f"features {path}: {error}") from error
        needed = {f"{k}.{end}" for k in _layers() for end in ("weight", "bias")}
        if not needed <= set(arrays):
            raise OptionError(f"features {path}: {min(needed - set(arrays))} is missing")
        for name in sorted(needed):
            self.register_buffer(name.replace(".", "_"), arrays[name], persistent=False)

    def _layer(self, name: str, x: Tensor, **options: Any) -> Tensor:
        weight: Tensor = self.get_buffer(f"{name}_weight")
        return F.relu(F.conv2d(x, weight, self.get_buffer(f"{name}_bias"), **options))

    def forward(self, x: Tensor) -> list[Tensor]:
        """x (B, H, W, 3) RGB in 0..1 -> three maps at about 1/2, 1/4 and 1/8 of its size."""
        blue = x.permute(0, 3, 1, 2).flip(1) * 255 - x.new_tensor(MEANS).view(1, 3, 1, 1)
        x = self._layer("conv1", F.pad(blue, (0, 1, 0, 1)), stride=2)
        found = [x]
        x = F.max_pool2d(x, 3, 2)
        for name, kept in FIRES.items():
            if name == "fire4":
                x = F.max_pool2d(x, 3, 2)
            x = self._layer(f"{name}_squeeze1x1", x)
            one = self._layer(f"{name}_expand1x1", x)
            x = torch.cat([one, self._layer(f"{name}_expand3x3", x, padding=1)], 1)
            if kept:
                found.append(x)
        return [x / x.detach().square().mean((1, 2, 3), keepdim=True).sqrt() for x in found]


def texture(plane: Tensor) -> Tensor:
    """log2 of sigma for a picture: 0 where it is flat or has lines, up to LARGEST in texture.

    plane: (B, 1, H, W) luma in 0..1. Returns (B, 1, H, W). From the structure tensor over 9 x 9
    pixels: texture has gradients in both directions.
    """
    padded = F.pad(plane, (1, 1, 1, 1), mode="replicate")
    across = (padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]) / 2
    down = (padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]) / 2
    products = torch.cat([across * across, down * down, across * down], 1)
    xx, yy, xy = F.avg_pool2d(F.pad(products, (4, 4, 4, 4), mode="replicate"), 9, 1).unbind(1)
    half, root = (xx + yy) / 2, (((xx - yy) / 2).square() + xy.square()).sqrt()
    smaller, larger = (half - root).clamp(min=0), half + root
    both = 2 * smaller / (larger + smaller + 1e-6)
    seen = smaller / (smaller + 0.01**2)
    return LARGEST * (both * seen)[:, None]


def wasserstein(a: Tensor, b: Tensor, sigma: Tensor) -> Tensor:
    """Distortion of features (B, C, H, W) under a map (B, 1, h, w) of log2 sigma. Returns (B,)."""
    sigma = F.interpolate(sigma, size=a.shape[2:], mode="area")
    total = (_counts(sigma, 0) * (a - b).square()).mean((1, 2, 3))
    squares = [a, a * a, b, b * b]
    for level in range(1, LARGEST + 1):
        squares = [_half(x) for x in squares]
        sigma = F.avg_pool2d(sigma, 2, ceil_mode=True)
        mean_a, aa, mean_b, bb = squares
        deviation_a = (aa - mean_a.square()).clamp(min=VARIANCE).sqrt()
        deviation_b = (bb - mean_b.square()).clamp(min=VARIANCE).sqrt()
        found = (mean_a - mean_b).square() + (deviation_a - deviation_b).square()
        total = total + (_counts(sigma, level) * found).mean((1, 2, 3))
    return total


def _counts(sigma: Tensor, level: int) -> Tensor:
    """Share of a level at each place: 1 where log2 sigma is that, falling to 0 one away."""
    return (1 - (sigma - level).abs()).clamp(min=0)


def _half(x: Tensor) -> Tensor:
    """Low-pass by (1 2 1) / 4 both ways, every second sample."""
    count = x.shape[1]
    kernel = x.new_tensor([0.25, 0.5, 0.25])
    kernel = (kernel[:, None] * kernel).expand(count, 1, 3, 3)
    return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), kernel, stride=2, groups=count)


def _layers() -> list[str]:
    parts = ("squeeze1x1", "expand1x1", "expand3x3")
    return ["conv1", *(f"{fire}_{part}" for fire in FIRES for part in parts)]


def write_features(layers: Mapping[str, Sequence[NDArray[Any]]], path: Path) -> None:
    """The file that `Features` reads.

    Args:
        layers: kernel (height, width, inputs, outputs) and bias of each layer by the name that
            Keras gives it, as in "fire2/squeeze1x1".
        path: of the .npz.
    """
    arrays: dict[str, Any] = {}
    for name in _layers():
        kernel, bias = layers[name.replace("_", "/", 1)][:2]
        arrays[f"{name}.weight"] = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1), np.float32)
        arrays[f"{name}.bias"] = np.asarray(bias, np.float32).reshape(-1)
    np.savez(path, **arrays)
