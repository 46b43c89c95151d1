"""Weights files as training sees them: floats and layers, written as programs and read back.

TrainedWeights ──write──► weights file: programs, tables, recipe          (what runs)
                                        config, distortion, units/...     (what training needs)
weights file ──read──► TrainedWeights, up to the rounding of the integers
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from codec.errors import WeightsMismatch
from codec.trainable.block_integers import Units
from codec.trainable.distortion import Recipe
from codec.trainable.folded import Largest
from codec.trainable.integers import Limits, Parts, floats_of, transform_programs
from codec.trainable.model import ImageConfig
from codec.transforms.wavelet import WaveletConfig, analysis_margin, synthesis_margin
from entropy.coder import CdfTables
from entropy.models.quadtree import EntropyConfig
from entropy.models.record import integer_network_of, programs
from networks import weights_file
from networks.errors import InvalidWeightsFile
from networks.export.integer_layers import IntegerNetwork
from networks.program import Program
from networks.train.training import KNOTS

__all__ = ["LatentTables", "TrainedWeights", "read_trained", "read_units", "write_trained"]

TRANSFORMS = ("analysis", "synthesis", "hyper_analysis")
UNITS = "units/"


@dataclass(frozen=True, slots=True, eq=False)
class LatentTables:
    """Stored integers beside the networks: cdf tables, and z_index (levels, hyper) into them."""

    cdf: CdfTables
    z_index: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class TrainedWeights:
    """Everything a model is.

    config: its recipe. floats: folded weights of the transforms and the hyper-analysis.
    network: integers of the entropy networks. tables: of the range coder.
    distortion: what it was trained for, None for the squared error.
    """

    config: ImageConfig
    floats: Parts
    network: IntegerNetwork
    tables: LatentTables
    distortion: Recipe | None = None


def write_trained(
    weights: TrainedWeights, largest: dict[str, Largest], limits: Limits | None = None
) -> bytes:
    """The bytes of a weights file; the same arguments give the same bytes.

    Args:
        weights: the model.
        largest: what its transforms reach on photographs
            (`codec.trainable.integers.largest_values`).
        limits: widths inside the blocks.

    Raises:
        InvalidNetwork: sums of a layer do not fit 32 bits.
    """
    config = weights.config
    transforms, units = transform_programs(
        weights.floats, config.transform, config.entropy, largest, limits
    )
    entropy = config.entropy
    recipe = [
        entropy.latent, entropy.hidden, entropy.hyper, entropy.levels, entropy.trellis_step,
        entropy.trellis_states, analysis_margin(config.transform),
        synthesis_margin(config.transform),
    ]  # fmt: skip
    entries: dict[str, weights_file.Entry] = {
        "recipe": np.array(recipe, dtype=np.int32),
        "cdf": weights.tables.cdf.to_bytes(),
        "z_index": weights.tables.z_index,
        "config": _config_of(config),
    }
    if weights.distortion is not None:
        entries["distortion"] = json.dumps(asdict(weights.distortion), sort_keys=True).encode()
    entries |= {**transforms, **programs(entropy, weights.network)}
    entries |= {UNITS + k: np.asarray(v, np.float32) for k, v in sorted(units.items())}
    return weights_file.write(entries)


def _config_of(config: ImageConfig) -> bytes:
    """The entry `config`, which training needs; without windows where there are none, as it was
    before there were any.
    """
    found = asdict(config)
    if not config.transform.windows:
        del found["transform"]["windows"]
    return json.dumps(found, sort_keys=True).encode()


def read_trained(data: bytes) -> TrainedWeights:
    """The inverse of `write_trained`, up to the rounding of the integers.

    Raises:
        WeightsMismatch: the bytes are not a weights file of this program.
        InvalidNetwork, InvalidTable: its integers break a rule.
    """
    try:
        entries = weights_file.read(data)
        recipe = json.loads(cast(bytes, entries["config"]))
        config = ImageConfig(
            transform=WaveletConfig(**recipe["transform"]),
            entropy=EntropyConfig(**recipe["entropy"]),
        )
        found = {name: e for name, e in entries.items() if isinstance(e, Program)}
        units = _units(entries)
        floats = floats_of({name: found[name] for name in TRANSFORMS}, units, KNOTS)
        tables = LatentTables(
            CdfTables.from_bytes(cast(bytes, entries["cdf"])),
            cast(NDArray[np.uint8], entries["z_index"]).copy(),
        )
        distortion = None
        if "distortion" in entries:
            distortion = Recipe.of(json.loads(cast(bytes, entries["distortion"])))
        network = integer_network_of(config.entropy, found, config.levels)
    except (InvalidWeightsFile, KeyError, TypeError, ValueError) as error:
        raise WeightsMismatch(f"not a weights file of this program: {error}") from error
    return TrainedWeights(config, floats, network, tables, distortion)


def read_units(data: bytes) -> Units:
    """Units of the channels of a weights file's transforms, by `PART/PLACE`.

    Raises:
        WeightsMismatch: the bytes are not a weights file.
    """
    try:
        return _units(weights_file.read(data))
    except InvalidWeightsFile as error:
        raise WeightsMismatch(f"not a weights file of this program: {error}") from error


def _units(entries: Mapping[str, weights_file.Entry]) -> Units:
    return {
        name.removeprefix(UNITS): cast(NDArray[np.float64], e).astype(np.float64)
        for name, e in entries.items()
        if name.startswith(UNITS)
    }
