"""Inputs of exact networks, and what every operation but the layers must do with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from entropy.integer.ops import NumpyOps
from networks.train.spec import ACT_MAX, MEAN_LIMIT


def activations(random: np.random.Generator, kind: str, shape: tuple[int, ...]) -> np.ndarray:
    """Activations: at random, at the ends at random, or all at one end."""
    x = random.integers(-ACT_MAX, ACT_MAX + 1, shape)
    if kind == "ends":
        x = random.choice([-ACT_MAX, ACT_MAX], shape)
    elif kind == "top":
        x = np.full(shape, ACT_MAX)
    return np.asarray(x, dtype=np.int64)


def other_operations(
    ours: Any, theirs: NumpyOps, h: int, w: int, group: int, seed: int
) -> list[tuple[torch.Tensor, np.ndarray]]:
    """What `ours`, operations over tensors, and the definition make of the same random input."""
    random = np.random.default_rng(seed)
    x, y = (activations(random, kind, (1, h, w, 8)) for kind in ("random", "ends"))
    z = random.integers(-32768, 32768, (1, h, w, 8)).astype(np.int64)
    # y_hat = mean + 2^5 * symbol, at most 2^19 + 2^20
    y_hat = random.integers(-MEAN_LIMIT * 3, MEAN_LIMIT * 3 + 1, (1, h, w, 2)).astype(np.int64)
    y_hat = np.where(random.random(y_hat.shape) < 0.5, y_hat >> 10, y_hat)
    cells = [activations(random, "random", (1, h, w, 3)) for _ in range(4)]

    def tensor(array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(array).to(ours.ACTIVATION)

    return [
        (ours.add(tensor(x), tensor(y)), theirs.add(x, y)),
        (ours.add(tensor(x), tensor(y), relu=True), theirs.add(x, y, relu=True)),
        (ours.from_z(torch.from_numpy(z).float()), theirs.from_z(z)),
        (ours.from_y(torch.from_numpy(y_hat).float(), group), theirs.from_y(y_hat, group)),
        (ours.shuffle(tensor(x)), theirs.shuffle(x)),
        (ours.join([tensor(c) for c in cells]), theirs.join(cells)),
    ]
