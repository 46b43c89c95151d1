"""Weights files: one safetensors file per model, verified by its SHA-256 before anything in it is
used.

metadata        {"config": JSON of ImageConfig}; a trunk that it does not name has no notes
analysis/...    float16   g_a; synthesis/... g_s; hyper_analysis/... h_a
exact/...       integers of the exact networks (int16 weights, int32 biases, int8 shifts)
cdf             uint8     serialised CdfTables;  z_index uint8 (levels, hyper)
dead_zone       float32   (tables,) the encoder's rounding offset by table index
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save
from torch import Tensor

from codec.errors import WeightsMismatch
from codec.models.image import ImageConfig
from codec.models.registry import ModelEntry
from codec.transforms.wavelet import STEM_CHANNELS, WaveletConfig
from entropy.coder import CdfTables
from entropy.integer.network import IntegerNetwork
from entropy.models.latent_codec import LatentTables
from entropy.models.quadtree import EntropyConfig, layer_specs

__all__ = ["ModelWeights", "load_model", "read_weights", "write_weights"]

_PARTS = ("analysis", "synthesis", "hyper_analysis")


@dataclass(frozen=True, slots=True, eq=False)
class ModelWeights:
    """Everything a model is: floats as float32 tensors on the CPU, integers as arrays."""

    config: ImageConfig
    floats: dict[str, dict[str, Tensor]]
    network: IntegerNetwork
    tables: LatentTables
    dead_zone: Tensor

    def part(self, name: str, device: torch.device) -> dict[str, Tensor]:
        """The float weights of "analysis", "synthesis" or "hyper_analysis" on a device."""
        return {key: value.to(device) for key, value in self.floats[name].items()}


def write_weights(weights: ModelWeights) -> bytes:
    """The bytes of a weights file; the same model gives the same bytes."""
    arrays: dict[str, NDArray[Any]] = {
        f"{part}/{key}": np.ascontiguousarray(value.numpy().astype(np.float16))
        for part in _PARTS
        for key, value in weights.floats[part].items()
    }
    arrays |= {f"exact/{k}": np.ascontiguousarray(v) for k, v in weights.network.arrays().items()}
    arrays["cdf"] = np.frombuffer(weights.tables.cdf.to_bytes(), dtype=np.uint8)
    arrays["z_index"] = weights.tables.z_index
    arrays["dead_zone"] = weights.dead_zone.numpy()
    config = json.dumps(asdict(weights.config), sort_keys=True)
    return save(dict(sorted(arrays.items())), metadata={"config": config})


def read_weights(data: bytes) -> ModelWeights:
    """The inverse of `write_weights`; the exact networks are proved on the way.

    Raises:
        WeightsMismatch: the bytes are not a weights file of this program.
        InvalidNetwork, InvalidTable: its integers break a rule.
    """
    try:
        arrays = load(data)
        length = int.from_bytes(data[:8], "little")
        recipe = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["config"])
        config = ImageConfig(
            transform=WaveletConfig(**{"trunk": STEM_CHANNELS} | recipe["transform"]),
            entropy=EntropyConfig(**recipe["entropy"]),
        )
        floats: dict[str, dict[str, Tensor]] = {part: {} for part in _PARTS}
        exact: dict[str, NDArray[Any]] = {}
        for key, array in arrays.items():
            part, _, name = key.partition("/")
            if part in floats:
                floats[part][name] = torch.from_numpy(array).float()
            elif part == "exact":
                exact[name] = array
        cdf = CdfTables.from_bytes(arrays["cdf"].tobytes())
        tables = LatentTables(
            cdf, _table(arrays, "z_index", np.uint8, (config.levels, config.entropy.hyper))
        )
        dead_zone = torch.from_numpy(_table(arrays, "dead_zone", np.float32, (len(cdf),)).copy())
    except (KeyError, TypeError, ValueError, SafetensorError) as error:
        raise WeightsMismatch(f"not a weights file of this program: {error}") from error
    network = IntegerNetwork.from_arrays(layer_specs(config.entropy), exact, config.levels)
    return ModelWeights(config, floats, network, tables, dead_zone)


def _table(
    arrays: dict[str, NDArray[Any]], name: str, dtype: type, shape: tuple[int, ...]
) -> NDArray[Any]:
    """An array of the file that must have this type and shape. Raises ValueError otherwise."""
    array = arrays[name]
    if array.dtype != dtype or array.shape != shape:
        raise ValueError(
            f"{name}: found {array.dtype} {array.shape}, expected {np.dtype(dtype)} {shape}"
        )
    return array


def read_verified(path: Path, sha256: str) -> bytes:
    """The bytes of a weights file, verified.

    Raises:
        WeightsMismatch: the file is missing or is not the one with that hash.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsMismatch(
            f"weights file {path.name} cannot be read: {error.strerror}"
        ) from error
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise WeightsMismatch(
            f"weights file {path.name}: found SHA-256 {found[:16]}..., expected {sha256[:16]}...; "
            f"reinstall the package"
        )
    return data


@lru_cache(maxsize=2)
def load_model(entry: ModelEntry) -> ModelWeights:
    """The weights of a registered model, kept in memory for the next call.

    Raises:
        WeightsMismatch: the file is missing, damaged or another one.
    """
    return read_weights(read_verified(entry.path, entry.sha256))
