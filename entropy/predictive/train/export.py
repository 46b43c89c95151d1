"""Trained networks, coefficients and tables as the tensors of a weights file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from entropy.predictive.photo import CLASS_BITS, CLASS_START, DIRECT, PHASES, SCALES, TOKENS
from entropy.predictive.train.network import Network, exponents
from entropy.predictive.train.samples import scale_tables
from networks import weights_file

__all__ = ["weights"]

Tensors = dict[str, weights_file.Entry]


def _mass(first: int, last: int, mean: float, scale: float) -> float:
    """Probability of first .. last under a logistic distribution."""
    low, high = (first - 0.5 - mean) / scale, (last + 0.5 - mean) / scale
    if low > 0:  # the far tail, mirrored: there the distribution function is 1 but for rounding
        low, high = -high, -low
    cdf = 1 / (1 + np.exp(-np.clip([low, high], -700, 700)))
    return float(cdf[1] - cdf[0])


def _frequencies(scale: float, mean: float) -> npt.NDArray[np.int32]:
    masses = []
    for token in range(TOKENS):
        size = (token + 1) // 2
        last = size
        if token > DIRECT:
            number = (token - DIRECT - 1) // 2
            size, last = CLASS_START[number], CLASS_START[number] + (1 << CLASS_BITS[number]) - 1
        masses.append(
            _mass(size, last, mean, scale) if token % 2 else _mass(-last, -size, mean, scale)
        )
    total = 1 << 16
    found = np.maximum(1, np.floor(np.array(masses) * (total - TOKENS) + 0.5)).astype(np.int64)
    found[np.argmax(found)] += total - found.sum()
    return found.astype(np.int32)


def _layers(channel: int, net: Network) -> Tensors:
    found: Tensors = {}
    for name, layer in (("first", net.first), ("second", net.second), ("third", net.third)):
        weights = layer.weight.detach().double()
        bias = layer.bias.detach().double().numpy()
        path = f"photo/{channel}/{name}"
        if name == "third":
            found[f"{path}/weights"] = np.round(weights.numpy() * 1024).astype(np.int16)
            found[f"{path}/bias"] = (np.round(bias * 1024 * 256) + 512).astype(np.int32)
            continue
        exponent = exponents(weights)
        shift = exponent.numpy() - (0 if name == "first" else 4)
        unit = 2.0 ** exponent.numpy()
        found[f"{path}/weights"] = (
            torch.round(weights * torch.exp2(exponent)[:, None]).numpy().astype(np.int8)
        )
        half = np.floor(2.0 ** (shift - 1))
        found[f"{path}/bias"] = (np.round(bias * 16 * unit) + half).astype(np.int32)
        found[f"{path}/shift"] = shift.astype(np.int8)
    return found


def weights(nets: Sequence[Network], coefficients: Sequence[npt.NDArray[np.int32]]) -> bytes:
    """The bytes of the weights file."""
    reciprocals, logarithms = scale_tables()
    tables = [
        _frequencies(2.0 ** (k / 3 - 4), phase / 4)
        for k in range(SCALES)
        for phase in range(PHASES)
    ]
    found: Tensors = {
        "photo/reciprocals": reciprocals,
        "photo/logarithms": logarithms.astype(np.int16),
        "photo/frequencies": np.stack(tables),
    }
    for c, net in enumerate(nets):
        found[f"photo/{c}/linear"] = coefficients[c].astype(np.int16)
        found.update(_layers(c, net))
    return weights_file.write(found)
