"""Learning on compressed data: which photograph is a patch of 64 x 64 pixels from?

    python examples/learn_on_latents.py PHOTO PHOTO ...

Left halves of the photographs teach, right halves test. One small network sees the latents of files
of the profile wavelet-light, the other the decoded pixels; both take the same multiplications, and
the first needs no synthesis. Needs PyTorch.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from torch import Tensor, nn

import codec

PATCH, LATENT = 64, 16


def patches(array: np.ndarray, side: int) -> Tensor:
    """(h, w, C) -> (h // side * (w // side), C, side, side), column by column."""
    h, w = (n // side * side for n in array.shape[:2])
    cut = torch.from_numpy(np.ascontiguousarray(array[:h, :w])).float()
    cut = cut.unfold(0, side, side).unfold(1, side, side)
    return cut.transpose(0, 1).flatten(0, 1)


def accuracy(network: nn.Module, x: Tensor, y: Tensor, teaches: Tensor, steps: int) -> float:
    """Share of the other patches that the network names rightly after learning."""
    x = (x - x[teaches].mean((0, 2, 3), keepdim=True)) / (x[teaches].std() + 1e-6)
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=0.05)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(x[teaches]), y[teaches]).backward()
        optimizer.step()
    with torch.no_grad():
        return float((network.eval()(x[~teaches]).argmax(1) == y[~teaches]).float().mean())


def main(files: list, steps: int = 150) -> dict[str, float]:
    if len(files) < 2:
        raise SystemExit("give two photographs or more: files, 128 pixels wide or more")
    torch.manual_seed(0)
    latents, pixels, labels, teaches = [], [], [], []
    for n, file in enumerate(files):
        try:
            data = codec.encode(file, profile="wavelet-light", quality=50)
            seen, decoded = codec.latents(data), codec.decode(data)
        except (codec.CodecError, OSError) as error:
            raise SystemExit(f"{file}: {error}") from error
        grey = decoded.shape[2] < 3
        decoded = np.repeat(decoded[..., :1], 3, axis=2) if grey else decoded[..., :3]
        height, width = (side // PATCH * PATCH for side in decoded.shape[:2])
        if height < PATCH or width < 2 * PATCH:
            raise SystemExit(f"{file} is no photograph, 128 pixels wide or more")
        latents.append(patches(seen[: height // LATENT, : width // LATENT], PATCH // LATENT))
        pixels.append(patches(decoded[:height, :width], PATCH))
        count = len(pixels[-1])
        labels += [n] * count
        teaches += [k < count // 2 for k in range(count)]
    y, left = torch.tensor(labels), torch.tensor(teaches)
    networks = {
        "latents": (torch.cat(latents), nn.Conv2d(320, 32, 1)),  # 16 x 320 x 32 products
        "pixels": (torch.cat(pixels), nn.Conv2d(3, 13, 8, 8)),  # 64 x 192 x 13, about as many
    }
    found = {}
    for name, (x, first) in networks.items():
        pooled = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(first.out_channels, len(files))
        found[name] = accuracy(nn.Sequential(first, nn.GELU(), *pooled), x, y, left, steps)
        print(
            f"{name}: {found[name]:.1%} of {int((~left).sum())} patches, {len(files)} photographs"
        )
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
